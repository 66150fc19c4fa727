"""The protocol's own conformance suite, as far as it applies to a server that is no fixture.

The failures that are expected are checks for things this server does not have: the suite's diagnostic
tools. A check that fails otherwise, or passes though it stands here, fails the test.
"""

from pathlib import Path

import pytest

from tests.clients.support import run
from tests.support.wire import running

SCENARIOS = {
    "2026-07-28": {
        "tools-list": (),
        "http-header-validation": (),
        "dns-rebinding-protection": (),
        "input-required-result-unsupported-methods": (),
        "caching": (),
        "server-stateless": (
            "ServerRejectsUndeclaredCapability",
            "MissingCapabilityHttp400",
            "HttpServerNoIndependentRequestsOnStream",
            "ServerNoLogWithoutLogLevel",
        ),
    },
    "2025-11-25": {"server-initialize": (), "ping": (), "tools-list": (), "server-session-lifecycle": ()},
}


@pytest.mark.parametrize(
    ("version", "scenario"), [(version, name) for version, names in SCENARIOS.items() for name in names]
)
async def test_scenario(version: str, scenario: str, tmp_path: Path) -> None:
    async with running("--http", "0", "--sandbox-db", ":memory:", home=tmp_path) as server:
        options = ["--scenario", scenario, "--spec-version", version]
        status, output, errors = await run(
            tmp_path, "conformance", "server", "--url", await server.address(), *options
        )
    lines = (output + errors).splitlines()
    failed = {
        line.split(":")[0].removeprefix("  - ") for line in lines if line.startswith("  - ") and ":" in line
    }
    expected = set(SCENARIOS[version][scenario])
    assert any(line.startswith("Passed: ") for line in lines), output + errors
    assert failed == expected, output[:5000]
    assert status == (1 if expected else 0)
