"""Uploads to port orders, such as a letter of authorization; the first bytes decide the media type."""

import base64
import binascii
import hashlib
from datetime import datetime
from typing import Final

from telefonie_mcp.sandbox.porting.carriers import AttachmentType
from telefonie_mcp.sandbox.porting.orders import Attachment
from telefonie_mcp.sandbox.problems import Problem

MOST_BYTES: Final = 3_000_000
MOST_CHARACTERS: Final = MOST_BYTES * 4 // 3
"""The longest content in base64."""

_SIGNATURES: Final = {
    b"%PDF-": "application/pdf",
    b"\x89PNG\r\n\x1a\n": "image/png",
    b"\xff\xd8\xff": "image/jpeg",
    b"II*\x00": "image/tiff",
    b"MM\x00*": "image/tiff",
}


def read_attachment(kind: AttachmentType, file_name: str, content: str, now: datetime) -> Attachment:
    """Read an upload whose `content` is in base64 (RFC 4648 §4)."""
    if len(content) > MOST_CHARACTERS:
        raise _invalid("A document has at most 3 MB. Scan it in a lower resolution.")
    try:
        data = base64.b64decode(content, validate=True)
    except (binascii.Error, ValueError) as error:
        raise _invalid("content must be base64 (RFC 4648), without line breaks.") from error
    media_type = next((kind for start, kind in _SIGNATURES.items() if data.startswith(start)), None)
    if media_type is None:
        raise _invalid("A document is a PDF, PNG, JPEG or TIFF file; this is none, whatever its name says.")
    return Attachment(kind, file_name, media_type, len(data), hashlib.sha256(data).hexdigest(), now)


def _invalid(sentence: str) -> Problem:
    return Problem("invalid_document", sentence, field="content")
