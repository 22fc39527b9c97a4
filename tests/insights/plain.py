"""A second reading of the language: slow, plain, in Python, from the same syntax tree.

It knows the classic part: fields, display, filter, parse, one stats, sort, limit, dedup, and after
them the stages that go by the place of a row. It shares nothing with the compiler but the tree and
the writing of numbers and times.
"""

# ruff: noqa: C901, PLR0911, PLR0912 - an evaluator has one branch for each kind of node

import csv
import json
import re
from collections import defaultdict
from dataclasses import dataclass, field
from functools import cmp_to_key
from itertools import zip_longest
from typing import Any

from workshop.insights import syntax
from workshop.insights.results import computed, timestamp

NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
AGGREGATES = {"count", "sum", "avg", "min", "max", "count_distinct", "pct", "earliest", "latest"}


@dataclass(frozen=True)
class Time:
    milliseconds: int


class Mixed(str):
    """A text that may be a computed number."""

    __slots__ = ()


Event = dict[str, Any]  # id, timestamp, message
Row = dict[str, Any]


@dataclass
class Table:
    """The rows so far, and how they are shown.

    `placed` says that they stand in their order, until a sort.
    """

    rows: list[Row]
    names: list[str] = field(default_factory=list)
    display: list[str] | None = None
    sort: tuple[syntax.SortTerm, ...] = ()
    limits: list[int] = field(default_factory=lambda: [10_000])
    placed: bool = False

    def shown(self) -> list[str]:
        names = self.names if self.display is None else self.display
        return list(dict.fromkeys(names or ["@timestamp", "@message"]))

    def place(self) -> None:
        if not self.placed or self.sort:
            self.rows = in_order(self.rows, self.sort, placed=self.placed)
        self.rows = self.rows[: min(self.limits)]
        self.sort, self.limits, self.placed = (), [10_000], True

    def show(self, name: str) -> None:
        self.names = [*(self.names or ["@timestamp", "@message"]), name]


def evaluate(query: syntax.Query, events: list[Event]) -> list[list[tuple[str, str]]]:
    table = Table([{"": event} for event in events])
    for stage in query.stages:
        apply(stage, table)
    table.place()
    written = []
    for row in table.rows:
        cells = [(name, write(look(name, row))) for name in table.shown()]
        written.append([(name, text) for name, text in cells if text is not None])
    return written


def apply(stage: syntax.Stage, table: Table) -> None:
    match stage:
        case syntax.Fields(items=items):
            table.names += [item.name for item in items]
            define(items, table.rows)
        case syntax.Display(items=items):
            table.display = [item.name for item in items]
            define(items, table.rows)
        case syntax.Filter(condition=condition):
            table.rows = [row for row in table.rows if truth(value(condition, row))]
        case syntax.Parse():
            for row in table.rows:
                parse(stage, row)
        case syntax.ParseCsv():
            for row in table.rows:
                parse_csv(stage, row)
        case syntax.Sort(terms=terms):
            table.sort = terms
        case syntax.Limit(count=count):
            table.limits.append(count)
        case syntax.Dedup(keys=keys):
            table.rows = dedup(keys, in_order(table.rows, table.sort))
        case syntax.Stats(items=items, keys=keys):
            table.rows = aggregate(items, keys, table.rows)
            table.names = [item.name for item in (*keys, *items)]
            table.display, table.sort, table.placed = None, (), True
        case _:
            apply_placed(stage, table)


def apply_placed(stage: syntax.Stage, table: Table) -> None:
    match stage:
        case syntax.Accum(value=node, name=name):
            table.place()
            total = 0.0
            for row in table.rows:
                one = number(value(node, row))
                total += one or 0
                row[name] = None if one is None else total
            table.show(name)
        case syntax.Autoregress(value=node, names=names):
            table.place()
            found = [value(node, row) for row in table.rows]
            for lag, name in names:
                for row, one in zip(table.rows, [None] * lag + found, strict=False):
                    row[name] = float(one) if isinstance(one, bool) else one
                table.show(name)
        case syntax.Filldown(fields=fields):
            table.place()
            for name in [one.name for one in fields] or table.shown():
                last = None
                for row in table.rows:
                    one = look(name, row)
                    last = last if one is None else float(one) if isinstance(one, bool) else one
                    row[name] = last
        case syntax.Addtotals():
            add_totals(stage, table)
        case syntax.Outlier():
            table.place()
            gone: list[int] = []
            for one in stage.fields:
                gone += outliers(stage, one.name, table)
            if stage.remove:
                table.rows = [row for n, row in enumerate(table.rows) if n not in gone]
        case syntax.CountFrequent(fields=fields):
            keys = [syntax.Item(0, 0, one, one.name, aliased=False) for one in fields]
            count = syntax.Item(0, 0, syntax.Call(0, 0, "count", ()), "_approxcount", aliased=True)
            table.rows = aggregate((count,), tuple(keys), table.rows)
            table.names, table.display = [*(one.name for one in keys), "_approxcount"], None
        case _:
            raise NotImplementedError(stage)


def add_totals(stage: syntax.Addtotals, table: Table) -> None:
    names = [one.name for one in stage.fields] or table.shown()
    if stage.row:
        for row in table.rows:
            numbers = [n for name in names if (n := summand(look(name, row))) is not None]
            row[stage.name] = sum(numbers) if numbers else None
        table.show(stage.name)
    if stage.column:
        table.place()
        columns: Row = {}
        for name in [*names, *([stage.name] if stage.row else [])]:
            numbers = [n for row in table.rows if (n := summand(look(name, row))) is not None]
            total = sum(numbers) if numbers else None
            texts = any(isinstance(look(name, row), str) for row in table.rows)
            columns[name] = total if total is None or not texts else Mixed(computed(total))
        table.rows.append({**columns, "bottom": None})


def summand(one: object) -> float | None:
    if isinstance(one, str):
        return plain(one)
    return None if isinstance(one, Time) else number(one)


def outliers(stage: syntax.Outlier, name: str, table: Table) -> list[int]:
    numbers = [number(look(name, row)) for row in table.rows]
    known = sorted(n for n in numbers if n is not None)
    if not known:
        known = [0.0]
    low, high = percentile(known, 0.25) or 0, percentile(known, 0.75) or 0
    least = low - stage.factor * (high - low) if stage.lower else float("-inf")
    most = high + stage.factor * (high - low)
    found = [i for i, n in enumerate(numbers) if n is not None and not least <= n <= most]
    for index, (row, one) in enumerate(zip(table.rows, numbers, strict=True)):
        if stage.mark:
            row[f"{name}_outlier"] = index in found
        if not stage.remove:
            row[name] = look(name, row)
            if index in found and one is not None:
                row[name] = most if one > most else least
            elif isinstance(row[name], bool):
                row[name] = float(row[name])
    if stage.mark:
        table.show(f"{name}_outlier")
    return found


def parse_csv(stage: syntax.ParseCsv, row: Row) -> None:
    subject = text(value(stage.source, row) if stage.source else look("@message", row))
    found = [] if subject is None else next(csv.reader([subject]), [""])
    for name, one in zip_longest(stage.aliases, found[: len(stage.aliases)]):
        if one is not None:
            row[name] = one
        else:
            row.setdefault(name, None)


def define(items: tuple[syntax.Item, ...], rows: list[Row]) -> None:
    for row in rows:
        for item in items:
            if item.aliased or not isinstance(item.value, syntax.Field):
                row[item.name] = value(item.value, row)


def parse(stage: syntax.Parse, row: Row) -> None:
    subject = text(value(stage.source, row) if stage.source else look("@message", row))
    if isinstance(stage.pattern, syntax.String):
        literals = [re.escape(literal) for literal in stage.pattern.value.split("*")]
        pattern = "(.*?)".join(literals[:-1]) + ("(.*?)" + literals[-1] if literals[-1] else "(.*)")
        names = list(stage.aliases)
    else:
        pattern = stage.pattern.pattern.replace("(?<", "(?P<")
        names = list(re.compile(pattern).groupindex)
    found = None if subject is None else re.search(pattern, subject, re.DOTALL)
    for number, name in enumerate(names, 1):
        if found is not None:
            row[name] = found[number]
        else:
            row.setdefault(name, None)


def dedup(keys: tuple[syntax.Expression, ...], rows: list[Row]) -> list[Row]:
    seen: set[tuple[str, ...]] = set()
    kept = []
    for row in rows:
        key = tuple(text(value(part, row)) for part in keys)
        if None in key or key not in seen:
            kept.append(row)
            seen.add(key)
    return kept


def in_order(
    rows: list[Row], terms: tuple[syntax.SortTerm, ...], *, placed: bool = False
) -> list[Row]:
    def compare(one: Row, two: Row) -> int:
        for term in terms:
            left, right = value(term.value, one), value(term.value, two)
            if left is None or right is None:
                if left is not right:
                    return 1 if left is None else -1
                continue
            first, second = natural(left), natural(right)
            if first != second:
                return (-1 if first < second else 1) * (-1 if term.descending else 1)
        return 0

    if not placed and "" in (rows or [{}])[0]:
        forward = syntax.oldest_first(terms)
        events = sorted(rows, key=lambda row: row[""]["id"], reverse=not forward)
        if not terms:
            events.sort(key=lambda row: row[""]["timestamp"], reverse=True)
        return sorted(events, key=cmp_to_key(compare))
    return sorted(rows, key=cmp_to_key(compare))


def natural(one: object) -> tuple[Any, ...]:
    if isinstance(one, str):
        if NUMBER.fullmatch(one) is None:
            runs = re.findall(r"\d+|\D+", one, re.ASCII)
            return (0, 0.0, [(f"0{len(r):09}{r}" if r[0].isdigit() else r) for r in runs], one)
        return (1, float(one), [], one)
    return (1, number(one), [], "")


def aggregate(
    items: tuple[syntax.Item, ...], by: tuple[syntax.Item, ...], rows: list[Row]
) -> list[Row]:
    groups: dict[tuple[Any, ...], list[Row]] = defaultdict(list)
    for row in rows:
        groups[tuple(value(key.value, row) for key in by)].append(row)
    if not by and not groups:
        groups[()] = []
    made = []
    for keys, members in groups.items():
        outer: Row = {key.name: found for key, found in zip(by, keys, strict=True)}
        for item in items:
            outer[item.name] = value(item.value, outer, members)
        made.append(outer)
    return made


def call_aggregate(node: syntax.Call, members: list[Row]) -> object:
    argument = node.arguments[0] if node.arguments else None
    if argument is None or isinstance(argument, syntax.Star):
        return float(len(members))
    found = [(row, value(argument, row)) for row in members]
    found = [(row, one) for row, one in found if one is not None]
    numbers = [n for _, one in found if (n := number(one)) is not None]
    match node.name:
        case "count":
            return float(len(found))
        case "count_distinct":
            return float(len({text(one) for _, one in found}))
        case "sum":
            return sum(numbers) if numbers else None
        case "avg":
            return sum(numbers) / len(numbers) if numbers else None
        case "earliest" | "latest":
            at = [((row[""]["timestamp"], row[""]["id"]), one) for row, one in found]
            best = (min if node.name == "earliest" else max)(at, key=lambda p: p[0], default=None)
            one = best and best[1]
            return float(one.milliseconds) if isinstance(one, Time) else one
        case "pct":
            return percentile(sorted(numbers), float(node.arguments[1].text) / 100)  # type: ignore[union-attr]
        case _:
            return extreme(min if node.name == "min" else max, [one for _, one in found])


def percentile(numbers: list[float], share: float) -> float | None:
    if not numbers:
        return None
    place = share * (len(numbers) - 1)
    low = int(place)
    high = min(low + 1, len(numbers) - 1)
    return numbers[low] + (numbers[high] - numbers[low]) * (place - low)


def extreme(choose: Any, found: list[Any]) -> object:
    if not any(isinstance(one, str) for one in found):
        return choose(map(number, found), default=None)
    numbers = [float(one) for one in found if NUMBER.fullmatch(one)]
    return choose(numbers) if numbers else choose(found, key=natural)


def look(name: str, row: Row) -> object:
    if name in row:
        return row[name]
    if "" not in row or "bottom" in row:
        return None
    event = row[""]
    if name.startswith("@"):
        return {"@message": event["message"], "@timestamp": Time(event["timestamp"])}.get(name)
    try:
        found = json.loads(event["message"])
    except ValueError:
        return None
    for part in name.split("."):
        if isinstance(found, list) and part.isdigit() and int(part) < len(found):
            found = found[int(part)]
        elif isinstance(found, dict):
            found = found.get(part)
        else:
            return None
    if isinstance(found, dict | list):
        return json.dumps(found, separators=(",", ":"))
    if isinstance(found, bool):
        return "true" if found else "false"
    return None if found is None else str(found)


def value(node: Any, row: Row, members: list[Row] | None = None) -> Any:
    def inner(one: Any) -> Any:
        return value(one, row, members)

    match node:
        case syntax.Field(name=name):
            return look(name, row)
        case syntax.Number(text=written):
            return float(written)
        case syntax.String(value=given) | syntax.Boolean(value=given):
            return given
        case syntax.Null():
            return None
        case syntax.Not(value=one):
            return not truth(inner(one))
        case syntax.Negative(value=one):
            return None if (n := number(inner(one))) is None else -n
        case syntax.Junction(operator="and", items=items):
            return all(truth(inner(item)) for item in items)
        case syntax.Junction(items=items):
            return any(truth(inner(item)) for item in items)
        case syntax.Comparison(operator="!=", left=left, right=right):
            return not compare("=", inner(left), inner(right), left, right)
        case syntax.Comparison(operator=operator, left=left, right=right):
            return compare(operator, inner(left), inner(right), left, right)
        case syntax.In(value=one, items=items):
            return any(compare("=", inner(one), inner(item), one, item) for item in items)
        case syntax.Like(value=one, pattern=syntax.String(value=wanted)):
            return (found := text(inner(one))) is not None and wanted in found
        case syntax.Like(value=one, pattern=syntax.Regex(pattern=wanted)):
            return (found := text(inner(one))) is not None and bool(re.search(wanted, found))
        case syntax.Arithmetic(operator=operator, left=left, right=right):
            return arithmetic(operator, inner(left), inner(right))
        case syntax.Call(name=name) if name in AGGREGATES and members is not None:
            return call_aggregate(node, members)
        case syntax.Call(name=name, arguments=arguments):
            return call(name, arguments, inner, row)
    raise NotImplementedError(node)


def call(name: str, arguments: tuple[Any, ...], inner: Any, row: Row) -> object:
    match name, arguments:
        case "bin", (syntax.Duration(count=count, unit=unit),):
            length = count * {"s": 1000, "m": 60_000}[unit]
            at = look("@timestamp", row).milliseconds  # type: ignore[attr-defined]
            return Time(at - at % length)
        case "ispresent", (one,):
            return inner(one) is not None
        case "coalesce", _:
            return next((one for item in arguments if (one := inner(item)) is not None), None)
        case "if", (condition, yes, no):
            return inner(yes) if truth(inner(condition)) else inner(no)
        case "strlen", (one,):
            return None if (found := text(inner(one))) is None else float(len(found))
        case "toupper", (one,):
            return None if (found := text(inner(one))) is None else Mixed(found.upper())
        case "concat", _:
            return Mixed("".join(text(inner(one)) or "" for one in arguments))
        case "abs", (one,):
            return None if (n := number(inner(one))) is None else abs(n)
    raise NotImplementedError(name)


def arithmetic(operator: str, left: object, right: object) -> float | Time | None:
    one, two = number(left), number(right)
    if one is None or two is None or (operator in "/%" and two == 0):
        return None
    match operator:
        case "+":
            return moved(one + two, left, right, plus=True)
        case "-":
            return moved(one - two, left, right, plus=False)
        case "*":
            return one * two
        case "/":
            return one / two
    raise NotImplementedError(operator)


def moved(result: float, left: object, right: object, *, plus: bool) -> float | Time:
    times = isinstance(left, Time) + isinstance(right, Time)
    if times == 1 and (plus or isinstance(left, Time)):
        return Time(int(result // 1))
    return result


def compare(operator: str, one: Any, two: Any, left: Any, right: Any) -> bool:
    if one is None or two is None:
        return False
    tests = {
        "=": lambda a, b: a == b,
        "<": lambda a, b: a < b,
        "<=": lambda a, b: a <= b,
        ">": lambda a, b: a > b,
        ">=": lambda a, b: a >= b,
    }
    test = tests[operator]
    if isinstance(one, str) and isinstance(two, str):
        # A text that the query gives, and that looks like no number, is compared as text.
        given = [n.value for n in (left, right) if isinstance(n, syntax.String)]
        if given and NUMBER.fullmatch(given[-1]) is None:
            return bool(test(one, two))
        a, b = (number(one), number(two)) if given else (plain(one), plain(two))
        return bool(test(a, b)) if a is not None and b is not None else bool(test(one, two))
    # Of the texts that a query gives, a boolean knows `true`, and a number only numbers.
    for node, given, other in ((left, one, two), (right, two, one)):
        known = isinstance(other, bool) and given in {"true", "false"}
        if isinstance(node, syntax.String) and plain(given) is None and not known:
            return False
    a, b = number(one), number(two)
    return a is not None and b is not None and bool(test(a, b))


def plain(one: str) -> float | None:
    return float(one) if NUMBER.fullmatch(one) else None


def number(one: object) -> float | None:
    if isinstance(one, bool):
        return float(one)
    if isinstance(one, str):
        return {"true": 1.0, "false": 0.0}.get(one, plain(one))
    return float(one.milliseconds) if isinstance(one, Time) else one  # type: ignore[return-value]


def text(one: object) -> str | None:
    if isinstance(one, bool):
        return "1" if one else "0"
    if isinstance(one, float):
        return computed(one)
    return str(one.milliseconds) if isinstance(one, Time) else one  # type: ignore[return-value]


def truth(one: object) -> bool:
    if one is None or isinstance(one, bool):
        return bool(one)
    as_number = number(one)
    return as_number != 0 if as_number is not None else one != ""


def write(one: object) -> str | None:
    return timestamp(one.milliseconds) if isinstance(one, Time) else text(one)
