"""Trains the fraud model of step 10, on payments that it makes up, and writes it as ONNX.

    python models/train.py

Two releases of one model, into the folder that stands for the shared mount. Release 1.0.0 knows
stolen cards: large amounts, at night, from another country than the card's. Then came card testing,
many small payments in a row to see which stolen numbers still work; release 2.0.0 has learned from
that, too.

numpy does the learning; https://onnx.ai/onnx/api/helper.html writes the file. The scaling of the
features is part of the model, so that a function hands over what it was given and cannot scale it
another way. Every random number comes from a seed: the same releases each time, but for the last
digits.
"""

import sys
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

Array = npt.NDArray[np.float64]

ROOT = Path(__file__).resolve().parents[1]
MOUNTS = (
    ROOT / "steps" / "10_inference" / "mnt" / "models",
    ROOT / "solutions" / "10_inference" / "mnt" / "models",
)
"""Folders that stand for the shared mount; both hold the same."""

FEATURES = (
    "amount",  # cents
    "hour",  # of the day where the card was issued, 0 to 23
    "foreign",  # 1: the payment comes from another country than the card
    "payments_last_hour",  # with this card
    "card_age_days",  # since this shop saw the card first
)
HIDDEN = (16, 8)
PAYMENTS = 20_000
EPOCHS = 40
BATCH = 200
RATE = 3e-3
REVIEW_ABOVE = 0.5
DIGITS = 5
"""Digits that a weight is rounded to: what differs from machine to machine lies behind them."""

IR_VERSION, OPSET = 10, 21
"""Of 2024, so that runtimes which are some years old can read the file, too.

https://onnxruntime.ai/docs/reference/compatibility.html
"""


@dataclass(frozen=True)
class Release:
    """One release of the model.

    Attributes:
        version: As it stands in the file.
        card_testing: Whether the payments to learn from hold card testing.
        seed: Of the payments and of the first weights.
    """

    version: str
    card_testing: bool
    seed: int


RELEASES = (Release("1.0.0", False, 2022), Release("2.0.0", True, 2023))


@dataclass
class Network:
    """Scaled features through dense layers to the risk, 0 to 1.

    Attributes:
        mean: Of each feature, taken away from it.
        spread: Standard deviation of each feature, which the rest is divided by.
        layers: Weights (inputs x outputs) and biases.
    """

    mean: Array
    spread: Array
    layers: list[tuple[Array, Array]]

    def activations(self, features: Array) -> list[Array]:
        """Return the input of each layer, and the risk last."""
        values = [(features - self.mean) / self.spread]
        for weights, bias in self.layers[:-1]:
            values.append(np.maximum(values[-1] @ weights + bias, 0))
        weights, bias = self.layers[-1]
        values.append(1 / (1 + np.exp(-(values[-1] @ weights + bias))))
        return values


def payments(random: np.random.Generator, count: int, *, card_testing: bool) -> tuple[Array, Array]:
    """Make up payments.

    Returns:
        Their features, a row each; and for each whether it was fraud, 1 or 0.
    """

    def some(share: float, count: int) -> npt.NDArray[np.bool_]:
        return random.random(count) < share

    amount = np.clip(random.lognormal(8.0, 1.0, count), 100, 500_000).round()
    hour = (random.normal(15, 5, count) % 24).astype(int)
    foreign = some(0.08, count)
    last_hour = random.poisson(0.3, count)
    age = random.exponential(400, count).round()

    stolen = some(0.04, count)
    amount[stolen] = np.clip(random.lognormal(10.6, 0.7, stolen.sum()), 5_000, 500_000).round()
    hour[stolen] = (random.normal(3, 3, stolen.sum()) % 24).astype(int)
    foreign[stolen] = some(0.8, stolen.sum())
    age[stolen] = random.exponential(20, stolen.sum()).round()
    testing = ~stolen & some(0.04 if card_testing else 0, count)
    amount[testing] = random.integers(100, 500, testing.sum())
    last_hour[testing] = random.poisson(9, testing.sum()) + 2
    age[testing] = 0
    features = np.column_stack([amount, hour, foreign, last_hour, age]).astype(np.float64)
    fraud = (stolen | testing) ^ some(
        0.005, count
    )  # Some fraud is never noticed, and some reports are.
    return features, fraud.astype(np.float64)[:, None]


def train(release: Release) -> Network:
    """Learn from made-up payments, by gradient descent (Adam).

    https://arxiv.org/abs/1412.6980, algorithm 1
    """
    random = np.random.default_rng(release.seed)
    features, fraud = payments(random, PAYMENTS, card_testing=release.card_testing)
    sizes = (len(FEATURES), *HIDDEN, 1)
    layers = [
        (random.normal(0, (2 / inputs) ** 0.5, (inputs, outputs)), np.zeros(outputs))
        for inputs, outputs in pairwise(sizes)
    ]
    network = Network(features.mean(axis=0), features.std(axis=0), layers)
    values = [value for layer in layers for value in layer]
    moments = [(np.zeros_like(value), np.zeros_like(value)) for value in values]
    number = 0
    for _ in range(EPOCHS):
        order = random.permutation(PAYMENTS)
        for start in range(0, PAYMENTS, BATCH):
            batch = order[start : start + BATCH]
            number += 1
            slopes = gradient(network, features[batch], fraud[batch])
            for value, slope, (mean, square) in zip(values, slopes, moments, strict=True):
                mean[:] = 0.9 * mean + 0.1 * slope
                square[:] = 0.999 * square + 0.001 * slope**2
                step = mean / (1 - 0.9**number)
                value[:] -= RATE * step / (np.sqrt(square / (1 - 0.999**number)) + 1e-8)
    return Network(
        rounded(network.mean),
        rounded(network.spread),
        [(rounded(w), rounded(b)) for w, b in layers],
    )


def gradient(network: Network, features: Array, fraud: Array) -> list[Array]:
    """Return the slope of the log loss along every weight and bias, in the layers' order."""
    *inputs, risk = network.activations(features)
    error = (risk - fraud) / len(fraud)
    slopes: list[Array] = []
    for (weights, _), value in zip(reversed(network.layers), reversed(inputs), strict=True):
        slopes[:0] = [value.T @ error, error.sum(axis=0)]
        error = (error @ weights.T) * (value > 0)
    return slopes


def rounded(values: Array) -> Array:
    """Return values with `DIGITS` significant digits."""
    return np.array([float(f"{value:.{DIGITS}g}") for value in values.flat]).reshape(values.shape)


def to_onnx(
    network: Network, version: str, features: tuple[str, ...] = FEATURES
) -> onnx.ModelProto:
    """Write a network as an ONNX model, with its version and its features in the metadata.

    https://onnx.ai/onnx/repo-docs/IR.html
    """
    tensors = {"mean": network.mean, "spread": network.spread}
    nodes = [
        helper.make_node("Sub", ["features", "mean"], ["centred"]),
        helper.make_node("Div", ["centred", "spread"], ["layer_0"]),
    ]
    last = len(network.layers)
    for number, (weights, bias) in enumerate(network.layers, 1):
        tensors |= {f"weights_{number}": weights, f"bias_{number}": bias}
        inputs = [f"layer_{number - 1}", f"weights_{number}", f"bias_{number}"]
        kind, output = ("Sigmoid", "risk") if number == last else ("Relu", f"layer_{number}")
        nodes.append(helper.make_node("Gemm", inputs, [f"dense_{number}"]))
        nodes.append(helper.make_node(kind, [f"dense_{number}"], [output]))
    graph = helper.make_graph(
        nodes,
        "fraud",
        [helper.make_tensor_value_info("features", TensorProto.FLOAT, ["payments", len(features)])],
        [helper.make_tensor_value_info("risk", TensorProto.FLOAT, ["payments", 1])],
        [numpy_helper.from_array(t.astype(np.float32), name) for name, t in tensors.items()],
    )
    model = helper.make_model(
        graph, ir_version=IR_VERSION, opset_imports=[helper.make_opsetid("", OPSET)]
    )
    helper.set_model_props(model, {"version": version, "features": ",".join(features)})
    onnx.checker.check_model(model, full_check=True)
    return model


def noticed(network: Network, release: Release) -> tuple[float, float]:
    """Try the network on payments that it has not learned from.

    Returns:
        Shares: of the fraud, how much is above `REVIEW_ABOVE`; of the rest, how much.
    """
    random = np.random.default_rng(release.seed + 1)
    features, fraud = payments(random, PAYMENTS, card_testing=True)
    over = network.activations(features)[-1] > REVIEW_ABOVE
    return float(over[fraud == 1].mean()), float(over[fraud == 0].mean())


def main() -> None:
    """Train and write every release; what `current.txt` names stays."""
    for release in RELEASES:
        network = train(release)
        model = to_onnx(network, release.version).SerializeToString(deterministic=True)
        for mount in MOUNTS:
            mount.mkdir(parents=True, exist_ok=True)
            (mount / f"fraud-{release.version}.onnx").write_bytes(model)
        caught, disturbed = noticed(network, release)
        sys.stdout.write(
            f"fraud-{release.version}.onnx  {len(model):,} bytes; with card testing about, it"
            f" notices {caught:.0%} of the fraud, and disturbs {disturbed:.1%} of the rest\n"
        )


if __name__ == "__main__":
    main()
