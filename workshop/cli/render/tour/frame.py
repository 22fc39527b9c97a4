"""`workshop tour` on the screen: step by step, what can be answered now and could not before."""

from collections.abc import Callable, Iterator
from typing import TypeAlias

from rich.text import Text

from workshop.cli.render.text import cut, labelled
from workshop.cli.render.verdict import activating, commands
from workshop.course.catalogue import Step

Picture: TypeAlias = Callable[[int], Iterator[Text]]
"""Draws what a step left behind, in so many columns."""


def opening(steps: int, count: int, width: int) -> Iterator[Text]:
    """Draw what is about to be seen."""
    yield _rule(f"{count} payments through {steps} functions", width)
    yield labelled(
        "",
        "The same customers' payments go through the finished function of every step, in a local"
        " Lambda on this machine. Some fail, some crawl. What can you tell afterwards?",
        width,
    )


def step(what: Step, picture: Picture, width: int) -> Iterator[Text]:
    """Draw a step: its question, the picture that answers it, and what that reveals.

    Args:
        what: The step.
        picture: Draws what was found, in so many columns.
        width: Columns to draw in.
    """
    yield Text()
    yield _rule(f"{what.number:02} {what.title}", width)
    yield labelled("", what.question, width, style="strong")
    yield Text()
    yield from picture(width)
    yield Text()
    yield labelled("→ ", what.tour.reveals, width, "good", "strong")


def closing(seconds: float, activation: str | None, width: int) -> Iterator[Text]:
    """Draw what to type next.

    Args:
        seconds: What all of it has taken.
        activation: What to type before `workshop` can be found, if it cannot.
        width: Columns to draw in.
    """
    yield Text()
    said = f"All of it measured here, in {seconds:.0f} s; nothing left this machine."
    yield labelled("", said, width, style="quiet")
    yield Text()
    yield Text("Your turn", "title")
    yield from commands(
        activating(activation)
        | {
            "workshop": "where you are, and what to do next",
            "workshop watch 00": "begin: a verdict on every save",
        },
        width,
    )


def _rule(title: str, width: int) -> Text:
    name = cut(f" {title} ", width - 4)
    return Text.assemble(
        ("━━", "accent"), (name, "title"), ("━" * (width - 2 - len(name)), "accent")
    )
