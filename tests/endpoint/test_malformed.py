"""Whatever a request says, the answer is an answer or the client's error: never a 500."""

import json
from http.client import HTTPConnection

import botocore.session
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.endpoint.conftest import GROUP

TARGETS = {"logs": "Logs_20140328.", "cloudwatch": "GraniteServiceVersion20100801."}
SERVED = {
    "logs": (
        *("CreateLogGroup", "CreateLogStream", "CreateLookupTable", "DeleteLogGroup"),
        *("DeleteLookupTable", "DeleteQueryDefinition", "DescribeLogGroups", "DescribeLogStreams"),
        *("DescribeLookupTables", "DescribeQueries", "DescribeQueryDefinitions"),
        *("FilterLogEvents", "GetLogEvents", "GetLogGroupFields", "GetLogRecord", "GetLookupTable"),
        *("GetQueryResults", "PutLogEvents", "PutQueryDefinition", "PutRetentionPolicy"),
        *("StartQuery", "StopQuery", "UpdateLookupTable"),
    ),
    "cloudwatch": (
        *("DescribeAlarmHistory", "DescribeAlarms", "GetMetricData", "GetMetricStatistics"),
        *("ListMetrics", "PutMetricData"),
    ),
    "xray": (
        *("BatchGetTraces", "GetServiceGraph", "GetTraceGraph", "GetTraceSummaries"),
        "PutTraceSegments",
    ),
}
OPERATIONS = [(service, name) for service, names in SERVED.items() for name in names]

_ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(max_size=20)
    | st.sampled_from(
        [GROUP, "stats count(*)", "fields @message | sort x", "a", "Sum", "0", "1e999"]
    )
    | st.sampled_from([0, 60, 1e12, 2**63, -1]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["Id", "Name", "Value", "timestamp", "x"]), inner)
    ),
    max_leaves=8,
)


def of_shape(shape, depth=0):
    """Make values of a shape of botocore's, now and then of another."""
    kinds = {
        "string": st.text(max_size=20) | st.sampled_from([GROUP, "a", "Sum", "m1 * 2"]),
        "integer": st.integers(-1, 2**40) | st.sampled_from([60, 1, 10]),
        "long": st.integers(-1, 2**70) | st.sampled_from([1_795_000_000, 1_795_000_000_000]),
        "double": st.floats(allow_nan=False, allow_infinity=False),
        "timestamp": st.integers(-1, 2**60) | st.sampled_from([1_795_000_000, 1_795_003_600]),
        "boolean": st.booleans(),
    }
    if shape.type_name == "structure" and depth < 5:
        members = {name: of_shape(one, depth + 1) for name, one in shape.members.items()}
        required = {name: members[name] for name in shape.required_members}
        others = {name: one for name, one in members.items() if name not in required}
        made = st.fixed_dictionaries(required, optional=others)
    elif shape.type_name == "list" and depth < 5:
        made = st.lists(of_shape(shape.member, depth + 1), max_size=3)
    else:
        made = kinds.get(shape.type_name, st.none())
    return made if depth == 0 else st.one_of(made, made, made, _ANYTHING)


@pytest.fixture(scope="module")
def session():
    return botocore.session.Session()


@pytest.mark.parametrize(("service", "name"), OPERATIONS)
def test_no_request_is_answered_with_a_500(endpoint, session, service, name):
    operation = session.get_service_model(service).operation_model(name)
    connection = HTTPConnection("127.0.0.1", endpoint.port, timeout=20)

    @settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
    @given(of_shape(operation.input_shape))
    def check(members):
        head = {"Content-Type": "application/json"}
        if service in TARGETS:
            head["X-Amz-Target"] = TARGETS[service] + name
        path = operation.http["requestUri"]
        connection.request("POST", path, json.dumps(members).encode("utf-8", "replace"), head)
        response = connection.getresponse()
        answer = response.read()
        assert response.status < 500, (members, answer)

    check()
    connection.close()
