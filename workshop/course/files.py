"""Files written whole or not at all, and folders that go when they are no longer wanted."""

from __future__ import annotations

import os
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from workshop.errors import ToolError

if TYPE_CHECKING:
    from collections.abc import Iterator


def write_whole(path: Path, content: bytes) -> None:
    """Replace a file by a rename, so that nobody ever reads half of it.

    Args:
        path: The file; folders above it are made.
        content: What it shall hold.

    Raises:
        OSError: It could not be written; the file is as it was.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        # mkstemp makes private files; a learner's own keeps its mode, a new one gets the usual.
        temporary.chmod(path.stat().st_mode & 0o777 if path.exists() else 0o666 & ~_umask())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """Make an empty folder, for as long as it is wanted; its path has no links in it.

    Raises:
        ToolError: It cannot be made.
    """
    try:
        temporary = tempfile.TemporaryDirectory(prefix="workshop-", ignore_cleanup_errors=True)
    except OSError as error:
        raise ToolError(f"cannot make a temporary folder: {error}") from error
    with temporary as name:
        yield Path(name).resolve()


def _umask() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return mask
