"""The event to send: one of the step's own, a file, or standard input."""

import difflib
import json
import sys
from pathlib import Path

from workshop.errors import UsageError

FOLDER = "events"
STANDARD_INPUT = "-"


def read(wanted: str, folder: Path) -> object:
    """Read an event.

    Args:
        wanted: The name of one in the step's `events/`, a path, or `-` for standard input.
        folder: The step's folder.

    Returns:
        What its JSON says.

    Raises:
        UsageError: There is no such event, or it is not JSON; the error lists those there are.
    """
    if wanted == STANDARD_INPUT:
        return _parse(sys.stdin.buffer.read(), "standard input", folder)
    own = folder / FOLDER / f"{wanted.removesuffix('.json')}.json"
    given = Path(wanted).expanduser()
    for path in (own, given):
        try:
            return _parse(path.read_bytes(), wanted, folder)
        except (FileNotFoundError, NotADirectoryError):
            continue
        except (OSError, ValueError) as error:  # ValueError: a NUL in the name
            reason = error.strerror if isinstance(error, OSError) else error
            raise UsageError(f"the event “{wanted}” cannot be read: {reason}") from error
    close = difflib.get_close_matches(wanted, names(folder), n=1)
    meant = f"did you mean {close[0]}? " if close else ""
    raise UsageError(f"there is no event “{wanted}”", f"{meant}{_known(folder)}")


def names(folder: Path) -> list[str]:
    """Return the names of a step's own events."""
    return sorted(path.stem for path in (folder / FOLDER).glob("*.json"))


def _parse(content: bytes, where: str, folder: Path) -> object:
    if not content.strip():
        raise UsageError(f"there is no event in {where}: it is empty", _known(folder))
    try:
        return json.loads(content)
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}: {error.msg}"
        raise UsageError(f"the event in {where} is not JSON ({place})", _known(folder)) from error
    except (ValueError, RecursionError) as error:  # not UTF-8, too many digits, too deep
        raise UsageError(f"the event in {where} is not JSON", _known(folder)) from error


def _known(folder: Path) -> str:
    known = ", ".join(names(folder)) or "none"
    return f"events of {folder.name}: {known}; or a JSON file, or - for standard input"
