"""README.md and docs/, and the code blocks in them."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

__all__ = ["BLOCKS", "PAGES", "README", "ROOT", "TEXTS", "Block", "blocks", "lines"]

ROOT: Final = Path(__file__).parents[2]
README: Final = ROOT / "README.md"
PAGES: Final = (README, *sorted((ROOT / "docs").glob("*.md")))
TEXTS: Final[Mapping[Path, str]] = {page: page.read_text() for page in PAGES}

_BLOCK: Final = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced code block."""

    page: Path
    language: str
    code: str


BLOCKS: Final = tuple(Block(page, *match) for page, text in TEXTS.items() for match in _BLOCK.findall(text))


def blocks(language: str) -> list[str]:
    """Return the code of every block in a language, README.md first."""
    return [block.code for block in BLOCKS if block.language == language]


def lines() -> list[str]:
    """Return every line of the blocks that a person types or copies (language ``text``), without comments."""
    code = (line.partition("  #")[0].rstrip() for block in blocks("text") for line in block.splitlines())
    return [line for line in code if line and not line.startswith("#")]
