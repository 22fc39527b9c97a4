"""Draws the deck's pictures of architecture, with AWS's icons, for a dark and for a light room.

Needs what the deck itself does not: graphviz and the package `diagrams`; so the pictures are kept
in public/diagrams. From the root of the repository, after `pip install diagrams==0.25.1`:

    python slides/diagrams/draw.py
"""

from pathlib import Path

from diagrams import Diagram, Edge
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
DARKEST = 90
LINE = {"dark": "#8b949e", "light": "#57606a"}


def picture(name: str, theme: str) -> Diagram:
    """Begin a picture that reads from left to right."""
    font = {"fontname": "Helvetica", "fontcolor": INK[theme]}
    return Diagram(
        "",
        filename=str(PICTURES / f"{name}-{theme}"),
        direction="LR",
        outformat="png",
        show=False,
        graph_attr={
            "bgcolor": "transparent",
            "pad": "0.6",
            "nodesep": "0.9",
            "ranksep": "1.3",
            "dpi": "110",
            "splines": "spline",
        },
        node_attr={**font, "fontsize": "17"},
        edge_attr={**font, "fontsize": "14", "color": LINE[theme], "penwidth": "2"},
    )


def arrow(theme: str, label: str = "", style: str = "solid") -> Edge:
    """Make an arrow; telemetry is dashed."""
    return Edge(
        label=f" {label} ", style=style, color=LINE[theme], fontcolor=INK[theme], fontsize="15"
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


def api(theme: str) -> None:
    """An API in front of a function."""
    with picture("api", theme):
        telemetry = Cloudwatch("logs, metrics, traces")
        function = Lambda("payments")
        (
            Users("callers")
            >> arrow(theme, "HTTPS")
            >> APIGateway("API Gateway")
            >> arrow(theme, "one event\na request")
            >> function
        )
        function >> arrow(theme, "charge") >> Server("card processor")
        function >> arrow(theme, style="dashed") >> telemetry


def stream(theme: str) -> None:
    """A stream read by a function."""
    with picture("stream", theme):
        function = Lambda("settlements")
        (
            Users("producers")
            >> arrow(theme, "records")
            >> KinesisDataStreams("Kinesis stream")
            >> arrow(theme, "a batch\nin order")
            >> function
        )
        function >> arrow(theme, "records that\nstay bad") >> SQS("on failure")
        function >> arrow(theme, style="dashed") >> Cloudwatch("logs, metrics, traces")


def inference(theme: str) -> None:
    """Inference with a model on a shared mount."""
    with picture("inference", theme):
        function = Lambda("risk")
        Users("callers") >> arrow(theme, "a payment") >> function
        model = EFS("model on a shared mount")
        SagemakerModel("a release of the model") >> arrow(theme, "copied") >> model
        model >> arrow(theme, "loaded once,\nat init") >> function
        function >> arrow(theme, style="dashed") >> Cloudwatch("logs, metrics, traces")


def main() -> None:
    """Draw all of them."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    for theme in INK:
        api(theme)
        stream(theme)
        inference(theme)
    for path in PICTURES.glob("*-dark.png"):
        lighten(path)


if __name__ == "__main__":
    main()
