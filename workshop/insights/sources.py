"""Where a query's log events come from: log groups and a time.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax-Source.html
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from workshop.insights import syntax, times
from workshop.insights.errors import MalformedQuery
from workshop.insights.expressions import Parameters, Scope

_MOST_DIGITS = 15


@dataclass(frozen=True, slots=True)
class Reach:
    """The log events in scope.

    Attributes:
        groups: The condition that one is of the log groups, as SQL over `log_events`.
        start_ms: First millisecond, inclusive.
        end_ms: Last millisecond, inclusive.
    """

    groups: str
    start_ms: int
    end_ms: int


def reach(sources: Sequence[syntax.Source], scope: Scope, parameter: Parameters) -> Reach:
    """Say which log events are in scope.

    Args:
        sources: The `SOURCE` stages of a query; they take the place of the scope's log groups.
        scope: What the query is asked of.
        parameter: Makes an SQL parameter of a value.

    Raises:
        MalformedQuery: When a bound of a `SOURCE` is no time.
    """
    groups = [parameter(name) for name in scope.log_groups]
    tests = [f"log_group IN ({', '.join(groups)})"] if groups else ["false"]
    start, end = scope.start_ms, scope.end_ms
    if sources:
        tests = []
        for source in sources:
            elsewhere = source.accounts and scope.account_id not in source.accounts
            if elsewhere or (source.classes and "STANDARD" not in source.classes):
                tests.append("false")
            elif source.group is not None:
                tests.append(f"log_group = {parameter(source.group)}")
            elif source.prefixes:
                tests += [
                    f"starts_with(log_group, {parameter(prefix)})" for prefix in source.prefixes
                ]
            else:
                tests.append("true")
            start = _bound(source.since, start, scope, source)
            end = _bound(source.until, end, scope, source)
    return Reach(f"({' OR '.join(tests)})", int(start), int(end))


def _bound(written: str | None, otherwise: int, scope: Scope, node: syntax.Node) -> int:
    if written is None:
        return otherwise
    if written.lower() == "now":
        return scope.now_ms
    found = re.fullmatch(r"([-+]?\d+)([a-z]*)", written.lower())
    length = times.MILLISECONDS.get(found[2] or "ms") if found else None
    if found is None or length is None or len(found[1]) > _MOST_DIGITS:
        raise MalformedQuery(f"{written} is no time", node.start, node.end)
    amount = int(found[1]) * length
    return amount if not found[2] and found[1].isdigit() else scope.now_ms + amount
