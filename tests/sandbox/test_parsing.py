"""Strict parsing: what the document does not allow is a 400, 413 or 415 that names the field to blame."""

import json
from contextlib import suppress

import httpx2 as httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from telefonie_mcp.sandbox import parsing
from telefonie_mcp.sandbox.problems import Problem
from tests.sandbox.support import embedded, problem

NUMBER = "+14155550100"


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("", "country_code"),
        ("country_code=", "country_code"),
        ("country_code=us", "country_code"),
        ("country_code=USA", "country_code"),
        ("country_code=UK", "country_code"),
        ("country_code=001", "country_code"),
        ("country_code=US&country_code=US", "country_code"),
        ("country_code=US&colour=red", "colour"),
        ("country_code=US&limit=5&limit=5", "limit"),
        ("country_code=US&Limit=5", "Limit"),
        ("country_code=US&%00=5", None),
        (f"country_code=US&{'x' * 65}=5", None),
        ("country_code=US&=5", None),
        ("country_code=US&limit", None),
        ("country_code=US&contains=%ff", None),
        ("country_code=US&", None),
        ("country_code=US&type=Local", "type"),
        ("country_code=US&type=tollfree", "type"),
        ("country_code=US&type=", "type"),
        ("country_code=US&contains=", "contains"),
        ("country_code=US&contains=abc", "contains"),
        ("country_code=US&contains=%2B1415", "contains"),
        ("country_code=US&contains=4+15", "contains"),
        ("country_code=US&contains=415%0A", "contains"),
        ("country_code=US&contains=%D9%A1", "contains"),
        (f"country_code=US&contains={'1' * 16}", "contains"),
        ("country_code=US&area_code=4a5", "area_code"),
        ("country_code=US&area_code=4", "area_code"),
        ("country_code=US&area_code=4155", "area_code"),
        ("country_code=US&area_code=800&type=toll-free", "area_code"),
        ("country_code=US&sms_enabled=True", "sms_enabled"),
        ("country_code=US&sms_enabled=1", "sms_enabled"),
        ("country_code=US&voice_enabled=yes", "voice_enabled"),
        ("country_code=US&voice_enabled=", "voice_enabled"),
        ("country_code=US&limit=0", "limit"),
        ("country_code=US&limit=21", "limit"),
        ("country_code=US&limit=-1", "limit"),
        ("country_code=US&limit=%2B5", "limit"),
        ("country_code=US&limit=5%20", "limit"),
        ("country_code=US&limit=05", "limit"),
        ("country_code=US&limit=5.0", "limit"),
        ("country_code=US&limit=five", "limit"),
        ("country_code=US&limit=%D9%A5", "limit"),
        (f"country_code=US&limit={'9' * 5000}", "limit"),
    ],
)
async def test_a_search_that_the_document_does_not_allow_is_refused(query: str, field: str | None) -> None:
    async with embedded() as client:
        answer = await client.get(f"/available?{query}")
    assert (answer.status_code, problem(answer)["code"]) == (400, "bad_parameter")
    assert problem(answer).get("field") == field


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("page=0", "page"),
        ("page=-1", "page"),
        ("page=1&page=2", "page"),
        ("page=x", "page"),
        ("page_size=0", "page_size"),
        ("page_size=101", "page_size"),
        ("type=landline", "type"),
        ("limit=5", "limit"),
    ],
)
async def test_a_list_query_that_the_document_does_not_allow_is_refused(query: str, field: str) -> None:
    async with embedded() as client:
        answer = await client.get(f"/owned?{query}")
    assert (answer.status_code, problem(answer)["code"], problem(answer)["field"]) == (
        400,
        "bad_parameter",
        field,
    )


@pytest.mark.parametrize(
    ("body", "code", "field"),
    [
        (b"", "bad_parameter", None),
        (b"{", "bad_parameter", None),
        (b"\xff\xfe{}", "bad_parameter", None),
        (b'"' + NUMBER.encode() + b'"', "bad_parameter", None),
        (b"[]", "bad_parameter", None),
        (b"null", "bad_parameter", None),
        (b"NaN", "bad_parameter", None),
        (b"[" * 60_000, "bad_parameter", None),
        (b"1" * 5000, "bad_parameter", None),
        (b'{"phone_number": "+1", "phone_number": "+2"}', "bad_parameter", None),
        (b"{}", "bad_parameter", "phone_number"),
        (b'{"phone_number": 14155550100}', "bad_parameter", "phone_number"),
        (b'{"phone_number": null}', "bad_parameter", "phone_number"),
        (b'{"phone_number": ""}', "invalid_number", "phone_number"),
        (b'{"phone_number": "14155550100"}', "invalid_number", "phone_number"),
        (b'{"phone_number": "+1 415 555 0100"}', "invalid_number", "phone_number"),
        (b'{"phone_number": "+14155550100\\n"}', "invalid_number", "phone_number"),
        (b'{"phone_number": "+1234567890123456"}', "invalid_number", "phone_number"),
        (b'{"phone_number": "+04155550100"}', "invalid_number", "phone_number"),
        (b'{"phone_number": "+14155550100", "type": "local"}', "bad_parameter", "type"),
        (b'{"phone_number": "+14155550100", "\\ud800": 1}', "bad_parameter", None),
    ],
)
async def test_a_purchase_that_the_document_does_not_allow_is_refused(
    body: bytes, code: str, field: str | None
) -> None:
    async with embedded() as client:
        answer = await client.post("/owned", content=body, headers={"Content-Type": "application/json"})
        assert (answer.status_code, problem(answer)["code"]) == (400, code)
        assert problem(answer).get("field") == field
        assert (await client.get("/owned")).json()["total"] == 0


NO_STRINGS: tuple[object, ...] = (None, 5, True, {}, [])


@pytest.mark.parametrize("operation", ["/owned", "/owned/%2B14155550100"])
@pytest.mark.parametrize(
    ("field", "value"),
    [
        *((field, value) for field in ("voice_url", "sms_url", "friendly_name") for value in NO_STRINGS),
        ("friendly_name", "x" * 65),
        ("friendly_name", "two\nlines"),
        ("friendly_name", "two\u2028lines"),
        ("friendly_name", "nul\x00"),
        ("friendly_name", "\ud800"),
        ("voice_url", "example.com/hook"),
        ("voice_url", "ftp://example.com/"),
        ("voice_url", "javascript:alert(1)"),
        ("voice_url", "https://"),
        ("voice_url", "https:///path"),
        ("voice_url", "https://:443/"),
        ("voice_url", "https://[::1/"),
        ("voice_url", "https://example.com:0/"),
        ("voice_url", "https://example.com:99999/"),
        ("voice_url", "https://example.com/a b"),
        ("voice_url", " https://example.com/"),
        ("sms_url", "https://example.com/\r\nX: y"),
        ("sms_url", "https://example.com/\ud800"),
        ("sms_url", "https://example.com/" + "x" * 2029),
    ],
)
async def test_an_invalid_setting_is_refused(operation: str, field: str, value: object) -> None:
    body = {field: value} | ({"phone_number": NUMBER} if operation == "/owned" else {})
    async with embedded() as client:
        answer = await client.post(
            operation, content=json.dumps(body), headers={"Content-Type": "application/json"}
        )
    webhook = isinstance(value, str) and field != "friendly_name"
    assert answer.status_code == 400
    assert problem(answer)["code"] == ("invalid_webhook_url" if webhook else "bad_parameter")
    assert problem(answer)["field"] == field


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("friendly_name", "x" * 64),
        ("friendly_name", "👩\u200d💻 Straße"),
        ("voice_url", "http://localhost:8080/hook"),
        ("voice_url", "HTTPS://user:secret@example.com/?a=b#c"),
        ("sms_url", "https://[::1]/"),
        ("sms_url", "https://example.com/" + "x" * 2028),
    ],
)
async def test_a_valid_setting_is_accepted(field: str, value: str) -> None:
    async with embedded() as client:
        answer = await client.post("/owned", json={"phone_number": NUMBER, field: value})
        assert answer.status_code == 201
        assert answer.json()[field] == value


@pytest.mark.parametrize(
    "content_type", [None, "", "text/plain", "application/x-www-form-urlencoded", "application/problem+json"]
)
async def test_a_body_that_is_not_declared_as_json_is_refused(content_type: str | None) -> None:
    headers = {} if content_type is None else {"Content-Type": content_type}
    async with embedded() as client:
        for path in ("/owned", "/owned/%2B14155550100"):
            answer = await client.post(path, content=b'{"phone_number": "+14155550100"}', headers=headers)
            assert (answer.status_code, problem(answer)["code"]) == (415, "unsupported_media_type")


async def test_parameters_of_the_content_type_do_not_matter() -> None:
    async with embedded() as client:
        answer = await client.post(
            "/owned",
            content=b'{"phone_number": "+14155550100"}',
            headers={"Content-Type": "Application/JSON; charset=utf-8"},
        )
    assert answer.status_code == 201


@pytest.mark.parametrize(("padding", "status"), [(0, 201), (1, 413)])
async def test_a_body_larger_than_64_kib_is_refused(padding: int, status: int) -> None:
    body = b'{"phone_number": "+14155550100"}'
    body += b" " * (64 * 1024 - len(body) + padding)
    async with embedded() as client:
        answer = await client.post("/owned", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == status
    if status == 413:
        assert problem(answer)["code"] == "payload_too_large"


@pytest.mark.parametrize(
    "path",
    [
        "14155550100",
        "%2B",
        "%2B1",
        "%20" + NUMBER[1:],
        "%2B1%20415",
        "x",
        "%2B14155550100%0A",
        "%2B1415555010a",
        "%00",
    ],
)
async def test_a_path_that_is_not_a_number_is_refused(path: str) -> None:
    async with embedded() as client:
        for method in ("GET", "POST", "DELETE"):
            answer = await client.request(method, f"/owned/{path}")
            assert (answer.status_code, problem(answer)["code"]) == (400, "invalid_number")
            assert problem(answer)["field"] == "phone_number"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/owned"),
        ("GET", "/owned/%2B14155550100"),
        ("POST", "/owned/%2B14155550100"),
        ("DELETE", "/owned/%2B14155550100"),
    ],
)
async def test_operations_without_parameters_take_none(method: str, path: str) -> None:
    async with embedded() as client:
        answer = await client.request(method, f"{path}?force=true")
    assert (answer.status_code, problem(answer)["code"], problem(answer)["field"]) == (
        400,
        "bad_parameter",
        "force",
    )


@given(body=st.binary(max_size=60))
def test_any_body_is_parsed_or_refused_with_a_problem(body: bytes) -> None:
    with suppress(Problem):
        parsing.purchase("application/json", body)


DIGITS = st.text("0123456789", min_size=1, max_size=15)


@given(
    query=st.fixed_dictionaries(
        {"country_code": st.sampled_from(["US", "GB", "DE", "IN", "TA", "KZ", "BL", "XX", ""])},
        optional={
            "type": st.sampled_from(["local", "national", "toll-free", "mobile", "nonsense"]),
            "area_code": DIGITS | st.sampled_from(["", "abc", "4 1", "٣", "-1"]),
            "contains": DIGITS | st.sampled_from(["", "abc", "4 1", "٣", "-1"]),
            "sms_enabled": st.sampled_from(["true", "false", "maybe"]),
            "voice_enabled": st.sampled_from(["true", "false", "maybe"]),
            "limit": st.integers(-1, 22).map(str),
        },
    )
)
async def test_any_search_is_answered_or_refused_with_a_problem(query: dict[str, str]) -> None:
    async with embedded() as client:
        answer = await client.get("/available", params=httpx.QueryParams(query))
    assert answer.status_code in {200, 400}
    if answer.status_code == 400:
        assert problem(answer)["code"] == "bad_parameter"
        return
    found = answer.json()["available_numbers"]
    assert len(found) <= int(query.get("limit", "10"))
    for number in found:
        assert number["country_code"] == query["country_code"]
        assert query.get("type") in {None, number["type"]}
        assert query.get("contains", "") in number["phone_number"]
        assert number["type"] == "local" or "area_code" not in query
        for capability in ("sms", "voice"):
            wanted = query.get(f"{capability}_enabled")
            assert wanted in {None, str(number["capabilities"][capability]).lower()}
