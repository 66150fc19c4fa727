"""What an agent sees and what a call goes through.

:mod:`derivation` makes the :mod:`catalog` of documents; :mod:`calls` runs one tool. :mod:`arguments` and
:mod:`formats` read what it is given; :mod:`policy`, :mod:`guard` and :mod:`approval` decide; :mod:`writes`
and :mod:`recovery` do it exactly once; :mod:`presentation`, :mod:`confirmation` and :mod:`refusals` put what
came of it into words.
"""
