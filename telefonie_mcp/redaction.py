"""Secrets, replaced by a stand-in wherever text or JSON repeats them; pure."""

import json
from collections.abc import Iterable, Iterator
from typing import Any, Final, cast
from urllib.parse import quote

from telefonie_mcp.text import CUTS, clean

__all__ = ["HIDDEN", "REDACTED", "Redactor"]

HIDDEN: Final = "(hidden)"
"""Stands for a secret argument wherever arguments are shown or recorded."""

REDACTED: Final = "**********"
"""Stands for the operator's own secrets, such as the API key."""

_TELLING: Final = 4
"""Characters of a secret's beginning that tell something of it, where a text is cut."""


class Redactor:
    """Replaces secrets in every spelling that text of this program can have.

    Args:
        secrets: What must not be seen.
        stand_in: What is seen instead.

    """

    def __init__(self, secrets: Iterable[str], stand_in: str = REDACTED) -> None:
        spellings = {spelling for secret in secrets for spelling in _spellings(secret)}
        self._spellings = sorted(filter(None, spellings), key=len, reverse=True)  # one may be part of another
        self._stand_in = stand_in

    def text(self, text: str) -> str:
        """Return ``text`` without secrets, nor the telling beginning of one where the text is cut."""
        for secret in self._spellings:
            text = self._without_end(secret, text.replace(secret, self._stand_in))
        return text

    def json(self, value: Any) -> Any:
        """Return a JSON value with every string, keys included, without secrets."""
        match value:
            case str():
                return self.text(value)
            case list():
                return [self.json(item) for item in cast("list[Any]", value)]
            case dict():
                members = cast("dict[str, Any]", value).items()
                return {self.text(name): self.json(member) for name, member in members}
            case _:
                return value

    def _without_end(self, secret: str, text: str) -> str:
        for cut in CUTS:
            stem = text.removesuffix(cut)
            for length in range(min(len(secret) - 1, len(stem)), _TELLING - 1, -1) if stem != text else ():
                if stem.endswith(secret[:length]):
                    return f"{stem[:-length]}{self._stand_in}{cut}"
        return text


def _spellings(secret: str) -> Iterator[str]:
    """Yield ``secret`` bare and cleaned, and each as it stands in JSON, in a ``repr`` and in a URL."""
    for text in {secret, clean(secret), " ".join(clean(secret).split())}:
        yield from (text, repr(text)[1:-1], quote(text, safe=""))
        yield from (json.dumps(text, ensure_ascii=ascii_only)[1:-1] for ascii_only in (True, False))
