"""Secrets, replaced by a stand-in wherever text or JSON repeats them; pure, and a leaf.

:mod:`redactor` replaces them, :mod:`spellings` are what it looks for, and :mod:`encodings` undoes escapes.
"""

from telefonie_mcp.redaction.redactor import HIDDEN, NO_REDACTION, REDACTED, Redaction, Redactor

__all__ = ["HIDDEN", "NO_REDACTION", "REDACTED", "Redaction", "Redactor"]
