"""``telefonie-mcp doctor``: prints one line per check; exit status 1 if one found a problem."""

import json
import os
import sys
from typing import Any, Final

import click

__all__ = ["doctor"]

_COLORS: Final = {"ok": "green", "warning": "yellow", "problem": "red"}


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_obj
def doctor(flags: dict[str, Any], *, as_json: bool) -> None:
    """Check this installation, and say what to do.

    Settings, documents, the way to the API, the key, clock, ledger, directories and versions. Nothing is
    bought or changed. Ends with status 1 if something keeps the server from working.
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
            status = click.style(f"{finding.status:<8}", fg=_COLORS[finding.status])
            remedy = f" → {finding.remedy}" if finding.remedy else ""
            click.echo(f"{status} {finding.check:<13} {finding.text}{remedy}")
    sys.exit(1 if problems else 0)
