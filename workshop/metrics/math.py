"""Metric math: expressions evaluated over time series.

Pure. https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/using-metric-math.html

A value is a scalar (S), a time series (TS) or an array of time series (TS[]). Where the page says
nothing, this is chosen:

- A scalar that cannot be computed, such as the MAX of a series without points, leaves no points in
  what is computed from it; so does any point that would not be a finite number.
- `AVG` of one series divides by the number of periods in the window, for the page has missing
  values count as 0 there and offers `SUM(m1) / DATAPOINT_COUNT(m1)` for the other average.
- `STDDEV` is that of a population. `^` groups from the right and binds closer than a minus sign.
- Series of different periods are brought together by their time stamps.
"""

import math
import operator
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import pairwise
from typing import TypeAlias, cast

from workshop.metrics.errors import MetricQueryError
from workshop.metrics.expressions import (
    Array,
    Call,
    Node,
    Number,
    Operation,
    Reference,
    Text,
    Word,
    children,
    flatten,
)
from workshop.metrics.series import Series, Window

MAX_POINTS = 100_800
"""Points that a function may fill a window with; GetMetricData returns no more at a time."""
MAX_SERIES = 500
"""Time series in an array; a request reads no more metrics.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_GetMetricData.html
"""

Value: TypeAlias = float | Series | tuple[Series, ...]
_Argument: TypeAlias = Value | Text | Word


@dataclass(frozen=True, slots=True)
class Scope:
    """What an expression is evaluated in.

    Attributes:
        window: The time asked about.
        period: Seconds, for a series that has no other's period to take.
        values: What each Id stands for.
        metrics: The metrics of the request by Id, in the order of the request.
        search: Finds the series of `SEARCH`: the search, the statistic, the period.
    """

    window: Window
    period: int
    values: Mapping[str, Value]
    metrics: Mapping[str, Series]
    search: Callable[[str, str, int], tuple[Series, ...]]


class _RefusedError(Exception):
    """Why an expression is refused; the Id of its query is added further up."""


def evaluate(node: Node, scope: Scope) -> Series | tuple[Series, ...]:
    """Evaluate an expression.

    Args:
        node: From `parse`.
        scope: What its Ids stand for, and the time asked about.

    Raises:
        MetricQueryError: It gives no time series, or a function cannot take its arguments; the
            message lacks the Id of its query.
    """
    values: list[_Argument] = []
    try:
        for part in reversed(flatten(node)):  # operands before operators, however deep the nesting
            first = len(values) - len(children(part))
            arguments = values[first:]
            del values[first:]
            values.append(_value(part, arguments, scope))
    except _RefusedError as error:
        raise MetricQueryError(str(error)) from None
    result = values[0]
    if isinstance(result, Series | tuple):
        return result
    raise MetricQueryError(
        "The expression must give a time series or an array of time series; "
        f"it gives {_type(result)}; TIME_SERIES(...) makes a series of one"
    )


# --------------------------------------------------------------------------------------- evaluation


def _value(node: Node, arguments: list[_Argument], scope: Scope) -> _Argument:
    match node:
        case Number():
            return node.value
        case Text() | Word():
            return node
        case Reference():
            if node.id not in scope.values:
                raise _RefusedError(f"The Id '{node.id}' is not among the queries of the request")
            return scope.values[node.id]
        case Array():
            return _array(arguments)
        case Operation():
            return _operation(node.operator, arguments)
        case Call():
            return _call(node.function, arguments, scope)


def _type(value: _Argument) -> str:
    match value:
        case Series():
            return "a time series"
        case tuple():
            return "an array of time series"
        case Text():
            return f"the string {value.value!r}"
        case Word():
            return f"the word {value.name}"
        case _:
            return "a scalar number"


def _array(items: Sequence[_Argument]) -> tuple[Series, ...]:
    flat: list[Series] = []
    for item in items:
        if isinstance(item, tuple):
            flat += item
        elif isinstance(item, Series):
            flat.append(item)
        else:
            raise _RefusedError(f"An array holds time series; it cannot hold {_type(item)}")
        if len(flat) > MAX_SERIES:
            raise _RefusedError(f"An array holds at most {MAX_SERIES} time series")
    return tuple(flat)


# ---------------------------------------------------------------------------------------- operators

_Binary: TypeAlias = Callable[[float, float], float]


def _divide(a: float, b: float) -> float:
    return a / b if b else math.nan


def _power(a: float, b: float) -> float:
    if math.isnan(a) or math.isnan(b):  # of which math.pow makes 1 at times
        return math.nan
    try:
        return math.pow(a, b)
    except (ValueError, OverflowError):
        return math.nan


_ARITHMETIC: Mapping[str, _Binary] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": _divide,
    "^": _power,
}
_LOGIC: Mapping[str, _Binary] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "AND": lambda a, b: bool(a) and bool(b),
    "OR": lambda a, b: bool(a) or bool(b),
}


def _known(function: _Binary) -> _Binary:
    """Let a comparison with what is no number be no number either."""
    return lambda a, b: math.nan if math.isnan(a) or math.isnan(b) else function(a, b)


def _operation(name: str, operands: Sequence[_Argument]) -> Value:
    if len(operands) == 1:
        operands = (0.0, operands[0])
    left, right = operands
    if isinstance(left, Text | Word) or isinstance(right, Text | Word):
        wrong = left if isinstance(left, Text | Word) else right
        raise _RefusedError(
            f"'{name}' works on numbers and time series; it cannot take {_type(wrong)}"
        )
    if name in _LOGIC:
        if isinstance(left, tuple) or isinstance(right, tuple):
            raise _RefusedError(
                f"'{name}' works on time series and scalars; it cannot take an array of time "
                "series: take one by FIRST, or reduce it by SUM, MAX and the like"
            )
        return _combine(_known(_LOGIC[name]), left, right)
    function = _ARITHMETIC[name]
    if isinstance(left, tuple) and isinstance(right, tuple):
        if len(left) != len(right):
            raise _RefusedError(
                f"'{name}' needs arrays of one length; these hold {len(left)} and {len(right)} "
                "time series"
            )
        return tuple(_series(_combine(function, *pair)) for pair in zip(left, right, strict=True))
    if isinstance(left, tuple):
        return tuple(_series(_combine(function, item, cast("_One", right))) for item in left)
    if isinstance(right, tuple):
        return tuple(
            replace(_series(_combine(function, left, item)), label=item.label) for item in right
        )
    return _combine(function, left, right)


_One: TypeAlias = float | Series


def _series(value: Value) -> Series:
    return cast("Series", value)


def _combine(function: _Binary, left: _One, right: _One) -> _One:
    """Apply an operator point by point; a point that one series lacks is 0 there."""
    if not isinstance(left, Series) and not isinstance(right, Series):
        return float(function(left, right))
    if not isinstance(left, Series):
        right = cast("Series", right)
        return _computed(
            right, {stamp: function(left, value) for stamp, value in right.points.items()}
        )
    if not isinstance(right, Series):
        return _computed(
            left, {stamp: function(value, right) for stamp, value in left.points.items()}
        )
    a, b = left.points, right.points
    stamps: Iterable[int] = a if a.keys() == b.keys() else sorted(a.keys() | b.keys())
    period, dropped = min(left.period, right.period), left.dropped or right.dropped
    return _computed(
        replace(left, period=period, dropped=dropped),
        {stamp: function(a.get(stamp, 0.0), b.get(stamp, 0.0)) for stamp in stamps},
    )


def _computed(series: Series, points: Mapping[int, float]) -> Series:
    """Return what has been computed from a series, without the points that are no numbers."""
    isfinite = math.isfinite
    kept = {stamp: float(value) for stamp, value in points.items() if isfinite(value)}
    dropped = series.dropped or len(kept) < len(points)
    return Series(kept, series.period, series.label, dropped=dropped)


def _present(points: Mapping[int, float]) -> dict[int, float]:
    """Leave out the points that are missing, which is NaN where points are chosen."""
    return {stamp: value for stamp, value in points.items() if not math.isnan(value)}


# ---------------------------------------------------------------------------------------- functions


def _call(name: str, arguments: list[_Argument], scope: Scope) -> Value:
    if name in _ELSEWHERE:
        raise _RefusedError(f"Function '{name}' is not offered here: {_ELSEWHERE[name]}")
    if name not in _FUNCTIONS:
        raise _RefusedError(f"Function '{name}' not found")
    function, fewest, most = _FUNCTIONS[name]
    if not fewest <= len(arguments) <= most:
        count = str(fewest) if fewest == most else f"{fewest} to {most}"
        raise _RefusedError(f"Function '{name}' takes {count} arguments; it has {len(arguments)}")
    return function(_Arguments(name, arguments, scope))


@dataclass(frozen=True, slots=True)
class _Arguments:
    """The arguments of one call, to be taken by type."""

    function: str
    items: list[_Argument]
    scope: Scope

    def has(self, index: int) -> bool:
        return index < len(self.items)

    def scalar(self, index: int) -> float:
        item = self.items[index]
        if isinstance(item, float):
            return item
        raise self._wrong(index, "a scalar number")

    def series(self, index: int) -> Series:
        item = self.items[index]
        if isinstance(item, Series):
            return item
        raise self._wrong(index, "a time series")

    def one(self, index: int) -> _One:
        item = self.items[index]
        if isinstance(item, float | Series):
            return item
        raise self._wrong(index, "a time series or a scalar number")

    def array(self, index: int) -> tuple[Series, ...]:
        item = self.items[index]
        if isinstance(item, tuple):
            return item
        raise self._wrong(index, "an array of time series")

    def some(self, index: int) -> Series | tuple[Series, ...]:
        item = self.items[index]
        if isinstance(item, Series | tuple):
            return item
        raise self._wrong(index, "a time series or an array of time series")

    def text(self, index: int) -> str:
        item = self.items[index]
        if isinstance(item, Text):
            return item.value
        raise self._wrong(index, "a string in quotes")

    def word(self, index: int, choices: Iterable[str]) -> str:
        item = self.items[index]
        if isinstance(item, Word) and item.name in choices:
            return item.name
        raise self._wrong(index, " or ".join(choices))

    def whole(self, index: int) -> int:
        number = self.scalar(index)
        if number >= 0 and number.is_integer():
            return int(number)
        raise self._wrong(index, "a whole number, 0 or more")

    def _wrong(self, index: int, wanted: str) -> _RefusedError:
        return _RefusedError(
            f"Function '{self.function}' takes {wanted} as argument {index + 1}; "
            f"it has {_type(self.items[index])}"
        )


_Function: TypeAlias = Callable[[_Arguments], Value]
_Points: TypeAlias = Mapping[int, float]


def _each(change: Callable[[_Points], dict[int, float]]) -> _Function:
    """Make a function of one series, or of each series of an array."""

    def function(arguments: _Arguments) -> Value:
        given = arguments.some(0)
        if isinstance(given, Series):
            return _computed(given, change(given.points))
        return tuple(_computed(series, change(series.points)) for series in given)

    return function


def _pointwise(change: Callable[[float], float]) -> _Function:
    return _each(lambda points: {stamp: change(value) for stamp, value in points.items()})


def _log(logarithm: Callable[[float], float]) -> Callable[[float], float]:
    return lambda value: logarithm(value) if value > 0 else math.nan


def _pairs(change: Callable[[float, float, int], float]) -> _Function:
    """Make a function of each point, the one before it, and the seconds between them."""

    def between(points: _Points) -> dict[int, float]:
        items = list(points.items())
        return {
            stamp: change(value, before, stamp - earlier)
            for (earlier, before), (stamp, value) in pairwise(items)
        }

    return _each(between)


def _running_sum(points: _Points) -> dict[int, float]:
    total = 0.0
    sums = {}
    for stamp, value in points.items():
        total += value
        sums[stamp] = total
    return sums


def _sum(values: Iterable[float]) -> float:
    """Add up; a sum that no float holds is no number."""
    try:
        return math.fsum(values)
    except OverflowError:
        return math.nan


def _stddev(values: Sequence[float]) -> float:
    mean = _sum(values) / len(values)
    distances = [value - mean for value in values]
    return math.sqrt(_sum(distance * distance for distance in distances) / len(values))


# From the values that are there, and how many there would be if none were missing.
_REDUCTIONS: Mapping[str, Callable[[Sequence[float], int], float]] = {
    "AVG": lambda values, whole: _sum(values) / whole if whole else math.nan,
    "SUM": lambda values, _: _sum(values),
    "MIN": lambda values, _: min(values, default=math.nan),
    "MAX": lambda values, _: max(values, default=math.nan),
    "STDDEV": lambda values, _: _stddev(values) if values else math.nan,
    "DATAPOINT_COUNT": lambda values, _: float(len(values)),
}


def _reduce_one(name: str, series: Series, window: Window) -> float:
    return _REDUCTIONS[name](tuple(series.points.values()), len(window.stamps(series.period)))


def _reduce(arguments: _Arguments) -> Value:
    """Reduce one series to a scalar, or an array to one series."""
    given, scope = arguments.some(0), arguments.scope
    if isinstance(given, Series):
        return _reduce_one(arguments.function, given, scope.window)
    columns: dict[int, list[float]] = {}
    for series in given:
        for stamp, value in series.points.items():
            columns.setdefault(stamp, []).append(value)
    reduction = _REDUCTIONS[arguments.function]
    period = min((series.period for series in given), default=scope.period)
    points = {stamp: reduction(columns[stamp], len(given)) for stamp in sorted(columns)}
    return _computed(Series({}, period, dropped=any(series.dropped for series in given)), points)


def _fill(arguments: _Arguments) -> Value:
    given, window = arguments.some(0), arguments.scope.window
    filler = arguments.items[1]
    if not isinstance(filler, float | Series):
        arguments.word(1, ("REPEAT", "LINEAR", "a time series", "a scalar number"))
    if isinstance(given, Series):
        return _filled(given, filler, window)
    return tuple(_filled(series, filler, window) for series in given)


def _stamps(window: Window, period: int) -> range:
    """Return the start of every period of a window, as far as that can be had."""
    stamps = window.stamps(period)
    if len(stamps) > MAX_POINTS:
        raise _RefusedError(
            f"There are {len(stamps)} periods of {period} seconds between StartTime and EndTime; "
            f"at most {MAX_POINTS} can be filled"
        )
    return stamps


def _filled(series: Series, filler: object, window: Window) -> Series:
    points = series.points
    stamps = sorted(points.keys() | set(_stamps(window, series.period)))
    match filler:
        case Series():
            other = filler.points
            full = {stamp: points.get(stamp, other.get(stamp, math.nan)) for stamp in stamps}
        case Word(name="REPEAT"):
            full, last = {}, math.nan
            for stamp in stamps:
                last = full[stamp] = points.get(stamp, last)
        case Word():
            full = _interpolated(points, series.period)
        case _:
            full = {stamp: points.get(stamp, cast("float", filler)) for stamp in stamps}
    return _computed(series, _present(full))


def _interpolated(points: _Points, period: int) -> dict[int, float]:
    """Fill the gaps between points, along a straight line."""
    full = dict(points)
    for (before, first), (after, last) in pairwise(points.items()):
        for stamp in range(before + period, after, period):
            full[stamp] = first + (last - first) * (stamp - before) / (after - before)
    return dict(sorted(full.items()))


def _if(arguments: _Arguments) -> Value:
    """Choose point by point.

    A missing point of the condition leaves none. Of the series for true, a missing point is 0; of
    the series for false it is 0 beside a series for true, and is dropped beside a scalar.
    """
    condition, true = arguments.one(0), arguments.one(1)
    false = arguments.one(2) if arguments.has(2) else math.nan
    if not isinstance(condition, Series):
        if not isinstance(true, Series) and not isinstance(false, Series):
            return math.nan if math.isnan(condition) else (true if condition else false)
        shape = cast("Series", true if isinstance(true, Series) else false)
        chosen: _One = math.nan if math.isnan(condition) else (true if condition else false)
        if isinstance(chosen, Series):
            return _computed(chosen, chosen.points)
        dense = dict.fromkeys(_stamps(arguments.scope.window, shape.period), chosen)
        return _computed(shape, _present(dense))

    def choose(stamp: int, test: float) -> float:
        if test:
            return true.points.get(stamp, 0.0) if isinstance(true, Series) else true
        missing = 0.0 if isinstance(true, Series) else math.nan
        return false.points.get(stamp, missing) if isinstance(false, Series) else false

    points = {stamp: choose(stamp, test) for stamp, test in condition.points.items()}
    branches = [part for part in (true, false) if isinstance(part, Series)]
    label = branches[0].label if branches else condition.label
    dropped = any(part.dropped for part in (condition, *branches))
    return _computed(replace(condition, label=label, dropped=dropped), _present(points))


def _metrics(arguments: _Arguments) -> Value:
    part = arguments.text(0) if arguments.has(0) else ""
    return tuple(series for id_, series in arguments.scope.metrics.items() if part in id_)


def _first(arguments: _Arguments) -> Value:
    array = arguments.array(0)
    return array[0] if array else Series({}, arguments.scope.period)


def _last(arguments: _Arguments) -> Value:
    array = arguments.array(0)
    return array[-1] if array else Series({}, arguments.scope.period)


def _sort(arguments: _Arguments) -> Value:
    array, window = arguments.array(0), arguments.scope.window
    by = arguments.word(1, ("AVG", "MIN", "MAX", "SUM"))
    descending = arguments.word(2, ("ASC", "DESC")) == "DESC"

    def key(series: Series) -> tuple[bool, float]:  # what has no figure comes last
        figure = _reduce_one(by, series, window)
        if math.isnan(figure):
            return True, 0.0
        return False, -figure if descending else figure

    ordered = sorted(array, key=key)
    return tuple(ordered[: arguments.whole(3)] if arguments.has(3) else ordered)


def _slice(arguments: _Arguments) -> Value:
    end = arguments.whole(2) if arguments.has(2) else None
    return arguments.array(0)[arguments.whole(1) : end]


def _remove_empty(arguments: _Arguments) -> Value:
    return tuple(series for series in arguments.array(0) if series.points)


def _time_series(arguments: _Arguments) -> Value:
    scope = arguments.scope
    dense = dict.fromkeys(_stamps(scope.window, scope.period), arguments.scalar(0))
    return _computed(Series({}, scope.period), dense)


def _period(arguments: _Arguments) -> Value:
    series = arguments.series(0)
    if not series.is_metric:
        raise _RefusedError("Function 'PERIOD' takes a metric, not the result of an expression")
    return float(series.period)


def _calendar(figure: Callable[[datetime], int]) -> _Function:
    """Make a function that has a value for every period, from its time stamp in UTC."""

    def function(arguments: _Arguments) -> Value:
        series = arguments.series(0)
        stamps = _stamps(arguments.scope.window, series.period)
        return _computed(
            series, {stamp: figure(datetime.fromtimestamp(stamp, UTC)) for stamp in stamps}
        )

    return function


def _search(arguments: _Arguments) -> Value:
    period = arguments.scope.period
    if arguments.has(2):
        period = arguments.whole(2)
    return arguments.scope.search(arguments.text(0), arguments.text(1), period)


_FUNCTIONS: Mapping[str, tuple[_Function, int, int]] = {
    "ABS": (_pointwise(abs), 1, 1),
    "CEIL": (_pointwise(math.ceil), 1, 1),
    "FLOOR": (_pointwise(math.floor), 1, 1),
    "LOG": (_pointwise(_log(math.log)), 1, 1),
    "LOG10": (_pointwise(_log(math.log10)), 1, 1),
    "DIFF": (_pairs(lambda value, before, _: value - before), 1, 1),
    "DIFF_TIME": (_pairs(lambda _value, _before, seconds: seconds), 1, 1),
    "RATE": (_pairs(lambda value, before, seconds: (value - before) / seconds), 1, 1),
    "RUNNING_SUM": (_each(_running_sum), 1, 1),
    **dict.fromkeys(_REDUCTIONS, (_reduce, 1, 1)),
    "FILL": (_fill, 2, 2),
    "IF": (_if, 2, 3),
    "METRICS": (_metrics, 0, 1),
    "METRIC_COUNT": (lambda arguments: float(len(arguments.array(0))), 1, 1),
    "FIRST": (_first, 1, 1),
    "LAST": (_last, 1, 1),
    "SORT": (_sort, 3, 4),
    "SLICE": (_slice, 2, 3),
    "REMOVE_EMPTY": (_remove_empty, 1, 1),
    "TIME_SERIES": (_time_series, 1, 1),
    "PERIOD": (_period, 1, 1),
    "MINUTE": (_calendar(lambda time: time.minute), 1, 1),
    "HOUR": (_calendar(lambda time: time.hour), 1, 1),
    "DAY": (_calendar(datetime.isoweekday), 1, 1),
    "DATE": (_calendar(lambda time: time.day), 1, 1),
    "MONTH": (_calendar(lambda time: time.month), 1, 1),
    "YEAR": (_calendar(lambda time: time.year), 1, 1),
    "EPOCH": (_calendar(lambda time: int(time.timestamp())), 1, 1),
    "SEARCH": (_search, 2, 3),
}

_ELSEWHERE: Mapping[str, str] = {
    "ANOMALY_DETECTION_BAND": "it needs a model that CloudWatch trains on two weeks of data",
    "INSIGHT_RULE_METRIC": "it reads Contributor Insights, which is not on this laptop",
    "SERVICE_QUOTA": "it reads the quotas of an AWS account",
    "DB_PERF_INSIGHTS": "it reads Performance Insights of a database on AWS",
    "LAMBDA": "it calls a data source connector on AWS",
}
"""Functions of CloudWatch that read what a laptop does not have."""
