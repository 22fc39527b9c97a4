"""Draws the deck's pictures of architecture, with AWS's icons, for a dark and for a light room.

Needs what the deck itself does not: graphviz and the package `diagrams`; so the pictures are kept
in public/diagrams. From the root of the repository, after `pip install diagrams==0.25.1`:

    python slides/diagrams/draw.py
"""

import itertools
from pathlib import Path

from diagrams import Diagram, Edge, Node
from diagrams.aws.analytics import KinesisDataStreams
from diagrams.aws.compute import Lambda
from diagrams.aws.integration import SQS
from diagrams.aws.management import Cloudwatch
from diagrams.aws.ml import SagemakerModel
from diagrams.aws.mobile import APIGateway
from diagrams.aws.storage import EFS
from diagrams.onprem.client import Users
from diagrams.onprem.compute import Server
from PIL import Image

PICTURES = Path(__file__).parents[1] / "public" / "diagrams"
INK = {"dark": "#e6edf3", "light": "#1f2328"}
TALL = {"LR": "", "TB": "-tall"}
DARKEST = 90
ICON = 1.4  # inches
LINE_HEIGHT = 0.42
LINE = {"dark": "#8b949e", "light": "#57606a"}


def picture(name: str, theme: str, direction: str) -> Diagram:
    """Begin a picture that reads from left to right, or downwards for a phone held upright."""
    font = {"fontname": "Helvetica", "fontcolor": INK[theme]}
    return Diagram(
        "",
        filename=str(PICTURES / f"{name}-{theme}{TALL[direction]}"),
        direction=direction,
        outformat="png",
        show=False,
        graph_attr={
            "bgcolor": "transparent",
            "pad": "0.75,0.2",
            "nodesep": "0.7" if direction == "LR" else "1.6",
            "ranksep": "1.0",
            "dpi": "96",
            "splines": "spline",
        },
        node_attr={**font, "fontsize": "25"},
        edge_attr={**font, "fontsize": "22", "color": LINE[theme], "penwidth": "2"},
    )


def named(kind: type[Node], label: str) -> Node:
    """Make a node with its label below the icon, and not upon it."""
    lines = label.count("\n") + 1
    return kind(label, height=str(ICON + LINE_HEIGHT * lines), width=str(ICON), imagepos="tc")


def arrow(theme: str, label: str = "", style: str = "solid") -> Edge:
    """Make an arrow; telemetry is dashed."""
    return Edge(
        label=f" {label} ", style=style, color=LINE[theme], fontcolor=INK[theme], fontsize="22"
    )


def lighten(path: Path) -> None:
    """Give the icons that are drawn in dark grey the ink of a dark room."""
    image = Image.open(path).convert("RGBA")
    ink = tuple(int(INK["dark"][at : at + 2], 16) for at in (1, 3, 5))
    image.putdata(
        [
            (*ink, alpha) if alpha and max(colour) < DARKEST else (*colour, alpha)
            for *colour, alpha in image.get_flattened_data()
        ]
    )
    image.save(path, optimize=True)


def api(theme: str, direction: str) -> None:
    """An API in front of a function."""
    with picture("api", theme, direction):
        function = named(Lambda, "payments")
        (
            named(Users, "callers")
            >> arrow(theme, "HTTPS")
            >> named(APIGateway, "API Gateway")
            >> arrow(theme, "one event\na request")
            >> function
        )
        function >> arrow(theme, "charge") >> named(Server, "card processor")
        function >> arrow(theme, style="dashed") >> named(Cloudwatch, "logs, metrics,\ntraces")


def stream(theme: str, direction: str) -> None:
    """A stream read by a function."""
    with picture("stream", theme, direction):
        function = named(Lambda, "settlements")
        (
            named(Users, "producers")
            >> arrow(theme, "records")
            >> named(KinesisDataStreams, "Kinesis stream")
            >> arrow(theme, "a batch,\nin order")
            >> function
        )
        function >> arrow(theme, "which records\nstayed bad") >> named(SQS, "failure queue")
        function >> arrow(theme, style="dashed") >> named(Cloudwatch, "logs, metrics,\ntraces")


def inference(theme: str, direction: str) -> None:
    """Inference with a model on a shared mount."""
    with picture("inference", theme, direction):
        function = named(Lambda, "risk")
        named(Users, "callers") >> arrow(theme, "a payment") >> function
        model = named(EFS, "model on a\nshared mount")
        named(SagemakerModel, "a release\nof the model") >> arrow(theme, "copied") >> model
        model >> arrow(theme, "loaded once,\nat init") >> function
        function >> arrow(theme, style="dashed") >> named(Cloudwatch, "logs, metrics,\ntraces")


def main() -> None:
    """Draw all of them."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    for theme, direction in itertools.product(INK, TALL):
        api(theme, direction)
        stream(theme, direction)
        inference(theme, direction)
    for path in PICTURES.glob("*-dark*.png"):
        lighten(path)


if __name__ == "__main__":
    main()
