"""What an answer does not say itself, and saves a call or a question: ``note`` in the content of a result.

How to get the next page, what a complete list adds up to, why a search may have found nothing, how to undo.
Texts of the provider do not enter: they would pass for the server's own words.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final, cast

from anyio import to_thread

from telefonie_mcp.calls.policy import Policy
from telefonie_mcp.money import ACCOUNT_CURRENCY, amount_text, named_currency
from telefonie_mcp.openapi.hints import Pages
from telefonie_mcp.text import clean_line
from telefonie_mcp.tools.catalog import Tool

__all__ = ["rate_note", "read_note", "undo_note"]

_MAX_COUNTRIES: Final = 10
_MAX_VALUE: Final = 40
"""Characters of an argument that a note repeats."""

_OTHER: Final = "other"
_SIZES: Final = frozenset({"limit"})
"""Arguments that ask for fewer results but exclude none."""

_Items = Sequence[Mapping[str, Any]]


def undo_note(tool: Tool, content: Mapping[str, Any]) -> str:
    """Return how to undo a write that says what it has replaced; otherwise nothing."""
    name = tool.hints.replaced or ""
    if name not in content or not _has_room(tool):
        return ""
    if not content[name]:
        return "Nothing changed: everything was so before."
    return (
        f"Undo, also later: {tool.name} with the values in {name}, kept in telefonie://log and "
        "`telefonie-mcp log`."
    )


def rate_note(answered: Any, rate: Decimal | None, offered: Decimal | None) -> str:
    """Return a warning where a purchase costs more than was offered, or nobody can tell; otherwise nothing.

    Args:
        answered: The monthly rate in the answer, as the API writes it.
        rate: The same as an amount, where it can be read.
        offered: The rate that the purchase was decided by, if one was needed.

    """
    if offered is None or answered is None or (rate is not None and rate <= offered):
        return ""
    now = clean_line(answered, _MAX_VALUE)
    return f"The API offered {amount_text(offered)} per month, and says {now} now: tell the user at once."


async def read_note(
    tool: Tool, arguments: Mapping[str, Any], content: Mapping[str, Any], policy: Policy
) -> str:
    """Return of an answer that is a list what it adds up to, or how to get the rest; otherwise nothing."""
    items = content.get(_list_name(tool) or "")
    if not isinstance(items, list) or not _has_room(tool):
        return ""
    pages = tool.hints.resource.pages if tool.hints.resource else None
    if not items:
        return await _nothing_found(tool, arguments, pages)
    if pages is None:
        return ""
    listing = _Listing(tool, arguments, pages, cast("_Items", items), content.get(pages.total or ""))
    return listing.note(policy)


def _has_room(tool: Tool) -> bool:
    """Whether clients, which check results against the listed schema, take a member that is not in it."""
    return tool.output_schema.get("additionalProperties") is not False


def _list_name(tool: Tool) -> str | None:
    """Return the member of an answer that holds its items, if it is a list of things."""
    if tool.hints.resource and tool.hints.resource.pages:
        return tool.hints.resource.pages.items
    return tool.only_list


async def _nothing_found(tool: Tool, arguments: Mapping[str, Any], pages: Pages | None) -> str:
    """Say what was looked for, and which area code does not exist."""
    if pages and arguments.get(pages.page, 1) != 1:
        return f"There is no {pages.page}={arguments[pages.page]}; {pages.page}=1 is the first."
    given = _filters(arguments, pages)
    if not given:
        return ""
    optional = [name for name in given if name not in tool.input_schema.get("required", ())]
    advice = f" Leave out or change {' or '.join(optional)}." if optional else ""
    unknown = [note for name in given if (note := await _unknown_area_code(tool, name, arguments))]
    return f"Nothing matches {_listed(given)}.{''.join(unknown)}{advice}"


async def _unknown_area_code(tool: Tool, name: str, arguments: Mapping[str, Any]) -> str:
    if tool.formats.get(name) != "area_code":
        return ""
    from telefonie_mcp.numbering.area_codes import area_codes  # noqa: PLC0415 - phonenumbers takes a while

    countries = (value for other, value in arguments.items() if tool.formats.get(other) == "country")
    country, code = next(countries, ""), str(arguments[name])

    def known(digits: str) -> bool:
        return digits in area_codes(country, digits, 1)

    if not country or await to_thread.run_sync(known, code):
        return ""
    bare = code.lstrip("0")  # the trunk prefix, which area codes of many countries are written with
    meant = f"; did you mean {bare}?" if bare != code and await to_thread.run_sync(known, bare) else "."
    return f" libphonenumber knows no area code {code} in {country}{meant}"


def _filters(arguments: Mapping[str, Any], pages: Pages | None) -> dict[str, Any]:
    sizes = _SIZES | ({pages.page, pages.size} if pages else set[str]())
    return {name: value for name, value in arguments.items() if name not in sizes}


def _listed(arguments: Mapping[str, Any]) -> str:
    return ", ".join(f"{name}={clean_line(value, _MAX_VALUE)}" for name, value in arguments.items())


@dataclass(frozen=True, slots=True)
class _Listing:
    """A page with items, and what is known of all pages."""

    tool: Tool
    arguments: Mapping[str, Any]
    pages: Pages
    items: _Items
    total: Any

    def note(self, policy: Policy) -> str:
        count, size = len(self.items), self.arguments.get(self.pages.size)
        page: int = self.arguments.get(self.pages.page, 1)
        what = self.pages.items.replace("_", " ")
        following = f"{self.pages.page}={page + 1}"
        if page == 1 and not size:  # of later pages nobody could tell what the first ones had
            following += f" with {self.pages.size}={count}"
        if isinstance(self.total, bool) or not isinstance(self.total, int):
            if page == 1 and size and count < size:
                return self._complete(what, policy)
            return f"There may be more {what}: {following} has the next."
        if page == 1 and count >= self.total:
            return self._complete(what, policy)
        seen = count if page == 1 else (page - 1) * (size or count) + count
        if seen == self.total:
            return f"The last of {self.total} {what}."
        if page > 1 and (not size or seen > self.total):  # how many the pages before had is not known
            return f"There may be more than these of {self.total} {what}: {following} has the next."
        return f"{seen} of {self.total} {what} so far: {following} has the next{self._at_once(page)}."

    def _at_once(self, page: int) -> str:
        """Return how one call gets all, if one page can hold them."""
        schema = self.tool.input_schema["properties"].get(self.pages.size, {})
        most = schema.get("maximum", 0)
        fits = page == 1 and self.total <= most and self.arguments.get(self.pages.size) != most
        return f", {self.pages.size}={most} all" if fits else ""

    def _complete(self, what: str, policy: Policy) -> str:
        filters = _filters(self.arguments, self.pages)
        chosen = f" with {_listed(filters)}" if filters else ""
        count = len(self.items)
        whole = f"All {count} {what}" if count > 1 else f"The only {what.removesuffix('s')}"
        whole += chosen
        if not self.pages.rate:
            return f"{whole}."
        sums = [_Sum(country, items, self.pages.rate, policy) for country, items in self._by_country()]
        unnamed = any(each.amount and not each.named for each in sums)
        where = f", in {policy.currency or ACCOUNT_CURRENCY}" if unnamed else ""
        return f"{whole}: {'; '.join(map(str, sums))}{where}."

    def _by_country(self) -> Iterable[tuple[str, _Items]]:
        """Return the items by country, most first; the last group has the rarest and the unknown ones."""
        groups: dict[str, list[Mapping[str, Any]]] = {}
        for item in self.items:
            country = item.get(self.pages.country)
            known = isinstance(country, str) and re.fullmatch("[A-Z]{2}", country)
            groups.setdefault(country if known and isinstance(country, str) else _OTHER, []).append(item)
        ranked = sorted(groups.items(), key=lambda group: (group[0] == _OTHER, -len(group[1]), group[0]))
        shown, rest = ranked[:_MAX_COUNTRIES], ranked[_MAX_COUNTRIES:]
        return [*shown, *([(_OTHER, [item for _, items in rest for item in items])] if rest else [])]


class _Sum:
    """How many numbers a country has, and what they cost per month if their rates can be added."""

    def __init__(self, country: str, items: _Items, member: str, policy: Policy) -> None:
        rates = [policy.rate(item.get(member)) for item in items]
        currencies = {named_currency(item.get(member)) for item in items}
        known = [rate for rate in rates if rate is not None]
        addable = len(known) == len(items) and len(currencies) == 1
        self._country, self._count = country, len(items)
        self.named = next(iter(currencies)) if addable else None
        self.amount = amount_text(sum(known[1:], known[0])) if addable else ""

    def __str__(self) -> str:
        if not self.amount:
            return f"{self._country} {self._count}, total unknown"
        return f"{self._country} {self._count}, {self.amount}{f' {self.named}' if self.named else ''} a month"
