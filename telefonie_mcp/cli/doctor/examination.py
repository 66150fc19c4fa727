"""Runs the checks, in the order in which a server would fail."""

import platform
import sys
from collections.abc import AsyncGenerator, Collection, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from http import HTTPStatus
from importlib.metadata import PackageNotFoundError, requires, version
from itertools import islice
from pathlib import Path
from typing import Any, Final

from packaging.requirements import Requirement

from telefonie_mcp.app import App
from telefonie_mcp.cli.doctor.database import database
from telefonie_mcp.cli.doctor.findings import Finding, clock, omissions, versions
from telefonie_mcp.cli.doctor.network import locate_failure
from telefonie_mcp.cli.doctor.storage import ledger, state
from telefonie_mcp.cli.environment import unusable_path
from telefonie_mcp.cli.sources import with_options
from telefonie_mcp.errors import DocumentError, SettingsError, ToolError
from telefonie_mcp.ledger.files import readable_by_others, to_make_private
from telefonie_mcp.server.instructions import destination
from telefonie_mcp.settings.access import Access
from telefonie_mcp.settings.fields import Settings
from telefonie_mcp.settings.reading import read_settings
from telefonie_mcp.tools.api_errors import problem_of
from telefonie_mcp.tools.catalog import Tool
from telefonie_mcp.tools.requester import content_of
from telefonie_mcp.upstream.outcomes import Answer
from telefonie_mcp.upstream.serialization import build_request

__all__ = ["examine"]

_SECONDS: Final = 10.0
"""Time limit for one request to the API."""

_MAX_TENANTS: Final = 20
"""Tenants that are named, and whose keys are tried with the API."""

_KEY_STATUSES: Final = frozenset({401, 402, 403, 429})
"""HTTP statuses that are about the key or the account, not about reachability."""

_ADDRESS_REMEDY: Final = "Check that {} is the API's address; if it is, ask the provider."


async def examine(environment: Mapping[str, str], flags: Mapping[str, Any]) -> list[Finding]:
    """Return the findings. Checks that depend on a failed one are left out."""
    try:
        settings = read_settings(environment, flags)
    except SettingsError as error:
        return [_settings_problem(error), _versions()]
    if problem := unusable_path(settings):
        return [_settings_problem(SettingsError(problem)), _versions()]
    services = _tenants(settings, settings.tenants) if settings.tenants else _service(settings)
    found = [finding async for finding in services]
    if settings.hosted:
        from telefonie_mcp.cli.doctor.hosting import hosting  # noqa: PLC0415 - only hosted servers need it

        found += [finding async for finding in hosting(settings)]
    return [*found, ledger(settings), *database(settings.ledger_url), state(settings), _versions()]


async def _tenants(settings: Settings, file: Path) -> AsyncGenerator[Finding]:
    """Check the tenants' file and keys, the service as the first one sees it, and the keys of some others."""
    from telefonie_mcp.settings.tenants import read_tenants  # noqa: PLC0415 - most servers have none

    try:
        tenants = read_tenants(file, settings)
    except SettingsError as error:
        yield Finding("tenants", "problem", str(error), "Correct what is named; SIGHUP reads the file again.")
        return
    names = [tenant.name for tenant in tenants]
    shown = ", ".join(names[:_MAX_TENANTS])
    more = f" and {len(names) - _MAX_TENANTS} more" if len(names) > _MAX_TENANTS else ""
    yield Finding("tenants", "ok", f"{len(names)} tenant{'s' if len(names) > 1 else ''}: {shown}{more}")
    for warning in tenants.warnings[:_MAX_TENANTS]:
        yield Finding("tenants", "warning", warning)
    for number, tenant in enumerate(islice(tenants, _MAX_TENANTS)):
        async for finding in _service(tenant.settings):
            if finding.check == "key":
                yield replace(finding, text=f"[tenants.{tenant.name}]: {finding.text}")
            elif number == 0:
                yield finding


def _settings_problem(error: SettingsError) -> Finding:
    text = with_options(str(error), sys.argv[1:])
    return Finding("settings", "problem", text, "Correct or unset what is named.")


async def _service(settings: Settings) -> AsyncGenerator[Finding]:
    """Check the settings, the documents, the key and the API."""
    try:
        accesses = settings.accesses
    except SettingsError as error:
        yield Finding("key", "problem", str(error), "Put the key, and nothing else, there.")
        return
    try:
        app = App.from_settings(settings)
    except SettingsError as error:
        yield _settings_problem(error)
        return
    except DocumentError as error:
        yield Finding("documents", "problem", str(error), "Correct the document, or leave it out.")
        return
    yield Finding("settings", "ok", destination(app))
    titles = ", ".join(f"{document.title} {document.version}" for document in app.documents)
    yield Finding("documents", "ok", f"{titles}: {len(app.catalog.tools)} tools")
    for finding in omissions(app.catalog):
        yield finding
    if settings.mode == "sandbox":
        yield Finding("key", "ok", "none is used; the sandbox needs none")
        return
    tried: set[str] = set()
    for server, tool in _reads(app):
        access = accesses.of(tool.document.origin.stem)
        tried.add(access.key_setting)
        async for finding in _server(app, server, tool, access):
            yield finding
    for finding in _untried(settings, tried):
        yield finding
    await app.client.aclose()


def _untried(settings: Settings, tried: Collection[str]) -> Iterator[Finding]:
    """Yield what is known of the keys for which no API was asked, and of the file that names keys."""
    for access in settings.accesses:
        if access.key and access.key_setting not in tried:
            yield _held(access)
    if (file := settings.spec_credentials) and readable_by_others(file):
        text = "others can read the file of TELEFONIE_SPEC_CREDENTIALS"
        yield Finding("key", "warning", text, to_make_private(file))


def _whose(access: Access) -> str:
    return f"{access.key_setting}: " if access.own else ""


def _held(access: Access) -> Finding:
    whose = _whose(access)
    if not access.key:
        return Finding("key", "ok", f"{whose}there is none, and none is needed")
    if access.key_file and readable_by_others(access.key_file):
        text = f"{whose}present; its file can be read by others"
        return Finding("key", "warning", text, to_make_private(access.key_file))
    return Finding("key", "ok", f"{whose}present")


def _reads(app: App) -> list[tuple[str, Tool]]:
    """Return a read without required arguments for every server and key that has one; it changes nothing.

    A read that sends the key comes before one that needs none.
    """
    reads: dict[tuple[str, str], Tool] = {}
    tools = [
        tool
        for tool in app.catalog.everything.values()
        if tool.read_only and not tool.document.extension and not tool.input_schema.get("required")
    ]
    for tool in sorted(tools, key=lambda tool: not app.credentials(tool)):
        reads.setdefault((app.server(tool), tool.document.origin.key_setting), tool)
    return [(server, tool) for (server, _), tool in reads.items()]


async def _server(app: App, server: str, tool: Tool, access: Access) -> AsyncGenerator[Finding]:
    """Request a read from one server, and check reachability, the key and the clock."""
    key = _held(access)
    request, credentials = build_request(tool.operation, tool.bindings, {}), app.credentials(tool)
    asked = datetime.now(UTC)
    outcome = await app.client.send(server, request, credentials, seconds=_SECONDS)
    answered = datetime.now(UTC)
    if not isinstance(outcome, Answer):
        yield await locate_failure(server, outcome.reason, setting=access.url_setting)
        yield key
        return
    problem = _problem(tool, outcome)
    if problem and outcome.status not in _KEY_STATUSES:
        remedy = _ADDRESS_REMEDY.format(access.url_setting)
        yield Finding("reachability", "problem", f"{server}: the API {problem}", remedy)
        yield key
    else:
        duration = (answered - asked).total_seconds() * 1000
        yield Finding("reachability", "ok", f"{server} answers in {duration:.0f} ms")
        used = credentials or problem
        yield _key_finding(key, outcome.status, problem, _whose(access)) if used else key
    yield clock(outcome, asked, answered)


def _problem(tool: Tool, answer: Answer) -> str:
    """Return what is wrong with the response to a read, as a predicate of "the API"; empty if nothing is."""
    try:
        content_of(tool, answer, {})
    except ToolError as error:
        unusable = error.code == "upstream_invalid_response" and answer.status == HTTPStatus.OK
        return "answers something else than its document says" if unusable else problem_of(tool, answer)
    return ""


def _key_finding(key: Finding, status: int, problem: str, whose: str) -> Finding:
    match status:
        case 401:
            return Finding("key", "problem", f"{whose}the API {problem}", "Check the key: is it this API's?")
        case 402 | 403:
            return Finding(
                "key", "problem", f"{whose}the API {problem}", "Ask the account's owner what it may do."
            )
        case 429:
            return Finding("key", "warning", f"{key.text}; the API {problem}", "Try again later.")
        case _:
            return Finding("key", key.status, f"{key.text}; the API accepts it", key.remedy)


def _versions() -> Finding:
    try:
        requirements = requires("telefonie-mcp") or []
    except PackageNotFoundError:
        remedy = "Install it, for example with pip or uv, so that its dependencies are known to fit."
        return Finding("versions", "warning", "telefonie-mcp is not installed as a package", remedy)
    installed: dict[str, str] = {}
    for name in (Requirement(text).name for text in requirements):
        with suppress(PackageNotFoundError):
            installed[name] = version(name)
    return versions(platform.python_version(), requirements, installed)
