"""Opens the fraud model and asks it. It is given: no step changes it.

The shared mount holds every release of the model, and `current.txt`, which names the one to use:

    mnt/models/current.txt          fraud-1.0.0.onnx
    mnt/models/fraud-1.0.0.onnx
    mnt/models/fraud-2.0.0.onnx
"""

import os
from pathlib import Path

import numpy as np
import onnxruntime

FEATURES = ("amount", "hour", "foreign", "payments_last_hour", "card_age_days")


class ModelError(Exception):
    """The model is not there, or it is none that this code can ask."""


class Model:
    """A release of the fraud model.

    Attributes:
        version: As the file itself says, such as 1.0.0.
    """

    def __init__(self, path: Path) -> None:
        """Read the file, which is slow beside asking the model.

        Raises:
            ModelError: It cannot be read, or wants other features than `FEATURES`.
        """
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1  # Less than 1,769 MB of memory is less than one CPU.
        try:
            self._session = onnxruntime.InferenceSession(path, options)
        except Exception as error:  # noqa: BLE001 (the errors of onnxruntime have no other base)
            message = f"{path} cannot be read as a model: {error}"
            raise ModelError(message) from None
        said = self._session.get_modelmeta().custom_metadata_map
        if said.get("features") != ",".join(FEATURES):
            message = f"{path} wants the features {said.get('features')}, not {','.join(FEATURES)}"
            raise ModelError(message)
        self.version = said["version"]

    def score(self, payment: dict) -> float:
        """Return the risk that a payment is fraud, 0 to 1."""
        card = payment["card"]
        features = {
            "amount": payment["amount"],
            "hour": payment["hour"],
            "foreign": payment["country"] != card["country"],
            "payments_last_hour": payment.get("payments_last_hour", 0),
            "card_age_days": card["age_days"],
        }
        row = [features[name] for name in FEATURES]
        risks = self._session.run(["risk"], {"features": np.array([row], dtype=np.float32)})[0]
        return float(risks[0, 0])


def load() -> Model:
    """Read the model that `current.txt` in the folder MODEL_MOUNT names.

    Raises:
        ModelError: There is none, or none that this code can ask; the message names the path.
    """
    mount = Path(os.environ["MODEL_MOUNT"])
    try:
        release = (mount / "current.txt").read_text(encoding="utf-8").strip()
    except OSError as error:
        message = f"{mount / 'current.txt'} cannot be read: {error.strerror}"
        raise ModelError(message) from None
    return Model(mount / release)
