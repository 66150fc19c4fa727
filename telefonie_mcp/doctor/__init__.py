"""Checks an installation and says what to do: ``telefonie-mcp doctor``.

:mod:`findings` judges what was seen, :mod:`network` finds where a connection fails, and :mod:`examination`
looks. Nothing is bought, changed or written, but for a probe in the state directory.
"""
