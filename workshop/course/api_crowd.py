"""The crowd at a REST API: payments as requests, through API Gateway's front in process."""

from __future__ import annotations

import json
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from random import Random
from threading import Semaphore
from typing import TYPE_CHECKING, cast

from workshop.api_gateway import Exchange, Front, HttpRequest, UnsupportedApiError, rest_api
from workshop.course.payments import Payment
from workshop.load import Timed
from workshop.processor.cards import DECLINED, FLAKY, SLOW, UNAVAILABLE
from workshop.signals import Invocation, Report

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from workshop.lab import Lab
    from workshop.signals import Sink

_FLAKY_SHARE = 0.01
_DECLINED_SHARE = 0.008
_INVALID_SHARE = 0.006


def with_flaky_cards(timed: Iterable[Timed]) -> Iterator[Timed]:
    """Let one card in a hundred fail at the first try, and some be declined: a `crowd.Shape`."""
    for at, paid in timed:
        payment = cast("Payment", paid)
        number = payment["card"]["number"]
        fate = Random(f"card {payment['payment_id']}").random()
        last4 = FLAKY if fate < _FLAKY_SHARE else DECLINED
        if fate < _FLAKY_SHARE + _DECLINED_SHARE and not number.endswith((UNAVAILABLE, SLOW)):
            payment = {**payment, "card": {**payment["card"], "number": number[:-4] + last4}}
        yield Timed(at, payment)


def bodies(timed: Iterable[Timed]) -> Iterator[Timed]:
    """Turn payments into the bodies of requests, a few of them not valid: a `crowd.Shape`."""
    for at, paid in with_flaky_cards(timed):
        payment = cast("Payment", paid)
        random = Random(f"body {payment['payment_id']}")
        # What correlates them is the API's own request id.
        body = {name: value for name, value in payment.items() if name != "correlation_id"}
        if random.random() < _INVALID_SHARE:
            body |= random.choice(({"amount": -1}, {"currency": "usd"}, {"card": None}))
        yield Timed(at, body)


class ThroughApi:
    """A `workshop.load.Target`: events are the bodies of requests to the API of a lab's template.

    Args:
        lab: Has the function.
        sink: Where the front's own telemetry goes; None where the invocations are kept, which hold
            it too. The template's throttling holds only with a sink: a past is sent faster than it
            was.

    Raises:
        UnsupportedApiError: The template has no API that can be served, or none that takes a POST.
    """

    def __init__(self, lab: Lab, sink: Sink | None = None) -> None:
        api = rest_api(lab.template)
        path = next(
            (
                route.resource
                for route in api.routes
                if route.method in {"POST", "ANY"} and "{" not in route.resource
            ),
            None,
        )
        if path is None:
            raise UnsupportedApiError("the API has no path that takes a POST", "such as /payments")
        self._lab = lab
        self._target = f"/{api.stage}{path}"
        if sink is None:
            self._front = Front(lab, replace(api, limits=()))
        else:
            self._front = Front(lab, api, sink)

    def invoke_many(
        self, events: Iterable[object], function: str | None = None, *, concurrency: int = 10
    ) -> Iterator[Invocation]:
        """Send requests, so many at a time; yield what comes of them in the order sent.

        Args:
            events: Bodies, as JSON.
            function: Not needed: the route knows.
            concurrency: How many run at once, at most.
        """
        del function
        free = Semaphore(concurrency)
        under_way: deque[Future[Exchange]] = deque()
        pool = ThreadPoolExecutor(concurrency, thread_name_prefix="crowd")
        try:
            for event in events:
                free.acquire()
                future = pool.submit(self._front.answer, self._request(event))
                future.add_done_callback(lambda _: free.release())
                under_way.append(future)
                while under_way and under_way[0].done():
                    yield _invocation(under_way.popleft().result())
            while under_way:
                yield _invocation(under_way.popleft().result())
        finally:
            pool.shutdown(wait=False, cancel_futures=True)

    def invoke_together(
        self, events: Sequence[object], function: str | None = None
    ) -> list[Invocation]:
        """Send requests at the same moment; return what comes of them in the order sent."""
        return list(self.invoke_many(events, function, concurrency=len(events)))

    def renew(self) -> None:
        """End every execution environment, as a deployment does."""
        self._lab.renew()

    def _request(self, body: object) -> HttpRequest:
        headers = (("Host", "127.0.0.1"), ("User-Agent", "workshop"), ("Accept", "*/*"))
        return HttpRequest.of_json("POST", self._target, body, *headers)


def _invocation(exchange: Exchange) -> Invocation:
    """Return the invocation as the API's caller sees it, with what the API itself has told."""
    response = exchange.response
    answer = {"statusCode": response.status, "body": response.body.decode("utf-8", "replace")}
    payload = json.dumps(answer).encode()
    inner = exchange.invocation
    if inner is None:
        return Invocation(
            request_id=exchange.request_id,
            function_name="",
            trace_id=exchange.trace_id,
            status="success",
            payload=payload,
            function_error=None,
            cold_start=False,
            environment_id=exchange.request_id,
            log_events=exchange.log_events,
            segments=exchange.segments,
            report=Report(0.0, 0, 0, 0),
        )
    return replace(
        inner,
        payload=inner.payload if inner.function_error else payload,
        log_events=(*inner.log_events, *exchange.log_events),
        segments=(*inner.segments, *exchange.segments),
    )
