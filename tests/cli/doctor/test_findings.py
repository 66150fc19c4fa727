"""What was seen, and what it means."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from email.utils import format_datetime

import pytest

from telefonie_mcp.cli.doctor.findings import Finding, clock, unsettled, versions
from telefonie_mcp.ledger.records import Entry
from telefonie_mcp.upstream.outcomes import Answer

NOW = datetime(2026, 11, 24, 9, 30, tzinfo=UTC)
DATE = format_datetime(NOW, usegmt=True)


@pytest.mark.parametrize(
    ("ahead", "status", "words"),
    [
        (0, "ok", "0 s ahead of the API's"),
        (60, "ok", "60 s ahead of the API's"),
        (61, "warning", "61 s ahead of the API's"),
        (-61, "warning", "61 s behind the API's"),
        (86_400, "warning", "86400 s ahead of the API's"),
    ],
)
def test_the_clock_is_compared_with_the_middle_of_the_request(ahead: int, status: str, words: str) -> None:
    middle = NOW + timedelta(seconds=ahead)
    seconds = timedelta(seconds=3)
    finding = clock(Answer(200, {"date": DATE}), middle - seconds, middle + seconds)
    assert (finding.status, finding.text) == (status, words)
    assert bool(finding.remedy) is (status == "warning")


@pytest.mark.parametrize(
    ("headers", "words"),
    [
        ({"date": DATE, "age": "3600"}, "3600 s behind the API's"),
        ({"date": DATE, "age": "x"}, "0 s ahead of the API's"),
        ({"date": DATE.replace("GMT", "-0000")}, "0 s ahead of the API's"),
        ({"date": DATE, "age": "9" * 20}, "not compared: the API does not say what time it is"),
        ({"date": "Tue, 24 Nov 99999 12:00:00 GMT"}, "not compared: the API does not say what time it is"),
        ({"date": "yesterday"}, "not compared: the API does not say what time it is"),
        ({}, "not compared: the API does not say what time it is"),
    ],
)
def test_what_an_answer_says_of_the_time(headers: dict[str, str], words: str) -> None:
    assert clock(Answer(200, headers), NOW, NOW).text == words


def entry(*, abandoned: bool) -> Entry:
    return Entry(
        1, NOW, NOW, "a", "c", "t", "o", "acquire", "s", "intent", Decimal(1), "", abandoned=abandoned
    )


@pytest.mark.parametrize(
    ("abandoned", "status", "words"),
    [
        ([], "ok", "readable and whole, 0 writes under way"),
        ([False], "ok", "readable and whole, 1 write under way"),
        ([True, False], "warning", "1 write without an outcome"),
        ([True, True], "warning", "2 writes without an outcome"),
    ],
)
def test_writes_without_an_outcome(abandoned: list[bool], status: str, words: str) -> None:
    finding = unsettled(entry(abandoned=each) for each in abandoned)
    assert (finding.check, finding.status, finding.text) == ("ledger", status, words)


REQUIREMENTS = [
    "mcp<3,>=2.3",
    "SQLAlchemy >=2.1",
    "plain",
    "psycopg[binary]>=3.2; extra == 'postgres'",
    "tomli>=9; python_version < '3'",
    "odd[x]~=1.4,!=1.5.1; python_version >= '3'",
]
INSTALLED = {"mcp": "2.3.0", "SQLAlchemy": "2.1.0", "plain": "1", "odd": "1.5"}


@pytest.mark.parametrize(
    ("changes", "status", "words"),
    [
        ({}, "ok", "Python 3.11.7, mcp 2.3.0, SQLAlchemy 2.1.0, plain 1, odd 1.5"),
        ({"mcp": "2.10"}, "ok", "Python 3.11.7, mcp 2.10, SQLAlchemy 2.1.0, plain 1, odd 1.5"),
        ({"SQLAlchemy": "2.2.0b2"}, "ok", "Python 3.11.7, mcp 2.3.0, SQLAlchemy 2.2.0b2, plain 1, odd 1.5"),
        ({"SQLAlchemy": "2.1.0b2"}, "problem", "SQLAlchemy 2.1.0b2 (needs >=2.1)"),
        ({"plain": "nonsense"}, "ok", "Python 3.11.7, mcp 2.3.0, SQLAlchemy 2.1.0, plain nonsense, odd 1.5"),
        ({"odd": "1.5.1"}, "problem", "odd 1.5.1 (needs !=1.5.1,~=1.4)"),
        ({"odd": "2.0"}, "problem", "odd 2.0 (needs !=1.5.1,~=1.4)"),
        ({"odd": None}, "problem", "odd is missing (needs !=1.5.1,~=1.4)"),
        ({"mcp": "2.2.9"}, "problem", "mcp 2.2.9 (needs <3,>=2.3)"),
        ({"mcp": "3.0"}, "problem", "mcp 3.0 (needs <3,>=2.3)"),
        ({"mcp": "nonsense"}, "problem", "mcp nonsense (needs <3,>=2.3)"),
        ({"plain": None}, "problem", "plain is missing"),
        ({"mcp": None, "plain": None}, "problem", "mcp is missing (needs <3,>=2.3), plain is missing"),
    ],
)
def test_what_is_installed_and_what_is_required(
    changes: dict[str, str | None], status: str, words: str
) -> None:
    installed = {name: version for name, version in (INSTALLED | changes).items() if version}
    finding = versions("3.11.7", REQUIREMENTS, installed)
    assert (finding.check, finding.status, finding.text) == ("versions", status, words)


def test_a_finding_is_json() -> None:
    assert Finding("key", "problem", "x", "y").as_dict() == {
        "check": "key",
        "status": "problem",
        "text": "x",
        "remedy": "y",
    }
