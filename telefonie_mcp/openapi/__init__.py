"""What the API says: OpenAPI documents as frozen values.

:mod:`documents` finds and parses them, :mod:`reader` turns one into operations, :mod:`schema` its schemas
into JSON Schema 2020-12, and :mod:`hints` holds what a specification cannot say.
"""
