"""``telefonie-mcp log``: prints the ledger as text, JSON lines or CSV."""

import csv
import json
import re
import sys
from datetime import UTC, datetime
from typing import Any, Final, get_args

import click

from telefonie_mcp.cli.environment import opened_ledger, settings_in_force
from telefonie_mcp.ledger.records import State
from telefonie_mcp.text import clean, clean_line

__all__ = ["log"]

_COLUMNS: Final = (
    "id",
    "created",
    "updated",
    "account",
    "caller",
    "tool",
    "subject",
    "state",
    "monthly_rate",
    "reason",
    "arguments",
)


_MAX_CELL: Final = 300
"""Characters of a cell of the table."""


@click.command()
@click.option("--json", "form", flag_value="json", help="One JSON object a line.")
@click.option("--csv", "form", flag_value="csv", help="Comma-separated values with a header.")
@click.option("--number", "subject", metavar="NUMBER", help="Only writes about this number, in E.164.")
@click.option("--tool", metavar="TOOL", help="Only writes by this tool.")
@click.option("--state", type=click.Choice(get_args(State)), help="Only writes in this state.")
@click.option("--since", type=click.DateTime(), help="Only writes since this time, in UTC.")
@click.option("--limit", type=click.IntRange(1), default=50, show_default=True, help="How many at most.")
@click.pass_obj
def log(flags: dict[str, Any], *, form: str | None, since: datetime | None, **filters: Any) -> None:
    """Show the ledger: what was bought, changed and released, newest first."""
    with opened_ledger(settings_in_force(flags).ledger_url) as ledger:
        entries = ledger.recent(since=since and since.replace(tzinfo=UTC), **filters)
    rows = [clean(entry.as_dict()) for entry in entries]
    if form == "json":
        for row in rows:
            click.echo(json.dumps(row))
    elif form == "csv":
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerow(_COLUMNS)
        for row in rows:
            shown = {**row, "arguments": json.dumps(row["arguments"])}
            writer.writerow([_escape_formula(str(shown.get(column, ""))) for column in _COLUMNS])
    else:
        for row in ({name: clean_line(value, _MAX_CELL) for name, value in each.items()} for each in rows):
            rate = f"{row['monthly_rate']} per month" if "monthly_rate" in row else ""
            click.echo(
                f"{row['id']:>5}  {row['created'][:19]}  {row['state']:<10} {row['tool']:<20} "
                f"{row['subject']:<16} {rate:<16} {row['caller']}  {row.get('reason', '')}".rstrip()
            )
        if not rows:
            click.echo("The ledger holds no such entry.", err=True)


def _escape_formula(text: str) -> str:
    """Return text that a spreadsheet does not evaluate: callers and the API chose it (CSV injection)."""
    is_number = re.fullmatch(r"\+\d+", text)
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t")) and not is_number else text
