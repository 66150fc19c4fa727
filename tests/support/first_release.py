"""A ledger as the first release made it, for tests of what becomes of it; a copy that is never changed."""

from typing import Any

from sqlalchemy import create_engine, make_url, text

_ID = {"sqlite": "INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT", "postgresql": "BIGSERIAL NOT NULL PRIMARY KEY"}
_STATEMENTS = (
    "CREATE TABLE ledger_version (version INTEGER NOT NULL)",
    "INSERT INTO ledger_version (version) VALUES (1)",
    "CREATE TABLE ledger_accounts (name TEXT NOT NULL, PRIMARY KEY (name))",
    """CREATE TABLE ledger_entries (
        id {id}, created BIGINT NOT NULL, updated BIGINT NOT NULL, account TEXT NOT NULL,
        caller TEXT NOT NULL, owner TEXT NOT NULL, lease BIGINT NOT NULL, tool TEXT NOT NULL,
        operation TEXT NOT NULL, effect TEXT NOT NULL, subject TEXT NOT NULL, arguments TEXT NOT NULL,
        previous TEXT, rate BIGINT, held BOOLEAN NOT NULL, state TEXT NOT NULL, reason TEXT NOT NULL,
        approval TEXT, UNIQUE (approval)
    )""",
    "CREATE INDEX ledger_by_state ON ledger_entries (account, state)",
    "CREATE INDEX ledger_by_subject ON ledger_entries (account, subject)",
    "CREATE INDEX ledger_by_holding ON ledger_entries (account, held)",
    "CREATE INDEX ledger_by_time ON ledger_entries (account, effect, created)",
)
_PURCHASE: dict[str, Any] = {
    "created": 1_764_000_000_000,
    "updated": 1_764_000_001_000,
    "account": "sandbox",
    "caller": "client 1.0",
    "owner": "elsewhere.example:1:0a0a",
    "lease": 1_764_000_060_000,
    "tool": "purchase_number",
    "operation": "purchaseNumber",
    "effect": "acquire",
    "subject": "+14155550100",
    "arguments": '{"phone_number": "+14155550100"}',
    "previous": None,
    "rate": 11500,
    "held": True,
    "state": "done",
    "reason": "",
    "approval": None,
}


def made_by_the_first_release(url: str, *entries: dict[str, Any]) -> None:
    """Make such a ledger with these entries, each as it differs from the purchase of a number at 1.15."""
    engine = create_engine(make_url(url) if "://" in url else f"sqlite:///{url}")
    with engine.begin() as connection:
        for statement in _STATEMENTS:
            connection.execute(text(statement.format(id=_ID[engine.dialect.name])))
        for entry in entries:
            row = _PURCHASE | entry
            values = ", ".join(f":{name}" for name in row)
            connection.execute(text(f"INSERT INTO ledger_entries ({', '.join(row)}) VALUES ({values})"), row)
    engine.dispose()
