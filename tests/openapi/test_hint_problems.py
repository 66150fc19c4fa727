"""What the author of a document reads about hints that cannot be meant."""

from typing import Any

import pytest
from pydantic import ValidationError

from telefonie_mcp.openapi.hint_problems import hint_problems
from telefonie_mcp.openapi.hints import Hints

pytestmark = pytest.mark.quick


@pytest.mark.parametrize(
    ("hints", "said"),
    [
        ({"destructve": False}, ["destructve is unknown; did you mean destructive?"]),
        ({"destructive": "maybe"}, ["destructive must be true or false"]),
        ({"arguments": {"x": {"formt": "e164"}}}, ["arguments.x.formt is unknown; did you mean format?"]),
        ({"arguments": {"x": {"keywords": {}}}}, ["arguments.x.keywords is unknown; did you mean"]),
        ({"arguments": {"x": {"null": "clear"}}}, ["arguments.x.null must be absent or clears"]),
        ({"arguments": {"x": {"schema": []}}}, ["arguments.x.schema must be an object"]),
        ({"arguments": ["a"]}, ["arguments must be an object"]),
        ({"preview": {"arguments": {}}}, ["preview.operation is missing"]),
        (
            {"settle": {"operation": "a", "done": "gone"}},
            ["settle.done must be present, absent, matches or s"],
        ),
        ({"resource": {"pages": {"itms": "a"}}}, ["resource.pages.itms is unknown; did you mean items?"]),
        ({"effect": "buy"}, ["effect must be acquire, dispose or change"]),
        ({"scope": "a b"}, ["scope must match ^[!#-"]),
        ({"asked": "x"}, ["asked must be a list"]),
        ({"refused": {"x": "y"}}, ["refused.x must be a whole number"]),
        ({"replaced": "x"}, ["hints: replaced needs a settle"]),
        ({"effect": "buy", "asked": "x"}, ["effect must be", "asked must be a list"]),
        (5, ["hints must be an object"]),
    ],
)
def test_a_hint_that_cannot_be_meant_is_told_with_its_place_and_what_is_right(
    hints: Any, said: list[str]
) -> None:
    with pytest.raises(ValidationError) as caught:
        Hints.model_validate(hints)
    told = [*hint_problems(caught.value)]
    for words in said:
        assert any(each.startswith(words) for each in told), told
    assert not any(word in each for each in told for word in ("Input", "valid", "Extra", "String"))
