"""A collection that an API answers in pages, as one JSON text.

Of what was read, only the text and the page at hand are kept. What the text cannot vouch for it says: an
API that answers every page alike, one that has more than it shows, or whose items change meanwhile.
"""

from collections.abc import Awaitable, Callable, Mapping
from io import StringIO
from typing import Any, Final, cast

from telefonie_mcp.openapi.hints import Pages
from telefonie_mcp.progress import report
from telefonie_mcp.text import compact

__all__ = ["MOST_CHARACTERS", "read_collection"]

MOST_CHARACTERS: Final = 32 * 1024 * 1024
"""How long the text becomes at most, give or take a page."""

ReadPage = Callable[[Mapping[str, Any]], Awaitable[Mapping[str, Any]]]


async def read_collection(
    read: ReadPage, pages: Pages, *, size: int, title: str, most: int = MOST_CHARACTERS
) -> str:
    """Read page after page and return all items, how many there are, and whether that is everything.

    Args:
        read: Takes the arguments that say which page, and returns the answer.
        pages: What the arguments and the members of the answer are called.
        size: How many items to ask for at once.
        title: What the progress is about.
        most: Characters after which no further page is read.

    Raises:
        Exception: whatever ``read`` raises; a collection with a hole is worth nothing.

    """
    total: int | None = None
    text = StringIO()
    text.write(f"{{{compact(pages.items)}:[")
    found, note, changed = 0, "", False
    firsts, before = set[str](), set[str]()
    page = 0
    while True:
        page += 1
        answer = await read({pages.page: page, pages.size: size})
        items = cast("list[Mapping[str, Any]]", answer.get(pages.items, []))
        said, total = total, answer.get(pages.total or "")
        changed = changed or (page > 1 and total != said)
        keys = [str(item.get(pages.key)) for item in items]
        if not items:
            break
        if keys[0] in firsts:
            note = (
                f"The API answered {pages.page} {page} with what it had shown before, so it seems to ignore "
                f"{pages.page}. Only the {found} it showed first are here; there may be more."
            )
            break
        firsts.add(keys[0])
        for key, item in zip(keys, items, strict=True):
            if key not in before:  # something new moved it from the page before while that was read
                text.write(f"{',' if found else ''}{compact(item)}")
                found += 1
        before = set(keys)
        await report(f"{title}: {found} read", done=found, total=total)
        if total is not None and found >= total:
            break
        if text.tell() > most:
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
