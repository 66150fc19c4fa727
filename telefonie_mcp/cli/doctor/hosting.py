"""Checks what a hosted server depends on: its issuer, and its own public address, as its clients see them.

Nothing is asked for but metadata, keys, and what a request without a token is answered; where opaque tokens
are looked up, one that nobody has issued is.
"""

import secrets
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from dataclasses import replace
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any, Final, cast
from urllib.parse import urlsplit

from telefonie_mcp import __version__
from telefonie_mcp.cli.doctor.findings import Finding, clock
from telefonie_mcp.cli.doctor.network import locate_failure
from telefonie_mcp.errors import SettingsError
from telefonie_mcp.ledger.files import readable_by_others, to_make_private
from telefonie_mcp.server.auth.discovery import jwks_uri, metadata_urls
from telefonie_mcp.server.auth.fetching import IssuerClient, IssuerError
from telefonie_mcp.server.auth.keys import ALGORITHMS, usable_keys
from telefonie_mcp.server.auth.resource import Resource
from telefonie_mcp.server.auth.tokens import Introspection, Tokens
from telefonie_mcp.settings.fields import Settings
from telefonie_mcp.upstream.client import ApiClient
from telefonie_mcp.upstream.outcomes import Answer, Outcome
from telefonie_mcp.upstream.serialization import Request

__all__ = ["hosting"]

_SECONDS: Final = 10.0
"""Time limit for one request."""

_PROXY: Final = "Check that the proxy passes {} on to this server, and nothing else answers in its place."


async def hosting(settings: Settings) -> AsyncGenerator[Finding]:
    """Yield what is found of the issuer and the public address; nothing without a public URL."""
    if not settings.hosted:
        return
    client = ApiClient(lambda: None, user_agent=f"telefonie-mcp/{__version__}")
    try:
        async with aclosing(_issuer(client, settings.issuer or "")) as found:
            async for finding in found:
                yield finding
        if finding := await _introspection(settings):
            yield finding
        yield await _public(client, Resource.of(settings))
    finally:
        await client.aclose()


async def _issuer(client: ApiClient, issuer: str) -> AsyncGenerator[Finding]:
    """Check the issuer's metadata (RFC 8414, OpenID Connect Discovery), its keys and its clock."""
    others: set[str] = set()
    statuses: list[int] = []
    for url in metadata_urls(issuer):
        asked = datetime.now(UTC)
        outcome = await _get(client, url)
        if not isinstance(outcome, Answer):
            failure = await locate_failure(issuer, outcome.reason, setting="TELEFONIE_ISSUER")
            remedy = failure.remedy.replace("the API's address", "the issuer's address")
            yield replace(failure, check="issuer", remedy=remedy)
            return
        metadata = _object(outcome)
        if metadata.get("issuer") == issuer:
            yield await _keys(issuer, metadata)
            yield clock(outcome, asked, datetime.now(UTC), of="the issuer")
            return
        statuses.append(outcome.status)
        others |= {str(metadata["issuer"])} if "issuer" in metadata else set()
    if others:
        text = f"{issuer} calls itself {', '.join(sorted(others))}"
        yield Finding("issuer", "problem", text, "Write TELEFONIE_ISSUER exactly as it calls itself.")
        return
    text = f"{issuer} has no metadata (it answers {', '.join(map(str, dict.fromkeys(statuses)))})"
    remedy = f"Check TELEFONIE_ISSUER; the metadata of an issuer is at {metadata_urls(issuer)[1]}."
    yield Finding("issuer", "problem", text, remedy)


async def _keys(issuer: str, metadata: Mapping[str, Any]) -> Finding:
    remedy = f"Let the issuer sign access tokens with one of {', '.join(ALGORITHMS)}."
    uri = jwks_uri(metadata, issuer)
    if uri is None:
        return Finding("issuer", "problem", f"{issuer} does not say where its keys are (jwks_uri)", remedy)
    client = IssuerClient(issuer, seconds=_SECONDS)
    try:
        keys = usable_keys(await client.get(uri))
    except IssuerError as error:
        remedy = f"Check that {uri} can be reached from here."
        return Finding("issuer", "problem", f"the keys of {issuer} cannot be read: {error}", remedy)
    finally:
        await client.aclose()
    if not keys:
        return Finding("issuer", "problem", f"{issuer} has no key that can verify a token", remedy)
    kinds = ", ".join(dict.fromkeys(name for key in keys for name in key.algorithms))
    return Finding("issuer", "ok", f"{issuer}: {len(keys)} key{'s' if len(keys) > 1 else ''} for {kinds}")


async def _introspection(settings: Settings) -> Finding | None:
    """Look up a token that nobody has issued; nothing where opaque tokens are not accepted."""
    file, name = settings.introspection_secret_file, "introspection"
    try:
        tokens = Tokens.of(settings)
    except SettingsError as error:
        return Finding(name, "problem", str(error), "Put the secret, and nothing else, there.")
    try:
        if (where := tokens.introspection) is None:
            return None
        remedy = "Check TELEFONIE_INTROSPECTION_URL, _CLIENT and _SECRET_FILE with the issuer."
        if (problem := await _lookup(tokens.client, where)) is not None:
            return Finding(name, "problem", f"{where.url}: {problem}", remedy)
    finally:
        await tokens.aclose()
    if file and readable_by_others(file):
        return Finding(name, "warning", f"others can read {file}", to_make_private(file))
    return Finding(name, "ok", f"{where.url} answers {where.client}")


async def _lookup(client: IssuerClient, where: Introspection) -> str | None:
    """Return what is wrong with looking up a token, if anything is."""
    unknown = secrets.token_urlsafe(24)
    try:
        answer = await client.post(where.url, {"token": unknown}, where.authorization)
    except IssuerError as error:
        return str(error)
    return None if answer.get("active") is False else "it does not say that an unknown token is not active"


async def _public(client: ApiClient, resource: Resource) -> Finding:
    """Check that the public URL is this server's, and that nobody gets in without a token."""
    outcome = await _get(client, resource.metadata_url)
    if not isinstance(outcome, Answer):
        failure = await locate_failure(resource.url, outcome.reason, setting="TELEFONIE_PUBLIC_URL")
        remedy = "Start the server and its proxy; clients may reach it where this machine cannot."
        return Finding("public URL", "warning", failure.text, remedy)
    path = urlsplit(resource.metadata_url).path
    metadata = _object(outcome)
    if not metadata:
        text = f"{resource.metadata_url} answers {outcome.status}, and no metadata"
        return Finding("public URL", "problem", text, _PROXY.format(path))
    if metadata.get("resource") != resource.url or resource.issuer not in _listed(metadata):
        servers = ", ".join(map(str, _listed(metadata)))
        text = f"{resource.metadata_url} is about {metadata.get('resource')} and its issuer {servers}"
        remedy = (
            "Another server answers there, or it has other settings: TELEFONIE_PUBLIC_URL, TELEFONIE_ISSUER."
        )
        return Finding("public URL", "problem", text, remedy)
    outcome = await _get(client, resource.url)
    if not isinstance(outcome, Answer) or outcome.status != HTTPStatus.UNAUTHORIZED:
        what = outcome.status if isinstance(outcome, Answer) else outcome.reason
        text = f"{resource.url}: a request without a token is not answered 401 ({what})"
        return Finding("public URL", "problem", text, _PROXY.format(urlsplit(resource.url).path or "/"))
    if "resource_metadata" not in outcome.headers.get("www-authenticate", ""):
        text = (
            f"{resource.url}: the header WWW-Authenticate is lost on the way, so that no client can sign in"
        )
        return Finding("public URL", "problem", text, "Let the proxy pass it on.")
    return Finding("public URL", "ok", f"{resource.url} is this server's, and wants a token")


def _listed(metadata: Mapping[str, Any]) -> list[Any]:
    servers = metadata.get("authorization_servers")
    return cast("list[Any]", servers) if isinstance(servers, list) else []


def _object(outcome: Answer) -> Mapping[str, Any]:
    """Return the JSON object of a successful answer; empty if it is none."""
    try:
        found: Any = outcome.json if outcome.status == HTTPStatus.OK else None
    except (ValueError, RecursionError):
        return {}
    return cast("dict[str, Any]", found) if isinstance(found, dict) else {}


async def _get(client: ApiClient, url: str) -> Outcome:
    parts = urlsplit(url)
    request = Request("GET", parts.path or "/", parts.query, {"Accept": "application/json"})
    return await client.send(f"{parts.scheme}://{parts.netloc}", request, (), seconds=_SECONDS)
