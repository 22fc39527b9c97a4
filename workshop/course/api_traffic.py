"""Requests to a step's REST API, sent through API Gateway's front in process."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from workshop.api_gateway import Front, HttpRequest, UnsupportedApiError, rest_api
from workshop.course import function_errors
from workshop.course.sent import LogLine, Sent
from workshop.course.wrong import Wrong
from workshop.errors import LearnerError

if TYPE_CHECKING:
    from workshop.api_gateway import Exchange, RestApi
    from workshop.course.payments import Payment
    from workshop.course.stage import Stage
    from workshop.processor.service import Charge

NOWHERE = "/nowhere"
"""A path that no step's API has."""


@dataclass(frozen=True)
class Called:
    """A request sent, and all that came of it.

    Attributes:
        what: What is particular about it, in words.
        body: What was sent as its body.
        exchange: The request, the answer, and what the front told of it.
        sent: The invocation; its event is the payment, for `find_private`. None when there was
            none.
        charges: The charges that the processor made meanwhile.
        fault: What there is to say of an exception that the handler let go; None when it did not.
    """

    what: str
    body: str
    exchange: Exchange
    sent: Sent | None
    charges: tuple[Charge, ...]
    fault: Wrong | None = None

    @property
    def status(self) -> int:
        """The HTTP status that the caller got."""
        return self.exchange.response.status

    @property
    def text(self) -> str:
        """The body that the caller got."""
        return self.exchange.response.body.decode("utf-8", "replace")

    @cached_property
    def json(self) -> Any:  # noqa: ANN401 (a JSON value)
        """The body as JSON; None if it is none."""
        try:
            return json.loads(self.text)
        except (ValueError, RecursionError):
            return None

    @property
    def request_id(self) -> str:
        """The API request id."""
        return self.exchange.request_id

    @property
    def access_log(self) -> tuple[LogLine, ...]:
        """What the access log says of it."""
        events = self.exchange.log_events
        return tuple(LogLine(event) for event in events if "AWS/ApiGateway" not in event.message)


class Caller:
    """Sends requests to one API, and tells what is wrong in general, whatever the step asks.

    Args:
        stage: Has the lab, and the processor.
        code: The code under check.
        sent: Gets every invocation, in order, the one that went wrong included.
    """

    def __init__(self, stage: Stage, code: function_errors.Code, sent: list[Sent]) -> None:
        self._stage = stage
        self._code = code
        self._sent = sent

    @cached_property
    def api(self) -> RestApi:
        """The template's API.

        Raises:
            UnsupportedApiError: There is none, or one that cannot be served.
        """
        return rest_api(self._stage.lab.template)

    @cached_property
    def _front(self) -> Front:
        return Front(self._stage.lab, self.api)

    def __call__(
        self,
        path: str,
        body: object = None,
        *,
        method: str = "POST",
        payment: Payment | None = None,
        what: str = "a payment",
    ) -> Called:
        """Send one request.

        Args:
            path: Without the stage.
            body: JSON, or text that is sent as it is.
            method: Of the request.
            payment: The payment that it is about, where `body` is none, or a spoilt one.
            what: What is particular about it, in words.

        Raises:
            UnsupportedApiError: There is no API, or one that cannot be served.
            Wrong: The function cannot be loaded, or did not end well. What its handler raised is
                not among that: the caller sees 502.
        """
        text = body if isinstance(body, str) else "" if body is None else json.dumps(body)
        request = HttpRequest(
            method,
            f"/{self.api.stage}{path}",
            (
                ("Host", "127.0.0.1"),
                ("Content-Type", "application/json"),
                ("User-Agent", "workshop"),
            ),
            text.encode(),
        )
        processor = self._stage.processor
        before = len(processor.charges()) if processor else 0
        try:
            exchange = self._front.answer(request)
        except UnsupportedApiError:
            raise
        except LearnerError as error:
            raise function_errors.refused(error) from None
        sent = fault = None
        if exchange.invocation is not None:
            about = payment if payment is not None else body if isinstance(body, dict) else {}
            sent = Sent(about, exchange.invocation)
            self._sent.append(sent)
            fault = self._judge(sent)
        charges = processor.charges()[before:] if processor else ()
        return Called(what, text, exchange, sent, charges, fault)

    def _judge(self, sent: Sent) -> Wrong | None:
        if sent.succeeded:
            return None
        try:
            function_errors.judge(sent, self._code, may_fail=False)
        except Wrong as wrong:
            if wrong.rule != "handler-raised":
                raise
            return wrong
        return None
