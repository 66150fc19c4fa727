"""Prompts, independent of MCP types; :mod:`telefonie_mcp.server.prompts` serves them."""
