"""`parse` and `json`: fields out of a text.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax-Parse.html
"""

from collections.abc import Sequence

from workshop.insights import regex, syntax, values
from workshop.insights.errors import MalformedQuery
from workshop.insights.expressions import accessed, checked
from workshop.insights.pipeline import Pipeline
from workshop.insights.values import Kind, Value


def apply_parse(pipeline: Pipeline, stage: syntax.Parse) -> None:
    """Find a glob or a regular expression; its `*` or groups become fields."""
    subject = _subject(pipeline, stage)
    tests = []
    if isinstance(stage.pattern, syntax.String):
        pattern, count = regex.from_glob(stage.pattern.value)
        names: list[str | None] = list(stage.aliases)
        if len(names) != max(count, 1):
            raise MalformedQuery(
                f"the pattern has {count} '*' for {len(names)} names", stage.start, stage.end
            )
        if not count:
            literal = f"{pipeline.parameter(stage.pattern.value)}::VARCHAR"
            found = f"CASE WHEN contains({subject}, {literal}) THEN {literal} END"
            _add_parsed(pipeline, [(stage.aliases[0], found)])
            return
        # What has not even the longest text between the `*` is quickly passed over.
        literal = max(stage.pattern.value.split("*"), key=len)
        tests.append(f"contains({subject}, {pipeline.parameter(literal)})")
    else:
        pattern, names = _groups(stage, stage.pattern)
    groups = pipeline.column()
    fields = [f"g{number}" for number in range(1, len(names) + 1)]
    expression = pipeline.parameter(pattern)
    tests.append(f"regexp_matches({subject}, {expression})")
    pipeline.layer(
        f"CASE WHEN {' AND '.join(tests)} "
        f"THEN regexp_extract({subject}, {expression}, {fields}) END AS {groups}"
    )
    parsed = [
        (name, f"{groups}.{group}") for name, group in zip(names, fields, strict=True) if name
    ]
    _add_parsed(pipeline, parsed)


def apply_multi(pipeline: Pipeline, stage: syntax.ParseMulti) -> None:
    """Make a row for each match; a row without one stays, without the fields (chosen)."""
    subject = _subject(pipeline, stage)
    pattern, names = _groups(stage, stage.pattern)
    found = [(index, name) for index, name in enumerate(names, 1) if name]
    pipeline.begin_rows()
    expression = pipeline.parameter(pattern)
    lists = [f"regexp_extract_all({subject}, {expression}, {index})" for index, _ in found]
    match = pipeline.column()
    pipeline.layer(
        f"unnest(CASE WHEN regexp_matches({subject}, {expression}) "
        f"THEN list_zip({', '.join(lists)}) ELSE [NULL] END) AS {match}"
    )
    parsed = [(name, f"{match}[{place}]") for place, (_, name) in enumerate(found, 1)]
    _add_parsed(pipeline, parsed)


def apply_logfmt(pipeline: Pipeline, stage: syntax.ParseLogfmt) -> None:
    """Make a map of `key=value` pairs."""
    subject = _subject(pipeline, stage)
    pair = pipeline.parameter(regex.LOGFMT_PAIR)
    entries = (
        f"list_zip(regexp_extract_all({subject}, {pair}, 1), "
        f"regexp_extract_all({subject}, {pair}, 2))"
    )
    members = (
        f"list_transform({entries}, lambda e: "
        "CAST(to_json(e[1]) AS VARCHAR) || ':' || CAST(to_json(trim(e[2], '\"')) AS VARCHAR))"
    )
    made = Value(f"('{{' || array_to_string({members}, ',') || '}}')", Kind.JSON)
    pipeline.add([(stage.name, made)])


def apply_csv(pipeline: Pipeline, stage: syntax.ParseCsv) -> None:
    """Give each value between commas its name.

    A value may be in double quotes, with doubled ones for a quote in it, and keeps its white space
    (https://www.rfc-editor.org/rfc/rfc4180). Chosen: a name without a value is missing, and values
    without a name are left out.
    """
    listed = pipeline.column()
    found = f"regexp_extract_all(',' || {_subject(pipeline, stage)}, '{regex.CSV_VALUE}', 1)"
    pipeline.layer(f"{found} AS {listed}")
    parsed = []
    for place, name in enumerate(stage.aliases, 1):
        value = f"{listed}[{place}]"
        unquoted = f"replace({value}[2:-2], '\"\"', '\"')"
        parsed.append((name, f"CASE WHEN {value} LIKE '\"%\"' THEN {unquoted} ELSE {value} END"))
    _add_parsed(pipeline, parsed)


def apply_json(pipeline: Pipeline, stage: syntax.Json) -> None:
    """Read a path of keys in a field that has JSON."""
    source = pipeline.value(stage.source)
    text = source.sql if source.kind is Kind.JSON else values.text(source)
    found = accessed(Value(text, Kind.ITEM), stage.key, pipeline.parameter)
    pipeline.add([(stage.name, found)])


def _groups(
    stage: syntax.Parse | syntax.ParseMulti, pattern: syntax.Regex
) -> tuple[str, list[str | None]]:
    """Give a regular expression, and a name for each of its groups that becomes a field."""
    plain, names = checked(pattern)
    if stage.aliases:
        if len(stage.aliases) != len(names):
            what = f"the pattern has {len(names)} groups for {len(stage.aliases)} names"
            raise MalformedQuery(what, stage.start, stage.end)
        names = list(stage.aliases)
    if not any(names):
        raise MalformedQuery("the pattern has no named group", pattern.start, pattern.end)
    return plain, names


def _subject(
    pipeline: Pipeline,
    stage: syntax.Parse | syntax.ParseMulti | syntax.ParseLogfmt | syntax.ParseCsv,
) -> str:
    source = stage.source or syntax.Field(stage.start, stage.end, "@message")
    return values.text(pipeline.value(source))


def _add_parsed(pipeline: Pipeline, parsed: Sequence[tuple[str, str]]) -> None:
    """Add what a `parse` found; a name that an earlier one made keeps its value else."""
    additions = []
    for name, sql in parsed:
        earlier = pipeline.defined.get(name)
        if earlier is not None:
            kind, sqls = values.unified([Value(sql, Kind.TEXT), earlier])
            additions.append((name, Value(f"coalesce({sqls[0]}, {sqls[1]})", kind)))
        else:
            additions.append((name, Value(f"({sql})", Kind.TEXT)))
    pipeline.add(additions)
