"""``telefonie-mcp config``: how MCP clients are told to start this server."""
