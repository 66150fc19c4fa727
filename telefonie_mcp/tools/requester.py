"""Sends the request of a tool, with retries, and returns its outcome or its structured content."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from telefonie_mcp.deadline import READ_ATTEMPT, Deadline
from telefonie_mcp.progress import report
from telefonie_mcp.redaction import Redaction
from telefonie_mcp.tools.api_errors import problem_of, refusal, unusable
from telefonie_mcp.tools.catalog import Catalog, Tool
from telefonie_mcp.tools.redaction import SentSecrets
from telefonie_mcp.tools.results import UnusableError, present
from telefonie_mcp.upstream.client import ApiClient
from telefonie_mcp.upstream.outcomes import Answer, Outcome
from telefonie_mcp.upstream.retry import send_until_known
from telefonie_mcp.upstream.serialization import build_request

if TYPE_CHECKING:
    from telefonie_mcp.upstream.credentials import SentCredential

__all__ = ["Requester", "content_of", "succeeded"]


def succeeded(tool: Tool, answer: Answer) -> bool:
    """Whether the status of ``answer`` is a success (RFC 9110 §15.3); with a strict tool, a declared one."""
    declared = tool.operation.successes
    success = 200 <= answer.status < 300  # noqa: PLR2004
    return str(answer.status) in declared or (success and ("2XX" in declared or not tool.strict))


def content_of(tool: Tool, outcome: Outcome, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return the structured content of a read.

    Raises:
        ToolError: the request did not succeed, or its answer does not follow the document.

    """
    if not isinstance(outcome, Answer) or not succeeded(tool, outcome):
        raise refusal(tool, outcome)
    try:
        return present(tool, outcome, arguments)
    except UnusableError as error:
        raise unusable(error, status=outcome.status) from error


class Requester:
    """Sends the requests of tools through one client.

    Args:
        client: The HTTP client.
        catalog: All tools, among them the reads that the hints of other tools refer to.
        server: Tool → base URL of its operation.
        credentials: Tool → the keys that go with its requests.
        seconds: Time limit of one tool call in all.

    Attributes:
        redactor: Replaces the operator's secrets.
        attempt_seconds: Time limit of one attempt of a read, and the least time that a write needs.

    """

    def __init__(
        self,
        client: ApiClient,
        catalog: Catalog,
        *,
        server: Callable[[Tool], str],
        credentials: "Callable[[Tool], Sequence[SentCredential]]",
        seconds: float,
    ) -> None:
        self._client = client
        self.catalog = catalog
        self.server = server
        self.credentials = credentials
        self.attempt_seconds = seconds * READ_ATTEMPT
        self.redactor: Final = client.redactor
        self._sent_secrets = SentSecrets()
        self._ways: dict[str, tuple[str, Sequence[SentCredential]]] = {}

    def redaction(self, tool: Tool, arguments: Mapping[str, Any]) -> Redaction:
        """Return what must not be seen once these arguments are sent: their secrets are remembered."""
        self._sent_secrets.remember(tool, arguments)
        return self._sent_secrets.redaction(tool, arguments, self.redactor)

    def _way(self, tool: Tool) -> "tuple[str, Sequence[SentCredential]]":
        """Return where the requests of ``tool`` go and what goes with them, which stays the same."""
        way = self._ways.get(tool.name)
        if way is None:
            way = self._ways[tool.name] = (self.server(tool), self.credentials(tool))
        return way

    async def send(self, tool: Tool, arguments: Mapping[str, Any], deadline: Deadline) -> Outcome:
        """Send the tool's request, with the retries of :mod:`telefonie_mcp.upstream.retry`."""
        request = build_request(tool.operation, tool.bindings, arguments)
        server, credentials = self._way(tool)
        redaction = self.redaction(tool, arguments)

        def once(seconds: float) -> Awaitable[Outcome]:
            return self._client.send(server, request, credentials, seconds=seconds, redaction=redaction)

        async def before_pause(outcome: Outcome, seconds: float) -> None:
            problem = f"the API {problem_of(tool, outcome)}"
            await report(f"{tool.title}: {problem}; waiting {seconds:.1f} seconds before the next attempt")

        return await send_until_known(
            once,
            writes=not tool.read_only,
            deadline=deadline,
            attempt_seconds=self.attempt_seconds if tool.read_only else deadline.remaining,
            before_pause=before_pause,
        )
