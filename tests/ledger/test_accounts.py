"""The name of an account outlives its key and the spelling of its address."""

import pytest

from telefonie_mcp.ledger.accounts import is_earlier_name, live_account


@pytest.mark.parametrize(
    ("server", "name"),
    [
        ("https://api.telefonie.com/v1/numbers", "work api.telefonie.com:443"),
        ("https://API.Telefonie.com.:443/v2", "work api.telefonie.com:443"),
        ("http://api.telefonie.com", "work api.telefonie.com:80"),
        ("https://api.telefonie.com:8443", "work api.telefonie.com:8443"),
        ("http://127.0.0.1:8080/v1", "work 127.0.0.1:8080"),
        ("http://localhost:8080/v1", "work 127.0.0.1:8080"),
        ("http://LOCALHOST.:8080", "work 127.0.0.1:8080"),
        ("http://api.localhost:8080", "work 127.0.0.1:8080"),
        ("http://127.3.2.1:8080", "work 127.0.0.1:8080"),
        ("http://[::1]:8080", "work 127.0.0.1:8080"),
        ("http://[::ffff:127.0.0.1]:8080", "work 127.0.0.1:8080"),
        ("http://[2001:DB8::0:1]:8080", "work 2001:db8::1:8080"),
    ],
)
def test_an_account_is_named_by_the_operator_and_by_one_spelling_of_the_address(
    server: str, name: str
) -> None:
    account = live_account("work", server, "0a")
    assert (account.name, account.key) == (name, "0a")


@pytest.mark.parametrize(
    ("earlier", "same"),
    [
        ("live api.telefonie.com 0a", True),
        ("live API.telefonie.com:443 0a", True),
        ("live api.telefonie.com 0b", False),
        ("live api.telefonie.com:80 0a", False),
        ("live other.example 0a", False),
        ("live api.telefonie.com", False),
        ("sandbox", False),
        ("work api.telefonie.com:443", False),
        ("", False),
    ],
)
def test_an_account_of_an_earlier_release_is_recognised_by_host_and_key(earlier: str, same: bool) -> None:
    assert is_earlier_name(earlier, live_account("work", "https://api.telefonie.com/v1", "0a")) is same


def test_an_account_of_an_earlier_release_is_recognised_under_another_spelling_of_this_machine() -> None:
    account = live_account("default", "http://localhost:8080/v1", "0a")
    assert is_earlier_name("live 127.0.0.1:8080 0a", account)
    assert not is_earlier_name("live 127.0.0.1:8081 0a", account)
