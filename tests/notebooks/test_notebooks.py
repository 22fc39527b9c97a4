"""The notebooks: script and notebook agree, and a re-run tells the same."""

import json
import os
import re
from pathlib import Path

import keep
import nbformat
import pytest
import start

SCRIPTS = keep.scripts()
ids = [str(script.relative_to(keep.HERE)) for script in SCRIPTS]

SECONDS = r"\d\d:\d\d:\d\d(?:[.,]\d+)?"
ANY = (
    (re.compile(rf"\d{{4}}-\d\d-\d\d(?:[T ]{SECONDS})?"), "DATE"),
    (re.compile(SECONDS), "CLOCK"),
    (re.compile(r"\b1-[0-9a-f]{8}-[0-9a-f]{24}\b"), "TRACE"),
    (re.compile(r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b"), "UUID"),
    (re.compile(r"(?<![.\w])(?:ch_)?[0-9a-f]{16,32}\b"), "ID"),
    (re.compile(r"(?<![\w.])1[6-9]\d{8}(?:\d{3})?(?:\.\d+)?\b"), "EPOCH"),
)
CELL = re.compile(r"<t[hd][^>]*>(.*?)</t[hd]>")
TIME_OF_DAY = re.compile(r"(?<![\d:+-])\d\d:\d\d(?!\d)")
NUMBER = re.compile(r"-?\d+(?:,\d{3})*(?:\.\d+)?")


@pytest.fixture
def kept(script):
    """The notebook of a script, with the outputs that are kept."""
    return nbformat.read(script.with_suffix(".ipynb"), as_version=4)


@pytest.mark.parametrize("script", SCRIPTS, ids=ids)
def test_script_and_notebook_agree(script, kept):
    wanted, found = keep.read(script), kept

    assert [(cell.cell_type, cell.source, tags(cell)) for cell in found.cells] == [
        (cell.cell_type, cell.source, tags(cell)) for cell in wanted.cells
    ]


@pytest.mark.parametrize("script", SCRIPTS, ids=ids)
def test_kept_with_outputs_of_one_run_from_top_to_bottom(script, kept):
    code = [cell for cell in kept.cells if cell.cell_type == "code"]

    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    for cell in code:
        failed = any(output.output_type == "error" for output in cell.outputs)
        assert failed == ("raises-exception" in tags(cell)), cell.source
        assert not [output for output in cell.outputs if output.get("name") == "stderr"], (
            cell.source
        )


@pytest.mark.parametrize("script", SCRIPTS, ids=ids)
def test_outputs_name_no_place_on_this_machine(script, kept):
    said = json.dumps([cell.get("outputs", []) for cell in kept.cells])
    said = re.sub(r'"image/png": "[^"]*"', "", said)  # base64 may spell anything

    assert not re.findall(r"/(?:home|root|work|Users|tmp|var)/[^\s\"']*", said)


@pytest.mark.parametrize("script", SCRIPTS, ids=ids)
def test_links_lead_to_what_jupyterlab_serves(script, kept):
    text = "\n".join(cell.source for cell in kept.cells if cell.cell_type == "markdown")
    links = [link for link in re.findall(r"\]\(([^)#]+)\)", text) if "://" not in link]
    (root,) = (said.partition("=")[2] for said in start.OPTIONS if "root_dir" in said)

    for link in links:
        target = (script.parent / link).resolve()
        assert target.exists(), link
        assert target.is_relative_to(root), link


@pytest.mark.parametrize("script", SCRIPTS, ids=ids)
def test_every_chart_has_axes_that_say_what_they_are(script, kept):
    for chart in charts(kept):
        for encoding in encodings(chart):
            for channel in ("x", "y"):
                axis = encoding.get(channel, {})
                if (
                    axis.get("type") in {"quantitative", "temporal"}
                    and axis.get("axis", {}) is not None
                ):
                    shared = any(one.get(channel, {}).get("title") for one in encodings(chart))
                    assert axis.get("title") or shared, (axis, chart.get("title"))


@pytest.mark.parametrize("script", SCRIPTS, ids=ids)
def test_a_time_in_a_tooltip_is_text_since_vega_lite_tells_it_in_the_readers_zone(script, kept):
    for chart in charts(kept):
        for encoding in encodings(chart):
            hovered = encoding.get("tooltip", [])
            for one in hovered if isinstance(hovered, list) else [hovered]:
                assert one.get("type") != "temporal", (one, chart.get("title"))


@pytest.mark.parametrize("script", SCRIPTS, ids=ids)
def test_every_chart_has_a_picture_and_needs_nothing_newer_than_jupyterlab_has(script, kept):
    for cell in kept.cells:
        for output in cell.get("outputs", []):
            data = output.get("data", {})
            assert ("image/png" in data) == (keep.CHART in data)
            if keep.CHART in data:
                assert data[keep.CHART]["$schema"].endswith("/vega-lite/v5.json")


@pytest.mark.parametrize("script", SCRIPTS, ids=ids)
def test_a_run_over_fresh_traffic_tells_the_same(script, kept, state, home):
    """Traffic is made anew from its seed; what was measured, in time, is compared by its form."""
    again = keep.read(script)
    keep.run(again, script.parent, {**os.environ, "HOME": str(home), **foreign()})

    for before, after in zip(kept.cells, again.cells, strict=True):
        if before.cell_type != "code":
            continue
        assert_alike(before, after)
    assert_of_the_hours_asked_about(again)


def foreign():
    """Variables of a shell that would lead away from the lab, and from UTC."""
    return {
        "TZ": "Asia/Kolkata",
        "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
        "AWS_ENDPOINT_URL_LOGS": "http://127.0.0.1:9",
        "AWS_ACCESS_KEY_ID": "not yours",
        "AWS_SECRET_ACCESS_KEY": "to use",
        "AWS_REGION": "eu-west-1",
    }


def assert_of_the_hours_asked_about(notebook):
    """Every time of day that is told is one of those hours, which are in UTC."""
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    said = "\n".join(one.get("text") or written(one.get("data", {})) for one in outputs)
    ((start, end),) = re.findall(r"Asking about: \S+ (\d\d:\d\d) to (\d\d:\d\d) UTC", said)

    assert [time for time in TIME_OF_DAY.findall(said) if not start <= time <= end] == []


def assert_alike(before, after):
    how = tags(before)
    a, b = figures(before), figures(after)
    if "measured" in how:
        a, b = shape(a), shape(b)
    if "binned" in how:
        a, b = totals(a), totals(b)
    assert a == b, before.source


def figures(cell):
    """What a cell shows, but for what differs from run to run: dates, and identifiers."""
    found = []
    for output in cell.outputs:
        if output.output_type == "stream":
            found.append([output.name, normal(output.text)])
        elif output.output_type == "error":
            found.append(["error", normal("\n".join(output.traceback))])
        elif keep.CHART in output.data:
            found.append(["chart", timeless(json.loads(named_in_order(output.data[keep.CHART])))])
        else:
            found.append(["data", normal(written(output.data))])
    return found


def written(data):
    """A table as a line for each row: plain text is folded where its figures happen to be wide."""
    if "text/html" not in data:
        return data.get("text/plain", "")
    return "\n".join(" | ".join(CELL.findall(row)) for row in data["text/html"].split("</tr>"))


def named_in_order(chart):
    """A chart as JSON. Altair names data by a hash of it, which dates change, too."""
    spec = json.dumps(
        {name: part for name, part in chart.items() if name != "datasets"}, sort_keys=True
    )
    names = {
        name: f"data-{n}"
        for n, name in enumerate(dict.fromkeys(re.findall(r"data-[0-9a-f]+", spec)))
    }
    said = json.dumps(chart, sort_keys=True)
    for name, short in names.items():
        said = said.replace(name, short)
    return said


def shape(found):
    """What kind of things they are: columns and number of rows, a chart without its data."""
    shapes = []
    for kind, what in found:
        if kind == "chart":
            columns = {name: sorted(rows[0]) for name, rows in what["datasets"].items()}
            spec = json.dumps({name: part for name, part in what.items() if name != "datasets"})
            shapes.append([kind, NUMBER.sub("0", spec), columns])
        else:
            lines = what.splitlines() or [""]
            shapes.append([kind, NUMBER.sub("0", " ".join(lines[0].split()))])
    return shapes


def totals(found):
    """What stays when an event at the edge of a bin is written a little later, in the next one.

    All of a chart but its rows, and of those the sum of each column of whole numbers; of anything
    else its words.
    """
    kept = []
    for kind, what in found:
        if kind == "chart":
            rest = {name: part for name, part in what.items() if name != "datasets"}
            kept.append([kind, rest, {name: sums(rows) for name, rows in what["datasets"].items()}])
        else:
            kept.append([kind, NUMBER.sub("0", what)])
    return kept


def sums(rows):
    columns = {name: [row[name] for row in rows] for name in sorted(rows[0])}
    whole = {
        name: sum(values)
        for name, values in columns.items()
        if all(isinstance(value, int | float) and float(value).is_integer() for value in values)
    }
    return {"columns": list(columns), "sums": whole}


def test_an_event_that_falls_into_the_next_bin_changes_no_total_and_one_that_is_lost_does():
    def chart(*rows):
        named = [{"time": at, "failed": failed, "percent": failed / 3} for at, failed in rows]
        return [["chart", {"mark": "bar", "datasets": {"data-0": named}}]]

    kept = totals(chart(("DATE", 2), ("DATE", 5)))
    assert totals(chart(("DATE", 1), ("DATE", 5), ("DATE", 1))) == kept
    assert totals(chart(("DATE", 1), ("DATE", 5))) != kept


def timeless(value):
    """JSON whose texts are normal, and whose numbers are no times."""
    if isinstance(value, dict):
        return {name: timeless(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [timeless(inner) for inner in value]
    if isinstance(value, str):
        return normal(value)
    return normal(json.dumps(value)) if isinstance(value, float) and value > 1e9 else value


def normal(text):
    for pattern, word in ANY:
        text = pattern.sub(word, text)
    return text


def tags(cell):
    return set(cell.metadata.get("tags", []))


def charts(notebook):
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            if keep.CHART in output.get("data", {}):
                yield output.data[keep.CHART]


def encodings(part):
    found = [part["encoding"]] if "encoding" in part else []
    for key in ("layer", "hconcat", "vconcat", "concat"):
        for inner in part.get(key, []):
            found += encodings(inner)
    return found


def test_the_scripts_are_all_there():
    names = [script.stem for script in SCRIPTS if script.parent == keep.HERE]

    assert names[:4] == ["00_first_query", "01_logs", "02_metrics", "03_traces"]
    for name in names:
        assert Path(keep.HERE, "solutions", f"{name}.py").exists()
