"""``telefonie-mcp log``: shows the ledger, as a table on a terminal, else as text, JSON lines or CSV."""

import csv
import io
import json
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, get_args

import click

from telefonie_mcp.cli.environment import opened_ledger, settings_in_force, shortened
from telefonie_mcp.cli.log_entries import concerns, entry_lines, table_lines
from telefonie_mcp.cli.terminal import columns_of, is_terminal, say
from telefonie_mcp.ledger.records import State
from telefonie_mcp.text import clean, clean_line

if TYPE_CHECKING:
    from telefonie_mcp.ledger.records import Entry
    from telefonie_mcp.ledger.store import Ledger
    from telefonie_mcp.settings.fields import Settings

__all__ = ["log"]

_COLUMNS: Final = (
    "id",
    "created",
    "updated",
    "account",
    "caller",
    "principal",
    "client",
    "tool",
    "subject",
    "state",
    "monthly_rate",
    "reason",
    "arguments",
)

_EVERY: Final = 2**31
"""More entries than a ledger has."""

_POLL_SECONDS: Final = 1.0
"""How often ``--follow`` looks for new entries and outcomes."""

_FOLLOWED: Final = 200
"""Newest entries that ``--follow`` looks at each time."""


class _Time(click.DateTime):
    """A time of click, with an error that shows one instead of the codes of ``strftime``."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """Return the time."""
        try:
            return super().convert(value, param, ctx)
        except click.BadParameter:
            self.fail(
                f"{clean_line(value, 40)!r} is no time such as 2026-11-29 or 2026-11-29T08:30:00.", param, ctx
            )


@click.command(short_help="Show what was bought, changed and released.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
@click.option("--csv", "as_csv", is_flag=True, help="Comma-separated values with a header.")
@click.option("--number", metavar="NUMBER", help="Only writes about this number, however it is written.")
@click.option("--tool", metavar="NAME", help="Only writes by this tool.")
@click.option("--account", "named", metavar="NAME", help="Only writes of this account or tenant.")
@click.option(
    "--principal", metavar="WHO", help="Only writes of this person: issuer and subject, or subject."
)
@click.option("--state", type=click.Choice(get_args(State)), help="Only writes in this state.")
@click.option("--since", type=_Time(), metavar="TIME", help="Only writes since this time, in UTC.")
@click.option(
    "--limit", type=click.IntRange(1), metavar="N", default=50, show_default=True, help="How many at most."
)
@click.option("--follow", is_flag=True, help="Show them oldest first, and go on with what comes.")
@click.pass_obj
def log(
    flags: dict[str, Any],
    *,
    as_json: bool,
    as_csv: bool,
    number: str | None,
    since: datetime | None,
    limit: int,
    follow: bool,
    **filters: Any,
) -> None:
    """Show the ledger: what was bought, changed and released, newest first."""
    if as_json and as_csv:
        raise click.UsageError("--json and --csv exclude each other.")
    wanted = None
    if number is not None:
        from telefonie_mcp.cli.log_entries import wanted_digits  # noqa: PLC0415 - phonenumbers takes a while

        if not (wanted := wanted_digits(number)):
            raise click.BadParameter(f"{clean_line(number, 40)!r} has no digits", param_hint="--number")
    settings = settings_in_force(flags)
    begun = since and since.replace(tzinfo=UTC)
    show = _json if as_json else _csv if as_csv else _table if is_terminal(sys.stdout) else _text

    def read(ledger: "Ledger", most: int) -> "list[Entry]":
        found = ledger.recent(**filters, since=begun, limit=_EVERY if wanted else most)
        return [entry for entry in found if not wanted or concerns(entry, wanted)][:most]

    with opened_ledger(settings.ledger_url) as ledger:
        entries = read(ledger, limit)
        say(_about(settings, entries), err=True)
        if follow:
            _follow(ledger, read, entries, show)
            return
    for line in show(entries, header=True):
        click.echo(line)
    if not entries:
        asked_for = wanted or begun or any(filters.values())
        click.echo(f"The ledger holds no {'such ' if asked_for else ''}entry.", err=True)


def _about(settings: "Settings", entries: "Sequence[Entry]") -> str:
    """Return whose writes are shown, and from where."""
    from telefonie_mcp.ledger.files import file_of  # noqa: PLC0415

    accounts = {clean_line(entry.account) for entry in entries}
    whose = f" of {', '.join(sorted(accounts))}" if accounts else ""
    where = shortened(file) if (file := file_of(settings.ledger_url)) else "memory"
    if "://" in settings.ledger_url and not file:
        where = "PostgreSQL"
    mode = "Sandbox" if settings.mode == "sandbox" else "Live"
    return f"{mode}: writes{whose}, from the ledger in {where}"


def _follow(ledger: "Ledger", read: Any, entries: "Sequence[Entry]", show: Any) -> None:
    """Show the entries, and then each that is new or has another state, until the user stops it."""
    from time import sleep  # noqa: PLC0415

    seen: dict[int, str] = {}
    header = True
    try:
        while True:
            new = [entry for entry in reversed(entries) if seen.get(entry.id) != entry.state]
            for line in show(new, header=header) if new else ():
                click.echo(line)
            header = header and not new
            seen |= {entry.id: entry.state for entry in new}
            sleep(_POLL_SECONDS)
            entries = read(ledger, _FOLLOWED)
            if seen:
                entries = [entry for entry in entries if entry.id in seen or entry.id > max(seen)]
    except KeyboardInterrupt:
        sys.exit(0)


def _json(entries: "Sequence[Entry]", *, header: bool) -> Iterator[str]:  # noqa: ARG001 - one of four forms
    yield from (json.dumps(clean(entry.as_dict())) for entry in entries)


def _csv(entries: "Sequence[Entry]", *, header: bool) -> Iterator[str]:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    if header:
        writer.writerow(_COLUMNS)
    for row in (clean(entry.as_dict()) for entry in entries):
        shown: Mapping[str, Any] = {**row, "arguments": json.dumps(row["arguments"])}
        writer.writerow([_escape_formula(str(shown.get(column, ""))) for column in _COLUMNS])
    yield from text.getvalue().splitlines()


def _text(entries: "Sequence[Entry]", *, header: bool) -> Iterator[str]:  # noqa: ARG001 - one of four forms
    yield from map(entry_lines, entries)


def _table(entries: "Sequence[Entry]", *, header: bool) -> Iterator[str]:
    yield from table_lines(entries, columns_of(sys.stdout), header=header)


def _escape_formula(text: str) -> str:
    """Return text that a spreadsheet does not evaluate: callers and the API chose it (CSV injection)."""
    is_number = re.fullmatch(r"\+\d+", text)
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t")) and not is_number else text
