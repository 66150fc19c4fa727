"""API keys and client secrets, in files and in tables: reading them, and checking that they can be hidden."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from pydantic import SecretStr

from telefonie_mcp.errors import SettingsError

__all__ = ["MIN_KEY_LENGTH", "checked_key", "expanded", "read_key", "read_secret", "read_toml"]

MIN_KEY_LENGTH: Final = 8
"""Characters of the shortest API key: a shorter one stands in ordinary text too, so it cannot be redacted."""

_LINE: Final = re.compile(r"[ -~]+")
_WORD: Final = re.compile(r"([!-~]+)")
_KEY: Final = re.compile(rf"(?:[A-Za-z][A-Za-z0-9_-]* )?{_WORD.pattern}")
"""Visible ASCII, and perhaps the word that precedes it in the header ``Authorization``."""


def read_key(file: Path, source: str, *, several: bool = False) -> SecretStr:
    """Return the key that a file holds.

    Args:
        file: The file.
        source: The setting that names it, for messages.
        several: Whether it may be more than one word, as documents may want that an operator adds.

    Raises:
        SettingsError: the file cannot be read, or its content cannot be a key.

    """
    return checked_key(_text(file, source), source, several=several)


def read_secret(file: Path, source: str) -> SecretStr:
    """Return the client secret that a file holds (RFC 6749 §A.2); its length is the issuer's choice.

    Args:
        file: The file.
        source: The setting that names it, for messages.

    Raises:
        SettingsError: the file cannot be read, or its content cannot be a secret.

    """
    secret = _text(file, source).strip()
    if not _LINE.fullmatch(secret):
        empty = "" if secret else "; it is empty"
        raise SettingsError(
            f"{source} does not hold a client secret: one line of visible ASCII characters{empty}"
        )
    return SecretStr(secret)


def read_toml(file: Path, source: str) -> Mapping[str, Any]:
    """Return the tables of a TOML file that names keys.

    Args:
        file: The file.
        source: The setting that names it, for messages.

    Raises:
        SettingsError: the file cannot be read, or is no TOML.

    """
    import tomllib  # noqa: PLC0415 - most servers have no such file

    try:
        return tomllib.loads(file.read_text("utf-8-sig"))
    except OSError as error:
        raise SettingsError(f"{source}: {file.name} cannot be read ({error.strerror})") from error
    except UnicodeDecodeError as error:
        raise SettingsError(f"{source}: {file.name} is not TOML: it is not UTF-8 text") from error
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise SettingsError(f"{source}: {file.name} is not TOML: {error}") from error


def _text(file: Path, source: str) -> str:
    try:
        return expanded(file, source).read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not text"
        raise SettingsError(
            f"{source} cannot be read ({reason}); it must name a file that holds the secret and nothing else"
        ) from error


def expanded(path: Path, source: str) -> Path:
    """Return a path that may begin with ``~``.

    Raises:
        SettingsError: the user has no home directory.

    """
    try:
        return path.expanduser()
    except RuntimeError:
        raise SettingsError(f"{source} cannot be read (this user has no home directory)") from None


def checked_key(held: str, source: str, *, several: bool = False) -> SecretStr:
    """Return a key without the white space around it.

    Args:
        held: What a variable or a file holds.
        source: Which one, for messages.
        several: Whether it may be more than one word: ``USER:PASSWORD``, a word before the key, or several
            secrets, one per line. Documents that an operator adds may want these.

    Raises:
        SettingsError: it cannot be a key, or is too short to be hidden.

    """
    key = held.strip()
    lines = key.splitlines() if several else [key]
    if re.fullmatch(r"\$\{.*\}", key):
        raise SettingsError(f"{source} holds a placeholder that the client did not fill in")
    for line in lines or [""]:
        match = _KEY.fullmatch(line) if several else _WORD.fullmatch(line)
        pair = several and ":" in line and line.isprintable()  # a password may hold anything printable
        if not (match or pair):
            empty = "" if key else "; it is empty"
            raise SettingsError(
                f"{source} does not hold an API key: one line of visible ASCII characters{empty}"
            )
        if len(match[1] if match else line) < MIN_KEY_LENGTH:
            raise SettingsError(
                f"{source} holds an API key of fewer than {MIN_KEY_LENGTH} characters, which could not be "
                "told from ordinary text where it must be hidden; ask the provider for a longer one"
            )
    return SecretStr(key)
