"""Names that collide are made distinct, always alike; the first keeps its name, because the ledger has it."""

import json
from pathlib import Path
from typing import Any

from telefonie_mcp.openapi.documents import load_documents
from telefonie_mcp.tools.catalog import Catalog
from telefonie_mcp.tools.derivation import build_catalog
from tests.support.tools import document, parse

OK: dict[str, Any] = {"responses": {"200": {"description": "x"}}}


def written(directory: Path, name: str, title: str, **paths: Any) -> Path:
    path = directory / name
    info = {"title": title, "version": "1"}
    path.write_text(
        json.dumps({**document(), "info": info, "paths": {f"/{key}": v for key, v in paths.items()}})
    )
    return path


def getting(identifier: str, **more: Any) -> dict[str, Any]:
    return {"get": {**OK, "operationId": identifier, **more}}


def catalog_of(**paths: Any) -> Catalog:
    return build_catalog([parse({**document(), "paths": {f"/{key}": v for key, v in paths.items()}})])


def test_the_first_of_two_operations_keeps_the_name_and_the_other_gets_method_and_path() -> None:
    catalog = catalog_of(a=getting("listThings"), b=getting("list_things"), c={"post": {**OK}})
    assert [*catalog.tools] == ["list_things", "list_things_get_b", "post_c"]
    assert catalog.notes == (
        "things.json: GET /b: another tool is called list_things; this one is list_things_get_b",
    )


def test_a_name_in_other_letters_is_made_of_method_and_path() -> None:
    catalog = catalog_of(b=getting("查询号码"), c={"post": {**OK, "operationId": "—"}})
    assert [*catalog.tools] == ["get_b", "post_c"]
    assert not catalog.notes


def test_an_identifier_that_occurs_twice_is_two_operations_with_hints_of_their_own() -> None:
    catalog = catalog_of(
        a={"post": {**OK, "operationId": "do"}},
        b={"post": {**OK, "operationId": "do", "x-telefonie-hints": {"destructive": False}}},
    )
    assert [(tool.name, tool.destructive) for tool in catalog] == [("do", True), ("do_post_b", False)]
    assert catalog.notes[0] == (
        "things.json: POST /b: another operation is called 'do' as well; here it is 'do_post_b'"
    )


def test_an_operation_that_is_left_out_keeps_its_name_for_itself() -> None:
    catalog = catalog_of(a={"get": {"operationId": "do", "responses": {}}}, b=getting("do"))
    assert [*catalog.tools] == ["do_get_b"]


def test_names_do_not_change_when_a_document_gains_operations() -> None:
    before = {*catalog_of(a=getting("do"), b=getting("do"), c=getting("do")).tools}
    after = {*catalog_of(a=getting("do"), x=getting("do"), b=getting("do"), c=getting("do")).tools}
    assert after - before == {"do_get_x"}
    assert before <= after


def test_another_documents_tool_gets_the_documents_name(tmp_path: Path) -> None:
    one = written(tmp_path, "one.json", "One", a=getting("listOwnedNumbers"), b=getting("health"))
    two = written(tmp_path, "two.json", "Two Ü", b=getting("health"))
    catalog = build_catalog(load_documents([one, two], toolsets=["numbers"]))
    assert [*catalog.tools][6:] == ["one_list_owned_numbers", "health", "two_health"]
    assert catalog["list_owned_numbers"].document.packaged
    assert [note.partition(":")[0] for note in catalog.notes] == ["one.json", "two.json"]


def test_the_name_of_a_packaged_tool_that_is_off_stays_its_own(tmp_path: Path) -> None:
    path = written(tmp_path, "one.json", "One", a=getting("list_port_orders"))
    off = build_catalog(load_documents([path], toolsets=["numbers"]))
    on = build_catalog(load_documents([path], toolsets=["numbers", "lookup", "porting"]))
    assert "list_port_orders" in on.tools
    assert [*off.tools][-1] == [*on.tools][-1] == "one_list_port_orders"


def test_documents_of_one_title_get_the_names_of_their_files(tmp_path: Path) -> None:
    titles = {"voice.json": "API", "sms.json": "API", "fax.json": "A.P.I", "mms.json": "a p i"}
    paths = [written(tmp_path, name, titles[name], a=getting("get", summary=name)) for name in titles]
    documents = load_documents(paths, toolsets=[])
    assert [(each.id, each.title) for each in documents] == [
        ("api", "API"),
        ("api-sms", "API (sms)"),
        ("a-p-i", "A.P.I"),
        ("a-p-i-mms", "a p i (mms)"),
    ]
    assert documents[1].notes == (
        "sms.json: another document is titled 'API', or alike; this one is 'API (sms)'",
    )
    assert [*build_catalog(documents).tools] == ["get", "api_sms_get", "a_p_i_get", "a_p_i_mms_get"]


def test_files_of_one_name_are_counted(tmp_path: Path) -> None:
    paths: list[Path] = []
    for number in range(3):
        (tmp_path / str(number)).mkdir()
        paths.append(written(tmp_path / str(number), "api.json", "API", **{f"p{number}": getting("get")}))
    assert [each.id for each in load_documents(paths, toolsets=[])] == ["api", "api-api", "api-api-2"]


def test_a_document_that_is_named_twice_is_read_once(tmp_path: Path) -> None:
    path = written(tmp_path, "one.json", "One", a=getting("get"))
    (only,) = load_documents([path, path], toolsets=[])
    assert only.notes == ("one.json: is the same document as one.json, and read once",)


def test_a_second_newer_document_of_a_packaged_title_is_a_document_of_its_own(tmp_path: Path) -> None:
    title = load_documents()[0].title
    paths = [written(tmp_path, f"{name}.json", title, **{name: getting(f"get_{name}")}) for name in "ab"]
    first, second = load_documents(paths, toolsets=["numbers"])
    assert (first.id, first.packaged) == ("telefonie-numbers", True)
    assert (second.title, second.packaged) == (f"{title} (b)", False)


def test_long_names_are_shortened_and_stay_distinct() -> None:
    long = "a_very_long_identifier_of_an_operation_with_words"
    names = [*catalog_of(a=getting(long), b=getting(long), c=getting(f"{long}_2")).tools]
    assert len({*names}) == 3
    assert all(len(name) <= 44 for name in names)
