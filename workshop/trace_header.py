"""X-Amzn-Trace-Id: the header by which a request takes part in a trace, and the ids in it.

https://docs.aws.amazon.com/xray/latest/devguide/xray-concepts.html#xray-concepts-tracingheader
"""

import os
import re
import time
from dataclasses import dataclass

_TRACE_ID = re.compile(r"1-[0-9a-f]{8}-[0-9a-f]{24}")
_SEGMENT_ID = re.compile(r"[0-9a-f]{16}")


def new_segment_id() -> str:
    """Return a fresh segment id: 16 hexadecimal digits."""
    return os.urandom(8).hex()


def new_trace_id() -> str:
    """Return a fresh trace id: version, time in hexadecimal seconds, 24 hexadecimal digits.

    https://docs.aws.amazon.com/xray/latest/devguide/xray-api-sendingdata.html#xray-api-traceids
    """
    return f"1-{int(time.time()):08x}-{os.urandom(12).hex()}"


@dataclass(frozen=True, slots=True)
class TraceHeader:
    """What the header says; its text is the header.

    Attributes:
        trace_id: `1-<8 hex>-<24 hex>`.
        parent_id: The segment that the request comes from, if it is named.
        sampled: Whether segments are kept.
    """

    trace_id: str
    parent_id: str | None
    sampled: bool

    def __str__(self) -> str:
        parent = f"Parent={self.parent_id};" if self.parent_id else ""
        return f"Root={self.trace_id};{parent}Sampled={self.sampled:d}"


def joined(header: str | None, *, tracing: bool) -> TraceHeader:
    """Return the trace that a service joins: the caller's if its header names one, else a new one.

    The service follows the caller's decision to sample; without one, active tracing samples. (AWS
    samples the first request of a second and 5% of the rest; on a laptop one wants every trace.)

    Args:
        header: The X-Amzn-Trace-Id header of the request, `Root=…;Parent=…;Sampled=…`.
        tracing: Whether the service traces actively.
    """
    fields = dict(part.split("=", 1) for part in (header or "").split(";") if "=" in part)
    root, parent = fields.get("Root", "").strip(), fields.get("Parent", "").strip()
    return TraceHeader(
        trace_id=root if _TRACE_ID.fullmatch(root) else new_trace_id(),
        parent_id=parent if _SEGMENT_ID.fullmatch(parent) else None,
        sampled=tracing and fields.get("Sampled", "1").strip() != "0",
    )
