"""``telefonie-mcp doctor``: a line per check, wrapped on a terminal; status 1 if one found a problem."""

import json
import os
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

import click

from telefonie_mcp.cli.terminal import columns_of, is_terminal, paragraph
from telefonie_mcp.text import clean_line

if TYPE_CHECKING:
    from telefonie_mcp.cli.doctor.findings import Finding

__all__ = ["doctor"]

_COLORS: Final = {"ok": "green", "warning": "yellow", "problem": "red"}
_INDENT: Final = " " * 4
_ALIGNED: Final = 60
"""Columns from which on the text is a column of its own."""

_LONGEST: Final = 4096
"""Characters of a finding."""


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_obj
def doctor(flags: dict[str, Any], *, as_json: bool) -> None:
    """Check this installation, and say what to do.

    Settings, documents, the way to the API, the key, clock, ledger, directories and versions; of a hosted
    server also its issuer and its public URL. Nothing is bought or changed. Ends with status 1 if something
    keeps the server from working.
    """
    import anyio  # noqa: PLC0415

    from telefonie_mcp.cli.doctor.examination import examine  # noqa: PLC0415

    findings = anyio.run(examine, os.environ, flags)
    problems = sum(finding.status == "problem" for finding in findings)
    if as_json:
        report = {"ok": not problems, "checks": [finding.as_dict() for finding in findings]}
        click.echo(json.dumps(report, ensure_ascii=False, indent=2))
    else:
        for finding in findings:
            if is_terminal(sys.stdout):
                for line in _lines(finding, columns_of(sys.stdout)):
                    click.echo(line)
                continue
            remedy = f" → {finding.remedy}" if finding.remedy else ""
            click.echo(f"{finding.status:<8} {finding.check:<13} {finding.text}{remedy}")
    sys.exit(1 if problems else 0)


def _lines(finding: "Finding", columns: int) -> Iterator[str]:
    """Yield a finding, and its remedy on a line of its own."""
    start = f"{finding.status:<8} {finding.check:<13} "
    rest_of_it = " " * len(start) if columns >= _ALIGNED else _INDENT
    first, *rest = paragraph(clean_line(finding.text, _LONGEST), columns, start, rest_of_it)
    yield first.replace(finding.status, click.style(finding.status, fg=_COLORS[finding.status]), 1)
    yield from rest
    if finding.remedy:
        yield from paragraph(clean_line(finding.remedy, _LONGEST), columns, f"{_INDENT}→ ", f"{_INDENT}  ")
