"""What clients can read without a tool: :mod:`offer` lists it, and :mod:`followers` hear when it changes.

:mod:`exposed` finds the reads whose hints make them resources, :mod:`uris` matches their URIs, and
:mod:`reading` makes the reads, those of a whole :mod:`collection` page by page.
"""
