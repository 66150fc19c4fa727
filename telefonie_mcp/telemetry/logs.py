"""Logging to stderr, because stdout carries the protocol over stdio, with secrets redacted."""

import json
import logging
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final, Literal

from pydantic import SecretStr

from telefonie_mcp.redaction import Redactor

__all__ = ["configure_logging"]

_QUOTING: Final = ("httpcore2", "httpx2", "mcp", "sse_starlette")
"""Libraries that log what they carry, below warnings: URLs with phone numbers, messages, session ids."""


class _RedactingFormatter(logging.Formatter):
    """Formats records as text or JSON and redacts secrets in the result, tracebacks included."""

    def __init__(self, form: Literal["text", "json"], secrets: Sequence[SecretStr]) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")
        self._json = form == "json"
        self._redact = Redactor(secret.get_secret_value() for secret in secrets).text

    def format(self, record: logging.LogRecord) -> str:
        if not self._json:
            return self._redact(super().format(record))
        entry = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": self._redact(record.getMessage()),
        }
        if record.exc_info:
            entry["exception"] = self._redact(self.formatException(record.exc_info))
        return json.dumps(entry, ensure_ascii=False)


def configure_logging(level: str, form: Literal["text", "json"], secrets: Sequence[SecretStr] = ()) -> None:
    """Send the log of this process to stderr, replacing existing handlers.

    Args:
        level: Lowest level that is logged: ``debug``, ``info``, ``warning`` or ``error``.
        form: ``text``, or ``json`` for one JSON object per line.
        secrets: Values to redact.

    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_RedactingFormatter(form, secrets))
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    for name in _QUOTING:
        logging.getLogger(name).setLevel(max(logging.WARNING, logging.getLogger().level))
