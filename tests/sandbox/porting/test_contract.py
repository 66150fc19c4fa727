"""The sandbox against the porting document, with requests that schemathesis makes up; refusals included."""
# pyright: reportUnknownVariableType=false, reportUnknownMemberType=false, reportUntypedFunctionDecorator=false
# (schemathesis declares its checks and decorators only in part)

from typing import Any

from schemathesis import Case

from telefonie_mcp.sandbox import create_sandbox
from tests.sandbox.contract import CHECKS, EXAMPLES, document, implemented
from tests.sandbox.porting.support import FIELDS, NUMBERS, PDF

DOCUMENT = document("porting")
JSON = "application/json"
# An embedded sandbox has one account and ignores keys, so that a request without one is no mistake.
schema = implemented({**DOCUMENT, "security": []})


@schema.parametrize()
@EXAMPLES
def test_the_sandbox_keeps_to_the_document(case: Case[Any]) -> None:
    case.call_and_validate(checks=CHECKS)


def test_every_success_is_the_one_that_the_document_declares() -> None:
    schema.app = create_sandbox(":memory:", embedded=True)
    order: dict[str, Any] = {}

    def call(path: str, method: str = "POST", body: Any = None, **query: Any) -> Any:
        sent: dict[str, Any] = {} if body is None else {"body": body, "media_type": JSON}
        case = schema[path][method].Case(path_parameters=order, query=query, **sent)
        response = case.call_and_validate(checks=CHECKS)
        statuses.append(response.status_code)
        return response.json()

    statuses: list[int] = []
    call("/portability-checks", body={"phone_numbers": NUMBERS})
    created = call("/port-orders", body={"phone_numbers": NUMBERS})
    one = "/port-orders/{port_order_id}"
    order["port_order_id"] = created["port_order_id"]
    call(one, body=FIELDS)
    call(f"{one}/documents", body={"type": "loa", "file_name": "loa.pdf", "content": PDF})
    call(f"{one}/submit")
    call(one, "GET")
    call("/port-orders", "GET", status="submitted", phone_number=NUMBERS[0], page=1, page_size=5)
    call(f"{one}/cancel")
    assert statuses == [200, 201, 200, 201, 200, 200, 200, 200]


def test_the_document_says_that_it_is_an_extension() -> None:
    info = DOCUMENT["info"]
    assert info["x-telefonie-extension"] is True
    assert "not published by the provider" in info["description"]
    assert [server["url"] for server in DOCUMENT["servers"]] == ["https://api.telefonie.com/v1/numbers"]


def test_secrets_are_write_only_and_in_no_answer() -> None:
    schemas = DOCUMENT["components"]["schemas"]
    for name in ("account_number", "pin"):
        assert schemas["PortOrderFields"]["properties"][name]["writeOnly"] is True
        assert name not in schemas["PortOrder"]["properties"]
