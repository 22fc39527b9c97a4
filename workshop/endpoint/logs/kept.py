"""What the endpoint keeps in files of its own beside the telemetry, each whole or not at all."""

from pathlib import Path

from workshop.store import StoreError


def keep(file: Path, text: str, what: str) -> None:
    """Write a file under another name, then rename it: whoever is interrupted loses nothing.

    Args:
        file: Its folder is made when it is not there.
        text: Its content; line breaks stay as they are.
        what: What it holds, for the error.

    Raises:
        StoreError: It cannot be written; what was there before is still there.
    """
    unfinished = file.with_suffix(".new")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with unfinished.open("w", encoding="utf-8", newline="") as out:
            out.write(text)
        unfinished.replace(file)
    except OSError as error:
        raise StoreError(f"{what} cannot be kept: {error}") from error
