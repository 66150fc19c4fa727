"""Files as arguments: where the document wants bytes in base64, a ``file:///`` URL stands for a local file.

An agent cannot pass a scan through its context. A file is read only for a caller on this machine, and only
below a directory that the operator names: its links are resolved first, it is a regular file, and no larger
than the document allows. Its content is treated as a secret, and its path is sent and recorded nowhere.
"""

import base64
import os
import re
import stat
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any, Final, cast
from urllib.parse import unquote

import anyio
from anyio import to_thread

from telefonie_mcp.deadline import Deadline
from telefonie_mcp.errors import Violation
from telefonie_mcp.openapi.hints import ArgumentHint
from telefonie_mcp.tools.catalog import Tool
from telefonie_mcp.tools.violations import path_text

__all__ = ["Given", "Uploads", "takes_bytes"]

_SETTING: Final = "TELEFONIE_UPLOAD_DIRS"
_GIVE_BASE64: Final = "give its content in base64"
_URL: Final = re.compile(r"file://(/(?!/)[^?#]*)", re.IGNORECASE | re.DOTALL)
_MAX_BYTES: Final = 16 * 1024 * 1024
"""Bytes of a file where the document sets no limit."""

_MAX_FILES: Final = 10
"""Files of one call: they are in memory together."""

_ENCODERS: Final[Mapping[str, Callable[[bytes], bytes]]] = {
    "byte": base64.b64encode,
    "base64": base64.b64encode,
    "base64url": base64.urlsafe_b64encode,
}
"""``format`` (OpenAPI 3.0) or ``contentEncoding`` (JSON Schema 2020-12) of bytes in a string."""

_NO_FILES: Final = frozenset({"dev", "proc", "sys"})
"""Directories below the root whose entries are no files, whatever they look like."""

_OPENING: Final = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY
"""Follows no link that was put in place of what was resolved, and does not wait for the writer of a pipe."""


class _UnreadableError(Exception):
    """A file that is not sent; says why, as the predicate of a sentence about the argument."""


@dataclass(frozen=True, slots=True)
class Given:
    """The arguments of a call with the content of files.

    Attributes:
        tool: The tool; the arguments that hold a file are secrets of this call.
        arguments: The arguments.
        violations: Files that are not read, and why; their arguments still are URLs.

    """

    tool: Tool
    arguments: Mapping[str, Any] | None
    violations: Sequence[Violation] = ()


@dataclass(frozen=True, slots=True)
class Uploads:
    """Reads files below some directories.

    Attributes:
        directories: The directories that the operator names; without any, no file is read.

    """

    directories: Sequence[Path] = ()

    async def read(
        self, tool: Tool, arguments: Mapping[str, Any] | None, deadline: Deadline, *, local: bool
    ) -> Given:
        """Return the arguments with every file URL that stands for bytes replaced by the file's content.

        Args:
            tool: Whose arguments they are.
            arguments: What the caller sent, unchecked.
            deadline: When the call must have its result.
            local: Whether the caller is on this machine: a remote one must not read its files.

        """
        places = [*islice(_files_in(tool.input_schema, arguments or {}, ()), _MAX_FILES + 1)]
        if not places:
            return Given(tool, arguments)
        if len(places) > _MAX_FILES:
            crowded = Violation(
                str(places[-1][0][0]), f"names more than {_MAX_FILES} files with what is before it"
            )
            return Given(tool, arguments, [crowded])
        violations: list[Violation] = []
        content: Any = arguments
        for path, url, wanted in places:
            try:
                content = _with_value(content, path, await self._content(url, wanted, deadline, local=local))
            except _UnreadableError as error:
                violations.append(Violation(path_text(path), str(error)))
        names = {str(path[0]) for path, _, _ in places}
        return Given(_with_secrets(tool, names), content, violations)

    async def _content(self, url: str, schema: Mapping[str, Any], deadline: Deadline, *, local: bool) -> str:
        if not local:
            raise _UnreadableError(f"names a file, and none is read over HTTP; {_GIVE_BASE64}")
        if not self.directories:
            raise _UnreadableError(
                f"names a file, and the operator allows none to be read ({_SETTING} is not set); "
                f"{_GIVE_BASE64}"
            )
        most = min(schema.get("maxLength", 4 * _MAX_BYTES) // 4 * 3, _MAX_BYTES)
        content: bytes | None = None
        with anyio.move_on_after(deadline.remaining):
            content = await to_thread.run_sync(
                _read, url, tuple(self.directories), most, abandon_on_cancel=True
            )
        if content is None:
            raise _UnreadableError("names a file that cannot be read in time")
        return _ENCODERS[_encoding(schema)](content).decode("ascii")


def takes_bytes(schema: Mapping[str, Any]) -> bool:
    """Return whether an argument, or a part of one, holds bytes, such as a document."""
    parts = [schema, *(part for word in ("allOf", "anyOf", "oneOf") for part in schema.get(word, ()))]
    inner = [each for part in parts for each in (*part.get("properties", {}).values(), part.get("items"))]
    schemas = (cast("Mapping[str, Any]", each) for each in inner if isinstance(each, Mapping))
    return any(map(_encoding, parts)) or any(map(takes_bytes, schemas))


def _encoding(schema: Mapping[str, Any]) -> str:
    """Return how a string holds bytes; empty where it is text."""
    named = (schema.get("contentEncoding"), schema.get("format"))
    return next((str(name).lower() for name in named if str(name).lower() in _ENCODERS), "")


def _files_in(
    schema: Mapping[str, Any], value: Any, path: tuple[str | int, ...]
) -> Iterator[tuple[tuple[str | int, ...], str, Mapping[str, Any]]]:
    """Yield where a file URL stands for bytes: its path, the URL, and the schema of the bytes."""
    parts = [schema, *(part for word in ("allOf", "anyOf", "oneOf") for part in schema.get(word, ()))]
    match value:
        case str():
            if value.lstrip()[:5].lower() == "file:" and (found := next(filter(_encoding, parts), None)):
                yield path, value.strip(), found
        case list():
            items = next((part["items"] for part in parts if isinstance(part.get("items"), Mapping)), None)
            for position, item in enumerate(cast("list[Any]", value) if items else ()):
                yield from _files_in(cast("Mapping[str, Any]", items), item, (*path, position))
        case Mapping():
            members = {name: each for part in parts for name, each in part.get("properties", {}).items()}
            for name, member in cast("Mapping[str, Any]", value).items():
                if isinstance(inner := members.get(name), Mapping):
                    yield from _files_in(cast("Mapping[str, Any]", inner), member, (*path, name))
        case _:
            return


def _with_value(tree: Any, path: Sequence[str | int], value: Any) -> Any:
    """Return a copy of ``tree`` with another value at ``path``."""
    if not path:
        return value
    step, *rest = path
    inner = _with_value(tree[step], rest, value)
    if isinstance(tree, list):
        return [inner if position == step else item for position, item in enumerate(cast("list[Any]", tree))]
    return {**tree, step: inner}


def _with_secrets(tool: Tool, names: set[str]) -> Tool:
    """Return ``tool`` with these arguments as secrets, so that they are shown and recorded nowhere."""
    known = tool.hints.arguments
    secret = {name: known.get(name, ArgumentHint()).model_copy(update={"secret": True}) for name in names}
    return replace(tool, hints=tool.hints.model_copy(update={"arguments": {**known, **secret}}))


def _read(url: str, directories: Sequence[Path], most: int) -> bytes:
    """Return the content of a file, which must stand below one of the directories.

    Whether a file exists elsewhere is not told.
    """
    real = Path(os.path.realpath(_path_of(url)))
    for directory in directories:
        base = Path(os.path.realpath(directory))
        if base in real.parents and real.parts[1] not in _NO_FILES:
            try:
                return _read_below(base, real.relative_to(base).parts, most)
            except FileNotFoundError as error:
                raise _UnreadableError("names a file that does not exist") from error
            except PermissionError as error:
                raise _UnreadableError("names a file that the server may not read") from error
            except OSError as error:
                raise _UnreadableError("names no regular file, or one that changed just now") from error
    raise _UnreadableError(
        f"must name a file below a directory of {_SETTING}; move it there, or ask the operator"
    )


def _path_of(url: str) -> str:
    problem = (
        "must be file:/// and the absolute path of a file on this machine, percent-encoded, "
        "such as file:///home/me/letter%20of%20authorization.pdf"
    )
    match = _URL.fullmatch(url)
    try:
        path = unquote(match[1], errors="strict") if match else ""
    except UnicodeDecodeError:
        path = ""
    if not path or "\0" in path or path.startswith("//"):
        raise _UnreadableError(problem)
    return path


def _read_below(base: Path, parts: Sequence[str], most: int) -> bytes:
    """Open each part in the directory before it, without following links, and read what was opened."""
    *folders, name = parts
    with ExitStack() as opened:

        def open_at(part: str, flags: int, directory: int | None) -> int:
            descriptor = os.open(part, _OPENING | flags, dir_fd=directory)
            opened.callback(os.close, descriptor)
            return descriptor

        directory = open_at(str(base), os.O_DIRECTORY, None)
        for folder in folders:
            directory = open_at(folder, os.O_DIRECTORY, directory)
        _check_regular(os.stat(name, dir_fd=directory, follow_symlinks=False))  # opening a device may act
        descriptor = open_at(name, 0, directory)
        found = os.fstat(descriptor)
        _check_regular(found)
        if not found.st_size:
            raise _UnreadableError("names an empty file")
        if found.st_size > most:
            raise _UnreadableError(f"names a file of {found.st_size:,} bytes; at most {most:,} are allowed")
        content = b""
        while piece := os.read(descriptor, most + 1 - len(content)):
            content += piece
            if len(content) > most:
                raise _UnreadableError(f"names a file that grew beyond the {most:,} bytes that are allowed")
        return content


def _check_regular(found: os.stat_result) -> None:
    if not stat.S_ISREG(found.st_mode):
        raise _UnreadableError("must name a regular file")
