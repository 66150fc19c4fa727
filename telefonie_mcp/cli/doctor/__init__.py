"""``telefonie-mcp doctor``: checks an installation, with a remedy for each problem."""
