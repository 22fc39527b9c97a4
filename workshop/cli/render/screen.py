"""The screen: one place through which everything that is printed goes."""

import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import TracebackType
from typing import IO, Self, TextIO, cast

from rich.console import Console
from rich.text import Text

from workshop.cli import as_json
from workshop.cli.render.palette import THEME
from workshop.cli.render.stream import Stream
from workshop.cli.render.text import labelled

READABLE_WIDTH = 100
"""Columns beyond which lines of prose and tables become hard to follow with the eye."""

_WIDTH_WITHOUT_TERMINAL = 80
_NARROWEST = 40


class Screen:
    """Draws on a terminal, a pipe or a file, each as it can take it.

    Args:
        target: The stream to write to; standard output if None.

    Attributes:
        width: Columns to draw in.
        is_terminal: Whether a person is looking at a terminal that can redraw a line.
    """

    def __init__(self, target: TextIO | None = None) -> None:
        stream = Stream(target or sys.stdout)
        dumb = os.environ.get("TERM", "") in {"dumb", "unknown"}
        self.is_terminal = stream.isatty() and not dumb
        plain = not self.is_terminal or bool(os.environ.get("NO_COLOR"))
        self._console = Console(
            file=cast("IO[str]", stream),
            width=_columns(stream),
            theme=THEME,
            color_system=None if plain else "auto",
            force_terminal=self.is_terminal,
            markup=False,
            highlight=False,
            emoji=False,
            legacy_windows=False,
        )
        self.width = max(_NARROWEST, min(self._console.width, READABLE_WIDTH))

    def __enter__(self) -> Self:
        """Return the screen."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Hand on what is still buffered, unless something else went wrong first."""
        if error is None:
            self._console.file.flush()

    def show(self, *texts: Text) -> None:
        """Write texts below each other, as they were laid out: nothing is wrapped or cut here."""
        for text in texts:
            self._console.print(text, soft_wrap=True)

    def json(self, document: Mapping[str, object]) -> None:
        """Write a JSON document, and nothing else."""
        self._console.file.write(as_json.text(document))

    def raw(self, text: str) -> None:
        """Write text for another program to read: not a character of it is changed."""
        self._console.file.write(text)

    def warn(self, *texts: str) -> None:
        """Tell of what went wrong beside the point; each starts a line."""
        for text in texts:
            self.show(labelled("! ", text, self.width, "warn"))

    def error(self, what: str, look: str = "") -> None:
        """Tell of an error: what is wrong, then where to look."""
        self.show(labelled("✗ ", what, self.width, "bad", "bad"))
        if look:
            self.show(labelled("  ", look, self.width))
        self.flush()

    def flush(self) -> None:
        """Hand on what is buffered, for a reader who is waiting."""
        self._console.file.flush()

    def clear(self) -> None:
        """Start at the top of an empty terminal; elsewhere, leave a blank line."""
        if self.is_terminal:
            self._console.clear()
        else:
            self.show(Text())

    @contextmanager
    def progress(self, what: str, total: int) -> Iterator[Callable[[], None]]:
        """Show how far something is.

        Args:
            what: What is being done.
            total: How many times the result will be called.

        Yields:
            A function to call after each part. Where there is no terminal it does nothing: a
            file wants results, not motion.
        """
        if not self.is_terminal:
            yield lambda: None
            return
        from rich.progress import (  # slow to import, and only for terminals
            BarColumn,
            MofNCompleteColumn,
            Progress,
            ProgressColumn,
            TextColumn,
        )

        columns: list[ProgressColumn] = [TextColumn("{task.description}")]
        if total > 1:
            columns += [
                BarColumn(None, "quiet", "accent", "good", "quiet"),
                MofNCompleteColumn(),
            ]

        try:
            with Progress(*columns, console=self._console, transient=True) as progress:
                task = progress.add_task(what, total=total)
                yield lambda: progress.advance(task)
        finally:
            self._console.show_cursor()  # Ctrl-C may come before `with` has it in hand


def _columns(stream: Stream) -> int:
    """Return how many columns there are: those of the terminal, or COLUMNS, or eighty."""
    try:
        return int(os.environ["COLUMNS"])
    except (KeyError, ValueError):
        pass
    try:
        return os.get_terminal_size(stream.fileno()).columns or _WIDTH_WITHOUT_TERMINAL
    except (OSError, ValueError):
        return _WIDTH_WITHOUT_TERMINAL
