"""The endpoint: every service over one store and the functions of one template."""

import json
from contextlib import ExitStack
from pathlib import Path
from typing import Self

from workshop.account import ACCOUNT_ID, REGION
from workshop.endpoint.alarms import Alarms
from workshop.endpoint.cloudwatch import CloudWatch
from workshop.endpoint.functions import Functions, Parameters, no_parameters
from workshop.endpoint.http import Request, Response, Server
from workshop.endpoint.lambda_api import LambdaApi
from workshop.endpoint.logs.errors import invalid
from workshop.endpoint.logs.events import Events
from workshop.endpoint.logs.groups import Groups
from workshop.endpoint.logs.lookup_tables import LookupTables
from workshop.endpoint.logs.queries import Queries
from workshop.endpoint.logs.query_definitions import QueryDefinitions
from workshop.endpoint.protocols import JsonService, Protocols
from workshop.endpoint.readings import Metrics
from workshop.endpoint.xray import XRay
from workshop.loopback import HOST
from workshop.store import Store

DECK_PORT = 3030
"""Where `make slides` serves the deck: the one web page that may read telemetry.

Many a server for development is at this port too.
"""

DECK_MAY_SEND = {
    ("/", "Logs_20140328.FilterLogEvents"),
    ("/", "GraniteServiceVersion20100801.GetMetricData"),
    ("/TraceSummaries", ""),
    ("/Traces", ""),
}
"""Path and X-Amz-Target of what the deck's live panels ask, which only read.

They are in slides/components/lab.ts.
"""

HEALTH = "/workshop/health"
"""Where the endpoint says which one it is: `{"token": ..., "template": ...}`."""


class Endpoint:
    """AWS's APIs on loopback, until it is closed.

    Args:
        template: The template whose functions are served.
        data: The folder of the store; None keeps all in memory.
        port: The port to listen on; 0 for any free one.
        token: What tells this endpoint from any other that might be on its port.
        parameters: Gives the values of the template's parameters, each time it is read.

    Raises:
        OSError: When the port is taken.
        StoreError: When the store cannot be opened.
    """

    def __init__(
        self,
        template: Path,
        data: Path | None,
        *,
        port: int = 0,
        token: str = "",
        parameters: Parameters = no_parameters,
    ) -> None:
        self._token = token
        self._template = template
        self.store = Store.open(data)
        self._functions = Functions(template, self.store, parameters)
        groups = Groups(data and data / "log_groups.json", self._functions.declared)
        metrics = Metrics(self.store, self._functions.log_groups)
        self._lambda = LambdaApi(
            self._functions, region=REGION, account_id=ACCOUNT_ID, throttled=metrics.throttled
        )
        cloudwatch = CloudWatch(self.store, metrics, account_id=ACCOUNT_ID)
        alarms = Alarms(self._functions, metrics, region=REGION, account_id=ACCOUNT_ID)
        xray = XRay(self.store)
        events = Events(self.store, groups, region=REGION, account_id=ACCOUNT_ID)
        tables = LookupTables(data and data / "lookup_tables", region=REGION, account_id=ACCOUNT_ID)
        saved = QueryDefinitions(
            data and data / "query_definitions.json", self._functions.resources
        )
        self._queries = Queries(
            self.store,
            events,
            region=REGION,
            account_id=ACCOUNT_ID,
            lookup_table=tables.table,
        )
        self._protocols = Protocols(
            [
                JsonService(
                    "logs",
                    "Logs_20140328",
                    "1.1",
                    {
                        **events.operations,
                        **self._queries.operations,
                        **saved.operations,
                        **tables.operations,
                    },
                    invalid,
                ),
                cloudwatch.service(alarms.operations),
            ],
            [*self._lambda.routes, *xray.routes],
        )
        deck = [f"http://{name}:{DECK_PORT}" for name in (HOST, "localhost")]
        self._server = Server(self._answer, port, pages=deck, page_may_send=_is_of_the_deck)
        self.port = self._server.port
        self._functions.endpoint_url = self.url

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://{HOST}:{self.port}"

    def close(self) -> None:
        """Stop listening, and end everything; what was acknowledged is kept."""
        with ExitStack() as closing:  # the last one first, and each whatever the others raise
            closing.callback(self.store.close)
            closing.callback(self._server.close)
            closing.callback(self._queries.close)
            closing.callback(self._lambda.close)
            closing.callback(self._functions.close)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _answer(self, request: Request) -> Response:
        if request.path == HEALTH:
            body = json.dumps({"token": self._token, "template": str(self._template)})
            return Response(200, body.encode(), {"Content-Type": "application/json"})
        return self._protocols.answer(request)


def _is_of_the_deck(request: Request) -> bool:
    return (request.path, request.headers.get("x-amz-target", "")) in DECK_MAY_SEND
