"""``telefonie-mcp doctor``: checks an installation and says what to do."""
