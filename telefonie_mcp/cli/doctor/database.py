"""Checks the PostgreSQL server of a shared ledger: its version, what its user may do, and its clock."""

import time
from collections.abc import Iterator
from typing import Final

from sqlalchemy import Connection, text

from telefonie_mcp.cli.doctor.findings import Finding
from telefonie_mcp.ledger.database import connect, reading
from telefonie_mcp.ledger.errors import LedgerError
from telefonie_mcp.ledger.files import file_of

__all__ = ["database"]

_OLDEST: Final = 14
"""The oldest release of PostgreSQL that is expected to work."""

_TOLERANCE: Final = 60
"""Seconds by which the clocks may differ."""

_FACTS: Final = text("""
SELECT current_setting('server_version_num')::integer AS version, current_setting('server_version') AS shown,
    pg_is_in_recovery() OR current_setting('default_transaction_read_only')::boolean AS read_only,
    current_schema() AS schema, current_user AS name,
    coalesce(has_schema_privilege(current_schema(), 'CREATE'), false) AS makes,
    extract(epoch FROM clock_timestamp())::float AS now
""")

_LACKING: Final = text("""
SELECT held.privilege || ' on ' || c.relname FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
CROSS JOIN (VALUES ('SELECT'), ('INSERT'), ('UPDATE')) AS held(privilege)
WHERE n.nspname = current_schema() AND c.relkind = 'r' AND c.relname LIKE 'ledger\\_%'
    AND NOT has_table_privilege(c.oid, held.privilege)
ORDER BY c.relname, held.privilege
""")


def database(url: str) -> Iterator[Finding]:
    """Yield what is found of the server at ``url``; nothing if the ledger is a file.

    Nothing is made or changed. That it cannot be reached, the check of the ledger says.
    """
    try:
        if file_of(url) or url == ":memory:":
            return
        engine = connect(url)
    except LedgerError:
        return
    try:
        with reading(engine) as connection:
            yield from _findings(connection)
    except LedgerError:
        return
    finally:
        engine.dispose()


def _findings(connection: Connection) -> Iterator[Finding]:
    asked = time.time()
    facts = connection.execute(_FACTS).one()
    ahead = (asked + time.time()) / 2 - facts.now
    name = f"PostgreSQL {facts.shown.split()[0]}"
    if facts.read_only:
        remedy = "Name the primary server in TELEFONIE_LEDGER; this one is a standby, or set to read only."
        yield _problem(f"{name} takes no writes", remedy)
        return
    if facts.version // 10_000 < _OLDEST:
        remedy = f"Upgrade it to {_OLDEST} or newer."
        yield Finding("database", "warning", f"{name} is older than what is tested", remedy)
    if lacking := [*connection.execute(_LACKING).scalars()]:
        remedy = f"Let {facts.name} own the tables, which telefonie-mcp makes by itself."
        yield _problem(f"{name}: {facts.name} lacks {', '.join(lacking)}", remedy)
    elif not facts.makes:
        remedy = f"GRANT CREATE ON SCHEMA {facts.schema or 'public'} TO {facts.name}; releases add tables."
        yield _problem(f"{name}: {facts.name} may not make tables", remedy)
    elif abs(ahead) > _TOLERANCE:
        words = f"{abs(ahead):.0f} s {'behind' if ahead < 0 else 'ahead of'}"
        remedy = "Set both clocks; limits per day and waiting times depend on them."
        yield Finding("database", "warning", f"this machine's clock is {words} that of {name}", remedy)
    else:
        yield Finding("database", "ok", f"{name}: {facts.name} may make and write the ledger's tables")


def _problem(text: str, remedy: str) -> Finding:
    return Finding("database", "problem", text, remedy)
