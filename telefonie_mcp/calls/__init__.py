"""One tool call: :mod:`pipeline` runs it from the rate limit to the result.

Before a write: :mod:`policy`, :mod:`assessment` of the :mod:`current_state`, :mod:`approval` by a person, and
:mod:`recovery` of earlier writes without an outcome. :mod:`writes` sends it and determines its outcome.
:mod:`live_lookup` serves the lookup document in front of a live API.
"""
