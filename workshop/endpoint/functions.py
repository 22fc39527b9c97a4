"""The functions that are served: one template, looked at again when it has been saved."""

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeAlias

from workshop.endpoint.logs.groups import Created
from workshop.errors import WorkshopError
from workshop.lab import Lab
from workshop.sam import Template
from workshop.store import Store

Parameters: TypeAlias = Callable[[Path], Mapping[str, str]]
"""Gives values for the parameters of a template, instead of their defaults."""


def no_parameters(template: Path) -> Mapping[str, str]:  # noqa: ARG001 (whatever the template)
    """Leave every parameter at its default."""
    return {}


class Functions:
    """A lab of a template, and a new one when the file changes. Thread-safe.

    Args:
        template: The template file.
        store: Where telemetry is kept.
        parameters: Gives the values of the template's parameters, each time it is read.

    Attributes:
        endpoint_url: Where the functions' own AWS calls go; set before the first use.
    """

    def __init__(
        self, template: Path, store: Store, parameters: Parameters = no_parameters
    ) -> None:
        self._path = template
        self._parameters = parameters
        self._store = store
        self.endpoint_url: str | None = None
        self._lock = threading.Lock()
        self._lab: _Shared | None = None
        self._version: object = None
        self._closed = False

    @contextmanager
    def lab(self) -> Iterator[Lab]:
        """Have the lab of the template as it is now; it stays until the `with` ends.

        Raises:
            TemplateError: The template cannot be read.
        """
        shared = self._current()
        try:
            yield shared.lab
        finally:
            shared.release()

    @property
    def template(self) -> Template:
        """The template as it is now.

        Raises:
            TemplateError: It cannot be read.
        """
        with self.lab() as lab:
            return lab.template

    @property
    def saved(self) -> float:
        """When the template was last saved, in seconds since the epoch; 0 when it is not there."""
        version = _version(self._path)
        return version[0] / 1e9 if version else 0.0

    def declared(self) -> Mapping[str, Created]:
        """Return the log groups that the template declares; none while it cannot be read."""
        try:
            groups = self.template.log_groups
        except WorkshopError:
            return {}
        saved = int(self.saved * 1000)
        return {name: Created(saved, group.retention_days) for name, group in groups.items()}

    def resources(self) -> Mapping[str, Mapping[str, Any]]:
        """Return the template's resources by logical id; none while it cannot be read."""
        try:
            return self.template.resources
        except WorkshopError:
            return {}

    def log_groups(self) -> Mapping[str, str]:
        """Return the functions' log groups, with their names; none while it cannot be read."""
        try:
            functions = self.template.functions
        except WorkshopError:
            return {}
        return {function.log_group: function.name for function in functions.values()}

    def close(self) -> None:
        """End every execution environment."""
        with self._lock:
            self._closed = True
            shared, self._lab = self._lab, None
        if shared is not None:
            shared.end()

    def _current(self) -> "_Shared":
        with self._lock:
            if self._closed:
                message = "the functions are closed"
                raise RuntimeError(message)
            version = _version(self._path)
            if self._lab is None or version != self._version:
                lab = Lab.open(
                    self._path,
                    store=self._store,
                    parameters=self._parameters(self._path),
                    endpoint_url=self.endpoint_url,
                )
                former, self._lab, self._version = self._lab, _Shared(lab), version
                if former is not None:
                    former.release()
            self._lab.hold()
            return self._lab


class _Shared:
    """A lab that closes when the last of its users has let go; made with one user."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self._users = 1
        self._lock = threading.Lock()

    def hold(self) -> None:
        with self._lock:
            self._users += 1

    def release(self) -> None:
        with self._lock:
            self._users -= 1
            done = self._users == 0
        if done:
            self.lab.close()

    def end(self) -> None:
        """Close it, whoever uses it."""
        self.lab.close()


def _version(path: Path) -> tuple[int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None  # opening it will say why
    return status.st_mtime_ns, status.st_size
