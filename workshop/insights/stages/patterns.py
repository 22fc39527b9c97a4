"""`pattern`, `diff`, `logcompare`: texts that are the same but for what varies.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax-Pattern.html

CloudWatch finds patterns by machine learning. Here, times, UUIDs, numbers and words with digits in
them vary, and nothing else.
"""

# ruff: noqa: S608 - the SQL is made of our own words; all that a person wrote is a parameter

from calendar import monthrange
from datetime import UTC, datetime, timedelta

from workshop.insights import regex, syntax, times, values
from workshop.insights.errors import MalformedQuery
from workshop.insights.pipeline import Pipeline, refuse_whole_json
from workshop.insights.values import Kind, Value

_DAY = 86_400_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def apply_pattern(pipeline: Pipeline, stage: syntax.Pattern) -> None:
    """Group texts that are the same but for what varies; a `diff` may follow at once."""
    if pipeline.sort or not pipeline.sees_events:
        raise MalformedQuery("pattern comes before sort and stats", stage.start, stage.end)
    following = pipeline.ahead[0] if pipeline.ahead else None
    if isinstance(following, syntax.Diff | syntax.Logcompare):
        pipeline.ahead.pop(0)
        _compare(pipeline, stage.value, _earlier(pipeline, following))
        return
    patterns = _patterns(pipeline, stage.value, "CAST(count(*) AS DOUBLE) AS n")
    source = (
        "(SELECT *, n / sum(n) OVER () AS ratio, CAST(sum(n) OVER () AS BIGINT) AS matched "
        f"FROM {patterns})"
    )
    defined = {
        "@pattern": Value("p", Kind.TEXT),
        "@ratio": Value("ratio", Kind.NUMBER),
        "@sampleCount": Value("n", Kind.NUMBER),
        "@severityLabel": Value("s", Kind.TEXT),
    }
    order = [Value("-n", Kind.NUMBER), Value("p", Kind.TEXT)]
    pipeline.regroup(source, defined, list(defined), order)


def apply_diff(pipeline: Pipeline, stage: syntax.Diff | syntax.Logcompare) -> None:
    """Compare the patterns of messages with those of an earlier time of equal length.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_AnalyzeLogData_Compare.html
    https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax-Logcompare.html

    AWS does not say what `logcompare` gives. Chosen: what `diff` gives.
    """
    if not pipeline.sees_events:
        name = type(stage).__name__.lower()
        what = f"{name} compares log events, or comes right after pattern"
        raise MalformedQuery(what, stage.start, stage.end)
    message = syntax.Field(stage.start, stage.end, "@message")
    _compare(pipeline, message, _earlier(pipeline, stage))


def _compare(pipeline: Pipeline, node: syntax.Expression, earlier: tuple[int, int]) -> None:
    """Compare patterns with those of an earlier time: one row for each of either time.

    The columns are those that AWS documents of the console. Their names here, and the words of
    the description, are chosen: AWS does not document those of the API.
    """
    now = pipeline.windows[0]
    pipeline.windows.append(earlier)
    counts = ", ".join(
        f"CAST(count(*) FILTER (timestamp BETWEEN {first} AND {last}) AS DOUBLE) AS {name}"
        for name, (first, last) in (("n", now), ("before", earlier))
    )
    counts += ", count(*) AS events"  # of both times, which may overlap
    source = (
        "(SELECT *, n - before AS difference, CASE WHEN before = 0 THEN 'new' WHEN n = 0 THEN "
        "'gone' WHEN n > before THEN 'more' WHEN n < before THEN 'fewer' ELSE 'same' END AS "
        "description, CAST(sum(events) OVER () AS BIGINT) AS matched "
        f"FROM {_patterns(pipeline, node, counts)})"
    )
    defined = {
        "@pattern": Value("p", Kind.TEXT),
        "@sampleCount": Value("n", Kind.NUMBER),
        "@differenceEventCount": Value("difference", Kind.NUMBER),
        "@differenceDescription": Value("description", Kind.TEXT),
        "@severityLabel": Value("s", Kind.TEXT),
    }
    order = [Value("-abs(difference)", Kind.NUMBER), Value("p", Kind.TEXT)]
    pipeline.regroup(source, defined, list(defined), order)


def _patterns(pipeline: Pipeline, node: syntax.Expression, counts: str) -> str:
    """Give the patterns `p` of a text, their severity `s`, and what counts their events."""
    value = pipeline.value(node)
    refuse_whole_json(value, node, "pattern")
    pipeline.begin_rows()
    varying = (
        f"regexp_replace({values.text(value)}, {pipeline.parameter(regex.VARYING)}, '<*>', 'g')"
    )
    severity = f"upper(regexp_extract(p, {pipeline.parameter(regex.SEVERITY)}))"
    return (
        f"(SELECT p, nullif({severity}, '') AS s, {counts} FROM (SELECT {varying} AS p, timestamp "
        f"FROM {pipeline.source}) WHERE p IS NOT NULL GROUP BY p)"
    )


def _earlier(pipeline: Pipeline, stage: syntax.Diff | syntax.Logcompare) -> tuple[int, int]:
    """Give the time to compare with, of equal length: its first and last millisecond."""
    first, last = pipeline.windows[0]
    length = last - first + 1
    if isinstance(stage, syntax.Logcompare):
        start = _moved(first, times.Period(stage.shift.count, stage.shift.unit), stage)
    elif stage.period == "previous":
        start = first - length
    elif stage.period == "previousmonth":
        start = _moved(first, times.Period(1, "mo"), stage)
    else:
        start = first - (7 * _DAY if stage.period == "previousweek" else _DAY)
    return start, start + length - 1


def _moved(moment: int, back: times.Period, stage: syntax.Diff | syntax.Logcompare) -> int:
    """Give the time so long before another; months by the calendar, as far as a month goes."""
    if back.milliseconds is not None:
        return moment - back.milliseconds
    months = back.count * {"mo": 1, "q": 3, "y": 12}[back.unit]
    try:
        then = _EPOCH + timedelta(milliseconds=moment)
        year, month = divmod(then.year * 12 + then.month - 1 - months, 12)
        day = min(then.day, monthrange(year, month + 1)[1])
        earlier = then.replace(year=year, month=month + 1, day=day)
    except (OverflowError, ValueError):
        what = "there is no calendar for a time so long ago"
        raise MalformedQuery(what, stage.start, stage.end) from None
    return (earlier - _EPOCH) // timedelta(milliseconds=1)
