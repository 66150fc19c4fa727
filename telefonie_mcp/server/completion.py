"""Completions of arguments of prompts and of variables in resource templates.

Both become arguments of tools, whose schemas and formats say what can be suggested. There are suggestions or
none; a completion never fails because of the API.
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
from telefonie_mcp.tools.catalog import Tool

__all__ = ["Completions"]

_MOST: Final = 100
"""Suggestions that one answer may hold (MCP, "Completion")."""

_PAGES: Final = 10
"""Pages of the account that are searched at most, since every key press asks again."""

_SECONDS: Final = 3.0
"""How long somebody who types is kept waiting for the account."""


@dataclass(frozen=True)
class _Blank:
    """What is to be filled in: an argument of a tool, and what stands in the others already."""

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
    """Suggests values for everything that ``prompts`` and ``resources`` ask for."""

    def __init__(self, app: App, prompts: Prompts, resources: Resources) -> None:
        self._app = app
        self._prompts = prompts
        self._resources = resources

    async def complete(self, params: types.CompleteRequestParams, caller: Caller) -> types.Completion:
        """Return what can follow the typed value, at most a hundred.

        Raises:
            MCPError: there is no such prompt or template.

        """
        typed = params.argument.value
        context = (params.context.arguments if params.context else None) or {}
        blank = self._blank(params.ref, params.argument.name, context)
        found = await self._suggestions(blank, typed, caller) if blank else []
        return types.Completion(values=found[:_MOST], has_more=len(found) > _MOST)

    def _blank(
        self,
        ref: types.PromptReference | types.ResourceTemplateReference,
        name: str,
        context: Mapping[str, str],
    ) -> _Blank | None:
        if isinstance(ref, types.PromptReference):
            like = self._prompts.named(ref.name).like
            others = {like[other][1]: value for other, value in context.items() if other in like}
            return _Blank(*like[name], others) if name in like else None
        for each in self._resources.readable:
            if each.uri.text == ref.uri:
                return _Blank(each.parts[0].tool, name, context) if name in each.uri.variables else None
        raise MCPError(types.INVALID_PARAMS, "Unknown resource template", {"uri": ref.uri[:200]})

    async def _suggestions(self, blank: _Blank, typed: str, caller: Caller) -> list[str]:
        if options := blank.schema.get("enum"):
            return [option for option in options if option.startswith(typed.strip().lower())]
        match blank.format:
            case "country":
                return countries(typed)
            case "area_code":
                return await self._area_codes(blank, typed.strip())
            case "e164" if blank.schema.get("type") == "string":
                return await self._owned(blank, typed, caller)
            case _:
                return []

    async def _area_codes(self, blank: _Blank, typed: str) -> list[str]:
        from telefonie_mcp.numbering.area_codes import area_codes  # noqa: PLC0415 - phonenumbers takes a while

        country = next(
            (v for name, v in blank.others.items() if blank.tool.formats.get(name) == "country"), ""
        )
        return [*await to_thread.run_sync(area_codes, country.strip().upper(), typed, _MOST + 1)]

    async def _owned(self, blank: _Blank, typed: str, caller: Caller) -> list[str]:
        """Return the numbers of the account whose digits begin with those of ``typed``."""
        digits = "+" + "".join(filter(str.isdigit, typed))
        found: list[str] = []
        for part in (each.parts[0] for each in self._resources.readable):
            pages = part.hint.pages
            if not pages or pages.key != blank.argument or part.tool.document is not blank.tool.document:
                continue
            with suppress(ToolError), anyio.move_on_after(_SECONDS):
                for page in range(1, _PAGES + 1):
                    asked = {pages.page: page, pages.size: part.page_size}
                    answer = (await self._app.pipeline.call(part.tool.name, asked, caller)).content
                    keys = [str(item.get(pages.key)) for item in answer.get(pages.items, [])]
                    found += [key for key in keys if key.startswith(digits) and key not in found]
                    if len(keys) < part.page_size or len(found) > _MOST:
                        break
        return found
