"""Completion of prompt arguments and of resource template variables (MCP ``completion/complete``).

Both become arguments of tools, so the tools' schemas and formats supply the suggestions. If the API fails or
is slow, the list of suggestions is shorter or empty; the request does not fail.
"""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

import anyio
import mcp_types as types
from anyio import to_thread
from mcp.shared.exceptions import MCPError

from telefonie_mcp.app import App
from telefonie_mcp.calls.approval import Caller
from telefonie_mcp.errors import ToolError
from telefonie_mcp.numbering.countries import countries
from telefonie_mcp.server.prompts import Prompts
from telefonie_mcp.server.resources import Resources
from telefonie_mcp.text import clean_line
from telefonie_mcp.tools.catalog import Tool

__all__ = ["Completions"]

_MAX_VALUES: Final = 100
"""Maximum number of suggestions in one response (MCP, "Completion")."""

_MAX_PAGES: Final = 10
"""Maximum number of pages of owned numbers to search: clients ask again with every key press."""

_SECONDS: Final = 3.0
"""Time limit for reading the owned numbers."""


@dataclass(frozen=True)
class _Target:
    """The argument to complete: the tool's argument, and the values of its other arguments so far."""

    tool: Tool
    argument: str
    others: Mapping[str, str]

    @property
    def schema(self) -> Mapping[str, Any]:
        return self.tool.input_schema["properties"][self.argument]

    @property
    def format(self) -> str | None:
        return self.tool.formats.get(self.argument)


class Completions:
    """Suggests values for the arguments of ``prompts`` and the variables of ``resources``."""

    def __init__(self, app: App, prompts: Prompts, resources: Resources) -> None:
        self._app = app
        self._prompts = prompts
        self._resources = resources

    async def complete(self, params: types.CompleteRequestParams, caller: Caller) -> types.Completion:
        """Return at most 100 suggestions for the typed text.

        Raises:
            MCPError: there is no such prompt or resource template.

        """
        typed = params.argument.value
        context = (params.context.arguments if params.context else None) or {}
        target = self._target(params.ref, params.argument.name, context)
        found = await self._suggestions(target, typed, caller) if target else []
        return types.Completion(values=found[:_MAX_VALUES], has_more=len(found) > _MAX_VALUES)

    def _target(
        self,
        ref: types.PromptReference | types.ResourceTemplateReference,
        name: str,
        context: Mapping[str, str],
    ) -> _Target | None:
        if isinstance(ref, types.PromptReference):
            like = self._prompts.named(ref.name).like
            others = {like[other][1]: value for other, value in context.items() if other in like}
            return _Target(*like[name], others) if name in like else None
        for each in self._resources.readable:
            if each.uri.text == ref.uri:
                return _Target(each.parts[0].tool, name, context) if name in each.uri.variables else None
        raise MCPError(types.INVALID_PARAMS, "Unknown resource template", {"uri": clean_line(ref.uri, 200)})

    async def _suggestions(self, target: _Target, typed: str, caller: Caller) -> list[str]:
        if options := target.schema.get("enum"):
            return [option for option in options if option.startswith(typed.strip().lower())]
        match target.format:
            case "country":
                return countries(typed)
            case "area_code":
                return await self._area_codes(target, typed.strip())
            case "e164" if target.schema.get("type") == "string":
                return await self._owned(target, typed, caller)
            case _:
                return []

    async def _area_codes(self, target: _Target, typed: str) -> list[str]:
        from telefonie_mcp.numbering.area_codes import area_codes  # noqa: PLC0415 - phonenumbers takes a while

        country = next(
            (v for name, v in target.others.items() if target.tool.formats.get(name) == "country"), ""
        )
        return [*await to_thread.run_sync(area_codes, country.strip().upper(), typed, _MAX_VALUES + 1)]

    async def _owned(self, target: _Target, typed: str, caller: Caller) -> list[str]:
        """Return the owned numbers that begin with the digits of ``typed``, or with what it is read as."""
        from telefonie_mcp.numbering.e164 import meant_number  # noqa: PLC0415 - phonenumbers takes a while

        digits = "+" + "".join(filter(str.isdigit, typed))
        digits = await to_thread.run_sync(meant_number, digits) or digits
        found: list[str] = []
        for part in (each.parts[0] for each in self._resources.readable):
            pages = part.hint.pages
            if not pages or pages.key != target.argument or part.tool.document is not target.tool.document:
                continue
            with suppress(ToolError), anyio.move_on_after(_SECONDS):
                for page in range(1, _MAX_PAGES + 1):
                    asked = {pages.page: page, pages.size: part.page_size}
                    answer = (await self._app.pipeline.call(part.tool.name, asked, caller)).content
                    keys = [str(item.get(pages.key)) for item in answer.get(pages.items, [])]
                    found += [key for key in keys if key.startswith(digits) and key not in found]
                    if len(keys) < part.page_size or len(found) > _MAX_VALUES:
                        break
        return found
