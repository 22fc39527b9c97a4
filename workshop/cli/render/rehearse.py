"""A rehearsal on the screen: what was done, what was left out, what the application answered."""

import json
from collections.abc import Iterator

from rich.text import Text

from workshop.cli.render.text import cut, labelled, printable
from workshop.rehearsal import Answer, Scene

_NAME = 16
_ASKED = 36
_LEAST = 20


def opening(width: int) -> Iterator[Text]:
    """Draw what is about to happen."""
    yield labelled(
        "",
        "The real SAM CLI, an emulator of AWS on 127.0.0.1, made-up credentials: nothing of yours "
        "is read or changed, nothing costs anything.",
        width,
    )
    yield Text()


def scene(what: Scene, width: int) -> Iterator[Text]:
    """Draw a scene that is done: its omissions first, then what came of it.

    Args:
        what: The scene.
        width: Columns to draw in.
    """
    if what.omissions:
        yield Text("  left out, because the emulator cannot hold it", "quiet")
        for omission in what.omissions:
            yield labelled("  · ", f"{omission.what}: {omission.why}", width, "quiet")
    seconds = f"  {what.seconds:.0f} s"
    line = labelled(f"✓ {what.what:<{_NAME}}", what.came + seconds, width, "strong")
    line.stylize("good", 0, 1)
    yield line
    for answer in what.answers:
        yield _answer(answer, width)


def closing(seconds: float, width: int) -> Iterator[Text]:
    """Draw the end, and where to go from there."""
    yield Text()
    yield labelled(
        "✓ ",
        f"rehearsed in {seconds:.0f} seconds; on an account of your own: docs/aws.md",
        width,
        "good",
    )


def _answer(answer: Answer, width: int) -> Text:
    label = f"  {answer.asked:<{_ASKED}}{answer.status}  "
    body = printable(_on_one_line(answer.body))
    return Text.assemble(label, (cut(body, max(_LEAST, width - len(label))), "quiet"))


def _on_one_line(body: str) -> str:
    try:
        found = json.loads(body)
    except ValueError:
        return " ".join(body.split())
    return json.dumps(found)
