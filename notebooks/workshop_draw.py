"""The notebooks' plots: one style, the deck's colours, and the two pictures that Altair lacks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import altair as alt
import vl_convert

if TYPE_CHECKING:
    import pandas as pd
    from workshop_values import Where

# As in slides/styles/deck.css. Good and bad never differ by colour alone: a word says it, too.
ACCENT, GOOD, BAD, WARN = "#0b63b0", "#1a7f37", "#c01c28", "#9a4b00"
INK, QUIET, PANEL = "#1f2328", "#57606a", "#eef2f6"
SERIES = [ACCENT, "#e0a458", INK, "#6cb6ff", WARN, "#a8b3bf"]
WIDTH, HEIGHT = 720, 300


@alt.theme.register("workshop", enable=False)
def _theme() -> alt.theme.ThemeConfig:
    text = {"labelFontSize": 15, "titleFontSize": 16, "labelColor": INK, "titleColor": INK}
    return {"config": {
        "background": "#ffffff", "font": "Helvetica, Arial, sans-serif",
        "view": {"continuousWidth": WIDTH, "continuousHeight": HEIGHT, "stroke": None},
        "title": {"fontSize": 19, "anchor": "start", "color": INK, "subtitleColor": QUIET,
                  "subtitleFontSize": 15, "offset": 12},
        "axis": {**text, "titleFontWeight": "normal", "titlePadding": 10, "gridColor": "#dfe4ea",
                 "domainColor": QUIET, "tickColor": QUIET, "labelLimit": 260},
        "axisX": {"grid": False},
        "legend": {**text, "symbolSize": 140, "labelLimit": 320},
        "header": text, "text": {"fontSize": 15, "color": INK},
        "line": {"strokeWidth": 2.5, "strokeJoin": "round", "color": ACCENT}, "bar": {"color": ACCENT},
        "point": {"size": 70, "filled": True, "color": ACCENT}, "rule": {"color": BAD, "strokeWidth": 2},
        "range": {"category": SERIES}}}  # fmt: skip


def _draw(spec: dict, **_: object) -> dict:
    """Give a chart twice: for JupyterLab, which draws it itself, and as the picture that is kept.

    JupyterLab 4 brings Vega-Lite 5. Altair writes for Vega-Lite 6: nothing that 5 lacks is used here.
    """
    spec = {**spec, "$schema": "https://vega.github.io/schema/vega-lite/v5.json",
            "usermeta": {"embedOptions": {"actions": False}}}  # fmt: skip
    png = vl_convert.vegalite_to_png(spec, vl_version="5.8", scale=1.5)
    return {"application/vnd.vegalite.v5+json": spec, "image/png": png, "text/plain": "a chart"}


alt.renderers.register("workshop", _draw)


def clock(field: str, here: Where | None = None, title: str = "time of day, UTC") -> alt.X:
    """Return an x axis of the hours of `here`, in UTC whatever the reader's time zone is.

    A tooltip has no scale to say so: give it the time as text, or it tells the reader's own.
    """
    ends = [] if here is None else [at.timestamp() * 1000 for at in (here.start, here.end)]
    hours = {"domain": ends} if ends else {}
    axis = alt.Axis(format="%H:%M", labelOverlap=True, labelFlush=False)
    return alt.X(f"{field}:T", title=title, axis=axis, scale=alt.Scale(type="utc", **hours))


def waterfall(spans: pd.DataFrame, title: str) -> alt.LayerChart:
    """Draw a trace: a bar for each span, below the one that called it.

    `spans` has, in order, `name`, `depth`, `from_ms`, `to_ms`, `went` (`well`, `error`, `fault`).
    """
    rows = spans.assign(
        row=[f"{number:02} {'·  ' * depth}{name}" for number, (depth, name)
             in enumerate(zip(spans["depth"], spans["name"], strict=True))],
        took=[f"{end - begin:,.1f} ms" + ("" if went == "well" else f", {went}") for begin, end, went
              in zip(spans["from_ms"], spans["to_ms"], spans["went"], strict=True)],
    )  # fmt: skip
    left = {"labelAlign": "left", "labelPadding": 330, "labelLimit": 325, "ticks": False}
    axis = alt.Axis(labelExpr="slice(datum.label, 3)", **left)  # the number keeps them in order
    y = alt.Y("row:N", title=None, sort=None, axis=axis)
    bars = alt.Chart(rows, title=title).encode(
        y=y, x=alt.X("from_ms:Q", title="ms since the trace began")
    )
    colour = alt.Color("went:N", title=None, legend=None, scale=alt.Scale(
        domain=["well", "error", "fault"], range=[ACCENT, WARN, BAD]))  # fmt: skip
    hover = [
        alt.Tooltip("name"),
        alt.Tooltip("took"),
        alt.Tooltip("from_ms", format=".1f", title="begins at, ms"),
    ]
    longest = float(rows["to_ms"].max())
    late = alt.datum.from_ms > longest * 0.6  # then there is room on the left
    label = bars.encode(text="took:N")
    return alt.layer(
        bars.mark_bar(height=18).encode(x2="to_ms:Q", color=colour, tooltip=hover),
        label.mark_text(align="left", dx=6).encode(x="to_ms:Q").transform_filter(~late),
        label.mark_text(align="right", dx=-6).transform_filter(late),
    ).properties(height=alt.Step(32))  # fmt: skip


def service_map(nodes: pd.DataFrame, edges: pd.DataFrame, title: str) -> alt.LayerChart:
    """Draw who calls whom.

    `nodes` has `name`, `x`, `y` (places, from 0), `below` (a line about it), `went` as in
    `waterfall`; `edges` has `x`, `y`, `x2`, `y2` and `label`.
    """
    wide = {"axis": None, "scale": alt.Scale(domain=[-0.5, float(nodes["x"].max()) + 0.5])}
    high = {"axis": None, "scale": alt.Scale(domain=[float(nodes["y"].max()) + 0.6, -0.5])}
    edges = edges.assign(mx=(edges["x"] + edges["x2"]) / 2, my=(edges["y"] + edges["y2"]) / 2)
    colour = alt.Color("went:N", legend=None, scale=alt.Scale(
        domain=["well", "error", "fault"], range=[ACCENT, WARN, BAD]))  # fmt: skip
    at = {"x": alt.X("x:Q", **wide), "y": alt.Y("y:Q", **high)}
    circles = alt.Chart(nodes, title=title).encode(**at)
    lines = alt.Chart(edges).encode(**at)
    middle = alt.Chart(edges).encode(
        x=alt.X("mx:Q", **wide), y=alt.Y("my:Q", **high), text="label:N"
    )
    return alt.layer(
        lines.mark_rule(color=QUIET, strokeWidth=2).encode(x2="x2:Q", y2="y2:Q"),
        middle.mark_text(dy=-12, color=QUIET),
        circles.mark_circle(size=2600, opacity=1).encode(color=colour, tooltip=["name", "below"]),
        circles.mark_text(dy=44, fontWeight="bold").encode(text="name:N"),
        circles.mark_text(dy=64, color=QUIET).encode(text="below:N"),
    ).properties(height=150 + 130 * int(nodes["y"].max()))
