"""The program ``telefonie-mcp``: serves, or runs a command, and says on stderr why that ended.

Without arguments it serves, and makes no commands and options first.
"""

import errno
import gc
import os
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Final, NoReturn, cast

from telefonie_mcp import __version__
from telefonie_mcp.cli.environment import PROGRAM, settings_in_force
from telefonie_mcp.errors import DocumentError, SettingsError, TelefonieError
from telefonie_mcp.settings.fields import Settings
from telefonie_mcp.settings.types import Address

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from telefonie_mcp.app import App
    from telefonie_mcp.telemetry.metrics import Metrics

__all__ = ["main"]

_COMPLETES: Final = "_TELEFONIE_MCP_COMPLETE"
"""Variable by which a shell asks for completions."""


def main() -> NoReturn:
    """Run the command line; a ``TelefonieError`` ends it with one sentence and status 2.

    Output that cannot be written ends it with a sentence and status 1, and without one where the reader left.
    """
    try:
        status = _run()
    except BaseExceptionGroup as group:
        status = _unwritten(group)
    except OSError as error:
        status = _unwritten(error)
    sys.exit(status)


def _run() -> int:
    try:
        status = _command()
        if sys.stdout:
            sys.stdout.flush()  # here, where it can still be told that it failed
    except TelefonieError as error:
        from telefonie_mcp.cli.terminal import say  # noqa: PLC0415

        say(f"{PROGRAM}: {_with_options(error)}{_diagnosis(error)}", err=True)
        return 2
    except SystemExit as end:
        if sys.stdout:
            sys.stdout.flush()
        return end.code if isinstance(end.code, int) else 0
    return status


def _command() -> int:
    """Run the command that the arguments name, or serve."""
    try:
        plain = len(sys.argv) == 1 and not os.environ.get(_COMPLETES)
        done = settings_in_force({}) if plain else _asked()
        if isinstance(done, int):
            return done
        _serve(done)
    except KeyboardInterrupt:  # before the server handles signals
        from telefonie_mcp.cli.terminal import say  # noqa: PLC0415

        say("Aborted!", err=True)
        return 1
    return 0


def _asked() -> int | Settings:
    """Do what the arguments or the shell ask for; return the status, or the settings of a server to run."""
    from telefonie_mcp.cli.commands import run  # noqa: PLC0415 - clients give their settings as variables

    if os.environ.get(_COMPLETES):
        from telefonie_mcp.cli.completion import register  # noqa: PLC0415

        register()
    return run()


def _with_options(error: TelefonieError) -> str:
    """Return an error, with the options that gave the settings which it names."""
    if not isinstance(error, SettingsError | DocumentError):
        return str(error)
    from telefonie_mcp.cli.sources import with_options  # noqa: PLC0415

    return with_options(str(error), sys.argv[1:])


def _diagnosis(error: TelefonieError) -> str:
    """Return where more can be learned about a ledger that cannot be used; a damaged entry names itself."""
    from telefonie_mcp.ledger.errors import LedgerError  # noqa: PLC0415

    explained = isinstance(error, LedgerError) and "is damaged" not in str(error)
    return f". {PROGRAM} doctor looks for the cause." if explained else ""


def _unwritten(error: Exception | BaseExceptionGroup[BaseException]) -> int:
    """Report that a stream cannot be written, or raise ``error`` if it is something else."""
    leaves = [*_leaves(error)]
    reasons = [each for each in leaves if isinstance(each, OSError) and each.filename is None]
    if not reasons or len(reasons) < len(leaves):
        raise error
    with suppress(OSError, ValueError, AttributeError):  # what is buffered must not fail again at the end
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    if reasons[0].errno != errno.EPIPE:
        from telefonie_mcp.cli.terminal import say  # noqa: PLC0415

        with suppress(OSError):
            say(f"{PROGRAM}: the output cannot be written ({reasons[0].strerror})", err=True)
    return 1


def _leaves(error: BaseException) -> Iterator[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        for each in cast("BaseExceptionGroup[BaseException]", error).exceptions:
            yield from _leaves(each)
    else:
        yield error


def _serve(settings: Settings) -> None:
    """Serve until the client leaves or a signal arrives."""
    gc.disable()  # imported modules are not garbage, and collection takes a tenth of the start
    import anyio  # noqa: PLC0415

    from telefonie_mcp.app import App  # noqa: PLC0415

    if settings.hosted and not settings.http:
        raise SettingsError("TELEFONIE_PUBLIC_URL needs TELEFONIE_HTTP: over stdio nobody signs in")
    if settings.tenants and settings.http:
        _serve_tenants(settings, settings.http)
        return
    serve = _transport(settings.http)
    app = App.from_settings(settings)
    _collect_garbage()
    with _telemetry(settings) as metrics:
        app = replace(app, metrics=metrics) if metrics else app
        anyio.run(serve, app)


def _transport(address: Address | None) -> "Callable[[App], Awaitable[None]]":
    """Return what serves an app, and import only that."""
    if address:
        from telefonie_mcp.server.run_http import serve_http  # noqa: PLC0415

        return partial(serve_http, address=address)
    from telefonie_mcp.server.run import serve_stdio  # noqa: PLC0415

    return serve_stdio


def _serve_tenants(settings: Settings, address: Address) -> None:
    import anyio  # noqa: PLC0415

    from telefonie_mcp.server.run_http import serve_tenants  # noqa: PLC0415
    from telefonie_mcp.server.tenants import TenantServers  # noqa: PLC0415
    from telefonie_mcp.telemetry.logs import configure_logging  # noqa: PLC0415

    def redact(servers: TenantServers) -> None:
        hidden = [*settings.secrets, *servers.secrets]
        configure_logging(settings.log_level, settings.log_format, hidden)

    servers = TenantServers.from_settings(settings, changed=redact)
    _collect_garbage()
    with _telemetry(settings) as metrics:
        servers.metrics = metrics
        anyio.run(serve_tenants, servers, address)


def _collect_garbage() -> None:
    """Collect from now on, but nothing that is there already."""
    gc.freeze()
    gc.enable()


def _telemetry(settings: Settings) -> "AbstractContextManager[Metrics | None]":
    """Return what collects spans and metrics, if the operator asks for them."""
    metrics = settings.metrics
    if not metrics and not any(name.startswith("OTEL_") for name in os.environ):
        return nullcontext()
    from telefonie_mcp.telemetry.setup import asked_for, collecting  # noqa: PLC0415

    if not asked_for(os.environ, prometheus=bool(metrics)):
        return nullcontext()
    return collecting(os.environ, (metrics.host, metrics.port) if metrics else None, __version__)
