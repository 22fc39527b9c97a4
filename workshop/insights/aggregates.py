"""The items of `stats` to SQL.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax-Stats.html
https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax-timeseries-functions.html
"""

from collections.abc import Callable

from workshop.insights import syntax, values
from workshop.insights.errors import MalformedQuery
from workshop.insights.expressions import AGGREGATES, Expressions, Surroundings, period
from workshop.insights.order import squeezed
from workshop.insights.values import Kind, Value

_PERCENT = 100
_MOST_RANGES = 1000


def _sum(argument: Value) -> Value:
    return Value(f"sum({values.number(argument)})", Kind.NUMBER)


def _extreme(function: str) -> Callable[[Value], Value]:
    """Make `min` or `max`: of numbers where there are any, else of texts.

    A time is shown as a number of milliseconds from here on.
    """

    def extreme(argument: Value) -> Value:
        if argument.kind not in values.TEXTUAL:
            return Value(f"{function}({values.number(argument)})", Kind.NUMBER)
        arrange = "arg_min" if function == "min" else "arg_max"
        number = values.plain_number(argument.sql)
        numbers = f"CAST({function}({number}) AS VARCHAR)"
        # The order of texts counts only where no value is a number, and is dear to work out.
        order = f"CASE WHEN {number} IS NULL THEN {values.natural(argument.sql)} END"
        texts = f"{arrange}({argument.sql}, {order})"
        return Value(f"coalesce({numbers}, {texts})", Kind.MIXED)

    return extreme


def _sorts(*, last: bool) -> Callable[[Value], Value]:
    """Make `sortsFirst` or `sortsLast`, by the order of `sort`."""

    def sorts(argument: Value) -> Value:
        if argument.kind not in values.TEXTUAL:
            return _extreme("max" if last else "min")(argument)
        order = ", ".join(values.ordering(argument, descending=last))
        return Value(f"first({argument.sql} ORDER BY {order})", argument.kind)

    return sorts


def _average(argument: Value) -> Value:
    return Value(f"avg({values.number(argument)})", Kind.NUMBER)


def _deviation(argument: Value) -> Value:
    return Value(f"stddev_pop({values.number(argument)})", Kind.NUMBER)


def _variance(argument: Value) -> Value:
    return Value(f"var_pop({values.number(argument)})", Kind.NUMBER)


def _median(argument: Value) -> Value:
    return Value(f"quantile_cont({values.number(argument)}, 0.5)", Kind.NUMBER)


def _distinct(argument: Value) -> Value:
    return Value(f"CAST(count(DISTINCT {values.mixed(argument)}) AS DOUBLE)", Kind.NUMBER)


def _collected(argument: Value) -> Value:
    shown = values.text(argument)
    listed = f"list(DISTINCT {shown}) FILTER (WHERE {shown} IS NOT NULL)"
    return Value(f"CAST(to_json(list_sort({listed})) AS VARCHAR)", Kind.JSON)


def _finite(number: str) -> str:
    """Give a DOUBLE, or NULL where it is too large to be one, or no number."""
    return f"CASE WHEN isfinite({number}) THEN {number} END"


_ONE_ARGUMENT: dict[str, Callable[[Value], Value]] = {
    "avg": _average,
    "collect_values": _collected,
    "count_distinct": _distinct,
    "countdistinct": _distinct,
    "max": _extreme("max"),
    "median": _median,
    "min": _extreme("min"),
    "sortsfirst": _sorts(last=False),
    "sortslast": _sorts(last=True),
    "stddev": _deviation,
    "sum": _sum,
    "sum_over_time": _sum,
    "sumovertime": _sum,
    "values": _collected,
    "variance": _variance,
}


class Aggregation:
    """Compiles the items of a `stats`: aggregates inside, what is computed of them outside."""

    def __init__(
        self,
        surroundings: Surroundings,
        inside: Expressions,
        column: Callable[[], str],
        keys: dict[str, Value],
        *,
        has_keys: bool,
    ) -> None:
        self.selected: list[str] = []
        self._surroundings = surroundings
        self._inside = inside
        self._column = column
        self._outer = dict(keys)
        self._has_keys = has_keys
        self._outside = Expressions(surroundings, self._field, self._aggregate_or_key)
        self._key_texts = {squeezed(name): value for name, value in keys.items()}

    def item(self, item: syntax.Item) -> Value:
        """Compile one item; the items before it are known by their names."""
        value = self._outside.value(item.value)
        self._outer[item.name] = value
        return value

    def _field(self, node: syntax.Field) -> Value:
        if node.name in self._outer:
            return self._outer[node.name]
        raise MalformedQuery(
            f"{node.name} is neither aggregated nor a key of stats", node.start, node.end
        )

    def _aggregate_or_key(self, node: syntax.Expression) -> Value | None:
        text = self._surroundings.text_of(node)
        if text in self._key_texts:
            return self._key_texts[text]
        if not isinstance(node, syntax.Call) or node.name not in AGGREGATES:
            return None
        if node.name == "histogram":
            return self._histogram(node)
        made = self._rate(node) if node.name == "rate" else self._aggregate(node)
        return Value(self._select(made.sql), made.kind)

    def _select(self, sql: str) -> str:
        """Work out something of each group; give the name of its column."""
        column = self._column()
        self.selected.append(f"{sql} AS {column}")
        return column

    def _aggregate(self, node: syntax.Call) -> Value:
        match node.name, node.arguments:
            case "count" | "count_over_time" | "countovertime", () | (syntax.Star(),):
                return Value("CAST(count(*) AS DOUBLE)", Kind.NUMBER)
            case "count" | "count_over_time" | "countovertime", (argument,):
                counted = self._inside.value(argument)
                return Value(f"CAST(count({counted.sql}) AS DOUBLE)", Kind.NUMBER)
            case "pct" | "percentile", (argument, syntax.Number(text=text)) if (
                0 <= float(text) <= _PERCENT
            ):
                numbers = values.number(self._inside.value(argument))
                share = float(text) / _PERCENT
                return Value(f"quantile_cont({numbers}, {share!r})", Kind.NUMBER)
            case "earliest" | "latest", (argument,):
                return self._by_time(node, self._inside.value(argument))
            case "topk", (syntax.Number(count=int(count)), argument):
                return self._top(node, count, self._inside.value(argument))
            case name, (argument,) if name in _ONE_ARGUMENT:
                return _ONE_ARGUMENT[name](self._inside.value(argument))
            case _:
                raise MalformedQuery(
                    f"{node.name} does not take these arguments", node.start, node.end
                )

    def _by_time(self, node: syntax.Call, value: Value) -> Value:
        time = self._inside.value(syntax.Field(node.start, node.end, "@timestamp"))
        function = "arg_min" if node.name == "earliest" else "arg_max"
        order = f"({time.sql}, id)" if self._surroundings.sees_events else time.sql
        if value.kind is Kind.TIME:
            value = Value(values.number(value), Kind.NUMBER)
        if value.kind is Kind.NULL:
            return Value("NULL::VARCHAR", Kind.TEXT)
        return Value(f"{function}({value.sql}, {order})", value.kind)

    def _rate(self, node: syntax.Call) -> Value:
        """Make `rate(field, 1m)`: by how much a number changes, per second of the interval.

        The page says "the per-interval rate of change", and no more. Chosen: from the earliest
        event of the group that has the number to the latest, over the seconds of the interval,
        however far apart the two are. So it is with the one figure known of the live service (a
        trial by others in June 2026): about 5000 for the milliseconds of `@timestamp`, with an
        interval of 1m, by bin(5m).
        """
        match node.arguments:
            case (argument, syntax.Duration() as interval) if period(interval).milliseconds:
                seconds = (period(interval).milliseconds or 0) / 1000
            case _:
                what = "rate takes a field and an interval of fixed length, such as 1m"
                raise MalformedQuery(what, node.start, node.end)
        number = _finite(values.number(self._inside.value(argument)))
        time = self._inside.value(syntax.Field(node.start, node.end, "@timestamp"))
        order = f"({time.sql}, id)" if self._surroundings.sees_events else time.sql
        change = f"(arg_max({number}, {order}) - arg_min({number}, {order}))"
        return Value(f"({change} / {seconds!r})", Kind.NUMBER)

    def _histogram(self, node: syntax.Call) -> Value:
        """Make `histogram(field, 10)`: how many values there are in each range, as a map.

        AWS documents this: a number of ranges of equal width, and a map. (A trial on the live
        service in June 2026, by others, saw a function for `by`, with a width.) Chosen: the
        ranges go from the least value to the greatest, the last one holds the greatest too, and
        the map leads from where each range begins to its count. Values that are all the same
        make one range; where there is no number there is no map.
        """
        match node.arguments:
            case (argument, syntax.Number(count=int(count))) if 1 <= count <= _MOST_RANGES:
                pass
            case _:
                what = f"histogram takes a field and a number of ranges, 1 to {_MOST_RANGES}"
                raise MalformedQuery(what, node.start, node.end)
        number = _finite(values.number(self._inside.value(argument)))
        listed = self._select(f"list({number}) FILTER (WHERE {number} IS NOT NULL)")
        low, high = self._select(f"min({number})"), self._select(f"max({number})")
        # By halves, so that no difference of two numbers is more than a number can be.
        share = f"(n / 2 - {low} / 2) / ({high} / 2 - {low} / 2)"
        place = (
            f"CASE WHEN {low} = {high} THEN 0 "
            f"ELSE CAST(least(floor({share} * {count}), {count - 1}) AS BIGINT) END"
        )
        # Each range once more than it is met, so that the empty ones are listed too.
        ranges = f"CASE WHEN {low} = {high} THEN 1 ELSE {count} END"
        places = f"list_concat(range({ranges}), list_transform({listed}, lambda n: {place}))"
        counted = f"map_entries(list_aggregate({places}, 'histogram'))"
        start = f"{low} + e.key * ({high} / {count} - {low} / {count})"
        entry = f"format('\"{{:.15g}}\":{{}}', {start}, CAST(e.value AS BIGINT) - 1)"
        entries = f"list_transform({counted}, lambda e: {entry})"
        shown = f"'{{' || array_to_string({entries}, ',') || '}}'"
        return Value(f"(CASE WHEN {low} IS NOT NULL THEN {shown} END)", Kind.JSON)

    def _top(self, node: syntax.Call, count: int, value: Value) -> Value:
        if self._has_keys:
            raise MalformedQuery("topk does not go with by", node.start, node.end)
        shown = values.text(value)
        ranked = (
            f"list_transform(map_entries(histogram({shown})), "
            "lambda e: {'n': -CAST(e.value AS BIGINT), 'v': e.key})"
        )
        top = f"list_transform(list_slice(list_sort({ranked}), 1, {count}), lambda e: e.v)"
        return Value(f"CAST(to_json({top}) AS VARCHAR)", Kind.JSON)
