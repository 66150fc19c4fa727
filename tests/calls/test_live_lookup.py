"""Lookup and capabilities through the tools, in the sandbox and in front of a live API alike."""

from collections.abc import AsyncGenerator, Sequence

import httpx2 as httpx
import pytest
from pydantic import SecretStr

from telefonie_mcp.app import App
from telefonie_mcp.numbering.lookup import describe
from tests.calls.lookup import Down, Mode, Silent, Watching, ask, refused, running
from tests.numbering.test_lookup import SHARED, example
from tests.support.regions import FEW, REGIONS
from tests.support.served import live_app
from tests.support.wire import SECONDS

NUMBER = "+14155550100"
describe(NUMBER)  # imports the large tables, so that no deadline below has to wait for them


@pytest.fixture(params=["sandbox", "live"])
def mode(request: pytest.FixtureRequest) -> Mode:
    return request.param


@pytest.fixture
async def app(mode: Mode) -> AsyncGenerator[App]:
    async with running(mode) as app:
        yield app


@pytest.mark.parametrize(
    "regions",
    [
        pytest.param(FEW, id="few", marks=pytest.mark.unmeasured),
        pytest.param(REGIONS, id="every region", marks=pytest.mark.whole),
    ],
)
async def test_the_example_of_a_region_can_be_looked_up(app: App, regions: Sequence[str]) -> None:
    for region in regions:
        found = await ask(app, "lookup_number", phone_number=example(region))
        assert (found["valid"], found["country_code"]) == (True, SHARED.get(region, region))
        assert found["account"]["owned"] is False
        assert "missing" not in found["account"], found


async def test_a_number_is_shown_as_available_before_and_as_owned_after_it_is_bought(
    app: App, mode: Mode
) -> None:
    source = "the sandbox" if mode == "sandbox" else "127.0.0.1:"
    offer = {
        "type": "local",
        "capabilities": dict.fromkeys(("voice", "sms", "mms"), True),
        "monthly_rate": "1.15",
    }
    before = await ask(app, "lookup_number", phone_number="+1 (415) 555-0100")
    assert before["account"] == {"owned": False, "available": True, **offer}
    assert before["sources"]["account"].startswith(source)
    assert before["sources"]["numbering"].startswith("libphonenumber ")
    one = await ask(app, "get_number_capabilities", phone_number=NUMBER)
    told = {"requires": "nothing"} if mode == "sandbox" else {}
    assert one["types"] == [{**offer, **told, "offered": True, "owned": False}]
    assert ("requires" in one["sources"]) is (mode == "live")
    assert (one["phone_number"], one["country_code"]) == (NUMBER, "US")

    await ask(app, "purchase_number", phone_number=NUMBER, confirm=True)
    after = await ask(app, "lookup_number", phone_number=NUMBER)
    assert after["account"] == {"owned": True, "available": False, **offer}
    one = await ask(app, "get_number_capabilities", phone_number=NUMBER)
    assert one["types"] == [{**offer, **told, "offered": False, "owned": True}]


async def test_the_carrier_is_the_original_one_and_says_so(app: App) -> None:
    found = await ask(app, "lookup_number", phone_number="+491713920000")
    assert found["original_carrier"] == "T-Mobile"
    assert "first assigned" in found["sources"]["original_carrier"]


async def test_an_unknown_carrier_is_said_to_be_unknown_and_why(app: App) -> None:
    found = await ask(app, "lookup_number", phone_number="+14155550100")
    assert found["original_carrier"] == "unknown"
    assert found["sources"]["original_carrier"].startswith("unknown: libphonenumber ")
    assert "as in the US" in found["sources"]["original_carrier"]
    invalid = await ask(app, "lookup_number", phone_number="+447700900123")
    assert "original_carrier" not in {**invalid, **invalid["sources"]}


async def test_numbers_that_are_not_valid_or_not_sold_are_described_as_such(app: App) -> None:
    invalid = await ask(app, "lookup_number", phone_number="+447700900123")
    assert (invalid["valid"], invalid["code"]) == (False, "not_in_numbering_plan")
    assert invalid["account"] == {"owned": False, "available": False}
    premium = await ask(app, "lookup_number", phone_number="+19005550100")
    assert (premium["valid"], premium["line_type"]) == (True, "premium_rate")
    assert premium["account"] == {"owned": False, "available": False}
    for number in ("+447700900123", "+19005550100"):
        assert (await refused(app, "get_number_capabilities", phone_number=number)).status == 400
    nowhere = await ask(app, "lookup_number", phone_number="+80012345678")
    assert (nowhere["valid"], nowhere["account"]) == (True, {"owned": False, "available": False})


async def test_a_number_that_somebody_else_has_is_neither_owned_nor_available() -> None:
    async with running("live") as app:
        assert app.settings.base_url
        async with httpx.AsyncClient(headers={"X-API-Key": "other-key-1"}, timeout=SECONDS) as other:
            bought = await other.post(f"{app.settings.base_url}/owned", json={"phone_number": NUMBER})
        assert bought.status_code == 201
        taken = await ask(app, "get_number_capabilities", phone_number=NUMBER)
    (offer,) = taken["types"]
    assert (offer["type"], offer["offered"], offer["owned"]) == ("local", False, False)
    assert "neither owned nor available" in offer["missing"]


async def test_a_country_lists_its_types_with_rates_and_capabilities(app: App) -> None:
    found = await ask(app, "get_number_capabilities", country_code="us")
    types = {offer["type"]: offer for offer in found["types"]}
    assert [*types] == ["local", "national", "toll-free", "mobile"]
    assert [name for name, offer in types.items() if offer["offered"]] == ["local", "toll-free"]
    assert types["local"]["monthly_rate"] == "1.15"
    assert types["local"]["capabilities"]["mms"] is True
    one = await ask(app, "get_number_capabilities", country_code="GB", type="mobile")
    (mobile,) = one["types"]
    assert (mobile["type"], mobile["capabilities"]) == ("mobile", {"voice": True, "sms": True, "mms": False})
    assert mobile["portable"] is True


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"type": "local"},
        {"country_code": "US", "phone_number": NUMBER},
        {"type": "local", "phone_number": NUMBER},
    ],
)
async def test_a_question_about_nothing_or_two_things_is_refused(app: App, arguments: dict[str, str]) -> None:
    error = await refused(app, "get_number_capabilities", **arguments)
    assert error.message.startswith("Nothing was done")
    assert error.details["provider_says"] == "Give country_code, alone or with type; or phone_number alone."


async def test_the_sandbox_says_which_documents_a_country_requires() -> None:
    async with running("sandbox") as app:
        found = await ask(app, "get_number_capabilities", country_code="IT", type="mobile")
    assert found["types"][0]["requires"] == "bundle"
    assert "illustrative" in found["sources"]["types"]


async def test_a_live_api_is_measured_and_the_sample_says_so() -> None:
    async with running("live") as app:
        found = await ask(app, "get_number_capabilities", country_code="US", type="local")
    (local,) = found["types"]
    assert local["sample"]["numbers"] == 20
    assert local["sample"]["at"].endswith("+00:00")
    assert "requires" not in local
    assert "sample" in found["sources"]["types"]
    assert "refuses a purchase" in found["sources"]["requires"]


async def test_nothing_of_the_extension_is_ever_sent_to_the_live_api() -> None:
    api = Watching()
    async with live_app(None, transport=api) as app:
        await ask(app, "lookup_number", phone_number=NUMBER)
        await ask(app, "get_number_capabilities", country_code="US")
        await ask(app, "get_number_capabilities", phone_number=NUMBER)
        await refused(app, "get_number_capabilities")
    assert set(api.paths) == {f"/v1/numbers/owned/{NUMBER}", "/v1/numbers/available"}
    assert api.hosts == {"api.telefonie.com"}


async def test_lookup_works_without_the_toolset_that_it_rests_on() -> None:
    async with live_app(None, transport=Watching(), toolsets=("lookup",)) as app:
        assert [tool.name for tool in app.catalog] == ["lookup_number", "get_number_capabilities"]
        found = await ask(app, "lookup_number", phone_number=NUMBER)
    assert found["account"]["available"] is True


@pytest.mark.parametrize(
    ("api", "reason"),
    [(Down(), "The API could not be reached"), (Silent(), "The API did not answer within 1 second")],
)
async def test_without_the_api_the_numbering_part_is_answered(api: Down | Silent, reason: str) -> None:
    async with live_app(None, 2, transport=api) as app:
        found = await ask(app, "lookup_number", phone_number=NUMBER)
        country = await ask(app, "get_number_capabilities", country_code="GB")
        one = await ask(app, "get_number_capabilities", phone_number=NUMBER)
    assert (found["valid"], found["area"]) == (True, "San Francisco, CA")
    assert found["account"].keys() == {"missing"}
    assert found["account"]["missing"].startswith(reason)
    assert all(offer["missing"].startswith(reason) for offer in country["types"])
    assert country["types"][3]["portable"] is True
    assert one["types"] == [{"type": "local", "missing": found["account"]["missing"]}]


async def test_a_key_that_the_api_refuses_is_named_as_the_reason() -> None:
    key = SecretStr("sandbox-unauthorized")
    async with live_app(None, transport=Watching(), api_key=key) as app:
        found = await ask(app, "lookup_number", phone_number=NUMBER)
    assert "401" in found["account"]["missing"]
    assert "TELEFONIE_API_KEY" in found["account"]["missing"]
