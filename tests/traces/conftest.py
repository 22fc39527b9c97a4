"""Documents of one payment, and AWS's own description of what the X-Ray API returns."""

import json

import botocore.parsers
import botocore.session
import botocore.validate
import pytest

from workshop.traces import assemble

TRACE = "1-6922fb20-aaaaaaaaaaaaaaaaaaaaaaaa"
START = float(0x6922FB20)
ARN = "arn:aws:lambda:us-east-1:123456789012:function:payments"


def part(span_id, name, start, end, **members):
    """Make a subsegment; times are seconds after the trace's start."""
    times = {"start_time": START + start, "end_time": START + end}
    return {"id": span_id * 16, "name": name, **times, **members}


def segment(span_id, name, start, end, **members):
    return part(span_id, name, start, end, trace_id=TRACE, **members)


def payment(outcome=None, **in_handler):
    """Make the documents of a payment: Lambda, function, handler, a table and a processor.

    Args:
        outcome: Flags of the spans from the processor up to the root.
        in_handler: Members of the handler's subsegment.
    """
    flags = outcome or {}
    told = {}
    if "fault" in flags:
        exception = {"id": "e" * 16, "type": "ProcessorError", "message": "card 0119 refused"}
        told = {"cause": {"exceptions": [exception]}}
    table = part(
        *("d", "dynamodb", 0.1, 0.2),
        namespace="aws",
        aws={"table_name": "customers", "operation": "GetItem"},
        http={"response": {"status": 200}},
    )
    processor = part(
        *("f", "api.processor.example", 0.2, 0.9),
        namespace="remote",
        http={
            "request": {"method": "POST", "url": "https://api.processor.example/charges"},
            "response": {"status": 503 if "fault" in flags else 200},
        },
        **flags,
    )
    handler = segment(
        *("c", "## handler", 0.1, 0.9),
        type="subsegment",
        parent_id="b" * 16,
        annotations={"Service": "payments", "amount": 1299, "ColdStart": True},
        metadata={"payments": {"status": "charged"}},
        subsegments=[table, processor],
        **flags,
        **told,
    ) | dict(in_handler)
    function = segment(
        *("a", "payments", 0.05, 0.95),
        parent_id="9" * 16,
        origin="AWS::Lambda::Function",
        resource_arn=ARN,
        aws={"account_id": "123456789012"},
        subsegments=[part("b", "Invocation", 0.1, 0.9, **flags)],
        **flags,
    )
    service = segment(
        *("9", "payments", 0.0, 1.0),
        origin="AWS::Lambda",
        resource_arn=ARN,
        http={"response": {"status": 200}},
        user="ada",
        **flags,
    )
    return [handler, function, service]


def trace_of(documents):
    (trace,) = assemble(documents)
    return trace


@pytest.fixture(scope="session")
def accepted():
    """Return a function that reads a response as boto3 does, and fails if AWS would not send it."""
    model = botocore.session.get_session().get_service_model("xray")
    parser = botocore.parsers.create_parser(model.metadata["protocol"])

    def accept(operation, response):
        shape = model.operation_model(operation).output_shape
        report = botocore.validate.ParamValidator().validate(response, shape)
        assert not report.has_errors(), report.generate_report()
        body = json.dumps(response, allow_nan=False).encode()
        answer = {"status_code": 200, "headers": {}, "body": body}
        parsed = parser.parse(answer, shape)
        del parsed["ResponseMetadata"]
        return parsed

    return accept
