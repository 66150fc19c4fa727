"""Suggestions for names that do not exist: "did you mean …?"."""

from collections.abc import Collection
from difflib import get_close_matches
from typing import Final

__all__ = ["MAX_NAME_LENGTH", "did_you_mean"]

MAX_NAME_LENGTH: Final = 60
"""Characters of a name that are compared: the comparison is quadratic, and callers choose the names."""


def did_you_mean(
    name: str, known: Collection[str], otherwise: str | None = None, *, cutoff: float = 0.6
) -> str:
    """Return the question whether the known name that is most like ``name`` was meant.

    Args:
        name: A name that does not exist.
        known: Those that do.
        otherwise: What to say where none is close; by default the question names them all.
        cutoff: The least similarity of a close name, from 0 to 1.

    """
    close = get_close_matches(name[:MAX_NAME_LENGTH], known, n=1, cutoff=cutoff)
    if not close and otherwise is not None:
        return otherwise
    return f"did you mean {' or '.join(close or known)}?"
