"""Settings that lead to the same tools share them, down to their validators."""

from typing import Any

import pytest
from pydantic import SecretStr

from telefonie_mcp.errors import SettingsError
from telefonie_mcp.settings.fields import Settings
from telefonie_mcp.tools.loading import Catalogs


def live(key: str, **changes: Any) -> Settings:
    return Settings(api_key=SecretStr(key), **changes)


def test_settings_that_differ_in_key_and_limits_have_one_catalog() -> None:
    catalogs = Catalogs()
    one = catalogs.of(live("distinctive-key-0451"))
    other = catalogs.of(live("another-key-0452", max_monthly_spend="25", account="other", countries="US"))
    assert one is other


@pytest.mark.parametrize(
    "changes", [{"read_only": True}, {"tools": "list_owned_numbers"}, {"toolsets": "numbers"}]
)
def test_settings_that_differ_in_tools_share_each_tool(changes: dict[str, Any]) -> None:
    catalogs = Catalogs()
    all_tools = catalogs.of(live("distinctive-key-0451", toolsets="numbers")).catalog
    fewer = catalogs.of(live("another-key-0452", **{"toolsets": "numbers", **changes})).catalog
    assert {**fewer.tools}.items() <= {**all_tools.tools}.items()
    assert all(fewer.everything[name] is tool for name, tool in all_tools.everything.items())


def test_settings_with_two_currencies_have_their_own_descriptions() -> None:
    catalogs = Catalogs()
    dollars, euros = (catalogs.of(live("distinctive-key-0451", currency=each)) for each in ("USD", "EUR"))
    texts = [loaded.catalog["purchase_number"].description for loaded in (dollars, euros)]
    assert texts[0] != texts[1]
    assert dollars.documents == euros.documents


def test_a_catalog_for_one_key_is_never_that_for_settings_that_are_refused() -> None:
    catalogs = Catalogs()
    catalogs.of(live("distinctive-key-0451"))
    with pytest.raises(SettingsError, match="there is no type 'lokal'"):
        catalogs.of(live("another-key-0452", number_types="lokal"))
    with pytest.raises(SettingsError, match="fewer than 8 characters"):
        catalogs.of(live("short"))
