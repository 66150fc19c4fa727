"""The sandbox against the document it implements, with requests that schemathesis makes up.

The document declares only successes, so a refusal has an undeclared status: `status_code_conformance` would
reject every 400 and 404 and is left out. What errors look like is in `test_requests` and `test_triggers`.
"""
# pyright: reportUnknownVariableType=false, reportUnknownMemberType=false, reportUntypedFunctionDecorator=false
# (schemathesis declares its checks and decorators only in part)

from typing import Any

from schemathesis import Case
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from telefonie_mcp.sandbox import create_sandbox
from tests.sandbox.contract import EXAMPLES, document, implemented

schema = implemented(document("numbers"))
CHECKS = [not_a_server_error, response_schema_conformance, content_type_conformance]


@schema.parametrize()
@EXAMPLES
def test_the_sandbox_keeps_to_the_document(case: Case[Any]) -> None:
    case.call_and_validate(checks=CHECKS)


def test_every_success_is_the_one_that_the_document_declares() -> None:
    number = {"phone_number": "+14155550100"}
    requests: list[tuple[str, str, dict[str, Any]]] = [
        ("/available", "GET", {"query": {"country_code": "US", "limit": 20}}),
        (
            "/owned",
            "POST",
            {"body": {**number, "voice_url": "https://example.com/"}, "media_type": "application/json"},
        ),
        ("/owned", "GET", {}),
        ("/owned/{phone_number}", "GET", {"path_parameters": number}),
        (
            "/owned/{phone_number}",
            "POST",
            {
                "path_parameters": number,
                "body": {"sms_url": "https://example.com/"},
                "media_type": "application/json",
            },
        ),
        ("/owned/{phone_number}", "DELETE", {"path_parameters": number}),
    ]
    schema.app = create_sandbox(":memory:", embedded=True)
    statuses = [
        schema[path][method]
        .Case(**request)
        .call_and_validate(checks=[*CHECKS, status_code_conformance])
        .status_code
        for path, method, request in requests
    ]
    assert statuses == [200, 201, 200, 200, 200, 204]
