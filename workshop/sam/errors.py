"""What a template can be told off for."""

from workshop.errors import LearnerError


class TemplateError(LearnerError):
    """The template cannot be read: `what` names the thing, `look` begins with `FILE:LINE:COL`."""


class UnsupportedError(TemplateError):
    """AWS would know what to do with it, this laptop does not."""
