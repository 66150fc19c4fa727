"""One tool: its definition, its arguments, its request and its result.

:mod:`derivation` turns OpenAPI documents into the tools of a :mod:`catalog`. :mod:`arguments` validates what
a call is given, with the :mod:`formats` that go beyond JSON Schema. :mod:`requester` sends the request;
:mod:`results` turns a success into structured content, :mod:`api_errors` anything else into an error for the
agent, and :mod:`redaction` removes secret arguments from errors.
"""
