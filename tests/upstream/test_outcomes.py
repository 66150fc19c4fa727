from datetime import UTC, datetime

import pytest

from telefonie_mcp.upstream.outcomes import Answer, retry_after

NOW = datetime(2026, 11, 24, 12, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("7", 7),
        (" 0 ", 0),
        ("99999999999999", 999999999),
        ("000000000000007", 7),
        ("9" * 4000, 999999999),
        ("Tue, 24 Nov 2026 12:01:30 GMT", 90),
        ("Tue, 24 Nov 2026 11:00:00 GMT", 0),
        ("Tue, 24 Nov 2026 12:00:30 -0000", 30),
        ("Tue, 24 Nov 2026 12:00:30", 30),
        ("Fri, 31 Dec 9999 23:59:59 GMT", 999999999),
        ("Tue, 24 Nov 2026 12:01:30 +99999999999999", None),
        ("Tue, 24 Nov 2026 25:61:61 GMT", None),
        ("soon", None),
        ("-5", None),
        ("1.5", None),
        ("٣", None),
        ("", None),
    ],
)
def test_retry_after_in_seconds_and_as_a_date(value: str, seconds: float | None) -> None:
    assert retry_after(Answer(429, {"retry-after": value}), now=NOW) == seconds


def test_an_unreadable_retry_after_counts_as_none() -> None:
    assert retry_after(Answer(429)) is None


@pytest.mark.parametrize("body", [b"NaN", b"[Infinity]", b"[1e999]", b"", b"\xff", b"{"])
def test_only_json_is_json(body: bytes) -> None:
    with pytest.raises(ValueError, match=r".+"):
        _ = Answer(200, body=body).json
