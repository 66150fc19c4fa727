"""The command line ``telefonie-mcp``."""
