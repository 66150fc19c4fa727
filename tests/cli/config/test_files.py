"""A file is replaced as a whole or not at all."""

import os
import socket
import stat
import sys
from collections.abc import Callable
from pathlib import Path
from subprocess import run

import pytest

from telefonie_mcp.cli.config.files import ConfigFile, ConfigFileError


def test_a_new_file_is_private_and_its_directory_is_made(tmp_path: Path) -> None:
    path = tmp_path / "a/b/mcp.json"
    file = ConfigFile.read(path)
    assert (file.content, file.text) == (None, "")
    assert file.replace("{}\n") is None
    assert path.read_text() == "{}\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [*path.parent.iterdir()] == [path]


@pytest.mark.parametrize("mode", [0o600, 0o644, 0o640])
def test_mode_and_owner_are_kept_and_a_backup_stands_beside(mode: int, tmp_path: Path) -> None:
    path = tmp_path / "mcp.json"
    path.write_bytes(b"\xef\xbb\xbf{ }\r\n")
    path.chmod(mode)
    backup = ConfigFile.read(path).replace("{1}\r\n")
    assert backup
    assert backup.name == "mcp.json.bak"
    assert backup.read_bytes() == b"\xef\xbb\xbf{ }\r\n"
    assert path.read_bytes() == b"\xef\xbb\xbf{1}\r\n"
    for written in (path, backup):
        assert stat.S_IMODE(written.stat().st_mode) == mode
        assert (written.stat().st_uid, written.stat().st_gid) == (os.getuid(), tmp_path.stat().st_gid)


@pytest.mark.parametrize("mode", [0o666, 0o644, 0o640, 0o600, 0o400])
def test_with_a_secret_in_it_a_file_and_its_backup_are_private(mode: int, tmp_path: Path) -> None:
    path = tmp_path / "mcp.json"
    path.write_text("old")
    path.chmod(mode)
    backup = ConfigFile.read(path).replace("new", private=True)
    assert backup
    assert [stat.S_IMODE(each.stat().st_mode) for each in (path, backup)] == [0o600, 0o600]


def test_no_backup_is_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "mcp.json"
    path.write_text("1")
    for text in "234":
        ConfigFile.read(path).replace(text)
    files = {file.name: file.read_text() for file in tmp_path.iterdir()}
    assert files == {"mcp.json": "4", "mcp.json.bak": "1", "mcp.json.bak2": "2", "mcp.json.bak3": "3"}


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    target, link = tmp_path / "dotfiles.json", tmp_path / "mcp.json"
    target.write_text("old")
    link.symlink_to(target)
    assert ConfigFile.read(link).replace("new") == tmp_path / "dotfiles.json.bak"
    assert link.is_symlink()
    assert target.read_text() == "new"


def test_a_link_to_nothing_makes_its_target(tmp_path: Path) -> None:
    link = tmp_path / "mcp.json"
    link.symlink_to(tmp_path / "dotfiles/mcp.json")
    assert ConfigFile.read(link).replace("new") is None
    assert link.is_symlink()
    assert (tmp_path / "dotfiles/mcp.json").read_text() == "new"


def make_link_to_itself(path: Path) -> None:
    path.symlink_to(path)


def make_links_in_a_circle(path: Path) -> None:
    other = path.with_name("other")
    path.symlink_to(other)
    other.symlink_to(path)


def make_link_to_a_device(path: Path) -> None:
    path.symlink_to(os.devnull)


def make_pipe(path: Path) -> None:
    os.mkfifo(path)


def make_socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))


def make_link_to_a_socket(path: Path) -> None:
    make_socket(path.with_name("socket"))
    path.symlink_to(path.with_name("socket"))


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (Path.mkdir, "it is a directory, no file"),
        (make_link_to_a_device, "it is a device, no file"),
        (make_pipe, "it is a pipe, no file"),
        (make_socket, "it is a socket, no file"),
        (make_link_to_a_socket, "it is a socket, no file"),
        (make_link_to_itself, "Too many levels of symbolic links"),
        (make_links_in_a_circle, "Too many levels of symbolic links"),
    ],
)
def test_only_a_file_is_read_and_replaced(
    make: Callable[[Path], None], reason: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # a socket's path must be short
    path = Path("mcp.json")
    make(path)
    before = {each.name: each.lstat() for each in tmp_path.iterdir()}
    sentence = rf"mcp\.json cannot be read \({reason}\); nothing was changed"
    with pytest.raises(ConfigFileError, match=sentence):
        ConfigFile.read(path)
    with pytest.raises(ConfigFileError, match=sentence.replace("cannot be read", "cannot be (read|written)")):
        ConfigFile(path, None).replace("x")
    after = {each.name: each.lstat() for each in tmp_path.iterdir()}
    assert {name: (each.st_ino, each.st_mode) for name, each in after.items()} == {
        name: (each.st_ino, each.st_mode) for name, each in before.items()
    }


def test_a_file_that_somebody_else_changes_meanwhile_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "mcp.json"
    path.write_text("old")
    file = ConfigFile.read(path)
    path.write_text("newer")
    with pytest.raises(ConfigFileError, match="has just been changed by something else"):
        file.replace("mine")
    assert {file.name: file.read_text() for file in tmp_path.iterdir()} == {"mcp.json": "newer"}


def test_a_file_that_is_no_text(tmp_path: Path) -> None:
    path = tmp_path / "mcp.json"
    path.write_bytes(b"\xff\xfe{")
    with pytest.raises(ConfigFileError, match=r"mcp\.json is not UTF-8 text; nothing was changed"):
        _ = ConfigFile.read(path).text


def test_what_cannot_be_read_or_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "directory").mkdir()
    with pytest.raises(ConfigFileError, match=r"directory cannot be read \(.*\); nothing was changed"):
        ConfigFile.read(tmp_path / "directory")
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigFileError, match=r"cannot be (read|written) \(.*\); nothing was changed"):
        ConfigFile.read(tmp_path / "file/mcp.json").replace("x")
    with pytest.raises(ConfigFileError, match=r"cannot be written \(.*\); nothing was changed"):
        ConfigFile(tmp_path / "file/mcp.json", None).replace("x")


@pytest.mark.parametrize("kept", ["", "old"])
def test_a_full_disk_leaves_everything_as_it_was(kept: str, tmp_path: Path) -> None:
    """A process that may write few bytes to a file stands for a disk that is full."""
    path = tmp_path / "mcp.json"
    if kept:
        path.write_text(kept)
    script = (
        "import resource, signal, sys; from pathlib import Path\n"
        "from telefonie_mcp.cli.config.files import ConfigFile, ConfigFileError\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "limits = resource.getrlimit(resource.RLIMIT_FSIZE)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (100, limits[1]))\n"
        "try: ConfigFile.read(Path(sys.argv[1])).replace('x' * 1000)\n"
        "except ConfigFileError as error: sys.exit(str(error))\n"
        "finally: resource.setrlimit(resource.RLIMIT_FSIZE, limits)\n"
    )
    done = run([sys.executable, "-c", script, str(path)], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "cannot be written (File too large); nothing was changed" in done.stderr
    assert [file.name for file in tmp_path.iterdir()] == (["mcp.json"] if kept else [])
    if kept:
        assert path.read_text() == kept
