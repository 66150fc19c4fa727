"""``TELEFONIE_TENANTS``: who may use the server, with whose key, and within which limits."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from telefonie_mcp.errors import SettingsError
from telefonie_mcp.settings.fields import Settings
from telefonie_mcp.settings.tenants import Tenants, read_tenants

ACME, BETA = "acme-distinctive-0451", "beta-distinctive-0452"


def tenants(directory: Path, toml: str, **operator: Any) -> Tenants:
    for name, key in (("acme", ACME), ("beta", BETA), ("same", ACME), ("short", "abc")):
        (directory / name).write_text(f"{key}\n")
        (directory / name).chmod(0o600)
    (directory / "tenants.toml").write_text(toml, "utf-8")
    return read_tenants(directory / "tenants.toml", Settings.model_construct(**operator))


def table(name: str = "acme", claim: str = "org_1", key: str = "acme", more: str = "") -> str:
    return f'[tenants.{name}]\nclaim = "{claim}"\napi_key_file = "{key}"\n{more}\n'


def test_a_tenant_has_its_own_key_and_account_and_the_operator_s_settings_tightened(tmp_path: Path) -> None:
    more = """
    max_monthly_spend = 25
    max_monthly_rate = "2.50"
    countries = ["us", "CA"]
    protected_numbers = "+1 415 555 0100"
    approval = "human"
    toolsets = ["numbers"]
    """
    made = tenants(
        tmp_path,
        table(more=more) + table("beta", "org_2", str(tmp_path / "beta")),
        base_url="https://api.example.com",
        max_monthly_spend=Decimal(100),
        protected_numbers=frozenset({"+14155550199"}),
    )
    acme, beta = made
    assert [(each.name, each.claim) for each in made] == [("acme", "org_1"), ("beta", "org_2")]
    own = acme.settings
    assert (own.mode, own.account, own.base_url) == ("live", "acme", "https://api.example.com")
    assert own.key
    assert own.key.get_secret_value() == ACME
    assert (own.max_monthly_spend, own.max_monthly_rate) == (25, Decimal("2.50"))
    assert own.countries == {"US", "CA"}
    assert own.protected_numbers == {"+14155550100", "+14155550199"}
    assert (own.approval, own.toolsets) == ("human", ("numbers",))
    assert beta.settings.key
    assert beta.settings.key.get_secret_value() == BETA
    assert (beta.settings.max_monthly_spend, beta.settings.countries) == (100, frozenset())
    assert (beta.settings.approval, beta.settings.account) == ("confirm", "beta")
    assert made.warnings == ()
    assert ACME not in repr(made)


@pytest.mark.parametrize(
    ("claim", "name"),
    [
        ("org_1", "acme"),
        ("7", "seven"),
        (7, "seven"),
        (["org_1"], "acme"),
        (["org_1", "elsewhere"], "acme"),
        (["org_1", "7"], None),  # which of the two is meant is nobody's guess
        ([], None),
        ("ORG_1", None),
        ("org_1 ", None),
        ("", None),
        (None, None),
        (True, None),
        ({"org_1": {}}, None),
        ([["org_1"]], None),
    ],
)
def test_a_claim_names_one_tenant_or_none(tmp_path: Path, claim: Any, name: str | None) -> None:
    made = tenants(tmp_path, table() + table("seven", "7", "beta") + table("true", "True", "beta"))
    found = made.of(claim)
    assert (found and found.name) == name


@pytest.mark.parametrize(
    ("toml", "words"),
    [
        ("", "tenants.toml has no tenant; add one"),
        ("tenants = 5", "tenants.toml has no tenant"),
        ("[tenants.acme", "tenants.toml is not TOML"),
        (table() + table(), "tenants.toml is not TOML"),
        (table().replace("tenants", "tenant"), "tenants.toml: tenant is unknown; did you mean tenants?"),
        ("[acme]", r"tenants.toml: acme is unknown; every table is called \[tenants.NAME\]"),
        ("[tenants]\nacme = 1", r"\[tenants.acme\]: it is no table"),
        (table('"Acme Ltd"'), r"\[tenants.Acme Ltd\]: the name is an account"),
        (table('""'), r"\[tenants.\]: the name is an account"),
        (table(more="max_monthly_spent = 5"), r"max_monthly_spent is unknown; did.*max_monthly_spend\?"),
        (table(more="TELEFONIE_READ_ONLY = true"), r"\[tenants.acme\]: TELEFONIE_READ_ONLY is unknown"),
        (table(more='base_url = "https://x.example"'), r"base_url does not.*TELEFONIE_BASE_URL holds"),
        (table(more='account = "other"'), "account does not restrict; a tenant's account has its name"),
        (table(more=f'api_key = "{ACME}"'), r"\[tenants.acme\]: api_key is not read here.*api_key_file"),
        (table("acme.com"), r'com is a table; .* is quoted: \[tenants."acme.com"\]'),
        ('[tenants.acme]\napi_key_file = "acme"', r"\[tenants.acme\]: claim is missing"),
        ('[tenants.acme]\nclaim = ""\napi_key_file = "acme"', r"\[tenants.acme\]: claim must be a text"),
        ('[tenants.acme]\nclaim = 5\napi_key_file = "acme"', r"\[tenants.acme\]: claim must be a text"),
        ('[tenants.acme]\nclaim = "x"', r"\[tenants.acme\]: api_key_file is missing"),
        ('[tenants.acme]\nclaim = "x"\napi_key_file = 1', r"\[tenants.acme\]: api_key_file must be a text"),
        (table() + table("beta", "org_1", "beta"), r"beta\]: claim 'org_1' is also that of \[tenants.acme\]"),
        (table(key="nowhere"), r"\[tenants.acme\]: api_key_file cannot be read \(No such file"),
        (table(key="short"), r"\[tenants.acme\]: api_key_file holds an API key of fewer than 8 characters"),
        (table(more='countries = ["Texas"]'), r"\[tenants.acme\]: countries: each must be an ISO 3166-1"),
        (table(more="countries = []"), r"\[tenants.acme\]: countries names nothing"),
        (table(more='tools = ""'), r"\[tenants.acme\]: tools names nothing"),
        (table(more='tools = " , "'), r"\[tenants.acme\]: tools: names nothing"),
        (table(more='toolsets = ["port"]'), r"toolsets: there is no toolset 'port'; did you mean porting\?"),
        (table(more='approval = "always"'), r"acme\]: approval: must be confirm, human or block \(got"),
        (table(more="max_purchases_per_day = true"), r"acme\]: max_purchases_per_day must be a value"),
        (table(more="max_purchases_per_day = -1"), r"acme\]: max_purchases_per_day: .*least 0 \(got -1\)"),
        (table(more="tools = 5"), r"acme\]: tools: must be a list of texts \(got 5\)"),
        (table(more="countries = [5, 6]"), r"acme\]: countries: each must be an ISO 3166-1.*\(got 5\)"),
        (table(more='max_monthly_rate = "cheap"'), r"\[tenants.acme\]: max_monthly_rate: must be an amount"),
        (table(more='countries = ["CA"]'), r"acme\]: countries has nothing .*TELEFONIE_COUNTRIES"),
        (table(more='currency = "EUR"'), r"\[tenants.acme\]: currency is EUR, and TELEFONIE_CURRENCY is USD"),
    ],
)  # fmt: skip
def test_what_cannot_be_meant_stops_the_start(tmp_path: Path, toml: str, words: str) -> None:
    with pytest.raises(SettingsError, match=f"^TELEFONIE_TENANTS: .*{words}") as raised:
        tenants(tmp_path, toml, countries=frozenset({"US"}), currency="USD")
    assert ACME not in str(raised.value)
    assert str(tmp_path) not in str(raised.value)


def test_a_file_that_is_not_there_stops_the_start(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"^TELEFONIE_TENANTS: none.toml cannot be read \(No such file"):
        read_tenants(tmp_path / "none.toml", Settings())


def test_one_sandbox_is_not_shared_by_tenants(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="TELEFONIE_SANDBOX contradicts TELEFONIE_TENANTS"):
        tenants(tmp_path, table(), sandbox=True)


def test_a_key_of_another_document_is_not_shared_by_tenants(tmp_path: Path) -> None:
    (tmp_path / "own.toml").write_text('[infobip]\napi_key_file = "beta"')
    with pytest.raises(
        SettingsError, match=r"TELEFONIE_SPEC_CREDENTIALS: api_key_file of \[infobip\] would be"
    ):
        tenants(tmp_path, table(), spec=(Path("infobip.yml"),), spec_credentials=tmp_path / "own.toml")


def test_a_looser_limit_is_told_and_does_not_hold(tmp_path: Path) -> None:
    made = tenants(tmp_path, table(more="max_monthly_spend = 500"), max_monthly_spend=Decimal(100))
    (acme,) = made
    assert acme.settings.max_monthly_spend == 100
    (warning,) = made.warnings
    assert warning == (
        "TELEFONIE_TENANTS: tenants.toml: [tenants.acme]: max_monthly_spend is looser than "
        "TELEFONIE_MAX_MONTHLY_SPEND of the operator, which holds"
    )


def test_one_key_of_two_tenants_is_told(tmp_path: Path) -> None:
    made = tenants(tmp_path, table() + table("beta", "org_2", "same"))
    (warning,) = made.warnings
    assert "[tenants.beta]: api_key_file holds the key of [tenants.acme] too" in warning
    assert ACME not in warning


def test_a_key_that_others_can_read_is_told(tmp_path: Path) -> None:
    tenants(tmp_path, table())
    (tmp_path / "acme").chmod(0o644)
    made = read_tenants(tmp_path / "tenants.toml", Settings())
    (warning,) = made.warnings
    assert warning.startswith(
        "TELEFONIE_TENANTS: tenants.toml: [tenants.acme]: others can read the API key in"
    )


def test_the_key_is_that_of_the_moment_at_which_the_file_was_read(tmp_path: Path) -> None:
    (acme,) = tenants(tmp_path, table())
    (tmp_path / "acme").write_text("another-key-0453")
    assert acme.settings.key
    assert acme.settings.key.get_secret_value() == ACME
