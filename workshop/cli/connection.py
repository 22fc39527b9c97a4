"""A connection to the endpoint of this checkout, for the commands that ask it something."""

from collections.abc import Iterator
from contextlib import contextmanager

from workshop.cli.project import Project
from workshop.endpoint import background
from workshop.endpoint.client import Client
from workshop.endpoint.errors import ApiError
from workshop.errors import ToolError, UsageError

_SERVER_ERRORS = 500


def running(project: Project) -> background.Running:
    """Return the endpoint that serves this checkout.

    Raises:
        UsageError: None does.
    """
    found = background.running(background.Places(project.state))
    if found is None:
        raise UsageError("the endpoint is not running", "workshop up")
    return found


@contextmanager
def connected(project: Project) -> Iterator[Client]:
    """Have a client of the endpoint; what a service refuses is told as an error of ours.

    Raises:
        UsageError: No endpoint is running, or the service refuses what is asked.
        ToolError: The endpoint failed.
    """
    client = Client(running(project).port)
    try:
        yield client
    except ApiError as error:
        if error.status >= _SERVER_ERRORS:
            raise ToolError(error.message, "details in .workshop/endpoint.log") from error
        raise UsageError(error.message.rstrip(".")) from error
    finally:
        client.close()
