"""The MCP server: handlers, transports, elicitation, subscriptions, resources, prompts, completion."""
