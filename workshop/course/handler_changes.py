"""The forms of a handler that a learner's tests are tried on.

A step that has the learner write tests lists in its `faults.toml` what to change in the handler:

    [[probe]]      a handler that does nothing of what it should, to see whether tests look at all
    [[harmless]]   a change that no user notices: tests that fail on it pin too much
    [[fault]]      a change that would reach users: tests have to fail on it

Every change is an exact replacement of text in the given `app.py`.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from workshop.errors import ToolError

if TYPE_CHECKING:
    from workshop.course.catalogue import Step

Kind: TypeAlias = Literal["probe", "harmless", "fault"]

FAULTS = "faults.toml"
CODE = "app.py"
_KINDS: tuple[Kind, ...] = ("probe", "harmless", "fault")


@dataclass(frozen=True)
class Change:
    """A form of the handler with something in it changed.

    Attributes:
        kind: What the change is for.
        rule: Kebab-case id; the rule under which a check tells of it.
        does: What the changed handler does, one clause.
        users: What that would mean to users; empty where they notice nothing.
        look: Where to look in the tests.
        shown: The changed line, as the learner may read it; empty when there is none to show.
        replace: Texts of app.py and what stands there instead.
    """

    kind: Kind
    rule: str
    does: str
    users: str
    look: str
    shown: str
    replace: tuple[tuple[str, str], ...]

    def applied(self, source: str) -> str:
        """Return app.py with the change in it.

        Raises:
            ToolError: A text to be replaced is not there exactly once.
        """
        for old, new in self.replace:
            if source.count(old) != 1:
                raise ToolError(
                    f"{FAULTS}: the change '{self.rule}' fits {source.count(old)} places of "
                    f"{CODE} and not one",
                    old.splitlines()[0],
                )
            source = source.replace(old, new)
        return source


def read_changes(step: Step) -> tuple[Change, ...]:
    """Read a step's `faults.toml`.

    Raises:
        ToolError: It cannot be read, or an entry is not right.
    """
    path = step.folder / FAULTS
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
        return tuple(
            Change(
                kind=kind,
                rule=entry["rule"],
                does=entry["does"],
                users=entry.get("users", ""),
                look=entry["look"],
                shown=entry.get("shown", ""),
                replace=tuple((one["old"], one["new"]) for one in entry["replace"]),
            )
            for kind in _KINDS
            for entry in table[kind]
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        said = " ".join(str(error).split())
        raise ToolError(f"cannot read {step.name}/{FAULTS}: {said}", str(path)) from None
