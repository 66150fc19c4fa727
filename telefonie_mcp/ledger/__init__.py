"""The record of writes: an intent before each request, its outcome afterwards, and the budgets they use.

Independent of MCP. :mod:`records`, :mod:`accounts` and :mod:`errors` are its words; :mod:`store` is the
ledger, on the tables of :mod:`schema` in a :mod:`database`, with :mod:`prepared` statements;
:mod:`async_ledger` is the ledger for calls and :mod:`inspection` reads it without changes. :mod:`owner`
identifies the process that works on an intent. :mod:`store` is imported when a write first needs it,
because importing SQLAlchemy is slow.
"""
