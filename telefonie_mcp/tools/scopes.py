"""OAuth scopes: what each allows, and which one a call needs. Pure.

The scope of a tool is data (``scope`` in its hints). Without hints, what reads needs ``numbers:read``, and
everything else ``numbers:write``. A preview does nothing, so it needs ``numbers:read`` only.
"""

from collections.abc import Collection, Mapping
from typing import Any, Final

from telefonie_mcp.tools.catalog import CONFIRM, Tool

__all__ = ["READ", "allows", "named", "needed", "scope_of"]

READ: Final = "numbers:read"
_WRITE: Final = "numbers:write"

_IMPLIES: Final[Mapping[str, str]] = {
    _WRITE: READ,
    "numbers:purchase": READ,
    "numbers:release": READ,
    "porting:read": READ,
    "porting:write": "porting:read",
    "porting:submit": "porting:write",
}
"""Scope → the one that it implies."""


def scope_of(tool: Tool) -> str:
    """Return the scope that it takes to use a tool."""
    return tool.hints.scope or (READ if tool.read_only else _WRITE)


def needed(tool: Tool, arguments: Mapping[str, Any] | None) -> str:
    """Return the scope that a call of ``tool`` needs."""
    if tool.destructive and (arguments or {}).get(CONFIRM) is not True:
        return READ
    return scope_of(tool)


def named(scope: str) -> tuple[str, ...]:
    """Return a scope and what it implies, the weakest first; every call reads."""
    chain = [scope]
    while implied := _IMPLIES.get(chain[-1]):
        chain.append(implied)
    return tuple(reversed(chain if READ in chain else [*chain, READ]))


def allows(granted: Collection[str], scope: str) -> bool:
    """Return whether the granted scopes allow what needs ``scope``."""
    if scope in granted:
        return True
    return any(each in _IMPLIES and scope in named(each) for each in granted)
