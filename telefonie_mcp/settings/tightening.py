"""How one set of settings tightens another; pure.

The operator's settings hold for everybody. Whoever else restricts a part of the work, such as a tenant, can
only tighten them: the result is never looser than the operator's, whatever is asked. Of a limit the lower one
holds, of two lists what is in both, of protected numbers and excluded tools all, of approvals the stricter.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from telefonie_mcp.settings.fields import PREFIX, Settings

__all__ = ["RESTRICTING", "Tightened", "tightened"]

_STRICTER: Final = ("confirm", "human", "block")
"""Approvals, the strictest last."""

_Combine = Callable[[Any, Any], Any]


@dataclass(frozen=True, slots=True)
class Tightened:
    """The settings that hold.

    Attributes:
        values: Setting → what holds, for every setting that was asked for.
        looser: The settings that were asked for looser than the operator's, so that the operator's hold.

    """

    values: Mapping[str, Any]
    looser: tuple[str, ...] = ()


def _lowest(operator: Any, asked: Any) -> Any:
    return asked if operator is None else min(operator, asked)


def _either(operator: bool, asked: bool) -> bool:
    return operator or asked


def _both(operator: bool, asked: bool) -> bool:
    return operator and asked


def _strictest(operator: str, asked: str) -> str:
    return max(operator, asked, key=_STRICTER.index)


def _same(operator: Any, asked: Any) -> Any:
    if operator not in {None, asked}:
        raise ValueError(operator)
    return asked


def _all_of_both(operator: frozenset[str], asked: frozenset[str]) -> frozenset[str]:
    return operator | asked


def _each_of_both(operator: tuple[str, ...], asked: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*operator, *asked)))


def _common(operator: tuple[str, ...], asked: tuple[str, ...]) -> tuple[str, ...]:
    """Return what is in both lists; an empty one of the operator's allows everything."""
    return tuple(each for each in operator if each in asked) if operator else asked


def _common_set(operator: frozenset[str], asked: frozenset[str]) -> frozenset[str]:
    return operator & asked if operator else asked


def _common_hosts(operator: tuple[str, ...], asked: tuple[str, ...]) -> tuple[str, ...]:
    """Return patterns for the hosts that patterns of both lists match.

    Two patterns have no host in common, or one of them covers the other, because ``*`` stands only at the
    beginning.
    """
    if not operator:
        return asked
    kept = [host for host in asked if any(_covers(each, host) for each in operator)]
    kept += [host for host in operator if any(_covers(each, host) for each in asked)]
    return tuple(dict.fromkeys(kept))


def _covers(pattern: str, other: str) -> bool:
    """Return whether a pattern matches every host that the other one matches."""
    return pattern == other or (pattern.startswith("*.") and other.removeprefix("*").endswith(pattern[1:]))


_COMBINED: Final[Mapping[str, _Combine]] = {
    "timeout": _lowest,
    "read_only": _either,
    "toolsets": _common,
    "live_porting": _both,
    "tools": _common,
    "exclude_tools": _each_of_both,
    "approval": _strictest,
    "max_monthly_rate": _lowest,
    "max_monthly_spend": _lowest,
    "max_purchases_per_day": _lowest,
    "max_releases_per_day": _lowest,
    "currency": _same,
    "countries": _common_set,
    "number_types": _common_set,
    "webhook_hosts": _common_hosts,
    "protected_numbers": _all_of_both,
    "max_calls_per_minute": _lowest,
}

RESTRICTING: Final = frozenset(_COMBINED)
"""The settings that restrict what can be done; every other one is the operator's alone."""

_ONLY_MORE: Final = frozenset({"exclude_tools", "protected_numbers"})
"""Settings of which none is looser than another, because what either names holds."""


def tightened(operator: Settings, asked: Mapping[str, Any]) -> Tightened:
    """Return what holds where the operator's settings meet what is ``asked``.

    Args:
        operator: The operator's settings.
        asked: Setting → value, both valid; only of :data:`RESTRICTING`.

    Raises:
        ValueError: the two contradict each other, so that nothing would be allowed. The message begins with
            the name of the setting.

    """
    values: dict[str, Any] = {}
    looser: list[str] = []
    for name, value in asked.items():
        own = getattr(operator, name)
        try:
            holds = _COMBINED[name](own, value)
        except ValueError:
            raise ValueError(
                f"{name} is {value}, and {_name(name)} is {own}; both must be the same"
            ) from None
        if holds in ((), frozenset()):  # which as a setting would mean everything
            raise ValueError(f"{name} has nothing in common with {_name(name)}, so nothing would be allowed")
        values[name] = holds
        if name not in _ONLY_MORE and not _equal(holds, value):
            looser.append(name)
    return Tightened(values, tuple(looser))


def _equal(one: Any, other: Any) -> bool:
    return {*one} == {*other} if isinstance(one, tuple | frozenset) else one == other


def _name(setting: str) -> str:
    return f"{PREFIX}{setting.upper()}"
