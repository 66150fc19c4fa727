"""Resource URIs and URI templates (RFC 6570, level 1); pure.

Not the SDK's ``UriTemplate``: it matches an empty variable, does not match a bare ``,`` or ``?`` in one, and
has no expansion that leaves only ``+`` bare.
"""

import re
from collections.abc import Mapping
from functools import cached_property
from urllib.parse import quote, unquote

__all__ = ["Template"]


class Template:
    """A URI with variables in braces; each matches one non-empty path segment."""

    def __init__(self, text: str) -> None:
        self.text = text

    @cached_property
    def variables(self) -> tuple[str, ...]:
        """The names of the variables."""
        return tuple(re.findall(r"{(\w+)}", self.text))

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        literal, *rest = re.split(r"{\w+}", self.text)
        return re.compile(re.escape(literal) + "".join("([^/]+)" + re.escape(part) for part in rest))

    def match(self, uri: str) -> dict[str, str] | None:
        """Return the percent-decoded variables of ``uri``, or ``None`` if it does not match."""
        match = self._pattern.fullmatch(uri)
        return match and dict(zip(self.variables, map(unquote, match.groups()), strict=True))

    def spellings(self, values: Mapping[str, str]) -> tuple[str, ...]:
        """Return the spellings that clients use: every reserved character encoded, and ``+`` left bare."""
        names = self.variables
        encoded = self._expanded({name: quote(values[name], safe="") for name in names})
        bare = self._expanded({name: quote(values[name], safe="+") for name in names})
        return tuple(dict.fromkeys((encoded, bare)))

    def _expanded(self, values: Mapping[str, str]) -> str:
        return re.sub(r"{(\w+)}", lambda match: values[match[1]], self.text)
