"""A message has four parts, in the form that teaching.md gives."""

from workshop.course.catalogue import Step
from workshop.course.wrong import Wrong


def test_a_message_has_its_four_parts_in_order(step: Step) -> None:
    wrong = Wrong("no-metric", "no metric was emitted", saw="a", wanted="b", look="what flushes?")
    assert wrong.lines(step) == [
        "✗ 01_charge · no metric was emitted",
        "  saw     a",
        "  wanted  b",
        "  look    what flushes?   workshop hint 01",
    ]


def test_further_lines_are_lined_up(step: Step) -> None:
    wrong = Wrong("r", "what", saw="one\ntwo", wanted="b", look="c", hint=False)
    assert wrong.lines(step)[1:3] == ["  saw     one", "          two"]


def test_a_hint_is_offered_once_and_only_where_it_helps(step: Step) -> None:
    mine = Wrong("r", "what", saw="a", wanted="b", look="see workshop hint 01")
    none = Wrong("r", "what", saw="a", wanted="b", look="app.py:1", hint=False)
    alone = Wrong("r", "what", saw="a", wanted="b", look="")
    assert mine.lines(step)[-1] == "  look    see workshop hint 01"
    assert none.lines(step)[-1] == "  look    app.py:1"
    assert alone.lines(step)[-1] == "  look    workshop hint 01"
