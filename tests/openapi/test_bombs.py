"""Small or crafted documents that stand for much end in a sentence or in bounded tools, whatever they repeat.

What they cost is counted: bytes of the tools, and memory by a limit on the address space of a process. Time
is bounded by a generous limit on the processor's seconds, which a document that grows exponentially exceeds
by far.
"""

import json
import re
import subprocess
import sys
from collections.abc import Callable, Generator, Iterable
from pathlib import Path
from typing import Any

import pytest

from telefonie_mcp.errors import DocumentError
from telefonie_mcp.openapi.documents import parse_document
from telefonie_mcp.tools.arguments import read_arguments
from telefonie_mcp.tools.derivation import build_catalog
from telefonie_mcp.upstream.serialization import build_request
from tests.support.tools import document, parse, strange

MEMORY = 300 * 1024 * 1024
SECONDS = 60
"""Of a processor; on an idle machine none of these takes five."""

MAX_SCHEMA = 64 * 1024
START = "openapi: 3.0.0\ninfo: {title: T, version: '1'}\nservers: [{url: 'http://127.0.0.1:9'}]\n"
PATHS = "paths: {/a: {get: {responses: {200: {description: x}}}}}\n"

RUN = """
import json, os, resource, sys
from pathlib import Path
from telefonie_mcp.errors import DocumentError
from telefonie_mcp.openapi.documents import load_documents
from telefonie_mcp.tools.derivation import build_catalog
from telefonie_mcp.tools.schema_checks import check_schemas

def tell(path):
    try:
        catalog = check_schemas(build_catalog(load_documents([Path(path)], toolsets=[])))
    except DocumentError as error:
        return str(error)
    schemas = [[tool.input_schema, tool.output_schema, tool.description] for tool in catalog]
    sizes = [[len(json.dumps(part, ensure_ascii=False, separators=(",", ":")).encode()) for part in each]
             for each in schemas]
    return f"{len(sizes)} {max(size for each in sizes for size in each)} {sum(map(sum, sizes))}"

memory, seconds = map(int, sys.argv[1:])
for line in sys.stdin:
    path = line.rstrip("\\n")
    if child := os.fork():
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)
        continue
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    said = tell(path)
    Path(path).with_suffix(".said").write_text(said, "utf-8")
    os._exit(0)
"""
"""Reads the documents that standard input names, each in a process forked when all is imported."""

LARGE = {
    *("a long allOf", "many members of a body", "many malformed members", "members that cannot be sent"),
    *("a long enum for many operations", "a large document of YAML", "many large operations"),
    *("long values beside references", "members of the same many parts"),
}
"""What takes seconds of a processor to write and to read; .ci/run does."""


def sampled(bombs: Iterable[str]) -> list[Any]:
    """Return the names of bombs as parameters, of which the README's command takes the quick ones."""
    return [pytest.param(name, marks=[pytest.mark.whole] if name in LARGE else []) for name in bombs]


Read = Callable[[str], str]


@pytest.fixture(scope="module")
def readers() -> Generator[subprocess.Popen[str]]:
    """Start Python and import the package once for all documents."""
    command = [sys.executable, "-c", RUN, str(MEMORY), str(SECONDS)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield process
        process.communicate()


@pytest.fixture
def read(readers: subprocess.Popen[str], tmp_path: Path) -> Read:
    """Return what a process with little memory and time says of a document."""

    def tell(source: str) -> str:
        path = tmp_path / "bomb.yml"
        path.write_text(source)
        assert readers.stdin
        assert readers.stdout
        readers.stdin.write(f"{path}\n")
        readers.stdin.flush()
        assert readers.stdout.readline() == "0\n", "the process has failed: see standard error"
        return path.with_suffix(".said").read_text("utf-8").strip()

    return tell


def aliases(first: str, line: str) -> str:
    """Return nine lines of which each repeats the one before nine times."""
    lines = [line.format(f"a{n}", ",".join([f"*a{n - 1}"] * 9)) for n in range(1, 10)]
    return START + PATHS + "\n".join([f"a0: &a0 {first}", *lines])


def schema_of(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}


def levels(count: int, level: Callable[[dict[str, str]], Any], last: Any) -> dict[str, Any]:
    """Return schemas of which each refers to the next."""
    schemas = {f"S{n}": level(schema_of(f"S{n + 1}")) for n in range(count)}
    return {"schemas": {**schemas, f"S{count}": last}}


def operations(operation: dict[str, Any], count: int = 1, **root: Any) -> str:
    method = "post" if "requestBody" in operation else "get"
    responses = {"200": {"description": "x"}}
    paths = {f"/a{n}": {method: {"responses": responses, **operation}} for n in range(count)}
    return json.dumps({**document(), "paths": paths, **root})


def taking_and_giving(schema: Any, count: int = 1, **root: Any) -> str:
    content = {"content": {"application/json": {"schema": schema}}}
    operation = {"requestBody": content, "responses": {"200": {"description": "x", **content}}}
    return operations(operation, count, **root)


def parameters(schema: Any, count: int, operations_count: int = 1, **root: Any) -> str:
    return operations(
        {"parameters": [{"name": f"x{n}", "in": "query", "schema": schema} for n in range(count)]},
        operations_count,
        **root,
    )


def pair(inner: Any) -> Any:
    return {"type": "object", "properties": {"a": inner, "b": inner}}


def twice(inner: Any) -> Any:
    return {"allOf": [inner, inner]}


VALUES = {"schemas": {"E": {"enum": [f"value {n}" for n in range(7_000)]}}}
OBJECT: dict[str, Any] = {"type": "object", "properties": {"a": {}}}
METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")


def shared_path_item(count: int, **operation: Any) -> str:
    paths = {f"/a{n}": {"$ref": "#/x-item"} for n in range(count)}
    item = {method: {"responses": {"200": {"description": "x"}}, **operation} for method in METHODS}
    return json.dumps({**document(), "paths": paths, "x-item": item})


SENTENCES: dict[str, tuple[Callable[[], str], str]] = {
    "members of the same many parts": (
        lambda: taking_and_giving(
            {"type": "object", "properties": {f"p{n}": schema_of("S") for n in range(8_000)}},
            components={"schemas": {"S": {"allOf": [{"title": f"{n}"} for n in range(8_000)]}}},
        ),
        "its schemas repeat too much: more than 5,000,000 values",
    ),
    "aliases": (lambda: aliases("[lol]", "{0}: &{0} [{1}]"), r"line 11: its aliases expand to more than"),
    "merges": (lambda: aliases("{x: 1, y: 2}", "{0}: &{0} {{<<: [{1}]}}"), r"line 11: its aliases expand"),
    "an alias of a long text": (
        lambda: f"{START}{PATHS}a: &a {'x' * 1_000_000}\nb: [{','.join(['*a'] * 5_000)}]",
        r"line 6: its aliases expand",
    ),
    "brackets": (lambda: f"{START}{PATHS}a: {'[' * 15_000_000}", "line 5.*|exceeded maximum nesting depth"),
    "braces of YAML": (lambda: f"{START}{PATHS}a: {'{a: ' * 3_000_000}", "exceeded maximum nesting depth"),
    "dashes": (lambda: f"{START}{PATHS}a:\n {'- ' * 7_000_000}", "exceeded maximum nesting depth"),
    "braces": (lambda: "{" * 15_000_000, "holds more than 1,000,000 values"),
    "brackets of JSON": (lambda: '{"a":' + "[" * 900_000, "neither YAML nor JSON: it is nested too deeply"),
    "empty lists": (lambda: '{"a":[' + "[]," * 5_000_000 + "0]}", "holds more than 1,000,000 values"),
    "empty lists of YAML": (
        lambda: f"{START}{PATHS}a: [{'[],' * 5_000_000}]",
        "line 5: more than 200,000 values",
    ),
    "a long number": (lambda: f"{START}{PATHS}a: {'9' * 1_000_000}", "neither YAML nor JSON"),
    "a chain of references": (
        lambda: taking_and_giving(schema_of("S0"), components=levels(50_000, lambda inner: inner, {})),
        "'#/components/schemas/S100' is the end of more than 100",
    ),
    "nested references": (
        lambda: taking_and_giving(schema_of("S0"), components=levels(5_000, pair, {})),
        "is the end of more than 100|nested too deeply",
    ),
    "nested schemas": (
        lambda: taking_and_giving(json.loads('{"properties":{"a":' * 400 + "{}" + "}}" * 400)),
        "nested too deeply",
    ),
    "many operations": (lambda: shared_path_item(200), "more than 1,000 operations"),
    "many large operations": (
        lambda: taking_and_giving(schema_of("S0"), 900, components=levels(8, pair, {"title": "x" * 100})),
        r"(GET|POST) /a\d+: its tool, or those of the document together, are too large",
    ),
    "a long description for many": (
        lambda: shared_path_item(120, description="d" * 1_000_000),
        "or those of the document together, are too large",
    ),
    "many parameters": (lambda: parameters({}, 100_000), "GET /a0: more than 500 parameters"),
    "long values beside references": (
        lambda: parameters({**schema_of("E"), "title": "x"}, 20, 100, components=VALUES),
        "its schemas repeat too much",
    ),
    "a server that grows": (
        lambda: operations(
            {}, 900, servers=[{"url": "http://a/" + "{a}" * 9_999, "variables": {"a": {"default": "x" * 99}}}]
        ),
        "GET /a0: needs a server with an absolute",
    ),
    "a name of five megabytes": (
        lambda: taking_and_giving({"$ref": f"#/{'a' * 5_000_000}"}),
        "the reference '#/aaa",
    ),
}

BOUNDED: dict[str, Callable[[], str]] = {
    "references that double": lambda: taking_and_giving(schema_of("S0"), components=levels(30, pair, {})),
    "references that double in a parameter": lambda: operations(
        {"parameters": [{"name": "x", "in": "query", "style": "deepObject", "schema": schema_of("S0")}]},
        components=levels(30, pair, {}),
    ),
    "allOf that doubles": lambda: taking_and_giving(schema_of("S0"), components=levels(30, twice, OBJECT)),
    "allOf that doubles in many": lambda: taking_and_giving(
        schema_of("S0"), 900, components=levels(8, twice, OBJECT)
    ),
    "a long allOf": lambda: taking_and_giving(
        {
            "allOf": [
                {"type": "object", "properties": {f"p{n}": {}}, "required": [f"p{n}"]} for n in range(50_000)
            ]
        }
    ),
    "ninety references": lambda: taking_and_giving(
        schema_of("S0"), components=levels(90, lambda inner: {"properties": {"a": inner}}, {})
    ),
    "a long enum": lambda: taking_and_giving({"enum": [f"v{n}" for n in range(400_000)]}),
    "a long enum of a parameter": lambda: parameters({"enum": [f"v{n}" for n in range(400_000)]}, 1),
    "a long enum for many parameters": lambda: parameters(schema_of("E"), 400, components=VALUES),
    "a long enum for many operations": lambda: parameters(schema_of("E"), 20, 900, components=VALUES),
    "a long pattern": lambda: taking_and_giving({"type": "string", "pattern": "a" * 7_000_000}),
    "long patterns": lambda: taking_and_giving(
        {"type": "object", "properties": {"a": {"type": "string", "pattern": "a|" * 30_000}}}, 60
    ),
    "members that cannot be sent": lambda: taking_and_giving(
        {
            "type": "object",
            "required": [f"p{n}" for n in range(60_000)],
            "properties": {f"p{n}": {"readOnly": True} for n in range(60_000)},
        }
    ),
    "required twice": lambda: taking_and_giving(
        {**schema_of("S"), "required": [f"p{n}" for n in range(100_000)]},
        components={"schemas": {"S": {"type": "object", "required": [f"q{n}" for n in range(100_000)]}}},
    ),
    "many malformed members": lambda: taking_and_giving(
        {"type": "object", "properties": {f"p{n}": {"required": "x" * 20} for n in range(60_000)}}
    ),
    "references everywhere": lambda: taking_and_giving(
        schema_of("S0"),
        components={
            "schemas": {
                f"S{n}": {"type": "object", "properties": {f"p{m}": schema_of(f"S{m}") for m in range(60)}}
                for n in range(60)
            }
        },
    ),
    "discriminators that double": lambda: taking_and_giving(
        schema_of("S0"),
        components=levels(
            40, lambda inner: {"oneOf": [inner, inner], "discriminator": {"propertyName": "k"}}, OBJECT
        ),
    ),
    "many members of a body": lambda: taking_and_giving(
        {"type": "object", "properties": {f"p{n}": {} for n in range(100_000)}}
    ),
    "a large document of YAML": lambda: START + PATHS + "a:\n" + "- k: v\n" * 60_000,
}


@pytest.mark.parametrize("name", sampled(SENTENCES))
def test_what_is_too_much_is_said_in_a_sentence(name: str, read: Read) -> None:
    source, words = SENTENCES[name]
    said = read(source())
    assert re.match(r"bomb\.yml: |Things: ", said)
    assert re.search(words, said)
    assert len(said) <= 2001


@pytest.mark.parametrize("name", sampled(BOUNDED))
def test_what_repeats_itself_becomes_bounded_tools(name: str, read: Read) -> None:
    tools, largest, total = map(int, read(BOUNDED[name]()).split())
    assert tools >= 1
    assert largest <= MAX_SCHEMA
    assert total <= 4 * 1024 * 1024


def test_a_large_part_is_open_and_the_others_stay() -> None:
    big = {"type": "string", "enum": [f"value {n}" for n in range(10_000)]}
    parts = [("a", {"type": "integer"}), ("b", big), ("c", pair(big)), ("d", {"type": "array", "items": big})]
    query = [{"name": name, "in": "query", "schema": schema} for name, schema in parts]
    content = {
        "application/json": {
            "schema": {"type": "object", "properties": {"x": pair(big), "y": {"type": "string"}}}
        }
    }
    tool = strange({"parameters": query, "responses": {"200": {"description": "x", "content": content}}})
    assert tool.input_schema["properties"] == {
        "a": {"type": "integer"},
        "b": {},
        "c": {"type": "object", "properties": {"a": {}, "b": {}}},
        "d": {"type": "array", "items": {}},
    }
    assert tool.answer_schema["properties"] == {
        "x": {"type": "object", "properties": {"a": {}, "b": {}}},
        "y": {"type": "string"},
    }


def test_the_largest_arguments_are_left_open_until_the_others_fit() -> None:
    def values(count: int) -> dict[str, Any]:
        return {"type": "string", "enum": [f"{n:08}" for n in range(count)]}

    sizes = {"a": 2_000, "b": 5_000, "c": 2_500, "d": 1}
    query = [{"name": name, "in": "query", "schema": values(size)} for name, size in sizes.items()]
    properties = strange({"parameters": query}).input_schema["properties"]
    assert {name: "enum" in schema for name, schema in properties.items()} == {
        "a": True,
        "b": False,
        "c": True,
        "d": True,
    }
    assert properties["b"] == {}


def test_what_an_open_part_is_given_is_sent_as_it_is() -> None:
    big = {"type": "string", "enum": [f"value {n}" for n in range(10_000)]}
    content: dict[str, Any] = {
        "application/json": {"schema": {"type": "object", "properties": {"x": pair(big), "y": {}}}}
    }
    tool = strange({"requestBody": {"content": content}}, method="post")
    given = {"x": {"a": ["anything", {"at": "all"}], "z": 1}, "y": 2}
    values, _ = read_arguments(tool, {**given, "confirm": True})
    sent = build_request(tool.operation, tool.bindings, values)
    assert json.loads(sent.content or b"") == given


def test_the_bounds_are_met_to_the_byte_and_always_alike() -> None:
    names = [f"{'ü' * 20}{n}" for n in range(400)]
    query = [
        {"name": name, "in": "query", "schema": {"description": "ß" * n}} for n, name in enumerate(names)
    ]
    made = [build_catalog([parse(document({"parameters": query}))]) for _ in range(2)]
    (first,), (second,) = made
    size = len(json.dumps(first.input_schema, ensure_ascii=False, separators=(",", ":")).encode())
    assert MAX_SCHEMA - 800 < size <= MAX_SCHEMA
    assert first.input_schema == second.input_schema


def test_aliases_that_repeat_little_are_followed() -> None:
    text = f"{START}{PATHS}x-a: &a {{b: [1, 2]}}\nx-b: [*a, *a, {{<<: *a, c: 3}}]"
    assert len(parse_document(text.encode(), name="small.yml").operations) == 1


def test_an_alias_that_contains_itself_is_a_sentence() -> None:
    for cycle in ("&a [*a]", "&a {b: *a}", "&a [[[*a, *a], *a]]"):
        with pytest.raises(DocumentError, match=r"^cycle.yml: "):
            parse_document(f"{START}{PATHS}x-a: {cycle}".encode(), name="cycle.yml")


def test_every_large_bomb_is_there() -> None:
    assert {*SENTENCES, *BOUNDED} >= LARGE
