"""The log: on stderr only, because stdout belongs to the protocol, and never with a secret in it."""

import json
import logging
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Literal

from pydantic import SecretStr

from telefonie_mcp.redaction import Redactor

__all__ = ["configure_logging"]


class _Redacting(logging.Formatter):
    """Formats records, tracebacks included, and blots out secrets in the result.

    Wherever in a message, an argument or an exception a secret stands, it has to pass here to be seen.
    """

    def __init__(self, form: Literal["text", "json"], secrets: Sequence[SecretStr]) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")
        self._json = form == "json"
        self._redacted = Redactor(secret.get_secret_value() for secret in secrets).text

    def format(self, record: logging.LogRecord) -> str:
        if not self._json:
            return self._redacted(super().format(record))
        entry = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": self._redacted(record.getMessage()),
        }
        if record.exc_info:
            entry["exception"] = self._redacted(self.formatException(record.exc_info))
        return json.dumps(entry, ensure_ascii=False)


def configure_logging(level: str, form: Literal["text", "json"], secrets: Sequence[SecretStr] = ()) -> None:
    """Send the log of this process to stderr, at ``level`` and above.

    Args:
        level: ``debug``, ``info``, ``warning`` or ``error``.
        form: Lines for people, or one JSON object a line.
        secrets: What must never be seen.

    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Redacting(form, secrets))
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
