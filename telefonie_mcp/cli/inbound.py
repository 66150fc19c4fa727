"""The commands for inbound calls and SMS: `telefonie-mcp sandbox call`, `sms`, `events`, `webhook-secret`."""

import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import click

from telefonie_mcp.cli.environment import sandbox_errors, sandbox_settings
from telefonie_mcp.cli.terminal import Column, columns_of, is_terminal, say, table
from telefonie_mcp.text import clean, clean_line

if TYPE_CHECKING:
    from telefonie_mcp.sandbox.inbound import Inbound, InboundEvent

__all__ = ["COMMANDS"]

_ALLOW_PRIVATE: Final = click.option(
    "--allow-private", is_flag=True, help="Deliver to private, loopback and link-local addresses too."
)


_SHOWN: Final = 1000
"""Characters of what happened that a table shows at most."""


class _Number(click.ParamType[str]):
    """A phone number in E.164 format, or one that can be normalised to it."""

    name = "number"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        from telefonie_mcp.numbering.e164 import normalise_number, number_problem  # noqa: PLC0415

        number = normalise_number(value)
        if problem := number_problem(number):
            self.fail(f"{value} {problem}", param, ctx)
        return number


_NUMBER: Final = click.argument("number", type=_Number())
_FROM: Final = click.option(
    "--from", "sender", type=_Number(), required=True, metavar="NUMBER", help="Who calls or writes."
)


@click.command(short_help="Let NUMBER be called.")
@_NUMBER
@_FROM
@_ALLOW_PRIVATE
@click.pass_obj
def call(flags: dict[str, Any], number: str, sender: str, *, allow_private: bool) -> None:
    """Let NUMBER be called: POST the call to its voice_url, and show the answer.

    Ends with status 1 unless the webhook answers with a success.
    """
    from telefonie_mcp.sandbox.inbound import Inbound  # noqa: PLC0415

    _deliver(flags, Inbound("call", number, sender), allow_private=allow_private)


@click.command(short_help="Let NUMBER get an SMS.")
@_NUMBER
@_FROM
@click.option("--text", metavar="WORDS", required=True, help="What it says: at most 1,600 characters.")
@_ALLOW_PRIVATE
@click.pass_obj
def sms(flags: dict[str, Any], number: str, sender: str, text: str, *, allow_private: bool) -> None:
    """Let NUMBER get an SMS: POST it to its sms_url, and show the answer.

    Ends with status 1 unless the webhook answers with a success.
    """
    from telefonie_mcp.sandbox.inbound import Inbound  # noqa: PLC0415

    try:
        inbound = Inbound("sms", number, sender, text)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--text") from error
    _deliver(flags, inbound, allow_private=allow_private)


@click.command(short_help="Show the calls and SMS of NUMBER.")
@_NUMBER
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
@click.option(
    "--limit", type=click.IntRange(1), metavar="N", default=50, show_default=True, help="How many at most."
)
@click.pass_obj
def events(flags: dict[str, Any], number: str, *, as_json: bool, limit: int) -> None:
    """Show the calls and SMS that came in on NUMBER, the newest last."""
    from telefonie_mcp.sandbox.inbound import events as read_events  # noqa: PLC0415

    with sandbox_errors():
        found = read_events(_database(flags), number, limit=limit)
    show = _json if as_json else _table if is_terminal(sys.stdout) else _text
    for line in show(found):
        click.echo(line)
    if not found:
        say(f"Nothing has come in on {number}.", err=True)


@click.command("webhook-secret", short_help="Show the secret that signs webhooks.")
@click.argument("number", type=_Number(), required=False)
@click.pass_obj
def webhook_secret(flags: dict[str, Any], number: str | None) -> None:
    """Show the secret that signs webhooks, of the account that owns NUMBER; by default the embedded one's.

    The header is Telefonie-Signature: t=TIME,v1=HEX, where HEX is the HMAC-SHA256 of "TIME.BODY".
    """
    from telefonie_mcp.sandbox.inbound import webhook_secret as read_secret  # noqa: PLC0415

    with sandbox_errors():
        click.echo(read_secret(_database(flags), number))


COMMANDS: Final = (call, sms, events, webhook_secret)
"""The commands, to be added to the group `sandbox`."""


def _deliver(flags: dict[str, Any], inbound: "Inbound", *, allow_private: bool) -> None:
    import anyio  # noqa: PLC0415

    from telefonie_mcp.sandbox.inbound import deliver  # noqa: PLC0415

    with sandbox_errors():
        delivery = anyio.run(partial(deliver, _database(flags), inbound, allow_private=allow_private))
    say(_line(delivery.event), err=True)
    for line in _cleaned(delivery.body):
        say(line)
    sys.exit(0 if delivery.event.outcome == "delivered" else 1)


def _json(events: "Sequence[InboundEvent]") -> Iterator[str]:
    yield from (json.dumps(asdict(event), default=str, ensure_ascii=False) for event in events)


def _text(events: "Sequence[InboundEvent]") -> Iterator[str]:
    yield from map(_line, events)


def _table(events: "Sequence[InboundEvent]") -> Iterator[str]:
    columns = [Column("time (UTC)", kept=True), Column("kind", kept=True), Column("from", kept=True)]
    rows = [(_time(event), event.kind, event.sender) for event in events]
    details = [[clean_line(_happened(event), _SHOWN)] for event in events]
    yield from table(columns, rows, columns_of(sys.stdout), details)


def _line(event: "InboundEvent") -> str:
    shown = f"{_time(event)} UTC  {event.kind} from {event.sender}  {_happened(event)}"
    return "\n".join(_cleaned(shown))


def _time(event: "InboundEvent") -> str:
    return f"{event.at:%Y-%m-%d %H:%M:%S}"


def _happened(event: "InboundEvent") -> str:
    target = f"POST {event.url}: " if event.url else ""
    took = "" if event.milliseconds is None else f" ({event.milliseconds} ms)"
    return f"{target}{event.detail}{took}"


def _cleaned(text: str) -> list[str]:
    """Return the lines of a text without control and invisible characters."""
    return [clean(line) for line in text.splitlines()]


def _database(flags: dict[str, Any]) -> str:
    return sandbox_settings(flags).sandbox_database
