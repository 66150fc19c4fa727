"""Names the account's currency in the texts of the tools, where the operator has named it; pure.

Nothing is ever converted: a rate in another currency is another price.
"""

from dataclasses import replace

from telefonie_mcp.money import ACCOUNT_CURRENCY
from telefonie_mcp.tools.catalog import Catalog

__all__ = ["with_currency"]


def with_currency(catalog: Catalog, currency: str | None) -> Catalog:
    """Return the catalog with ``currency`` (ISO 4217) in descriptions that mention the account's currency."""
    if currency is None:
        return catalog
    everything = {
        name: replace(tool, description=tool.description.replace(ACCOUNT_CURRENCY, currency))
        for name, tool in catalog.everything.items()
    }
    return replace(catalog, everything=everything)
