"""How a call of an operation reaches the API and what is known afterwards; knows nothing of MCP.

:mod:`requests` builds the request, :mod:`client` sends it once, :mod:`policy` says when to send it again,
and :mod:`answers` reads what comes back.
"""
