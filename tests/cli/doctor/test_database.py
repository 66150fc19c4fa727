"""A real PostgreSQL server, with users that may do more or less."""

from pathlib import Path

import psycopg
from sqlalchemy import make_url

from telefonie_mcp.cli.doctor.database import database
from telefonie_mcp.cli.doctor.findings import Finding
from telefonie_mcp.ledger.store import Ledger
from tests.ledger.support import bought
from tests.support.postgres import GROUP, new_schema

pytestmark = GROUP


def run(url: str, *statements: str) -> None:
    """Run statements as the user of `url`."""
    plain = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(plain, autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement.encode())


def found(url: str) -> Finding:
    (finding,) = database(url)
    return finding


def owner(url: str) -> str:
    return str(make_url(url).username)


def test_a_user_that_may_do_what_is_needed(postgresql: str) -> None:
    url = new_schema(postgresql)
    assert (found(url).status, found(url).text.split(": ")[1]) == (
        "ok",
        f"{owner(url)} may make and write the ledger's tables",
    )
    book = Ledger.open(url)
    bought(book)
    book.close()
    assert found(url).status == "ok"


def test_a_user_that_may_make_no_tables(postgresql: str) -> None:
    url = new_schema(postgresql)
    run(postgresql, f"REVOKE CREATE ON SCHEMA {owner(url)} FROM {owner(url)}")
    run(
        postgresql,
        f"ALTER SCHEMA {owner(url)} OWNER TO telefonie",
        f"GRANT USAGE ON SCHEMA {owner(url)} TO {owner(url)}",
    )
    finding = found(url)
    assert finding.status == "problem"
    assert finding.text.endswith(f"{owner(url)} may not make tables")
    assert finding.remedy.startswith(f"GRANT CREATE ON SCHEMA {owner(url)} TO {owner(url)}")


def test_a_user_to_whom_the_tables_do_not_belong(postgresql: str) -> None:
    url = new_schema(postgresql)
    Ledger.open(url).close()
    run(
        postgresql,
        f"ALTER TABLE {owner(url)}.ledger_entries OWNER TO telefonie",
        f"GRANT SELECT ON {owner(url)}.ledger_entries TO {owner(url)}",
    )
    finding = found(url)
    assert finding.status == "problem"
    assert finding.text.endswith("lacks INSERT on ledger_entries, UPDATE on ledger_entries")


def test_a_server_that_takes_no_writes(postgresql: str) -> None:
    url = new_schema(postgresql)
    run(postgresql, f"ALTER ROLE {owner(url)} SET default_transaction_read_only = on")
    finding = found(url)
    assert (finding.status, finding.text.split(" ", 2)[2]) == ("problem", "takes no writes")


def test_a_file_has_no_server(tmp_path: Path) -> None:
    assert [*database(str(tmp_path / "ledger.sqlite3"))] == []
    assert [*database(":memory:")] == []


def test_a_server_that_cannot_be_reached_is_the_ledger_s_finding() -> None:
    assert [*database("postgresql+psycopg://a:b@127.0.0.1:1/c")] == []
