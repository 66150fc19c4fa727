"""How a command line gives arguments: text, JSON, lists, files and standard input."""

import base64
import io
import json
import sys
from pathlib import Path
from typing import Any

import click
import pytest

from telefonie_mcp.cli.arguments import arguments_of
from tests.support.commands import command

SCHEMA: dict[str, Any] = {
    "properties": {
        "text": {"type": "string"},
        "maybe": {"type": ["string", "null"]},
        "count": {"type": "integer"},
        "switch": {"type": "boolean"},
        "numbers": {"type": "array", "items": {"type": "string"}},
        "counts": {"type": "array", "items": {"type": "integer"}},
        "content": {"type": "string", "contentEncoding": "base64"},
        "bytes": {"type": "string", "format": "byte"},
        "tree": {"type": "object"},
        "either": {"anyOf": [{"type": "integer"}, {"type": "null"}]},
    }
}


def read(*pairs: str, text: str | None = None) -> dict[str, Any]:
    return arguments_of(SCHEMA, pairs, text)


@pytest.mark.parametrize(
    ("pairs", "expected"),
    [
        (["text=5"], {"text": "5"}),
        (["text=a=b"], {"text": "a=b"}),
        (["text=@@home"], {"text": "@home"}),
        (["maybe=5"], {"maybe": "5"}),
        (["count=5"], {"count": 5}),
        (["count=x"], {"count": "x"}),
        (["switch=true"], {"switch": True}),
        (["either=5"], {"either": 5}),
        (["numbers=+1415, +1416"], {"numbers": ["+1415", "+1416"]}),
        (["numbers=+1415", "numbers=+1416,+1417"], {"numbers": ["+1415", "+1416", "+1417"]}),
        (['numbers=["+1415"]', "numbers=+1416"], {"numbers": ["+1415", "+1416"]}),
        (["numbers="], {"numbers": []}),
        (["counts=1,2"], {"counts": [1, 2]}),
        (['tree={"a": 1}'], {"tree": {"a": 1}}),
        (["unknown=5"], {"unknown": "5"}),
    ],
)
def test_a_value_is_read_as_its_schema_says(pairs: list[str], expected: dict[str, Any]) -> None:
    assert read(*pairs) == expected


def test_files_are_read_and_encoded_where_the_schema_wants_it(tmp_path: Path) -> None:
    content = bytes(range(256))
    scan, lines, tree = tmp_path / "scan.pdf", tmp_path / "numbers", tmp_path / "tree.json"
    scan.write_bytes(content)
    lines.write_text("+1415\n+1416\n")
    tree.write_text('{"a": [1]}\n')
    assert base64.b64decode(read(f"content=@{scan}")["content"]) == content
    assert base64.b64decode(read(f"bytes=@{scan}")["bytes"]) == content
    assert read(f"text=@{lines}") == {"text": "+1415\n+1416"}
    assert read(f"numbers=@{lines}") == {"numbers": ["+1415", "+1416"]}
    assert read(f"tree=@{tree}", text=f"@{tree}") == {"a": [1], "tree": {"a": [1]}}


def test_standard_input_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b'{"count": 1}')))
    assert read("count=2", text="-") == {"count": 2}
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"\xff\x00")))
    assert read("content=@-") == {"content": base64.b64encode(b"\xff\x00").decode()}


@pytest.mark.parametrize(
    ("pairs", "text", "words"),
    [
        (["text"], None, "'text' is not NAME=VALUE"),
        (["text=1", "text=2"], None, "text is given twice"),
        (["count=1", "count=2"], None, "count is given twice"),
        (
            ["text=@/nowhere/file"],
            None,
            "text: /nowhere/file cannot be read (No such file or directory); a value",
        ),
        (["text=@/"], None, "cannot be read (Is a directory)"),
        (["text=@"], None, "text: a file without a name cannot be read"),
        (["text=@/dev/zero"], None, "has more than 32 MiB"),
        (["text=@nul\0"], None, "cannot be read (it is no path)"),
        ([], "@/nowhere/file", "/nowhere/file cannot be read (No such file or directory)"),
        ([], "[]", "is not a JSON object"),
        ([], "", "is not JSON"),
        ([], "[" * 100_000, "is not JSON"),
    ],
)
def test_what_cannot_be_read_is_said(pairs: list[str], text: str | None, words: str) -> None:
    with pytest.raises(click.BadParameter) as caught:
        read(*pairs, text=text)
    assert words in caught.value.message


def test_text_that_is_no_text_is_said(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"\xff")
    with pytest.raises(click.BadParameter, match="it is not UTF-8 text"):
        read(f"text=@{file}")


def test_a_scan_is_uploaded_from_its_file(tmp_path: Path) -> None:
    settings = {"TELEFONIE_SANDBOX_DB": str(tmp_path / "sandbox.sqlite3"), "TELEFONIE_TOOLSETS": "all"}
    scan = tmp_path / "letter.pdf"
    scan.write_bytes(b"%PDF-1.4 letter")
    numbers = "phone_numbers=+14155550123,+14155550124"
    status, output, errors = command(tmp_path, "call", "create_port_order", numbers, **settings)
    assert status == 0, output + errors
    order = json.loads(output)
    assert order["phone_numbers"] == ["+14155550123", "+14155550124"]
    given = json.dumps({"port_order_id": order["port_order_id"], "type": "loa", "file_name": "letter.pdf"})
    status, output, errors = command(
        tmp_path, "call", "upload_port_document", "--json", given, f"content=@{scan}", **settings
    )
    assert status == 0, output + errors
