"""The terminal session of docs/terminal.md: what a real terminal of 80 columns shows, as text.

Every command runs on a pty, in a home of its own, with a sandbox that is new. What differs from run to run is
replaced: the times.
"""

import re
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from telefonie_mcp.cli.terminal import paragraph
from tests.support.terminals import Answers, terminal

__all__ = ["COLUMNS", "session"]

COLUMNS: Final = 80
_NUMBER: Final = "+14155556181"
"""The first number that the search finds."""

_SESSION: Final[tuple[tuple[str, Answers], ...]] = (
    ("demo", {}),
    ("call search_available_numbers country_code=US area_code=415 limit=3", {}),
    (f"call purchase_number phone_number={_NUMBER}", {"[y/N]": "y\n"}),
    (f"call update_owned_number phone_number={_NUMBER} voice_url=https://example.com/voice", {}),
    ("call list_owned_numbers", {}),
    ("call purchase_number phone_number=+14155550123 max_monthly_rate=1", {}),
    ("log", {}),
)
"""The commands, and what is typed when they ask."""

_TIME: Final = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d")
_SHOWN_TIME: Final = "2026-11-28 12:00"


def session() -> str:
    """Return the session as a block of Markdown."""
    with TemporaryDirectory() as home:
        parts = [_part(Path(home), command, answers) for command, answers in _SESSION]
    return "```console\n" + "\n".join(parts) + "```"


def _part(home: Path, command: str, answers: Answers) -> str:
    shown = terminal(home, *command.split(), columns=COLUMNS, answers=answers, variables={"NO_COLOR": "1"})
    assert shown.widest <= COLUMNS, f"{command} is wider than the window"
    *lines, last = paragraph(f"telefonie-mcp {command}", COLUMNS - 2, "$ ", "    ")
    typed = "".join(f"{line} \\\n" for line in lines) + last
    return f"{typed}\n{_TIME.sub(_SHOWN_TIME, shown.text).strip()}\n"
