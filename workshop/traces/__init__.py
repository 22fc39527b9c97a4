"""Traces: segment documents judged and assembled. Pure."""

from workshop.traces.assembly import Span, Trace, assemble, newest
from workshop.traces.documents import problems

__all__ = ["Span", "Trace", "assemble", "newest", "problems"]
