import sys

import pytest
from mcp import StdioServerParameters

from telefonie_mcp.cli.demo import SERVER, play
from telefonie_mcp.errors import TelefonieError


async def test_every_line_is_what_the_server_answered(capsys: pytest.CaptureFixture[str]) -> None:
    await play()
    shown = capsys.readouterr().out
    assert "\x1b" not in shown
    steps = [line for line in shown.splitlines() if line[:1].isdigit()]
    assert [step.partition(".")[0] for step in steps] == [str(number) for number in range(1, len(steps) + 1)]
    for words in (
        "Telefonie phone numbers (sandbox), protocol 2026-07-28, 8 tools",
        "refused: Nothing was done, because confirm was not true. purchase_number would buy +1415",
        "it would cost 1.15 per month and can do voice, sms, mms",
        "bought +1415",
        "Front desk: calls to https://example.com/voice, SMS to https://example.com/sms",
        "replaced: voice_url (none), sms_url (none), friendly_name (415) 555-",
        "refused: Nothing was done, because confirm was not true. release_number would",
        "would be lost: friendly_name Front desk, voice_url https://example.com/voice, sms_url https://",
        "Number released: +1415",
    ):
        assert words in shown
    assert shown.endswith("Nothing is left of it.\n")


async def test_a_step_that_goes_wrong_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    strict = StdioServerParameters(
        command=sys.executable, args=[*SERVER.args, "--max-purchases-per-day", "0"]
    )
    with pytest.raises(
        TelefonieError, match=r"the demo's step 2 did not go as it should: .*MAX_PURCHASES_PER_DAY"
    ):
        await play(strict)
    assert "bought" not in capsys.readouterr().out
