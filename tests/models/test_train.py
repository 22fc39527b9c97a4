"""The fraud model: what lies in the repository is what models/train.py makes, and it is of use."""

import importlib.util
import sys
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import numpy_helper

ROOT = Path(__file__).parents[2]
MOUNT = ROOT / "solutions" / "10_inference" / "mnt" / "models"


@pytest.fixture(scope="module")
def train():
    spec = importlib.util.spec_from_file_location("train", ROOT / "models" / "train.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules["train"] = module  # dataclasses look it up
    try:
        spec.loader.exec_module(module)
        yield module
    finally:
        del sys.modules["train"]


@pytest.fixture(scope="module")
def networks(train):
    return {release.version: train.train(release) for release in train.RELEASES}


def file_of(version):
    return MOUNT / f"fraud-{version}.onnx"


def test_every_release_lies_on_the_mount(train):
    names = {path.name for path in MOUNT.iterdir()}
    assert names == {"current.txt", *(file_of(one.version).name for one in train.RELEASES)}
    assert (MOUNT / "current.txt").read_text() == "fraud-1.0.0.onnx\n"


def test_a_release_is_what_the_script_makes(train, networks):
    """But for the last digits, which differ from processor to processor."""
    for version, network in networks.items():
        made, kept = train.to_onnx(network, version), onnx.load(file_of(version))
        for one, other in zip(made.graph.initializer, kept.graph.initializer, strict=True):
            values = numpy_helper.to_array(one), numpy_helper.to_array(other)
            np.testing.assert_allclose(*values, rtol=5e-3, atol=5e-4, err_msg=one.name)
        for model in (made, kept):
            del model.graph.initializer[:]
        assert made == kept


def test_training_twice_gives_the_same_bytes(train, networks):
    release = train.RELEASES[0]
    again = train.to_onnx(train.train(release), release.version)
    first = train.to_onnx(networks[release.version], release.version)
    assert again.SerializeToString(deterministic=True) == first.SerializeToString(
        deterministic=True
    )


def test_the_file_answers_as_the_network_that_was_trained(train, networks):
    random = np.random.default_rng(1)
    features, _ = train.payments(random, 500, card_testing=True)
    for version, network in networks.items():
        session = onnxruntime.InferenceSession(
            train.to_onnx(network, version).SerializeToString(deterministic=True)
        )
        said = session.run(["risk"], {"features": features.astype(np.float32)})[0]
        np.testing.assert_allclose(said, network.activations(features)[-1], atol=1e-4)


def test_the_new_release_has_learned_of_card_testing(train, networks):
    caught, disturbed = zip(
        *(train.noticed(networks[one.version], one) for one in train.RELEASES), strict=True
    )
    assert caught[0] < 0.6
    assert caught[1] > 0.85
    assert max(disturbed) < 0.01


def test_the_function_and_the_script_name_the_features_alike(train):
    model = onnx.load(file_of("2.0.0"))
    said = {one.key: one.value for one in model.metadata_props}
    assert said == {"version": "2.0.0", "features": ",".join(train.FEATURES)}
    given = (ROOT / "steps" / "10_inference" / "fraud_model.py").read_text()
    assert all(f'"{name}"' in given for name in train.FEATURES)


def test_a_model_file_is_small_enough_to_keep_in_a_repository():
    assert sum(path.stat().st_size for path in MOUNT.glob("*.onnx")) < 20_000
