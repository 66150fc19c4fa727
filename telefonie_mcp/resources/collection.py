"""Reads a paginated collection of an API into one JSON text.

Only the text and the current page are kept in memory. The text says whether it is complete, and has a
``note`` if it may not be: the API ignores the page number, reports more items than it returned, or the items
changed during the read.
"""

from collections.abc import Awaitable, Callable, Mapping
from io import StringIO
from typing import Any, Final, cast

from telefonie_mcp.openapi.hints import Pages
from telefonie_mcp.progress import report
from telefonie_mcp.text import compact

__all__ = ["read_collection"]

_MAX_CHARACTERS: Final = 32 * 1024 * 1024
"""Maximum length of the text, give or take one page."""

ReadPage = Callable[[Mapping[str, Any]], Awaitable[Mapping[str, Any]]]


async def read_collection(
    read: ReadPage, pages: Pages, *, size: int, title: str, max_characters: int = _MAX_CHARACTERS
) -> str:
    """Return a JSON object: the items, ``total``, ``complete``, and a ``note`` if it is incomplete.

    Args:
        read: Takes the arguments that select a page, and returns the response.
        pages: The names of those arguments and of the members of the response.
        size: How many items to request per page.
        title: Subject of the progress reports.
        max_characters: Length of the text after which no further page is read.

    Raises:
        Exception: whatever ``read`` raises; a collection with a gap is not returned.

    """
    total: int | None = None
    text = StringIO()
    text.write(f"{{{compact(pages.items)}:[")
    found, note, changed = 0, "", False
    first_keys, previous_keys = set[str](), set[str]()
    page = 0
    while True:
        page += 1
        answer = await read({pages.page: page, pages.size: size})
        items = cast("list[Mapping[str, Any]]", answer.get(pages.items, []))
        previous_total, total = total, answer.get(pages.total or "")
        changed = changed or (page > 1 and total != previous_total)
        keys = [str(item.get(pages.key)) for item in items]
        if not items:
            break
        if keys[0] in first_keys:
            note = (
                f"The API answered {pages.page} {page} with what it had shown before, so it seems to ignore "
                f"{pages.page}. Only the {found} it showed first are here; there may be more."
            )
            break
        first_keys.add(keys[0])
        for key, item in zip(keys, items, strict=True):
            if key not in previous_keys:  # a new item moved it here from the page before
                text.write(f"{',' if found else ''}{compact(item)}")
                found += 1
        previous_keys = set(keys)
        await report(f"{title}: {found} read", done=found, total=total)
        if total is not None and found >= total:
            break
        if text.tell() > max_characters:
            note = f"There are more than can be read at once; only the first {found} are here."
            break
    if not note and (changed or (total is not None and found < total)):
        note = f"The API says that there are {total}, and showed {found}. They changed meanwhile; read again."
    end = {
        "total": found if total is None else total,
        "complete": not note,
        **({"note": note} if note else {}),
    }
    text.write(f"],{compact(end)[1:]}")
    return text.getvalue()
