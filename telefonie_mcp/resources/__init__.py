"""Resources, independent of MCP types; :mod:`telefonie_mcp.server.resources` serves them.

:mod:`exposed` finds the reads whose hints make them resources, :mod:`uris` matches their URIs, :mod:`reading`
makes the reads, and :mod:`collection` reads a paginated collection to its end.
"""
