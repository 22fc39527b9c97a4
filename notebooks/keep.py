"""Run notebooks headless, and keep them with their outputs: what the scripts say, once more.

    .venv/bin/python notebooks/keep.py              all of them
    .venv/bin/python notebooks/keep.py 01 03        those

The script (`NAME.py`) is what is edited; the notebook (`NAME.ipynb`) is made of it here, or by
JupyterLab, which writes both when one saves.
"""

from __future__ import annotations

import os
import re
import sys
import time
import zlib
from base64 import b64decode, b64encode
from collections.abc import Mapping
from pathlib import Path

import jupytext
import nbformat
from nbclient import NotebookClient

HERE = Path(__file__).parent
CHART = "application/vnd.vegalite.v5+json"
"""The form in which JupyterLab draws a chart itself."""

SECONDS = 120
"""What a cell may take, with the traffic still to be made on a slow machine."""


def scripts(wanted: list[str] | None = None) -> list[Path]:
    """Return the scripts in reading order, those of the solutions after the others."""
    found = [*sorted(HERE.glob("[0-9]*.py")), *sorted((HERE / "solutions").glob("[0-9]*.py"))]
    return [
        file for file in found if not wanted or any(file.stem.startswith(one) for one in wanted)
    ]


def read(script: Path) -> nbformat.NotebookNode:
    """Return the notebook that a script is, without outputs; always the same."""
    notebook = jupytext.read(script, fmt="py:percent")
    notebook.metadata = {
        "kernelspec": {
            "display_name": "Python 3 (ipykernel)",
            "language": "python",
            "name": "python3",
        },
        "language_info": {"name": "python"},
    }
    for number, cell in enumerate(notebook.cells):
        cell.id = f"cell-{number:02}"
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    return notebook


def run(
    notebook: nbformat.NotebookNode,
    folder: Path,
    given: Mapping[str, str] = os.environ,
    *,
    allow_errors: bool = False,
) -> list[float]:
    """Run a notebook in a kernel of its own, as `make notebooks` sets it up.

    Args:
        notebook: Its outputs are put into it.
        folder: Where its kernel stands.
        given: The variables of its kernel.
        allow_errors: Whether to go on after a cell that fails.

    Returns:
        How long each code cell took, in seconds.

    Raises:
        nbclient.exceptions.CellExecutionError: A cell failed.
    """
    from start import environment

    took: list[float] = []
    begun: list[float] = []

    def told(**_: object) -> None:
        took.append(time.monotonic() - begun[-1])

    client = NotebookClient(
        notebook,
        timeout=SECONDS,
        kernel_name="python3",
        resources={"metadata": {"path": str(folder)}},
        allow_errors=allow_errors,
        record_timing=False,
        coalesce_streams=True,
        on_cell_execute=lambda **_: begun.append(time.monotonic()),
        on_cell_executed=told,
    )
    client.execute(env=environment(given))
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)
        for output in cell.get("outputs", []):
            output.pop("transient", None)
            if png := output.get("data", {}).get("image/png"):
                output["data"]["image/png"] = b64encode(smaller(b64decode(png))).decode()
    return took


def smaller(png: bytes) -> bytes:
    """Compress a picture harder; it stays the same, pixel by pixel.

    https://www.w3.org/TR/png-3/#5DataRep
    """
    chunks, at = [], 8
    while at < len(png):
        length = int.from_bytes(png[at : at + 4])
        chunks.append((png[at + 4 : at + 8], png[at + 8 : at + 8 + length]))
        at += 12 + length
    pixels = zlib.decompress(b"".join(content for kind, content in chunks if kind == b"IDAT"))
    first = next(number for number, (kind, _) in enumerate(chunks) if kind == b"IDAT")
    chunks = [chunk for chunk in chunks if chunk[0] != b"IDAT"]
    chunks.insert(first, (b"IDAT", zlib.compress(pixels, 9)))
    return png[:8] + b"".join(
        len(content).to_bytes(4) + kind + content + zlib.crc32(kind + content).to_bytes(4)
        for kind, content in chunks
    )


def main(wanted: list[str]) -> None:
    """Run and keep."""
    for script in scripts(wanted):
        notebook = read(script)
        took = run(notebook, script.parent)
        kept = script.with_suffix(".ipynb")
        text = nbformat.writes(notebook, version=4)
        kept.write_text(re.sub(r"\s*\Z", "\n", text), encoding="utf-8")
        size = kept.stat().st_size / 1e6
        name = kept.relative_to(HERE)
        print(f"{name}: {sum(took):.1f} s, the longest cell {max(took):.1f} s, {size:.1f} MB")


if __name__ == "__main__":
    main(sys.argv[1:])
