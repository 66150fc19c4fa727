"""Entry point of ``telefonie-mcp`` and ``python -m telefonie_mcp``.

Garbage collection is off during imports, and leaves alone what they made: it takes a tenth of the start, and
imported modules are not garbage.
"""

import gc

gc.disable()

from telefonie_mcp.cli.main import main  # noqa: E402

gc.freeze()
gc.enable()

if __name__ == "__main__":
    main()
