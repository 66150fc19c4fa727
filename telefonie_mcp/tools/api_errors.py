"""Outcome of a request → :class:`ToolError`; pure functions.

Text of the provider appears only in ``provider_says``, cleaned and cut to one line.
"""

import re
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import urlsplit

from telefonie_mcp.errors import NOTHING_DONE, ToolError
from telefonie_mcp.text import clean, clean_line
from telefonie_mcp.tools.catalog import Tool
from telefonie_mcp.tools.results import UnusableError
from telefonie_mcp.upstream.outcomes import Answer, NotSent, Outcome, Unanswered, retry_after

__all__ = ["problem_of", "refusal", "unusable"]

_CODES: Final = {
    401: ("unauthorized", "Ask the operator to check {key} (telefonie-mcp doctor)."),
    402: ("payment_required", "Ask the account's owner to add funds."),
    403: ("forbidden", "The API key may not do this; ask the account's owner."),
    404: ("not_found", "Check the identifier."),
    409: ("conflict", "Look at the current state before another attempt."),
    429: ("rate_limited", "Wait before the next call."),
}
_MAX_HOST: Final = 100
"""Characters of a redirect's host that a message quotes."""

_TRY_LATER: Final = (
    "Try again later; if it stays so, ask the operator to check {url} and the network (telefonie-mcp doctor)."
)
_NO_KEY_SENT: Final = (
    "The OpenAPI document says that this operation needs no key, so none was sent; ask the operator to "
    "correct its security."
)
_CORRECT_DOCUMENT: Final = "Ask the operator to correct the server and the path in the OpenAPI document."


def refusal(tool: Tool, outcome: Outcome, *, done: str = NOTHING_DONE) -> ToolError:
    """Return the error for a request that did not succeed.

    Args:
        tool: The tool that sent the request.
        outcome: Any outcome but a success that follows the document.
        done: The first words of the message: what is known to be done.

    """
    message = f"{done}: the API {problem_of(tool, outcome)}."
    later = _with_settings(_TRY_LATER, tool)
    match outcome:
        case NotSent(retryable=False):
            return ToolError(message, code="upstream_misdirected", hint=_CORRECT_DOCUMENT)
        case NotSent():
            return ToolError(message, code="upstream_unreachable", hint=later, retryable=True)
        case Unanswered(pending=True):
            return ToolError(message, code="upstream_timeout", hint=later, retryable=True)
        case Unanswered():
            return ToolError(message, code="upstream_unavailable", hint=later, retryable=True)
        case Answer():
            return _error_for_answer(tool, outcome, message)


def unusable(error: UnusableError, *, status: int | None, done: str = NOTHING_DONE) -> ToolError:
    """Return the error for a success that does not follow the document, with the readable data in it."""
    return ToolError(
        f"{done}: the provider's answer {error.reason}. This is the provider's fault, not the call's.",
        code="upstream_invalid_response",
        hint="Do not rely on this answer; report it to the provider if it stays so.",
        status=status,
        **({} if error.data is None else {"provider_data": error.data}),
    )


def problem_of(tool: Tool, outcome: Outcome) -> str:
    """Describe a failed outcome as the predicate of a sentence whose subject is "the API"."""
    match outcome:
        case NotSent() | Unanswered():
            return outcome.reason
        case Answer(status=status) if 300 <= status < 400:  # noqa: PLR2004
            return f"answered {status}, a redirect to {_redirect_host(outcome)}, which is never followed"
        case Answer(status=status) if 200 <= status < 300:  # noqa: PLR2004
            return f"answered {status} instead of {' or '.join(tool.operation.successes)}"
        case Answer(status=status):
            phrase = HTTPStatus(status).phrase if status in set(HTTPStatus) else "unknown status"
            return f"refused with {status} {phrase}"


def _error_for_answer(tool: Tool, answer: Answer, message: str) -> ToolError:
    status = answer.status
    code, hint = _CODES.get(
        status, ("rejected", "Correct the call as the provider says, or ask its support.")
    )
    details = _provider_details(answer)
    if status == HTTPStatus.UNAUTHORIZED and not tool.operation.security:
        hint = _NO_KEY_SENT
    elif 300 <= status < 400:  # noqa: PLR2004
        code, hint = (
            "upstream_redirect",
            "Ask the operator to set {url} to the API's final address.",
        )
    elif status < 300:  # noqa: PLR2004
        code, hint = "upstream_invalid_response", "Report it to the provider if it stays so."
    elif status >= 500:  # noqa: PLR2004
        code, hint = "upstream_unavailable", _TRY_LATER
    elif status == HTTPStatus.TOO_MANY_REQUESTS:
        seconds = retry_after(answer)
        if seconds is not None:
            hint = f"Wait {seconds:.0f} s before the next call."
            details["retry_after"] = seconds
    hint = tool.hints.refused.get(status, _with_settings(hint, tool))
    retryable = status >= 500 or status in {408, 429}  # noqa: PLR2004
    return ToolError(message, code=code, hint=hint, status=status, retryable=retryable, **details)


def _with_settings(hint: str, tool: Tool) -> str:
    """Return a hint with the names of the settings that the tool's requests depend on."""
    origin = tool.document.origin
    key = origin.key_setting
    if origin.bare_key:
        key += ", and whether a word belongs before the key in it, such as App KEY or Bearer KEY"
    return hint.format(key=key, url=origin.url_setting)


def _redirect_host(redirect: Answer) -> str:
    try:
        host = urlsplit(redirect.headers.get("location", "")).hostname
    except ValueError:
        host = None
    return clean_line(redirect.redaction.text(host or "elsewhere"), _MAX_HOST)


def _provider_details(answer: Answer) -> dict[str, Any]:
    """Return the provider's code and message from the body of a refusal: JSON, or plain text."""
    from telefonie_mcp.tools.provider_words import Words, words_of  # noqa: PLC0415 - only a refusal needs it

    try:
        said = words_of(answer.json)
    except (ValueError, RecursionError):
        plain = answer.headers.get("content-type", "").lower().startswith("text/plain")
        said = Words(message=answer.text if plain else "")
    code = answer.redaction.text(said.code)
    message = clean_line(answer.redaction.text(clean(said.message)))
    return {
        **({"provider_code": code} if re.fullmatch(r"[A-Za-z0-9_.:-]{1,64}", code) else {}),
        **({"provider_says": message} if message else {}),
    }
