"""AWS SAM templates: a `template.yaml` in, functions and log groups out."""

from workshop.sam.errors import TemplateError
from workshop.sam.loader import load_template, parameter_names
from workshop.sam.model import Event, Function, LogGroup, Template

__all__ = [
    "Event",
    "Function",
    "LogGroup",
    "Template",
    "TemplateError",
    "load_template",
    "parameter_names",
]
