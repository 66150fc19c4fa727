"""``telefonie-mcp config``: the configuration with which an MCP client starts this server."""
