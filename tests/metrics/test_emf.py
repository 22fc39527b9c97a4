"""A log event read as CloudWatch reads embedded metric format.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
"""

import copy
import json
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workshop.metrics import emf
from workshop.signals import DataPoint, LogEvent

NOW = 1_763_900_000_000
RECORD = {
    "_aws": {
        "Timestamp": NOW,
        "CloudWatchMetrics": [
            {
                "Namespace": "Workshop",
                "Dimensions": [["service"]],
                "Metrics": [{"Name": "SuccessfulCharge", "Unit": "Count"}],
            }
        ],
    },
    "service": "payments",
    "SuccessfulCharge": 1,
}
POINT = DataPoint("Workshop", "SuccessfulCharge", {"service": "payments"}, NOW, (1.0,), "Count")


def event(message, timestamp=NOW):
    return LogEvent("/aws/lambda/payments", "one", timestamp, message)


def read(record):
    return emf.read(event(json.dumps(record)))


MISSING = object()


def changed(**parts):
    """Give the record with members changed in its parts: root, aws, directive and metric."""
    record = copy.deepcopy(RECORD)
    directive = record["_aws"]["CloudWatchMetrics"][0]
    of = {
        "root": record,
        "aws": record["_aws"],
        "directive": directive,
        "metric": directive["Metrics"][0],
    }
    for part, members in parts.items():
        of[part].update(members)
        for name in [name for name, value in members.items() if value is MISSING]:
            del of[part][name]
    return record


def test_a_record_gives_its_data_point():
    assert read(RECORD) == emf.EmfReading((POINT,), ())


@pytest.mark.parametrize("around", ["{}\n", " {}", "\t{}\r\n "])
def test_white_space_around_a_record_is_no_fault(around):
    assert emf.read(event(around.replace("{}", json.dumps(RECORD)))).points == (POINT,)


@pytest.mark.parametrize(
    "message",
    [
        "",
        "START RequestId: 1 Version: $LATEST",
        '{"level": "INFO", "message": "charged"}',
        '{"message": "the \\"_aws\\" member"}',
        '"_aws"',
        '["_aws"]',
        '{"message": {"_aws": {}}}',
        '{"_aws": {"Timestamp": ',
        '{"message": {"_aws": 1}, "value": NaN}',
        "[INFO] " + json.dumps(RECORD),
        "null",
        "{" * 100_000 + '"_aws"',
    ],
)
def test_what_does_not_claim_to_be_emf_has_no_points_and_no_problems(message):
    assert emf.read(event(message)) == emf.EmfReading()


def test_an_array_gives_several_samples():
    (point,) = read(RECORD | {"SuccessfulCharge": [1, 2.5, 3]}).points

    assert point.values == (1.0, 2.5, 3.0)


def test_each_directive_dimension_set_and_metric_makes_a_data_point():
    record = changed(
        directive={
            "Dimensions": [["service", "route"], ["service"], []],
            "Metrics": [{"Name": "a"}, {"Name": "b"}],
        },
        root={"route": "/charge", "a": 1, "b": 2},
    )
    directives = record["_aws"]["CloudWatchMetrics"]
    directives.append(directives[0] | {"Namespace": "Other"})

    reading = read(record)

    assert reading.problems == ()
    assert {(p.namespace, tuple(p.dimensions), p.name) for p in reading.points} == {
        (namespace, names, metric)
        for namespace in ("Workshop", "Other")
        for names in (("service", "route"), ("service",), ())
        for metric in "ab"
    }


def test_unit_and_resolution_have_the_documented_defaults():
    (point,) = read(changed(metric={"Unit": MISSING})).points

    assert (point.unit, point.storage_resolution) == ("None", 60)


def test_high_resolution_is_read():
    (point,) = read(changed(metric={"StorageResolution": 1})).points

    assert point.storage_resolution == 1


def test_members_that_the_format_does_not_know_are_ignored():
    unknown = {"Colour": {"any": ["thing"]}}
    record = changed(root=unknown, aws=unknown, directive=unknown, metric=unknown)

    assert read(record) == emf.EmfReading((POINT,), ())


def test_a_target_with_a_dot_is_a_root_member_of_that_very_name():
    metric = {"Name": "latency.ms"}

    assert read(changed(metric=metric, root={"latency": {"ms": 3}})).points == ()
    assert read(changed(metric=metric, root={"latency.ms": 3})).points[0].values == (3.0,)


DAY_MS = 24 * 3600 * 1000
DIMENSIONS = {f"d{number}": "v" for number in range(31)}

LIMITS = {
    "a namespace of 1024 characters": {"directive": {"Namespace": "n" * 1024}},
    "a dimension name of 250 characters": {
        "directive": {"Dimensions": [["n" * 250]]},
        "root": {"n" * 250: "v"},
    },
    "a dimension value of 1024 characters": {"root": {"service": "v" * 1024}},
    "30 dimensions": {"directive": {"Dimensions": [list(DIMENSIONS)[:30]]}, "root": DIMENSIONS},
    "100 metrics": {"directive": {"Metrics": [{"Name": "SuccessfulCharge"}] * 100}},
    "100 values": {"root": {"SuccessfulCharge": [1] * 100}},
    "two weeks of age": {"aws": {"Timestamp": NOW - 14 * DAY_MS}},
    "two hours ahead": {"aws": {"Timestamp": NOW + DAY_MS // 12}},
}


@pytest.mark.parametrize("parts", LIMITS.values(), ids=LIMITS)
def test_what_just_fits_is_taken(parts):
    reading = read(changed(**parts))

    assert reading.problems == ()
    assert reading.points


FAULTS = {
    "_aws not an object": ({"root": {"_aws": []}}, "`_aws` must be an object"),
    "no Timestamp": (
        {"aws": {"Timestamp": MISSING}},
        "`_aws.Timestamp` must be an integer, milliseconds since 1970; it is missing",
    ),
    "Timestamp as float": (
        {"aws": {"Timestamp": 1763900000.5}},
        "must be an integer, milliseconds since 1970; it is 1763900000.5",
    ),
    "Timestamp as text": ({"aws": {"Timestamp": "now"}}, 'it is "now"'),
    "Timestamp true": ({"aws": {"Timestamp": True}}, "it is true"),
    "Timestamp in seconds": (
        {"aws": {"Timestamp": NOW // 1000}},
        "no data point older than two weeks",
    ),
    "Timestamp ahead": (
        {"aws": {"Timestamp": NOW + DAY_MS // 12 + 1}},
        "more than two hours ahead",
    ),
    "no directives": (
        {"aws": {"CloudWatchMetrics": MISSING}},
        "`_aws.CloudWatchMetrics` must be an array of directives; it is missing",
    ),
    "directives not a list": (
        {"aws": {"CloudWatchMetrics": {"Namespace": "Workshop"}}},
        "must be an array of directives",
    ),
    "directive not an object": (
        {"aws": {"CloudWatchMetrics": ["x"]}},
        "`_aws.CloudWatchMetrics[0]` must be an object",
    ),
    "no namespace": (
        {"directive": {"Namespace": MISSING}},
        "Namespace must be a string of 1 to 1024 characters; it is missing",
    ),
    "empty namespace": ({"directive": {"Namespace": ""}}, 'it is ""'),
    "namespace too long": ({"directive": {"Namespace": "n" * 1025}}, "Namespace must be"),
    "no Dimensions": ({"directive": {"Dimensions": MISSING}}, "at least one dimension set"),
    "no dimension set": ({"directive": {"Dimensions": []}}, "at least one dimension set"),
    "Dimensions flat": (
        {"directive": {"Dimensions": ["service"]}},
        'must be an array of names, as in ["service"]; it is "service"',
    ),
    "31 dimensions": (
        {"directive": {"Dimensions": [list(DIMENSIONS)]}, "root": DIMENSIONS},
        "has 31 dimensions",
    ),
    "dimension name too long": (
        {"directive": {"Dimensions": [["n" * 251]]}, "root": {"n" * 251: "v"}},
        "a dimension name is a string of 1 to 250",
    ),
    "dimension name a number": ({"directive": {"Dimensions": [[7]]}}, "holds 7; a dimension name"),
    "dimension missing": ({"root": {"service": MISSING}}, 'the dimension "service" has no value'),
    "dimension a number": (
        {"root": {"service": 7}},
        'the dimension "service" must have a string of 1 to 1024 characters for a value; it has 7',
    ),
    "dimension empty": ({"root": {"service": ""}}, "must have a string of 1 to 1024"),
    "dimension too long": ({"root": {"service": "v" * 1025}}, "must have a string of 1 to 1024"),
    "no Metrics": (
        {"directive": {"Metrics": MISSING}},
        "Metrics must be an array of metric definitions; it is missing",
    ),
    "101 metrics": (
        {"directive": {"Metrics": [{"Name": "SuccessfulCharge"}] * 101}},
        "has 101 metrics",
    ),
    "metric not an object": (
        {"directive": {"Metrics": ["SuccessfulCharge"]}},
        "Metrics[0] must be an object",
    ),
    "metric without name": ({"metric": {"Name": MISSING}}, "Metrics[0].Name must be a string"),
    "free unit": (
        {"metric": {"Unit": "cents"}},
        'has the unit "cents", which is none of CloudWatch\'s',
    ),
    "unit null": ({"metric": {"Unit": None}}, "has the unit null"),
    "unit in lower case": ({"metric": {"Unit": "count"}}, 'has the unit "count"'),
    "resolution 30": ({"metric": {"StorageResolution": 30}}, "has the StorageResolution 30"),
    "resolution true": ({"metric": {"StorageResolution": True}}, "has the StorageResolution true"),
    "metric missing": (
        {"root": {"SuccessfulCharge": MISSING}},
        'the metric "SuccessfulCharge" has no value',
    ),
    "metric as text": (
        {"root": {"SuccessfulCharge": "1"}},
        'must have a number, or an array of numbers, for a value; it has "1"',
    ),
    "metric true": ({"root": {"SuccessfulCharge": True}}, "it has true"),
    "metric null": ({"root": {"SuccessfulCharge": None}}, "it has null"),
    "text in array": ({"root": {"SuccessfulCharge": [1, "2"]}}, 'it has "2"'),
    "empty array": ({"root": {"SuccessfulCharge": []}}, "has 0 values"),
    "101 values": ({"root": {"SuccessfulCharge": [1] * 101}}, "has 101 values"),
    "beyond any float": ({"root": {"SuccessfulCharge": 10**400}}, "from -2^360 to 2^360"),
    "too large": ({"root": {"SuccessfulCharge": [-1e109]}}, "has the value -1e+109"),
    "NaN": ({"root": {"SuccessfulCharge": float("nan")}}, "holds NaN, which JSON has not"),
    "over 1 MB": ({"root": {"padding": "x" * 1024 * 1024}}, "at most 1048576 are read"),
}


@pytest.mark.parametrize(("parts", "problem"), FAULTS.values(), ids=FAULTS)
def test_a_malformed_record_makes_no_data_point_and_says_why(parts, problem):
    reading = read(changed(**parts))

    assert reading.points == ()
    assert len(reading.problems) == 1
    assert problem in reading.problems[0]


@pytest.mark.parametrize("member", ["SuccessfulCharge", "service", "_aws"])
def test_however_deep_a_record_nests_it_is_read_without_an_error(member):
    record = json.dumps(changed(root={member: "DEEP"}))

    for depth in range(sys.getrecursionlimit()):
        message = record.replace('"DEEP"', "[" * depth + "]" * depth)
        assert emf.read(event(message)).points == ()


def test_a_bad_metric_does_not_spoil_the_others():
    good, bad = {"Name": "SuccessfulCharge", "Unit": "Count"}, {"Name": "b", "Unit": "cents"}

    reading = read(changed(directive={"Metrics": [bad, good]}, root={"b": 1}))

    assert reading.points == (POINT,)
    assert len(reading.problems) == 1


def test_a_bad_dimension_set_does_not_spoil_the_others():
    reading = read(changed(directive={"Dimensions": [["customer"], ["service"]]}))

    assert reading.points == (POINT,)
    assert len(reading.problems) == 1


def test_a_bad_directive_does_not_spoil_the_others():
    record = changed()
    record["_aws"]["CloudWatchMetrics"].insert(0, {})

    assert read(record).points == (POINT,)


def test_the_same_fault_is_told_once():
    record = changed(directive={"Dimensions": [["service"], []]}, root={"SuccessfulCharge": "one"})
    record["_aws"]["CloudWatchMetrics"] *= 2

    assert len(read(record).problems) == 1


@pytest.mark.parametrize(
    ("message", "told"),
    [
        ("[INFO]\t2026-11-23T10:00:00Z\tid\t" + json.dumps(RECORD), "follows the text"),
        (json.dumps({"level": "INFO", "message": RECORD}), 'inside the member "message"'),
        (json.dumps({"level": "INFO", "message": json.dumps(RECORD)}), 'the member "message"'),
    ],
)
def test_a_record_in_the_wrong_place_is_found_but_is_no_metric(message, told):
    assert told in emf.misplaced(event(message))
    assert emf.read(event(message)) == emf.EmfReading()


@pytest.mark.parametrize(
    "message",
    [json.dumps(RECORD), "hello", "{}", "{", "", '{"message": "_aws"}', "a {b} c", "[1]"],
)
def test_nothing_else_is_misplaced(message):
    assert emf.misplaced(event(message)) is None


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
    ),
    max_leaves=20,
)


def either(expected):
    return st.one_of(expected, expected, JSON)


# Records that are nearly right, so that each rule is reached.
NAMES = st.sampled_from(["service", "SuccessfulCharge", "a", ""])
METRIC = st.fixed_dictionaries(
    {"Name": either(NAMES)},
    optional={
        "Unit": either(st.sampled_from(["Count", "None", "cents"])),
        "StorageResolution": either(st.sampled_from([1, 60])),
    },
)
DIRECTIVE = st.fixed_dictionaries(
    {},
    optional={
        "Namespace": either(st.just("Workshop")),
        "Dimensions": either(st.lists(either(st.lists(either(NAMES), max_size=3)), max_size=3)),
        "Metrics": either(st.lists(either(METRIC), max_size=3)),
    },
)
RECORDS = st.fixed_dictionaries(
    {
        "_aws": either(
            st.fixed_dictionaries(
                {},
                optional={
                    "Timestamp": either(st.just(NOW)),
                    "CloudWatchMetrics": either(st.lists(either(DIRECTIVE), max_size=3)),
                },
            )
        )
    },
    optional={
        "service": either(st.text(max_size=5)),
        "SuccessfulCharge": either(st.floats() | st.lists(st.integers(), max_size=4)),
    },
)


@given(RECORDS)
def test_any_record_gives_sound_points_or_problems(record):
    reading = emf.read(event(json.dumps(record)))

    assert all(isinstance(problem, str) for problem in reading.problems)
    for point in reading.points:
        assert 1 <= len(point.values) <= 100
        assert all(isinstance(value, float) for value in point.values)
        assert all(isinstance(value, str) and value for value in point.dimensions.values())
        assert point.unit in emf.UNITS
        assert point.timestamp == NOW


@given(st.one_of(st.text(), JSON.map(json.dumps), st.text().map('{{"_aws": {}}}'.format)))
def test_any_message_is_read_without_an_error(message):
    emf.read(event(message))
    emf.misplaced(event(message))
