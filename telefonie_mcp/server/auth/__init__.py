"""Authorization of hosted mode: tokens, scopes and principals (MCP authorization, OAuth 2.1)."""
