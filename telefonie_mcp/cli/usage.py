"""click's help and its errors about usage, in the width of the window.

On a terminal nothing is wider than the window, and in a narrow one what an option does stands below its name.
In a pipe everything is as click writes it.
"""

import sys
from collections.abc import Iterable
from typing import IO, Any, Final

import click
from click.formatting import wrap_text

from telefonie_mcp.cli.terminal import columns_of, is_terminal, paragraph, say

__all__ = ["formatter", "show"]

_WIDEST: Final = 78
"""Columns of help in a wide window; click's own choice."""

_STACKED: Final = 58
"""Columns below which two columns, the names of options and what they do, have no room."""

_INDENT: Final = 4


class _Formatter(click.HelpFormatter):
    """A formatter that also fits into narrow windows."""

    def __init__(self, columns: int) -> None:
        super().__init__(width=columns)
        self._narrow = columns < _STACKED

    def write_usage(self, prog: str, args: str = "", prefix: str | None = None) -> None:
        """Write the line that shows how a command is used."""
        if not self._narrow:
            super().write_usage(prog, args, prefix)
            return
        for line in paragraph(f"{prefix or 'Usage: '}{prog} {args}", self.width, "", " " * _INDENT):
            self.write(f"{line}\n")

    def write_dl(self, rows: Iterable[tuple[str, str]], col_max: int = 30, col_spacing: int = 2) -> None:
        """Write names, such as those of options, and what they mean."""
        rows = [*rows]
        room = self.width - self.current_indent
        if not self._narrow and all(len(name) <= room for name, _ in rows):
            super().write_dl(rows, col_max, col_spacing)
            return
        first, rest = " " * self.current_indent, " " * (self.current_indent + _INDENT)
        for name, meaning in rows:
            for line in paragraph(name, self.width, first, rest):
                self.write(f"{line}\n")
            if meaning:
                self.write(f"{wrap_text(meaning, self.width, rest, rest, preserve_paragraphs=True)}\n")


def formatter(piped: click.HelpFormatter) -> click.HelpFormatter:
    """Return what lays out help on standard output: ``piped``, unless that is a terminal."""
    return _fitting(sys.stdout) if is_terminal(sys.stdout) else piped


def show(error: click.ClickException) -> None:
    """Show an error on standard error, as click does, but wrapped on a terminal."""
    if isinstance(error, click.NoSuchOption) and error.ctx:
        error = _with_its_place(error, error.ctx)
    if not is_terminal(sys.stderr):
        error.show()
        return
    context = error.ctx if isinstance(error, click.UsageError) else None
    if context:
        usage = _fitting(sys.stderr)
        context.command.format_usage(context, usage)
        click.echo(usage.getvalue().rstrip(), err=True)
        say(f"Try '{context.command_path} --help' for help.", err=True)
        click.echo(err=True)
    say(f"Error: {error.format_message()}", err=True)


def _with_its_place(error: click.NoSuchOption, context: click.Context) -> click.UsageError:
    """Return an error that says where an option belongs, if it is one of the program and not of a command."""
    root, option = context.find_root(), error.option_name
    if context is root or not any(option in (*p.opts, *p.secondary_opts) for p in root.command.params):
        return error
    command = context.command_path.removeprefix(f"{root.command_path} ")
    words = f"{option} comes before the command: {root.command_path} {option} … {command}"
    return click.UsageError(words, context)


def _fitting(stream: IO[Any]) -> _Formatter:
    window = columns_of(stream)
    return _Formatter(min(window - 2, _WIDEST) if window >= _STACKED + 2 else window)
