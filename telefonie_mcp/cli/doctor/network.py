"""Locates the step at which a connection to a server fails: DNS, TCP, TLS or HTTP."""

import ssl
from typing import Final
from urllib.parse import urlsplit

import anyio
from anyio.streams.tls import TLSStream

from telefonie_mcp.cli.doctor.findings import Finding

__all__ = ["locate_failure", "tls_failure"]

_SECONDS: Final = 5.0
_NETWORK: Final = "Check {}, the network, and whether a proxy is needed (HTTPS_PROXY)."
_CERTIFICATES: Final = (
    "Check this machine's clock and its certificate authorities (SSL_CERT_FILE names others), and whether "
    "something stands between."
)


async def locate_failure(
    server: str, reason: str, *, setting: str = "TELEFONIE_BASE_URL", seconds: float = _SECONDS
) -> Finding:
    """Try the steps of a connection to ``server`` one by one, and return the one that fails as a finding.

    Args:
        server: Base URL of an API that could not be reached.
        reason: Why the request failed, as a clause.
        setting: The setting that the address comes from, in words.
        seconds: Time limit of one step.

    """
    url = urlsplit(server)
    host = url.hostname or ""
    port = url.port or (443 if url.scheme == "https" else 80)
    try:
        with anyio.fail_after(seconds):
            await anyio.getaddrinfo(host, port)
    except (OSError, UnicodeError):
        return _problem(f"DNS: the name {host} is not known here", _NETWORK.format(setting))
    try:
        with anyio.fail_after(seconds):
            stream = await anyio.connect_tcp(host, port)
    except TimeoutError:
        return _problem(f"TCP: {host} port {port} does not answer", _NETWORK.format(setting))
    except OSError:
        return _problem(f"TCP: {host} port {port} accepts no connection", _NETWORK.format(setting))
    try:
        if url.scheme == "https":
            with anyio.fail_after(seconds):
                await TLSStream.wrap(stream, hostname=host, ssl_context=ssl.create_default_context())
    except (OSError, anyio.BrokenResourceError, anyio.EndOfStream) as error:
        return _problem(f"TLS: {tls_failure(error)}", _CERTIFICATES)
    finally:
        await anyio.aclose_forcefully(stream)
    return _problem(
        f"HTTP: {host} port {port} accepts connections, but {reason}",
        f"Check that {setting} is the API's address, and the proxy if there is one (HTTPS_PROXY).",
    )


def tls_failure(error: Exception) -> str:
    """Return why a TLS handshake failed, as a clause."""
    match error:
        case ssl.SSLCertVerificationError():
            return f"the certificate is not trusted ({error.verify_message})"
        case TimeoutError():
            return "the server does not answer the greeting"
        case ssl.SSLError() if error.reason:
            return f"the server does not speak it ({error.reason})"
        case _:
            return "the server ends the connection"


def _problem(text: str, remedy: str) -> Finding:
    return Finding("reachability", "problem", text, remedy)
