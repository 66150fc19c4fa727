"""OpenAPI documents as frozen values.

:mod:`documents` loads and parses them, :mod:`reader` turns one into operations, :mod:`schema` converts its
schemas into JSON Schema 2020-12, and :mod:`hints` models what OpenAPI cannot express.
"""
