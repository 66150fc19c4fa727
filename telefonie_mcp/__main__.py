"""``python -m telefonie_mcp``: the same as the command ``telefonie-mcp``."""

from telefonie_mcp.cli import main

if __name__ == "__main__":
    main()
