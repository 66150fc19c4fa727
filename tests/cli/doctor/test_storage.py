"""The files of a server, as they are found."""

import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from telefonie_mcp.cli.doctor.storage import ledger, state
from telefonie_mcp.ledger.store import Ledger
from telefonie_mcp.settings.fields import Settings
from telefonie_mcp.settings.reading import read_settings
from tests.ledger.support import NO_LIMITS, bought, buying
from tests.support.first_release import made_by_the_first_release


def kept_in(directory: Path) -> Settings:
    return read_settings(
        {"TELEFONIE_SANDBOX_DB": str(directory / "s.sqlite3"), "TELEFONIE_STATE_DIR": str(directory)}
    )


def made(settings: Settings) -> Path:
    book = Ledger.open(settings.ledger_url)
    bought(book)
    book.close()
    return Path(settings.ledger_url)


def test_before_anything_was_written(tmp_path: Path) -> None:
    settings = kept_in(tmp_path / "new/deeper")
    assert ledger(settings).text == "there is none yet; the first write makes it"
    finding = state(settings)
    assert (finding.status, finding.text) == ("ok", f"{tmp_path / 'new/deeper'} can be written")
    assert [*tmp_path.iterdir()] == []


def test_a_place_that_can_never_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    finding = state(kept_in(tmp_path / "file/below"))
    assert (finding.status, finding.text) == (
        "problem",
        f"{tmp_path / 'file/below'} cannot be made in {tmp_path / 'file'}",
    )


def test_a_ledger_that_is_as_it_should_be(tmp_path: Path) -> None:
    settings = kept_in(tmp_path)
    made(settings)
    before = sorted(tmp_path.iterdir())
    assert ledger(settings).text == "readable and whole, 0 writes under way"
    assert state(settings).status == "ok"
    assert sorted(tmp_path.iterdir()) == before


def test_a_ledger_of_an_older_release(tmp_path: Path) -> None:
    settings = kept_in(tmp_path)
    made_by_the_first_release(settings.ledger_url)
    before = Path(settings.ledger_url).read_bytes()
    finding = ledger(settings)
    assert (finding.status, finding.text) == (
        "ok",
        "made by an older release; the next write upgrades it",
    )
    assert Path(settings.ledger_url).read_bytes() == before


def test_a_ledger_without_content(tmp_path: Path) -> None:
    settings = kept_in(tmp_path)
    Path(settings.ledger_url).touch()
    finding = ledger(settings)
    assert (finding.status, finding.text) == ("warning", f"{settings.ledger_url} is empty")
    assert "restore it" in finding.remedy


def test_a_write_that_was_abandoned(tmp_path: Path) -> None:
    settings = kept_in(tmp_path)
    book = Ledger.open(settings.ledger_url)
    book.finish(book.begin(buying(), NO_LIMITS), "unknown")
    book.close()
    finding = ledger(settings)
    assert (finding.status, finding.text) == ("warning", "1 write without an outcome")
    assert "telefonie-mcp log --state unknown" in finding.remedy


def test_a_ledger_that_is_none(tmp_path: Path) -> None:
    settings = kept_in(tmp_path)
    Path(settings.ledger_url).write_text("not a database, but long enough to look like one " * 100)
    finding = ledger(settings)
    assert (finding.status, finding.text) == ("problem", "the ledger cannot be read: file is not a database")
    assert "TELEFONIE_LEDGER" in finding.remedy


@pytest.mark.parametrize("content", ["garbage", "damaged"])
def test_a_sandbox_that_cannot_be_used(content: str, tmp_path: Path) -> None:
    settings = kept_in(tmp_path)
    file = Path(settings.sandbox_database)
    if content == "garbage":
        file.write_text("not a database, but long enough to look like one " * 100)
    else:
        with closing(sqlite3.connect(file)) as connection:
            connection.execute("CREATE TABLE x (y)")
            connection.executemany("INSERT INTO x VALUES (?)", [("z" * 100,)] * 1000)
            connection.commit()
        pages = bytearray(file.read_bytes())
        pages[len(pages) // 2 : len(pages) // 2 + 4096] = b"\xff" * 4096
        file.write_bytes(pages)
    finding = state(settings)
    assert finding.status == "problem"
    assert finding.text.startswith(f"{file} cannot be used: ")
    assert "telefonie-mcp sandbox --reset" in finding.remedy


def test_nothing_is_kept_in_files() -> None:
    settings = Settings(sandbox_db=":memory:")
    assert ledger(settings).status == "ok"
    assert state(settings).text == "nothing is kept in files"


def test_others_can_change_the_directory(tmp_path: Path) -> None:
    tmp_path.chmod(0o770)
    finding = state(kept_in(tmp_path))
    assert (finding.status, finding.remedy) == ("warning", f"chmod go-w {tmp_path}")


def test_others_can_read_the_ledger(tmp_path: Path) -> None:
    settings = kept_in(tmp_path)
    book = made(settings)
    book.chmod(0o644)
    finding = state(settings)
    assert (finding.status, finding.remedy) == ("warning", f"chmod 600 {book}")


def test_the_directory_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    finding = state(kept_in(tmp_path / "file"))
    assert finding.status == "problem"
    assert f"{tmp_path / 'file'} cannot be written" in finding.text


def test_no_home_directory() -> None:
    settings = read_settings({"TELEFONIE_LEDGER": "~nobody-here/l", "TELEFONIE_SANDBOX_DB": ":memory:"})
    assert ledger(settings).status == "problem"
    finding = state(settings)
    assert (finding.status, finding.remedy) == ("problem", "Set TELEFONIE_STATE_DIR.")


UNPRIVILEGED = """
import os, sys
from telefonie_mcp.cli.doctor.storage import state
from telefonie_mcp.settings.reading import read_settings
os.umask(0o077)
if os.geteuid() == 0:
    os.setgroups([]), os.setgid(65534), os.setuid(65534)
for directory in sys.argv[1:]:
    settings = {"TELEFONIE_SANDBOX_DB": ":memory:", "TELEFONIE_STATE_DIR": directory}
    finding = state(read_settings(settings))
    print(finding.status, finding.text)
"""


def test_what_an_unprivileged_user_may_not_write() -> None:
    """Root may write everything, so somebody else has to look."""
    with TemporaryDirectory() as place:
        sealed, held = Path(place, "sealed"), Path(place, "held")
        sealed.mkdir()
        held.mkdir()
        made(kept_in(held)).chmod(0o444)
        for path in (Path(place), held, sealed):
            path.chmod(0o555 if path == sealed else 0o755)
            if os.geteuid() == 0:
                os.chown(path, 65534, 65534)
        done = subprocess.run(
            [sys.executable, "-c", UNPRIVILEGED, str(sealed), str(sealed / "new"), str(held)],
            capture_output=True,
            text=True,
            check=True,
        )
    assert done.stdout.splitlines() == [
        f"problem {sealed} cannot be written (Permission denied)",
        f"problem {sealed / 'new'} cannot be made in {sealed}",
        f"problem {held / 'sandbox-ledger.sqlite3'} cannot be written",
    ]
