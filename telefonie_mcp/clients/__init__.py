"""How MCP clients are told to start this server: ``telefonie-mcp config CLIENT``.

:mod:`known` says what each client reads and where, :mod:`launch` how this installation is started and with
which settings, :mod:`entry` puts the two together, :mod:`merging` lays the result into a file that exists
(:mod:`jsonc` and :mod:`toml` change nothing else in it), and :mod:`files` replaces that file.
"""
