"""What an agent sees and what a call goes through.

:mod:`catalog` makes tools of documents; :mod:`calls` runs one: :mod:`arguments` and :mod:`formats` read it,
:mod:`confirmation` and :mod:`writes` guard it, :mod:`presentation` and :mod:`refusals` put what came of it
into words.
"""
