"""Secrets, replaced by a stand-in wherever text or JSON repeats them, in whatever encoding; pure.

A secret is looked for in the text as it stands and as it reads when escapes are undone, several times over:
those of JSON, URLs and HTML, invisible characters between its letters, compatibility forms of them, upper and
lower case. Base64 and hexadecimal digits of a secret are looked for like the secret itself. Only that part of
the original text is replaced; what is around it stays as it is.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, Protocol, cast

from telefonie_mcp.redaction.encodings import BROKEN_ESCAPE, MAX_LAYERS, Segment, decoded, traced, undone
from telefonie_mcp.redaction.spellings import is_whole, needles_of, run_needles_of, widened
from telefonie_mcp.text import CUTS

__all__ = ["HIDDEN", "NO_REDACTION", "REDACTED", "Redaction", "Redactor"]

HIDDEN: Final = "(hidden)"
"""Stands for a secret argument wherever arguments are shown or recorded."""

REDACTED: Final = "**********"
"""Stands for the operator's own secrets, such as the API key."""

_TELLING: Final = 4
"""Characters of a secret's beginning that tell something of it, where a text is cut."""


class Redaction(Protocol):
    """What must not be seen of an answer."""

    def concerns(self, text: str) -> bool:
        """Whether anything in a JSON text could need redaction; much faster than redacting its values."""
        ...

    def text(self, text: str) -> str:
        """Return ``text`` without secrets."""
        ...

    def json(self, value: Any) -> Any:
        """Return a JSON value without secrets at any depth, in keys and values."""
        ...


class Redactor:
    """Replaces secrets in text and JSON.

    Args:
        secrets: What must not be seen, wherever it stands, and encoded.
        stand_in: What is seen instead.
        runs: Further secrets, which are replaced only as whole runs of letters and digits, and not within
            dates, phone numbers, amounts and identifiers.

    """

    def __init__(
        self, secrets: Iterable[str] = (), stand_in: str = REDACTED, *, runs: Iterable[str] = ()
    ) -> None:
        needles = {needle for secret in secrets for needle in needles_of(secret)}
        needles |= {needle for secret in runs for needle in run_needles_of(secret)}
        self._needles = sorted(needles, key=lambda needle: (-len(needle.text), needle.text))
        self._texts = list({needle.text.casefold() for needle in self._needles})
        self._numbers = any(text.isdecimal() for text in self._texts)
        self._ascii = all(text.isascii() and " " not in text for text in self._texts)
        self._spaced = any(" " in text for text in self._texts)
        self._stand_in = stand_in

    def concerns(self, text: str) -> bool:
        """Whether a secret may stand in ``text``, which is not cut."""
        if not self._needles:
            return False
        for _ in range(MAX_LAYERS):
            folded = text.casefold()
            if self._names(folded):
                return True
            if self._is_plain(text):
                return False
            plain = undone(text, ascii_only=self._ascii)
            if plain == text:
                return False
            text = plain
        return False

    def text(self, text: str, keep: Iterable[str] = ()) -> str:
        """Return ``text`` without secrets, nor the telling beginning of one where the text is cut.

        Args:
            text: Any text.
            keep: What stays whole even where a run in it is a secret, such as the subject of a call.

        """
        if not self._needles:
            return text
        if self._is_without(text):
            return text
        cut = next((cut for cut in CUTS if text.endswith(cut)), "")
        stem = text.removesuffix(cut)
        kept = [each.casefold() for each in keep if each]
        spans = sorted(self._spans(stem, kept, is_cut=bool(cut)))
        pieces: list[str] = []
        end = 0
        for start, stop in spans:
            if start >= end:
                pieces += (stem[end:start], self._stand_in)
            end = max(end, stop)
        return "".join((*pieces, stem[end:], cut)) if spans else text

    def values(self, texts: Mapping[str, str]) -> dict[str, str]:
        """Return ``texts`` with values without secrets, as :meth:`text` returns each."""
        items = dict(texts.items())
        if self._is_without(",".join(items.values())):
            return items
        return {name: self.text(value) for name, value in items.items()}

    def json(self, value: Any) -> Any:
        """Return a JSON value without secrets in keys, strings and whole numbers, at any depth."""
        match value:
            case str():
                return self.text(value)
            case list():
                return [self.json(item) for item in cast("list[Any]", value)]
            case dict():
                members = cast("dict[str, Any]", value).items()
                return {self.text(name): self.json(member) for name, member in members}
            case bool():
                return value
            case int() if self._numbers:
                return value if self.text(str(value)) == str(value) else self._stand_in
            case _:
                return value

    def _is_without(self, text: str) -> bool:
        """Whether ``text``, which is plain, has no secret; then no part of it has one either.

        A mark of a cut is not plain, so none is cut.
        """
        if not self._needles:
            return True
        if not self._is_plain(text):
            return False
        folded = text.lower()  # as casefold() does with ASCII
        return not self._names(folded)

    def _names(self, folded: str) -> bool:
        """Whether case-folded text has a secret as it is."""
        return any(needle in folded for needle in self._texts)

    def _is_plain(self, text: str) -> bool:
        """Whether nothing in ``text`` is escaped, invisible or beyond ASCII."""
        if (
            not text.isascii()
            or "\\" in text
            or "%" in text
            or "&" in text
            or (self._spaced and "  " in text)
        ):
            return False
        return text.isprintable() or (not self._spaced and "".join(text.split()).isprintable())

    def _spans(self, text: str, keep: list[str], *, is_cut: bool) -> Iterator[tuple[int, int]]:
        """Yield where secrets stand in ``text``; the spans may overlap."""
        maps: list[list[Segment]] = []
        layer = text
        for _ in range(MAX_LAYERS):
            folded = layer.casefold()
            folded = folded if len(folded) == len(layer) else layer
            for start, stop in self._found(layer, folded, keep):
                yield traced(maps, start, stop)
            if is_cut:
                layer = re.sub(BROKEN_ESCAPE, "", layer)
                for start in self._begun(folded, folded[: len(layer)]):
                    yield traced(maps, start, start + 1)[0], len(text)
            plain, segments = decoded(layer)
            if plain == layer:
                return
            maps.append(segments)
            layer = plain

    def _found(self, layer: str, folded: str, keep: list[str]) -> Iterator[tuple[int, int]]:
        for needle in self._needles:
            text = layer if needle.exact else folded
            start = text.find(needle.text)
            while start >= 0:
                stop = start + len(needle.text)
                if needle.anywhere or is_whole(folded, start, stop, keep, open_end=needle.rest):
                    yield widened(folded, start, stop, needle)
                    start = text.find(needle.text, stop)
                else:
                    start = text.find(needle.text, start + 1)

    def _begun(self, *ends: str) -> Iterator[int]:
        """Yield where a secret begins of which the end is cut off."""
        for needle in self._needles:
            text = needle.text.casefold()
            for end in ends:
                for length in range(min(len(text) - 1, len(end)), _TELLING - 1, -1):
                    start = len(end) - length
                    if end.endswith(text[:length]) and (needle.anywhere or not end[:start][-1:].isalnum()):
                        yield start
                        break


NO_REDACTION: Final[Redaction] = Redactor()
"""For answers without secrets, such as those of tests."""
