"""Imports point down: the table of floors in CONTRIBUTING.md is complete, and the code keeps it."""

import ast
import re
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "workshop"
TABLE = re.compile(r"^\| floor \| does \|\n\|.*\n((?:\|.*\n)+)", re.MULTILINE)
LEARNERS = PACKAGE / "course" / "starts"

# What a floor knows nothing of, beside the floors above it.
OUTSIDE = {"http.client", "http.server", "httptools", "h11", "os", "socket", "subprocess"}
UNKNOWN = {
    "course": {"endpoint", "rehearsal", "http.client", "http.server", "h11", "socket"},
    "store": {"insights"},
    "insights": {"metrics", "traces", *OUTSIDE},
    "metrics": OUTSIDE,
    "traces": OUTSIDE,
}

# Run in a process of their own, whose exit status says how it went.
PROGRAMS = {"workshop.local_lambda.runtime", "workshop.course.learner_pytest"}


def floors():
    """The floors from the top down; those that share a row do not import one another."""
    (rows,) = TABLE.findall((ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8"))
    named = [re.findall(r"`([\w/.]+)`", row.split("|")[1]) for row in rows.splitlines()]
    return [{one.removeprefix("workshop/").removesuffix(".py") for one in names} for names in named]


def module(path):
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


FILES = {
    module(path): path
    for path in sorted(PACKAGE.rglob("*.py"))
    if not path.is_relative_to(LEARNERS)
}
TREES = {name: ast.parse(path.read_text(encoding="utf-8")) for name, path in FILES.items()}
FLOORS = floors()
HEIGHT = {name: -place for place, names in enumerate(FLOORS) for name in names}


def imports(tree):
    """Full names of what a module imports, wherever it does: for a type, or within a function."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (one.name for one in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            for one in node.names:
                name = f"{node.module}.{one.name}"
                yield from [name] if name in FILES else [name, str(node.module)]


def floor(name):
    return name.split(".")[1] if name.startswith("workshop.") else name.split(".")[0]


def test_the_table_names_every_floor_once_and_no_other():
    named = sorted(name for names in FLOORS for name in names)
    assert named == sorted({floor(name) for name in FILES if name != "workshop"})


@pytest.mark.parametrize("name", [name for name in FILES if name != "workshop"])
def test_imports_point_down(name):
    here = floor(name)
    imported = set(imports(TREES[name]))
    others = {one for one in map(floor, imported) if one != here}
    assert [one for one in others if HEIGHT.get(one, -len(FLOORS)) >= HEIGHT[here]] == []
    assert (others | imported) & UNKNOWN.get(here, set()) == set()


def test_no_import_leads_back_to_where_it_started():
    graph = {name: {one for one in imports(TREES[name]) if one in FILES} for name in FILES}
    for name in FILES:
        # A package's own __init__ gathers its modules; they import one another past it.
        graph[name] -= {name, name.rpartition(".")[0]}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(" -> ".join(error.args[1]))


def test_only_the_command_line_prints_or_exits():
    said = [
        f"{name}:{node.lineno}"
        for name, tree in TREES.items()
        for node in ast.walk(tree)
        if floor(name) != "cli"
        and name not in PROGRAMS
        and isinstance(node, ast.Call)
        and ast.unparse(node.func) in {"print", "exit", "quit", "sys.exit"}
    ]
    assert said == []


def test_every_module_of_the_course_is_told_of_once():
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    (rows,) = re.findall(r"^\| in `workshop/course` \| .*\n\|.*\n((?:\|.*\n)+)", text, re.MULTILINE)
    named = sorted(re.findall(r"`(\w+)`", " ".join(one.split("|")[1] for one in rows.splitlines())))
    assert named == sorted(path.stem for path in (PACKAGE / "course").glob("[a-z]*.py"))
