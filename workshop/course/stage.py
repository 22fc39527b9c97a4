"""What stands around a step's function while it runs: its lab, and the services it calls.

The one place that opens a step's lab, for `run`, `check`, `watch`, `tour` and `traffic`. A template
with the parameter `ProcessorUrl` gets a card processor of its own (`workshop.processor`), and its
address.
"""

from __future__ import annotations

import threading
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from workshop.lab import Keeper, Lab
from workshop.processor.service import Processor
from workshop.sam import parameter_names

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path


PROCESSOR_URL = "ProcessorUrl"
"""The template's parameter that asks for a processor."""

TEMPLATE = "template.yaml"


class Services:
    """The services that a template may ask for; each is started when one first does. Thread-safe.

    Use it as a context manager, so that no thread is left behind.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.processor: Processor | None = None

    def parameters(self, template: Path) -> dict[str, str]:
        """Start what a template asks for, and return the values of its parameters.

        Raises:
            TemplateError: The template cannot be read.
            ToolError: A service cannot be started.
        """
        if PROCESSOR_URL not in parameter_names(template):
            return {}
        with self._lock:
            if self.processor is None:
                self.processor = Processor()
            return {PROCESSOR_URL: self.processor.url}

    def close(self) -> None:
        """End them; safe to call twice."""
        with self._lock:
            processor, self.processor = self.processor, None
        if processor is not None:
            processor.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


@dataclass(frozen=True)
class Stage:
    """A step's function, ready to be invoked.

    Attributes:
        lab: The lab of its template.
        processor: The card processor that it calls; None when its template asks for none.
    """

    lab: Lab
    processor: Processor | None


@contextmanager
def open_stage(
    folder: Path,
    *,
    store: Keeper | None = None,
    endpoint_url: str | None = None,
    parameters: Mapping[str, str] | None = None,
) -> Iterator[Stage]:
    """Open the lab of a folder of code, with what its template asks for, until the `with` ends.

    Args:
        folder: Where template.yaml and the code are.
        store: Where telemetry is kept; see `Lab`.
        endpoint_url: Where the functions' own AWS calls go; see `Lab`.
        parameters: Values of the template's parameters, beside those of the services.

    Raises:
        TemplateError: The template cannot be read, with the place in the file.
        ToolError: A service cannot be started.
    """
    template = folder / TEMPLATE
    with Services() as services:
        lab = Lab.open(
            template,
            store=store,
            parameters={**services.parameters(template), **(parameters or {})},
            endpoint_url=endpoint_url,
        )
        with lab:
            yield Stage(lab, services.processor)


@contextmanager
def open_lab(
    folder: Path, *, store: Keeper | None = None, endpoint_url: str | None = None
) -> Iterator[Lab]:
    """Open the lab of a folder of code, as `open_stage` does, for those who need no more of it."""
    with open_stage(folder, store=store, endpoint_url=endpoint_url) as stage:
        yield stage.lab
