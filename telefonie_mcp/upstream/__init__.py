"""HTTP requests to the API and their outcomes; independent of MCP.

:mod:`serialization` builds the request of an operation, :mod:`client` sends it once, :mod:`retry` decides
whether it is sent again, and :mod:`outcomes` are the values that both return.
"""
