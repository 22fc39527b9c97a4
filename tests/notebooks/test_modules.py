"""The notebooks' own modules lean on one another in one direction."""

import ast
from graphlib import CycleError, TopologicalSorter

import keep
import pytest

MODULES = {
    path.stem: ast.parse(path.read_text(encoding="utf-8")) for path in keep.HERE.glob("[a-z]*.py")
}


def imported(tree):
    """The names of what a module imports, wherever it does: for a type, or within a function."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (one.name for one in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module


def test_no_import_leads_back_to_where_it_started():
    graph = {name: set(imported(tree)) & MODULES.keys() for name, tree in MODULES.items()}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(" -> ".join(error.args[1]))
