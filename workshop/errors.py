"""The errors that a person is meant to read.

Floors below the command line raise these; `workshop.cli` alone renders them and turns
`exit_status` into the status of the process. One class per cause lives beside the code that
raises it and derives from one of the three kinds here.
"""


class WorkshopError(Exception):
    """Something to tell a person: what is wrong, and what to do about it.

    Args:
        what: One sentence, no trailing full stop, naming what is wrong.
        look: Where to look or what to type next; empty when there is nothing to add.
    """

    exit_status = 3

    def __init__(self, what: str, look: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.look = look


class LearnerError(WorkshopError):
    """The learner's files are not there yet: exit status 1."""

    exit_status = 1


class UsageError(WorkshopError):
    """The command line asks for something that is not there: exit status 2."""

    exit_status = 2


class ToolError(WorkshopError):
    """The tool, or the machine under it, failed: exit status 3, never the learner's fault."""

    exit_status = 3
