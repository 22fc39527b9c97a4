"""Steps are read from step.toml, found by what people type, and their mistakes are named."""

from pathlib import Path

import pytest

from tests.course.conftest import STEP_TOML, MakeStep
from workshop.course.catalogue import Course
from workshop.errors import ToolError, UsageError


@pytest.mark.parametrize(
    "text", ["1", "01", "01_structured_logs", "structured_logs", "structured", "Structured-Logs"]
)
def test_a_step_is_found_by_number_name_or_part(course: Course, text: str) -> None:
    assert course.find(text).name == "01_structured_logs"


def test_a_step_is_found_by_its_folder(course: Course) -> None:
    assert course.find("steps/02_log_context/").number == 2


def test_an_unknown_step_is_answered_with_the_nearest(course: Course) -> None:
    with pytest.raises(UsageError) as error:
        course.find("log_contxet")
    assert "log_contxet" in error.value.what
    assert "02_log_context" in error.value.look


@pytest.mark.parametrize("text", ["7", "", "zzz"])
def test_a_step_that_is_not_there_says_which_are(course: Course, text: str) -> None:
    with pytest.raises(UsageError, match="00 to 02"):
        course.find(text)


def test_a_part_of_two_names_asks_which(course: Course) -> None:
    with pytest.raises(UsageError, match="01_structured_logs, 02_log_context"):
        course.find("log")


def test_steps_come_in_order(course: Course) -> None:
    assert [step.number for step in course.steps] == [0, 1, 2]


def test_every_value_of_the_file_arrives(make_step: MakeStep) -> None:
    step = make_step(toml='slide = "12"\nnotebook = "n.ipynb"\n' + STEP_TOML)
    assert (step.title, step.minutes, step.slide, step.notebook) == ("A step", 5, "12", "n.ipynb")
    assert step.hints == ("look again", "look there", "do this")
    assert step.edit == ("app.py", "template.yaml")
    assert [(one.rule, one.says) for one in step.wrong] == [
        ("not-charged", "The handler does not say that it charged.")
    ]
    assert (step.tour.reveals, step.tour.view) == ("Something.", "lines")
    assert step.folder.is_dir()
    assert step.solution.is_dir()
    assert step.start.is_dir()


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ('title = "A step"', "", "'title' is missing"),
        ('title = "A step"', "title = 3", "'title' is not a string"),
        ('title = "A step"', 'title = " "', "'title' is empty"),
        ("minutes = 5", "minutes = 0", "'minutes' is not above zero"),
        ("minutes = 5", "minutes = true", "'minutes' is not a whole number"),
        ('"look again", ', "", "'hints' holds 2 hints instead of 3"),
        ('"look again"', "7", "'hints' is not a list of strings"),
        ('"app.py"', '"../app.py"', "'edit' names '../app.py'"),
        ('rule = "not-charged"', 'rule = "Not Charged"', r"'wrong\[0\].rule' is 'Not Charged'"),
        ('start_rule = "not-charged"', 'start_rule = "other"', "'start_rule' is 'other'"),
        (
            "[tour]",
            '[[wrong]]\nrule = "not-charged"\nsays = "x"\n[tour]',
            "'wrong' lists the rule 'not-charged' more than once",
        ),
        ("[[wrong]]", "[wrong]", "'wrong' is not a list of tables"),
        ("reveals", "revals", "'tour.reveals' is missing"),
        ("title =", "tilte = 'x'\ntitle =", "'tilte' is not a key that a step has"),
        ("[tour]", "[tour]\nvein = 1", "'tour.vein' is not a key"),
        ("edit =", "after = 8\nedit =", "'after' is not a string"),
        ("[tour]", '[[given]]\nfile = "x"\n[tour]', r"'given\[0\].says' is missing"),
        ("minutes = 5", "minutes 5", "cannot read 01_charge/step.toml"),
    ],
)
def test_a_mistake_in_the_file_is_named_with_its_key(
    make_step: MakeStep, old: str, new: str, complaint: str
) -> None:
    assert old in STEP_TOML
    with pytest.raises(ToolError, match=complaint) as error:
        make_step(toml=STEP_TOML.replace(old, new))
    assert "01_charge/step.toml" in error.value.what


def test_a_folder_without_a_number_is_named(make_step: MakeStep) -> None:
    with pytest.raises(ToolError, match="charge is not"):
        make_step("charge")


def test_two_steps_of_one_number_are_refused(make_step: MakeStep) -> None:
    make_step("01_charge")
    with pytest.raises(ToolError, match="two steps have the number 01"):
        make_step("01_other")


def test_a_root_without_steps_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ToolError, match="there are no steps"):
        Course.load(tmp_path)


GIVEN = """
[[given]]
file = "processor.py"
says = "It calls a service now."
"""


def test_a_step_says_what_it_gives_anew(make_step: MakeStep) -> None:
    (given,) = make_step(toml=STEP_TOML + GIVEN).given
    assert (given.file, given.says) == ("processor.py", "It calls a service now.")
    assert make_step().given == ()


def test_a_step_starts_from_the_one_before_it_or_from_the_one_it_names_or_anew(
    make_step: MakeStep, tmp_path: Path
) -> None:
    make_step("00_bare_handler")
    make_step("01_structured_logs")
    make_step("02_log_context", toml='after = ""\n' + STEP_TOML)
    make_step("03_custom_metrics", toml='after = "01_structured_logs"\n' + STEP_TOML)
    course = Course.load(tmp_path)
    before = [course.before(step) for step in course.steps]
    assert [step and step.number for step in before] == [None, 0, None, 1]


@pytest.mark.parametrize("name", ["01_structured_logs", "02_log_context", "nothing"])
def test_a_step_does_not_start_from_itself_or_a_later_or_unknown_one(
    make_step: MakeStep, tmp_path: Path, name: str
) -> None:
    make_step("01_structured_logs", toml=f'after = "{name}"\n' + STEP_TOML)
    make_step("02_log_context")
    course = Course.load(tmp_path)
    with pytest.raises(ToolError, match=f"01_structured_logs/step.toml: 'after' is '{name}'"):
        course.before(course.steps[0])
