import json
import logging
import re
from collections.abc import Generator
from typing import Literal
from urllib.parse import quote

import pytest
from pydantic import SecretStr

from telefonie_mcp.telemetry.logs import configure_logging

SECRET = "sekret-0451"


@pytest.fixture(autouse=True)
def _restored() -> Generator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = handlers, level


def spoken(capsys: pytest.CaptureFixture[str]) -> str:
    try:
        int(f"with {SECRET} inside")
    except ValueError:
        logging.getLogger("x").exception("failed with %s and %r", SECRET, {"k": SECRET})
    logging.getLogger("x").info("too quiet")
    captured = capsys.readouterr()
    assert captured.out == ""
    assert SECRET not in captured.err
    assert "too quiet" not in captured.err
    return captured.err


def test_secrets_are_redacted_in_text(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("warning", "text", [SecretStr(SECRET)])
    text = spoken(capsys)
    assert "ERROR x: failed with ********** and {'k': '**********'}" in text
    assert "with ********** inside" in text


def test_json_is_one_object_a_line_with_secrets_redacted(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("warning", "json", [SecretStr(SECRET)])
    entry = json.loads(spoken(capsys))
    assert (entry["level"], entry["logger"]) == ("error", "x")
    assert entry["message"] == "failed with ********** and {'k': '**********'}"
    assert "with ********** inside" in entry["exception"]
    assert entry["time"].endswith("+00:00")


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_secret_is_blotted_out_however_it_is_written(
    form: Literal["text", "json"], capsys: pytest.CaptureFixture[str]
) -> None:
    secrets = ['quo"te', "back\\slash", "p@ss/word", "part", "part-and-more"]
    configure_logging("info", form, [SecretStr(secret) for secret in secrets])
    log = logging.getLogger("x")
    for secret in secrets:
        log.info("%s, %r, %s, %s", secret, [secret], json.dumps(secret), quote(secret, safe=""))
    assert not re.findall("quo|back|word|p@ss|p%40|part|more", capsys.readouterr().err)
