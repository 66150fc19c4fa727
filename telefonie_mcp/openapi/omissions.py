"""What of a document is left out: operations that cannot become tools, and parts that cannot be understood.

One unusable operation does not cost the document: it is left out, with a sentence for the operator, who reads
it on stderr, in ``telefonie-mcp tools`` and in ``telefonie-mcp doctor``.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple, TypeVar

from telefonie_mcp.errors import DocumentError

__all__ = ["LeftOut", "Omissions", "TooMuchError", "nothing_left"]

_T = TypeVar("_T")

_MAX_NOTES: Final = 1000
"""Notes about one document, which an operator reads."""

_MALFORMED: Final = "does not follow the structure of OpenAPI"
_NESTED: Final = "a schema is nested too deeply"


class TooMuchError(DocumentError):
    """A document as a whole asks for too much, so that leaving out one operation does not help."""


class LeftOut(NamedTuple):
    """An operation that is no tool.

    Attributes:
        operation: Its ``operationId``.
        place: File, method and path.
        reason: Why, as a clause.

    """

    operation: str
    place: str
    reason: str

    def __str__(self) -> str:
        """Return place and reason."""
        return f"{self.place}: {self.reason}"


def nothing_left(left_out: Sequence[LeftOut]) -> DocumentError:
    """Return the error about a document without an operation that can become a tool."""
    others = f"; {len(left_out) - 1} more operations cannot become tools either" if len(left_out) > 1 else ""
    return DocumentError(f"{left_out[0]}{others}")


@dataclass
class Omissions:
    """Collects what is left out of one document, in document order.

    Attributes:
        document: The document's name in messages.
        left_out: Operations that are no tools.
        notes: Sentences, each with its place, about parts that tools lack.
        place: Of the operation that is read now.

    """

    document: str
    left_out: list[LeftOut] = field(default_factory=list[LeftOut])
    notes: dict[str, None] = field(default_factory=dict[str, None])
    place: str = ""

    def note(self, sentence: str) -> None:
        """Add a sentence about the place that is read now, once; of very many, only the first are kept."""
        if len(self.notes) < _MAX_NOTES:
            self.notes[f"{self.place or self.document}: {sentence}"] = None
        else:
            self.notes[f"{self.document}: there is more of this kind"] = None

    def attempt(self, operation: str, place: str, read: Callable[[], _T]) -> _T | None:
        """Return what ``read`` returns, or note why the operation at ``place`` is left out.

        Raises:
            TooMuchError: the document as a whole asks for too much.

        """
        self.place = place
        try:
            return read()
        except TooMuchError:
            raise
        except DocumentError as error:
            reason = str(error).removeprefix(f"{place}: ").removeprefix(f"{self.document}: ")
        except RecursionError:
            reason = _NESTED
        except (AttributeError, KeyError, TypeError, ValueError):
            reason = _MALFORMED  # what the readers of its parts do not check; no word of Python's helps here
        self.left_out.append(LeftOut(operation, place, reason))
        return None
