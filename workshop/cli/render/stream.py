"""Where characters go: whatever the encoding, whoever reads, and whether they still do."""

import errno
import os
import sys
from io import StringIO
from typing import TextIO

from workshop.errors import ToolError

PLAIN_GLYPHS = str.maketrans(
    {
        "✓": "+",
        "✗": "x",
        "·": "-",
        "…": "~",
        "→": ">",
        "▶": ">",
        "▸": ">",
        "●": "*",
        "○": "o",
        "│": "|",
        "─": "-",
        "━": "=",
        "└": "`",
        "├": "|",
        "╌": ".",
        "█": "#",
        "▓": "#",
        "▒": "=",
        "░": ".",
        "▁": "_",
        "▂": ".",
        "▃": ":",
        "▄": "-",
        "▅": "=",
        "▆": "+",
        "▇": "*",
        "▏": "|",
        "⋮": ":",
        "—": "-",
        "–": "-",  # noqa: RUF001  # an en dash is what is meant
        "“": '"',
        "”": '"',
        "‘": "'",  # noqa: RUF001  # a quotation mark is what is meant
        "’": "'",  # noqa: RUF001  # an apostrophe is what is meant
        "×": "x",  # noqa: RUF001  # a multiplication sign is what is meant
        "µ": "u",
    }
)
"""What stands for each glyph of ours where the encoding has no such character; equally wide."""


class OutputClosedError(Exception):
    """The reader of our output went away, as `head -1` does: no reason to complain."""


class Stream:
    """A text stream that can always be written to, or says in our words why not.

    Args:
        target: The stream under it, such as `sys.stdout`; None, as Python has it for a descriptor
            closed from the start, takes everything and keeps nothing.

    A character that its encoding lacks is written as a plain one, a closed pipe raises
    `OutputClosedError`, and any other failure (a full disk) a `ToolError`.
    """

    def __init__(self, target: TextIO | None) -> None:
        self._target: TextIO = target or StringIO()
        self.encoding = getattr(target, "encoding", None) or "utf-8"

    def write(self, text: str) -> int:
        """Write text; return how many characters of it were taken."""
        fitting = text
        try:
            text.encode(self.encoding)
        except UnicodeEncodeError:
            fitting = text.translate(PLAIN_GLYPHS)
            fitting = fitting.encode(self.encoding, "backslashreplace").decode(self.encoding)
        try:
            self._target.write(fitting)
        except (OSError, ValueError) as failure:
            raise _reason(failure) from failure
        return len(text)

    def flush(self) -> None:
        """Hand on what is buffered."""
        try:
            self._target.flush()
        except (OSError, ValueError) as failure:
            raise _reason(failure) from failure

    def isatty(self) -> bool:
        """Whether a person is looking."""
        return self._target.isatty()

    def fileno(self) -> int:
        """Return the descriptor, which tells the terminal's size."""
        return self._target.fileno()


def let_go() -> None:
    """Flush the process's output for the last time; what cannot be written is forgotten.

    Otherwise the interpreter tries again as it exits, and complains in its own words.
    """
    for stream in filter(None, (sys.stdout, sys.stderr)):
        try:
            stream.flush()
        except (OSError, ValueError):
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, stream.fileno())
            os.close(nowhere)


def _reason(failure: OSError | ValueError) -> Exception:
    if isinstance(failure, BrokenPipeError | ValueError) or failure.errno == errno.EINVAL:
        return OutputClosedError()  # Windows says EINVAL, a closed file ValueError
    return ToolError(f"the output cannot be written: {failure.strerror or failure}")
