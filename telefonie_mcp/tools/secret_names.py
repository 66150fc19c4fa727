"""Names of secrets: what is one for an operation is one for its whole document; pure."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, cast

from telefonie_mcp.openapi.documents import Document
from telefonie_mcp.tools.catalog import Tool, member_name

__all__ = ["with_secret_names"]


def with_secret_names(document: Document, siblings: Sequence[Tool]) -> list[Tool]:
    """Return the tools of a document with the names that the document hides, without demands on those."""
    secrets = {  # of operations that are left out as well
        member_name(name)
        for hints in document.hints.values()
        for name, hint in hints.arguments.items()
        if hint.secret
    } | {
        member_name(name)
        for each in siblings
        for binding in each.bindings
        if (hint := each.hints.arguments.get(binding.argument)) and hint.secret
        for name in (binding.argument, binding.name)
    }
    subjects = {member_name(each.hints.subject) for each in siblings if each.hints.subject}
    hidden = frozenset(filter(None, secrets))
    named = [
        replace(tool, document_secrets=hidden, document_subjects=frozenset(subjects)) for tool in siblings
    ]
    return [
        replace(tool, output_schema=_with_hidden(tool.output_schema, tool.secret_names)) for tool in named
    ]


def _with_hidden(schema: Any, names: frozenset[str]) -> Any:
    """Return an output schema that accepts what stands for a secret, whatever the document demands there."""
    if not names:
        return schema
    if isinstance(schema, list):
        return [_with_hidden(each, names) for each in cast("list[Any]", schema)]
    if not isinstance(schema, dict):
        return schema
    kept = {key: _with_hidden(value, names) for key, value in cast("dict[str, Any]", schema).items()}
    if isinstance(properties := kept.get("properties"), dict):
        kept["properties"] = {
            name: {} if member_name(name) in names else member
            for name, member in cast("dict[str, Any]", properties).items()
        }
    return kept
