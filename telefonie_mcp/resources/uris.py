"""URIs of resources, and templates of them (RFC 6570, level 1); pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from urllib.parse import quote, unquote

__all__ = ["Template"]


@dataclass(frozen=True)
class Template:
    """A URI with variables in braces; each stands for one segment."""

    text: str

    @cached_property
    def variables(self) -> tuple[str, ...]:
        """The names of the variables."""
        return tuple(re.findall(r"{(\w+)}", self.text))

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        literal, *rest = re.split(r"{\w+}", self.text)
        return re.compile(re.escape(literal) + "".join("([^/]+)" + re.escape(part) for part in rest))

    def match(self, uri: str) -> dict[str, str] | None:
        """Return the variables of ``uri``, decoded, or ``None`` where it is no such URI."""
        match = self._pattern.fullmatch(uri)
        return match and dict(zip(self.variables, map(unquote, match.groups()), strict=True))

    def spellings(self, values: Mapping[str, str]) -> tuple[str, ...]:
        """Return the URIs that clients write: every reserved character encoded, or a bare ``+``."""
        names = self.variables
        encoded = self._filled({name: quote(values[name], safe="") for name in names})
        bare = self._filled({name: quote(values[name], safe="+") for name in names})
        return tuple(dict.fromkeys((encoded, bare)))

    def _filled(self, values: Mapping[str, str]) -> str:
        return re.sub(r"{(\w+)}", lambda match: values[match[1]], self.text)
