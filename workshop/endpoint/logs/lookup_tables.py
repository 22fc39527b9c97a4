"""Lookup tables: put, told of, deleted, and given to the queries that name them.

https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_CreateLookupTable.html
"""

import hashlib
import json
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workshop.endpoint.arguments import Arguments
from workshop.endpoint.errors import ApiError
from workshop.endpoint.logs.errors import invalid, not_found
from workshop.endpoint.logs.kept import keep
from workshop.endpoint.protocols import Operation
from workshop.store import StoreError

if TYPE_CHECKING:
    from workshop.insights import LookupTable

MAX_TABLES = 100
MAX_BYTES = 10 * 1024 * 1024
MAX_DESCRIPTION = 1024
TABLE_NAME = "[a-zA-Z0-9_]{1,256}"

_PAGE = 50
_LARGEST_PAGE = 100
_READ_KEPT = 4  # tables that stay read: a table of 10 MB takes a good deal more of memory


@dataclass(frozen=True, slots=True)
class _About:
    """What is told of a lookup table.

    Attributes:
        name: Its name.
        description: What somebody said it is for; may be empty.
        fields: The names of its columns.
        records: How many rows it has.
        size: Bytes of its CSV.
        updated: When it was last put, in milliseconds since the epoch.
    """

    name: str
    description: str
    fields: tuple[str, ...]
    records: int
    size: int
    updated: int


class LookupTables:
    """The operations. Thread-safe.

    Args:
        folder: Where they are kept, a file each; None keeps them in memory.
        region: AWS region to be in.
        account_id: AWS account to be in.
        clock: Gives the time in seconds since the epoch.
    """

    def __init__(
        self,
        folder: Path | None,
        *,
        region: str,
        account_id: str,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._folder = folder
        self._prefix = f"arn:aws:logs:{region}:{account_id}:lookup-table:"
        self._clock = clock
        self._lock = threading.RLock()
        self._bodies: dict[str, str] = {}  # where there is no folder
        self._about = {about.name: about for about in self._kept()}
        self._read = lru_cache(maxsize=_READ_KEPT)(self._read_anew)

    @property
    def operations(self) -> dict[str, Operation]:
        """The operations by name."""
        return {
            "CreateLookupTable": self.create,
            "DeleteLookupTable": self.delete,
            "DescribeLookupTables": self.describe,
            "GetLookupTable": self.get,
            "UpdateLookupTable": self.update,
        }

    def table(self, name: str) -> "LookupTable | None":
        """Give a table by its name; None when there is none."""
        with self._lock:
            about = self._about.get(name)
            return None if about is None else self._read(about)

    def create(self, given: Arguments) -> dict[str, Any]:
        """Keep a new table."""
        name = given.required_text("lookupTableName", pattern=TABLE_NAME)
        with self._lock:
            if name in self._about:
                what = f"The lookup table {name} already exists."
                raise ApiError("ResourceAlreadyExistsException", what)
            if len(self._about) >= MAX_TABLES:
                what = f"there are {MAX_TABLES} lookup tables"
                raise ApiError("LimitExceededException", what)
            about = self._put(name, given, "")
        return {"lookupTableArn": self._prefix + name, "createdAt": about.updated}

    def update(self, given: Arguments) -> dict[str, Any]:
        """Put other content in the place of a table's."""
        with self._lock:
            before = self._find(given)
            about = self._put(before.name, given, before.description)
        return {"lookupTableArn": self._prefix + about.name, "lastUpdatedTime": about.updated}

    def get(self, given: Arguments) -> dict[str, Any]:
        """Give a table whole."""
        with self._lock:
            about = self._find(given)
            given.finish()
            body = self._body(about.name)
        return self._told(about) | {"tableBody": body, "sizeBytes": about.size}

    def describe(self, given: Arguments) -> dict[str, Any]:
        """Tell of tables, by name."""
        prefix = given.text("lookupTableNamePrefix", pattern=TABLE_NAME) or ""
        most = given.integer("maxResults", least=1, most=_LARGEST_PAGE) or _PAGE
        after = given.text("nextToken") or ""
        given.finish()
        with self._lock:
            names = sorted(name for name in self._about if name.startswith(prefix) and name > after)
            page = [self._about[name] for name in names[:most]]
        tables = [
            self._told(about)
            | {
                "tableFields": list(about.fields),
                "recordsCount": about.records,
                "sizeBytes": about.size,
            }
            for about in page
        ]
        return {"lookupTables": tables} | ({"nextToken": page[-1].name} if names[most:] else {})

    def delete(self, given: Arguments) -> None:
        """Forget a table."""
        with self._lock:
            about = self._find(given)
            given.finish()
            if self._folder is not None:
                try:
                    self._file(about.name).unlink(missing_ok=True)
                except OSError as error:
                    raise StoreError(f"the lookup table cannot be deleted: {error}") from error
            self._bodies.pop(about.name, None)
            del self._about[about.name]

    def _find(self, given: Arguments) -> _About:
        arn = given.required_text("lookupTableArn")
        about = self._about.get(arn.removeprefix(self._prefix))
        if about is None:
            raise not_found(f"There is no lookup table {arn[:200]}.")
        return about

    def _told(self, about: _About) -> dict[str, Any]:
        told = {
            "lookupTableArn": self._prefix + about.name,
            "lookupTableName": about.name,
            "lastUpdatedTime": about.updated,
        }
        return told | ({"description": about.description} if about.description else {})

    def _put(self, name: str, given: Arguments, description: str) -> _About:
        from workshop.insights import InvalidTable, read_table

        said = given.text("description", most=MAX_DESCRIPTION)
        body = given.required_text("tableBody")
        given.finish()
        size = len(body.encode("utf-8", "surrogatepass"))
        if size > MAX_BYTES:
            raise invalid(f"tableBody has {size:,} bytes, more than {MAX_BYTES:,}")
        try:
            body.encode()
            table = read_table(body)
        except ValueError as error:
            what = str(error) if isinstance(error, InvalidTable) else "it is no UTF-8"
            raise invalid(f"tableBody is no lookup table: {what}") from None
        about = _About(
            name,
            description if said is None else said,
            table.fields,
            len(table.rows),
            size,
            int(self._clock() * 1000),
        )
        self._write(about, body)
        self._about[name] = about
        return about

    # A file has one line of JSON that tells of the table, and then the CSV as it was put. Its name
    # is a digest: a file system may not tell upper and lower case apart, and tables do.

    def _file(self, name: str) -> Path:
        digest = hashlib.sha256(name.encode()).hexdigest()[:32]
        return (self._folder or Path()) / f"{digest}.csv"

    def _write(self, about: _About, body: str) -> None:
        if self._folder is None:
            self._bodies[about.name] = body
            return
        text = json.dumps(asdict(about)) + "\n" + body
        keep(self._file(about.name), text, "the lookup table")

    def _kept(self) -> list[_About]:
        found = []
        for file in sorted(self._folder.glob("*.csv")) if self._folder is not None else ():
            try:
                with file.open(encoding="utf-8", newline="") as lines:
                    told = json.loads(lines.readline())
                found.append(_About(**{**told, "fields": tuple(told["fields"])}))
            except (OSError, ValueError, TypeError, KeyError) as error:
                raise StoreError(
                    f"a lookup table cannot be read: {error}", f"move {file} away"
                ) from error
        return found

    def _body(self, name: str) -> str:
        if self._folder is None:
            return self._bodies[name]
        try:
            with self._file(name).open(encoding="utf-8", newline="") as lines:
                lines.readline()
                return lines.read()
        except (OSError, ValueError) as error:
            raise StoreError(f"the lookup table {name} cannot be read: {error}") from error

    def _read_anew(self, about: _About) -> "LookupTable":
        from workshop.insights import read_table

        return read_table(self._body(about.name))
