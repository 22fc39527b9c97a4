"""Writes the model that the check of step 10 tells apart sessions by.

    python models/counting.py

It looks like a release of the fraud model: the same input and output, the same metadata. But its
risk is a random number from a seed, and a session draws the next one each time that it is asked. So
a session that is kept answers every payment differently, and one that is made anew for every
payment begins at the same number.

https://onnx.ai/onnx/operators/onnx__RandomUniformLike.html
"""

from pathlib import Path

import onnx
from onnx import TensorProto, helper

FILE = Path(__file__).resolve().parents[1] / "workshop" / "course" / "counting.onnx"
FEATURES = ("amount", "hour", "foreign", "payments_last_hour", "card_age_days")
VERSION = "1.0.1"
SEED = 2024.0
IR_VERSION, OPSET = 10, 21


def counting() -> onnx.ModelProto:
    """Make the model: of each row of features one number, and in its place a random one."""
    graph = helper.make_graph(
        [
            helper.make_node("ReduceMean", ["features", "axes"], ["mean"]),
            helper.make_node(
                "RandomUniformLike", ["mean"], ["risk"], dtype=TensorProto.FLOAT, seed=SEED
            ),
        ],
        "counting",
        [helper.make_tensor_value_info("features", TensorProto.FLOAT, ["payments", len(FEATURES)])],
        [helper.make_tensor_value_info("risk", TensorProto.FLOAT, ["payments", 1])],
        [helper.make_tensor("axes", TensorProto.INT64, [1], [1])],
    )
    model = helper.make_model(
        graph, ir_version=IR_VERSION, opset_imports=[helper.make_opsetid("", OPSET)]
    )
    helper.set_model_props(model, {"version": VERSION, "features": ",".join(FEATURES)})
    onnx.checker.check_model(model, full_check=True)
    return model


if __name__ == "__main__":
    FILE.write_bytes(counting().SerializeToString(deterministic=True))
