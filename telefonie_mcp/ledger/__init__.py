"""What was done: intents before, outcomes after, and the budgets they use; knows nothing of MCP.

:mod:`records` are the values and errors that the rest of the package works with. :mod:`store` keeps them, on
the tables of :mod:`schema` in a :mod:`database`, and is imported only when a write first needs it, because
SQLAlchemy takes a while; :mod:`owner` tells whether somebody still works on an intent.
"""
