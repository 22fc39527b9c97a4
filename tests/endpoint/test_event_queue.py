"""The queue of asynchronous invocations: what is throttled holds up nobody, and not for ever.

https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html
"""

import logging
import threading
from contextlib import closing

from tests.endpoint.conftest import client_of, eventually
from workshop.endpoint.app import Endpoint
from workshop.endpoint.event_queue import (
    MAX_EVENT_AGE_SECONDS,
    MAX_PAUSE_SECONDS,
    WORKERS,
    Event,
    EventQueue,
    pause_seconds,
)
from workshop.local_lambda import TooManyRequestsError

THROTTLED = TooManyRequestsError(function_name="payments", limit=0, reserved=True)
TEMPLATE = """\
Transform: AWS::Serverless-2016-10-31
Resources:
  ClosedFunction:
    Type: AWS::Serverless::Function
    Properties:
      FunctionName: closed
      Handler: app.handler
      Runtime: python3.13
      CodeUri: .
      ReservedConcurrentExecutions: 0
  OpenFunction:
    Type: AWS::Serverless::Function
    Properties:
      FunctionName: open
      Handler: app.handler
      Runtime: python3.13
      CodeUri: .
"""
CODE = "def handler(event, context):\n    print('served')\n"


class Hours:
    """A clock that nobody has to wait for: whoever looks at it finds it further on."""

    def __init__(self, step):
        self.now = 0.0
        self._step = step

    def __call__(self):
        self.now += self._step
        return self.now


def test_events_that_are_throttled_hold_up_no_other_function_and_are_counted(tmp_path):
    (tmp_path / "template.yaml").write_text(TEMPLATE)
    (tmp_path / "app.py").write_text(CODE)
    with Endpoint(tmp_path / "template.yaml", None) as endpoint:
        functions, metrics = (client_of(service, endpoint) for service in ("lambda", "cloudwatch"))
        with closing(functions), closing(metrics):
            for _ in range(WORKERS):
                functions.invoke(FunctionName="closed", Payload="{}", InvocationType="Event")
            functions.invoke(FunctionName="open", Payload="{}", InvocationType="Event")

            assert eventually(lambda: endpoint.store.log_events("/aws/lambda/open"), seconds=30)
            assert eventually(lambda: throttles(metrics) >= WORKERS, seconds=30)


def throttles(metrics):
    return sum(
        sum(result["Values"])
        for result in metrics.get_metric_data(
            StartTime=0,
            EndTime=4_000_000_000,
            MetricDataQueries=[
                {
                    "Id": "throttles",
                    "MetricStat": {
                        "Metric": {
                            "Namespace": "AWS/Lambda",
                            "MetricName": "Throttles",
                            "Dimensions": [{"Name": "FunctionName", "Value": "closed"}],
                        },
                        "Period": 86400,
                        "Stat": "Sum",
                    },
                }
            ],
        )["MetricDataResults"]
    )


def test_a_throttled_event_is_served_when_there_is_room():
    served = threading.Event()
    tried = []

    def invoke(event):
        tried.append(event)
        if len(tried) < 4:
            raise THROTTLED
        served.set()

    with closing(EventQueue(invoke, clock=Hours(MAX_PAUSE_SECONDS))) as queue:
        queue.put(Event("payments", b"{}"))
        assert served.wait(30)

    assert tried == [Event("payments", b"{}")] * 4


def test_an_event_that_is_throttled_for_six_hours_is_dropped(caplog):
    tried = []

    def invoke(event):
        tried.append(event)
        raise THROTTLED

    clock = Hours(MAX_EVENT_AGE_SECONDS / 10)
    with caplog.at_level(logging.WARNING), closing(EventQueue(invoke, clock=clock)) as queue:
        queue.put(Event("payments", b"{}"))
        assert eventually(lambda: caplog.messages, seconds=30)

    assert caplog.messages == ["an event for payments was dropped: it was throttled for too long"]
    assert 2 <= len(tried) < 10


def test_the_pauses_double_up_to_five_minutes():
    assert [pause_seconds(throttles) for throttles in range(10)] == [
        *(1, 2, 4, 8, 16, 32, 64, 128, 256),
        MAX_PAUSE_SECONDS,
    ]


def test_closing_forgets_what_waits():
    tried = threading.Event()

    def invoke(_):
        tried.set()
        raise THROTTLED

    queue = EventQueue(invoke, clock=lambda: 0.0)  # the pause after the first attempt never ends
    queue.put(Event("payments", b"{}"))
    assert tried.wait(30)

    queue.close()
