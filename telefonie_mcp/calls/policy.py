"""What the operator allows; pure decisions, the same for every transport and every caller.

Each rule is one setting, named in the refusal together with the value that stood against it. A rule about
money or place looks at the offer that the API makes now, never at what a model says of it; what cannot be
determined is refused.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, cast

from telefonie_mcp.errors import NOTHING_DONE, ToolError
from telefonie_mcp.ledger.accounts import Limits
from telefonie_mcp.money import amount_text, limit, money
from telefonie_mcp.tools.catalog import Tool

if TYPE_CHECKING:
    from telefonie_mcp.calls.current_state import CurrentState

__all__ = ["Policy", "agreed_rate"]

_HOST: Final = r"[a-z0-9_-]+(\.[a-z0-9_-]+)*"
_ASK_OPERATOR: Final = (
    "Only the operator can change this setting; tell the user, and do not try to work around it."
)


@dataclass(frozen=True, slots=True)
class Policy:
    """The operator's rules. The default is: ``confirm`` decides, and nothing else is limited.

    Attributes:
        approval: ``confirm``: the argument decides; ``human``: a person must approve as well; ``block``:
            destructive tools are refused.
        max_monthly_rate: The most that one number may cost per month.
        limits: The budgets that the ledger keeps.
        countries: Whose numbers may be bought or ported (ISO 3166-1 alpha-2); empty means anywhere.
        number_types: Which types may be bought or ported; empty means any.
        webhook_hosts: Host names, or patterns such as ``*.example.com``, that calls and SMS may be routed
            to; empty means any.
        protected_numbers: Numbers in E.164 that no tool may change or release.
        currency: The currency of the account (ISO 4217); a rate in another one is another price. ``None``
            takes every one.
        upload_dirs: Directories whose files a caller on this machine may send.

    """

    approval: Literal["confirm", "human", "block"] = "confirm"
    max_monthly_rate: Decimal | None = None
    limits: Limits = field(default_factory=Limits)
    countries: frozenset[str] = frozenset()
    number_types: frozenset[str] = frozenset()
    webhook_hosts: tuple[str, ...] = ()
    protected_numbers: frozenset[str] = frozenset()
    currency: str | None = None
    upload_dirs: tuple[Path, ...] = ()

    def rate(self, value: Any) -> Decimal | None:
        """Return a rate of the API as an amount; ``None`` if unreadable or in another currency."""
        return money(value, self.currency)

    def check_arguments(self, tool: Tool, arguments: Mapping[str, Any]) -> None:
        """Apply the rules that need no look at the API to a call of a writing tool.

        They hold for whatever an argument contains, whether a document says what it is or not, unless a hint
        lifts them from that argument (``protects: false``).

        Raises:
            ToolError: ``policy_refused``.

        """
        if tool.destructive and self.approval == "block":
            raise _refused(f"{tool.name} is switched off here", "APPROVAL", "block")
        for name, value in arguments.items():
            hint = tool.hints.arguments.get(name)
            if hint and not hint.protects:
                continue
            self._check_protected(value, field=name)
            if self.webhook_hosts:
                self._check_hosts(value, name, is_webhook=tool.formats.get(name, "").startswith("webhook"))

    def check_current_state(self, tool: Tool, current: "CurrentState | None") -> None:
        """Apply the rule about protected numbers to the thing that a call is about, which may go by an id.

        Raises:
            ToolError: ``policy_refused``.

        """
        self._check_protected(current, field=tool.hints.subject)

    def needs_offer(self, tool: Tool, ceiling: Decimal | None) -> bool:
        """Whether a call of ``tool`` can be decided only with the offer that the API makes now."""
        return tool.hints.effect == "acquire" and (
            self._needs_rate(ceiling) or bool(self.countries or self.number_types)
        )

    def check_offer(
        self, tool: Tool, offer: "CurrentState | None", ceiling: Decimal | None
    ) -> Decimal | None:
        """Apply the rules about price and place to what the API offers now, and return its monthly rate.

        Args:
            tool: The tool that would accept the offer.
            offer: The fact its preview reads; ``None`` where there is none.
            ceiling: The highest monthly rate that the caller agreed to.

        Raises:
            ToolError: ``policy_refused``; ``rate_unknown`` where the rate decides and is no money;
                ``rate_too_high`` for the caller's own ceiling.

        """
        members = tool.hints.offer_members
        offered: CurrentState = offer or {}
        rate = self.rate(offered.get(members.monthly_rate))
        if not self.needs_offer(tool, ceiling):
            return rate
        for name, value, allowed in (
            ("COUNTRIES", offered.get(members.country), self.countries),
            ("NUMBER_TYPES", offered.get(members.type), self.number_types),
        ):
            for each in cast("list[Any]", value or [None] if isinstance(value, list) else [value]):
                if allowed and each not in allowed:
                    raise _refused(
                        f"{each or 'an unknown one'} is not allowed", name, ", ".join(sorted(allowed))
                    )
        highest = self.rate(offered.get(members.highest_rate or members.monthly_rate))
        if rate is None or highest is None:
            if not self._needs_rate(ceiling):
                return None
            raise ToolError(
                f"{NOTHING_DONE}: the current monthly rate decides about this, and it is unknown.",
                code="rate_unknown",
                hint="Search for another number: only one that comes with its rate is allowed here.",
            )
        if self.max_monthly_rate is not None and highest > self.max_monthly_rate:
            raise _refused(
                f"{highest} per month is too much for one number", "MAX_MONTHLY_RATE", self.max_monthly_rate
            )
        if ceiling is not None and rate > ceiling:
            raise ToolError(
                f"{NOTHING_DONE}: it costs {amount_text(rate)} per month now, "
                f"more than the agreed {amount_text(ceiling)}.",
                code="rate_too_high",
                field=tool.hints.ceiling,
                hint="Ask the user whether the new rate is acceptable before another call.",
                monthly_rate=str(rate),
            )
        return rate

    def sentences(self) -> Iterator[str]:
        """Yield the rules in force, for the instructions of the server."""
        if self.approval == "human":
            yield "A person must approve every destructive call in the client's own form, on top of confirm."
        if self.approval == "block":
            yield "Destructive tools are switched off."
        rules = {
            "one number costs at most {} per month": self.max_monthly_rate,
            "all numbers bought here cost at most {} per month together": self.limits.monthly_spend,
            "at most {} purchases a day": self.limits.purchases_per_day,
            "at most {} releases a day": self.limits.releases_per_day,
            "numbers only in {}": ", ".join(sorted(self.countries)) or None,
            "only numbers of type {}": ", ".join(sorted(self.number_types)) or None,
            "webhooks only at {}": ", ".join(self.webhook_hosts) or None,
            "never touched: {}": ", ".join(sorted(self.protected_numbers)) or None,
        }
        if limits := [rule.format(value) for rule, value in rules.items() if value is not None]:
            yield f"Limits set by the operator: {'; '.join(limits)}."

    def _needs_rate(self, ceiling: Decimal | None) -> bool:
        limits = (ceiling, self.max_monthly_rate, self.limits.monthly_spend)
        return self.approval == "human" or any(limit is not None for limit in limits)

    def _check_protected(self, value: Any, *, field: str | None) -> None:
        if not self.protected_numbers:
            return
        from telefonie_mcp.calls.rule_targets import protected_in  # noqa: PLC0415 - no tools/list needs it

        if protected := protected_in(value, self.protected_numbers):
            raise _refused(f"{protected} is protected and stays as it is", "PROTECTED_NUMBERS", field=field)

    def _check_hosts(self, value: Any, name: str, *, is_webhook: bool) -> None:
        from telefonie_mcp.calls.rule_targets import hosts_in  # noqa: PLC0415 - no tools/list needs it

        hosts = [*hosts_in(value)]
        if value and not hosts and is_webhook:
            hosts = [""]  # a document says that it is a URL, and no host can be read in it
        if not all(map(self._allows_host, hosts)):
            allowed = ", ".join(self.webhook_hosts)
            raise _refused(f"{name} may only point to {allowed}", "WEBHOOK_HOSTS", field=name)

    def _allows_host(self, host: str) -> bool:
        # with any other character in it, what the provider dials may be another host than what is read here
        return bool(re.fullmatch(_HOST, host)) and any(fnmatchcase(host, each) for each in self.webhook_hosts)


def agreed_rate(tool: Tool, values: dict[str, Any]) -> Decimal | None:
    """Take the highest monthly rate that the caller agreed to out of ``values``; ``None`` without one.

    Raises:
        ToolError: it cannot be read as an amount: to go on would be to go on without it.

    """
    name = tool.hints.ceiling
    given = values.pop(name, None) if name else None
    agreed = limit(given)
    if given is not None and agreed is None:
        from telefonie_mcp.tools.violations import received  # noqa: PLC0415 - only for an error

        raise ToolError(
            f"{NOTHING_DONE}: {name} must be an amount of money {received(given)}",
            code="invalid_arguments",
            field=name,
            hint=f"Correct it and call {tool.name} again.",
        )
    return agreed


def _refused(reason: str, setting: str, value: object = None, *, field: str | None = None) -> ToolError:
    name = f"TELEFONIE_{setting}"
    return ToolError(
        f"{NOTHING_DONE}: {reason} ({name}{'' if value is None else f' is {value}'}).",
        code="policy_refused",
        field=field,
        hint=_ASK_OPERATOR,
        setting=name,
    )
