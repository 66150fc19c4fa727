"""Delivery of a POST to real servers on this machine, some of which are faulty."""

import ssl
from collections.abc import AsyncGenerator, Sequence

import anyio
import pytest
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response, StreamingResponse

from telefonie_mcp.sandbox.inbound.delivery import MOST_BYTES, Attempt, post
from tests.sandbox.inbound.support import Answer, webhook
from tests.support.ports import closed_port

BODY = b"From=%2B12125550123"


class Names:
    """A name server that answers once with the first addresses, and then with others."""

    def __init__(self, *answers: Sequence[str]) -> None:
        self.asked: list[tuple[str, int]] = []
        self._answers = list(answers)

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        self.asked.append((host, port))
        return self._answers.pop(0)


async def nobody(host: str, _: int) -> Sequence[str]:
    raise OSError(f"{host} is unknown")


async def deliver(
    url: str, names: Names | None = None, *, private: bool = True, seconds: float = 100
) -> Attempt:
    names = names or Names(["127.0.0.1"])
    with anyio.fail_after(300):
        return await post(url, BODY, {"X-Test": "1"}, resolve=names, allow_private=private, seconds=seconds)


async def test_the_form_arrives_as_it_was_made() -> None:
    async with webhook() as hook:
        attempt = await deliver(f"{hook.base}/voice?x=1%2B2")
    assert attempt == Attempt(
        "delivered", "The webhook answered 200.", 200, "<Response><Say>Hello</Say></Response>"
    )
    ((path, headers, body),) = hook.requests
    assert (path, body, headers["x-test"]) == ("/voice", BODY, "1")
    assert headers["content-type"] == "application/x-www-form-urlencoded"


async def test_a_name_is_resolved_once_and_its_checked_address_is_called() -> None:
    names = Names(["127.0.0.1"], ["192.0.2.1"])
    async with webhook() as hook:
        attempt = await deliver(f"http://hook.example:{hook.port}/voice", names)
    assert attempt.outcome == "delivered"
    assert names.asked == [("hook.example", hook.port)]
    ((_, headers, _),) = hook.requests
    assert headers["host"] == f"hook.example:{hook.port}"


@pytest.mark.parametrize("address", ["127.0.0.1", "10.0.0.1", "169.254.169.254", "::1", "::ffff:127.0.0.1"])
async def test_a_private_address_is_not_called_unless_allowed(address: str) -> None:
    async with webhook() as hook:
        attempt = await deliver(f"http://hook.example:{hook.port}/", Names([address]), private=False)
    assert attempt.outcome == "forbidden_address"
    assert f"at {address}," in attempt.detail
    assert "Nothing was sent" in attempt.detail
    assert "--allow-private" in attempt.detail
    assert hook.requests == []


async def test_redirects_are_not_followed() -> None:
    async def away(_: Request) -> Response:
        return RedirectResponse("/secret", 307)

    async with webhook(away) as hook:
        attempt = await deliver(f"{hook.base}/voice")
    assert (attempt.outcome, attempt.status) == ("redirected", 307)
    assert [path for path, _, _ in hook.requests] == ["/voice"]


@pytest.mark.parametrize("status", [400, 404, 500, 503, 304])
async def test_a_status_that_is_no_success_is_a_refusal(status: int) -> None:
    async def refuse(_: Request) -> Response:
        return Response("" if status == 304 else "no", status)

    async with webhook(refuse) as hook:
        attempt = await deliver(f"{hook.base}/voice")
    assert (attempt.outcome, attempt.status) == ("refused", status)
    assert len(hook.requests) == 1


async def silent(request: Request) -> Response:
    while (await request.receive())["type"] != "http.disconnect":
        pass
    return Response()


async def dripping(_: Request) -> Response:
    async def drops() -> AsyncGenerator[bytes]:
        while True:
            yield b"."
            await anyio.sleep(0.05)

    return StreamingResponse(drops())


@pytest.mark.parametrize("slow", [silent, dripping])
async def test_a_silent_or_slow_webhook_times_out(slow: Answer) -> None:
    async with webhook(slow) as hook:
        attempt = await deliver(f"{hook.base}/voice", seconds=1)
    assert attempt == Attempt("timed_out", "The webhook did not answer within 1 seconds.")
    assert len(hook.requests) == 1


async def test_name_resolution_counts_towards_the_time() -> None:
    async def never(_: str, __: int) -> Sequence[str]:
        await anyio.sleep_forever()
        raise AssertionError

    with anyio.fail_after(300):
        attempt = await post("http://hook.example/", BODY, {}, resolve=never, seconds=0.1)
    assert attempt.outcome == "timed_out"


async def test_only_the_beginning_of_a_long_response_is_read() -> None:
    async def long(_: Request) -> Response:
        async def flood() -> AsyncGenerator[bytes]:
            for _ in range(100):
                yield b"x" * 65536

        return StreamingResponse(flood())

    async with webhook(long) as hook:
        attempt = await deliver(f"{hook.base}/voice")
    assert (attempt.outcome, attempt.body) == ("delivered", "x" * MOST_BYTES)


async def test_a_response_that_is_not_text_is_decoded_with_replacements() -> None:
    async def binary(_: Request) -> Response:
        return Response(b"\xff\xfe ok")

    async with webhook(binary) as hook:
        attempt = await deliver(f"{hook.base}/voice")
    assert attempt.body == "\ufffd\ufffd ok"


async def test_a_closed_port_is_unreachable() -> None:
    with closed_port() as port:
        attempt = await deliver(f"http://hook.example:{port}/")
    assert attempt.outcome == "unreachable"
    assert attempt.detail.startswith("The webhook could not be reached (")


async def test_a_host_name_that_does_not_exist_is_unreachable() -> None:
    with anyio.fail_after(300):
        attempt = await post("http://hook.example/", BODY, {}, resolve=nobody)
    assert attempt.outcome == "unreachable"
    assert "hook.example is unknown" in attempt.detail


async def test_https_needs_a_valid_certificate() -> None:
    async with webhook() as hook:
        attempt = await deliver(f"https://hook.example:{hook.port}/voice")
    assert attempt.outcome == "unreachable"
    assert hook.requests == []
    assert ssl.create_default_context().check_hostname


async def test_an_invalid_url_is_unreachable() -> None:
    attempt = await deliver("http://[::1/voice")
    assert attempt == Attempt("unreachable", "The webhook's URL cannot be called.")
