import anyio

from telefonie_mcp.progress import listening, report
from tests.support.wire import SECONDS


async def test_a_report_without_a_listener_is_dropped() -> None:
    await report("nothing")


async def test_what_is_done_only_grows_whatever_is_said() -> None:
    heard: list[tuple[float, float | None, str]] = []

    async def hear(done: float, total: float | None, sentence: str) -> None:
        heard.append((done, total, sentence))

    with listening(hear):
        await report("begin")
        await report("some", done=100, total=250)
        await report("waiting")
        await report("the same", done=100)
        await report("more", done=200)
    await report("too late")
    done = [each[0] for each in heard]
    assert done == sorted({*done})
    assert [(round(amount), total, sentence) for amount, total, sentence in heard] == [
        (0, None, "begin"),
        (100, 250, "some"),
        (100, 250, "waiting"),
        (100, 250, "the same"),
        (200, 250, "more"),
    ]


async def test_a_listener_that_does_not_listen_holds_nothing_up() -> None:
    async def sleep(*_: object) -> None:
        await anyio.sleep_forever()

    with anyio.fail_after(SECONDS), listening(sleep):
        await report("hello?")
