"""MCP ``prompts/list`` and ``prompts/get``."""

from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING

import mcp_types as types
from mcp.shared.exceptions import MCPError

from telefonie_mcp.errors import NOTHING_DONE, ToolError
from telefonie_mcp.text import clean_line, did_you_mean
from telefonie_mcp.tools.catalog import MAX_NAME, Catalog

if TYPE_CHECKING:
    from telefonie_mcp.prompts.recipes import Prompt

__all__ = ["Prompts"]


class Prompts:
    """The prompts whose tools are in ``catalog``; loaded at first use."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog

    @cached_property
    def by_name(self) -> "Mapping[str, Prompt]":
        """Name → prompt."""
        from telefonie_mcp.prompts.recipes import load_prompts  # noqa: PLC0415 - no tools/list needs them

        return load_prompts(self._catalog)

    def listed(self) -> list[types.Prompt]:
        """Return the entries of ``prompts/list``."""
        return [
            types.Prompt(
                name=prompt.name,
                title=prompt.recipe.title,
                description=prompt.recipe.description,
                arguments=[
                    types.PromptArgument(name=name, description=each.description, required=each.required)
                    for name, each in prompt.recipe.arguments.items()
                ],
            )
            for prompt in self.by_name.values()
        ]

    def get(self, name: str, arguments: Mapping[str, str]) -> types.GetPromptResult:
        """Return the result of ``prompts/get``: one user message.

        Raises:
            MCPError: there is no such prompt, or an argument is missing or invalid.

        """
        prompt = self.named(name)
        try:
            text = prompt.text(arguments)
        except ToolError as error:
            problems = [f"{each['field']} {each['problem']}" for each in error.details.get("errors", ())]
            what = "; ".join(problems) or error.message.removeprefix(f"{NOTHING_DONE}: ")
            raise MCPError(types.INVALID_PARAMS, what, error.as_dict()) from error
        message = types.PromptMessage(role="user", content=types.TextContent(text=text))
        return types.GetPromptResult(description=prompt.recipe.description, messages=[message])

    def named(self, name: str) -> "Prompt":
        """Return the prompt of that name.

        Raises:
            MCPError: there is no such prompt.

        """
        if prompt := self.by_name.get(name):
            return prompt
        known = did_you_mean(name, self.by_name, f"the prompts are {', '.join(self.by_name) or 'none'}")
        raise MCPError(types.INVALID_PARAMS, f"Unknown prompt; {known}", {"name": clean_line(name, MAX_NAME)})
