"""Security requirements: which credentials an operation asks for, and what cannot be sent."""

from typing import Any

import pytest

from telefonie_mcp.errors import DocumentError
from telefonie_mcp.openapi.security import Credential, Security
from tests.support.tools import document, parse

SCHEMES: dict[str, Any] = {
    "Header": {"type": "apiKey", "in": "header", "name": "X-Key"},
    "Query": {"type": "apiKey", "in": "query", "name": "key"},
    "Cookie": {"type": "apiKey", "in": "cookie", "name": "session"},
    "Same": {"type": "apiKey", "in": "header", "name": "x-key"},
    "Basic": {"type": "http", "scheme": "basic"},
    "Bearer": {"type": "http", "scheme": "Bearer"},
    "Word": {"type": "http", "scheme": "AccessKey"},
    "Digest": {"type": "http", "scheme": "Digest"},
    "Scram": {"type": "http", "scheme": "SCRAM-SHA-256"},
    "OAuth": {"type": "oauth2", "flows": {}},
    "OpenID": {"type": "openIdConnect", "openIdConnectUrl": "https://id.example"},
    "Alias": {"$ref": "#/components/securitySchemes/Header"},
    "Certificate": {"type": "mutualTLS"},
    "Body": {"type": "apiKey", "in": "body", "name": "key"},
    "Spaced": {"type": "apiKey", "in": "header", "name": "X Key"},
    "Broken": {"type": "apiKey", "in": "cookie", "name": "a;b"},
}
HEADER, QUERY = Credential("X-Key", "header"), Credential("key", "query")
COOKIE = Credential("session", "cookie")
BASIC = Credential("Authorization", "header", "Basic ", "basic")
BEARER = Credential("Authorization", "header", "Bearer ", "bearer")
WORD = Credential("Authorization", "header", "AccessKey ", "bearer")
TOKEN = Credential("Authorization", "header", "Bearer ", "token")


READ: list[tuple[list[Any] | None, Security]] = [
    ([], ()),
    (None, ()),
    ([{}, {"Unknown": []}], ()),
    ([{"Header": []}], ((HEADER,),)),
    ([{"OAuth": ["read"]}, {"Query": []}], ((TOKEN,), (QUERY,))),
    ([{"Header": [], "Query": []}, {"Cookie": []}], ((HEADER, QUERY), (COOKIE,))),
    ([{"Basic": []}, {"Bearer": []}], ((BASIC,), (BEARER,))),
    ([{"OpenID": []}, {"OAuth": []}], ((TOKEN,),)),
    ([{"Alias": []}], ((HEADER,),)),
    ([{"Word": []}], ((WORD,),)),
    ([{"Digest": []}, {"Header": [], "Certificate": []}, [], {"Query": []}], ((QUERY,),)),
    ([{}], ()),
    ([{}, {"Header": []}], ((HEADER,), ())),
    ([{"Query": []}, {"Digest": []}, {}], ((QUERY,), ())),
]


@pytest.mark.parametrize(("security", "expected"), READ)
def test_the_alternatives_are_read_with_those_that_are_sent_together(
    security: list[Any] | None, expected: Security
) -> None:
    components = {"securitySchemes": SCHEMES}
    everywhere = document({"security": security}, components=components)
    assert parse(everywhere).operations[0].security == expected
    by_default = document(security=security, components=components)
    assert parse(by_default).operations[0].security == expected
    without = document({"security": []}, security=security, components=components)
    assert parse(without).operations[0].security == ()


def test_one_requirement_need_not_be_in_a_list() -> None:
    components = {"securitySchemes": SCHEMES}
    given = document({"security": {"Header": [], "Query": []}}, components=components)
    assert parse(given).operations[0].security == ((HEADER, QUERY),)


AUTHORIZATION = Credential("Authorization", "header")


@pytest.mark.parametrize(
    ("parameter", "expected"),
    [
        ({"name": "authorization", "in": "header", "required": True}, ((AUTHORIZATION,),)),
        ({"name": "Authorization", "in": "header"}, ((AUTHORIZATION,), ())),
        ({"name": "Authorization", "in": "header", "required": "no"}, ((AUTHORIZATION,), ())),
        ({"name": "Authorization", "in": "query"}, ()),
    ],
)
def test_a_header_for_the_key_says_that_one_is_wanted_where_nothing_else_does(
    parameter: dict[str, Any], expected: Security
) -> None:
    (operation,) = parse(document({"parameters": [parameter]})).operations
    assert operation.security == expected
    (public,) = parse(document({"parameters": [parameter]}, security=[])).operations
    assert public.security == ()


FOUND: list[tuple[list[Any], str]] = [
    ([{"Digest": []}], "Digest is HTTP Digest"),
    ([{"Scram": []}], "Scram is HTTP SCRAM-SHA-256"),
    ([{"Certificate": []}, {"Body": []}], "Certificate is of type mutualTLS, Body is an API key without"),
    ([{"Header": [], "Digest": []}], "Digest is HTTP Digest"),
    ([{"Unknown": []}], "Unknown is not defined in the document"),
    ([{"Basic": [], "Bearer": []}], "Basic and Bearer have one place"),
    ([{"Header": [], "Same": []}], "Header and Same have one place"),
    ([["Header"]], "one is malformed"),
    ([{"Spaced": []}], "Spaced is an API key in the header 'X Key', which is no name of one"),
    ([{"Broken": []}], "Broken is an API key in the cookie 'a;b', which is no name of one"),
]


@pytest.mark.parametrize(("security", "words"), FOUND)
def test_a_refusal_names_the_schemes_that_were_found(security: list[Any], words: str) -> None:
    with pytest.raises(DocumentError) as caught:
        parse(document({"security": security}, components={"securitySchemes": SCHEMES}))
    assert "things.json: GET /things: none of its security requirements can be met: " in str(caught.value)
    assert words in str(caught.value)
    assert "an API key, HTTP basic, a bearer token, or a token of OAuth 2" in str(caught.value)
