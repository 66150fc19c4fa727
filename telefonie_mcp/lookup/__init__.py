"""Number lookup and capability checking, wherever the facts about the account come from.

:mod:`numbering` has what libphonenumber knows, :mod:`answers` composes it with what is known of the account
and the market into the answers of the lookup document; both are pure and know nothing of the rest of this
package, so that the sandbox can use them. :mod:`live` answers the document in front of a live API.
"""
