"""The model that tells sessions apart: what lies in the repository is what the script makes."""

import importlib.util
from pathlib import Path
from random import Random

import pytest

from workshop.course import inference

ROOT = Path(__file__).parents[2]


@pytest.fixture
def counting():
    spec = importlib.util.spec_from_file_location("counting", ROOT / "models" / "counting.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_file_is_what_the_script_makes(counting):
    assert inference.COUNTING == counting.FILE
    made = counting.counting().SerializeToString(deterministic=True)
    assert counting.FILE.read_bytes() == made


def test_a_session_never_says_the_same_twice_and_every_session_begins_alike():
    payment = inference.payment(Random(1))
    sessions = [inference.Oracle(inference.COUNTING) for _ in range(2)]
    said = [[round(session.risk(payment), 4) for _ in range(8)] for session in sessions]
    assert len(set(said[0])) == 8
    assert said[0] == said[1]
    assert all(0 < risk < 1 for risk in said[0])


def test_it_looks_like_a_release(counting):
    given = (ROOT / "steps" / "10_inference" / "fraud_model.py").read_text(encoding="utf-8")
    assert all(f'"{name}"' in given for name in counting.FEATURES)
