"""The `Parameters` section: defaults, overrides, and what a value must satisfy.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/parameters-section-structure.html
"""

import re
import warnings
from collections.abc import Mapping
from typing import TypeAlias

from workshop.sam.nodes import Node, Place, Scalar, kind, suggestion

ParameterValue: TypeAlias = str | list[str]

_LISTS = re.compile(r"CommaDelimitedList|List<[\w:]+>")
_TYPES = re.compile(r"String|Number|CommaDelimitedList|List<Number>|(List<)?AWS::\w+::[\w:]+>?")


def read_parameters(
    section: Node | None, overrides: Mapping[str, str], start: Place
) -> dict[str, ParameterValue]:
    """Return the value of each parameter, text or a list of texts as `Ref` gives them.

    Args:
        section: The `Parameters` section; None when the template has none.
        overrides: Values given from outside.
        start: The place to name for an override that the template does not know.

    Raises:
        TemplateError: A value is missing, or not allowed, or an override names no parameter.
    """
    declared = section.mapping("Parameters") if section else {}
    for name in overrides:
        if name not in declared:
            raise start.error(f"the template has no parameter {name!r}", suggestion(name, declared))
    return {name: _read(name, node, overrides.get(name)) for name, node in declared.items()}


def _read(name: str, node: Node, override: str | None) -> ParameterValue:
    facts = node.mapping(f"parameter {name}")
    type_name = as_text(facts["Type"]) if "Type" in facts else ""
    if not _TYPES.fullmatch(type_name):
        place = facts["Type"].place if "Type" in facts else node.key_place
        raise place.error(
            f"parameter {name} has {'an unknown' if type_name else 'no'} Type {type_name}".rstrip(),
            "supported: String, Number, CommaDelimitedList, List<Number>, AWS::…::…",
        )
    if type_name.startswith("AWS::SSM::"):
        raise facts["Type"].place.error(
            f"parameter {name} is read from Systems Manager", "offline: make it a String"
        )
    place = node.key_place
    text = override
    if text is None:
        if "Default" not in facts:
            raise place.error(f"parameter {name} has no value", "give it a Default")
        place = facts["Default"].place
        text = as_text(facts["Default"])
    values = [text]
    if is_list := bool(_LISTS.fullmatch(type_name)):
        values = [part.strip() for part in text.split(",")]
    for value in values:
        _check(name, value, facts, place, is_number="Number" in type_name)
    return values if is_list else text


def _check(
    name: str, value: str, facts: Mapping[str, Node], place: Place, *, is_number: bool
) -> None:
    if "AllowedValues" in facts:
        allowed = facts["AllowedValues"].value
        if not isinstance(allowed, list):
            raise facts["AllowedValues"].place.error(f"AllowedValues of {name} must be a list")
        texts = [as_text(item) for item in allowed]
        if value not in texts:
            raise place.error(
                f"parameter {name} may not be {value!r}", f"allowed: {', '.join(texts)}"
            )
    if "AllowedPattern" in facts and not _matches(facts["AllowedPattern"], value):
        raise place.error(
            f"parameter {name} may not be {value!r}",
            f"it must match {as_text(facts['AllowedPattern'])}",
        )
    size = float(len(value))
    bounds = ("MinLength", "MaxLength")
    if is_number:
        size = _number(value, place, f"parameter {name}")
        bounds = ("MinValue", "MaxValue")
    low, high = bounds
    if low in facts and size < _number(as_text(facts[low]), facts[low].place, low):
        raise place.error(f"parameter {name} is below its {low}", as_text(facts[low]))
    if high in facts and size > _number(as_text(facts[high]), facts[high].place, high):
        raise place.error(f"parameter {name} is above its {high}", as_text(facts[high]))


def _matches(pattern: Node, value: str) -> bool:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return re.fullmatch(as_text(pattern), value) is not None
    except (re.error, RecursionError, OverflowError) as error:
        raise pattern.place.error(f"AllowedPattern is no regular expression: {error}") from None


def _number(text: str, place: Place, what: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise place.error(f"{what} is no number: {text!r}") from None


def as_text(node: Node) -> str:
    """A literal scalar as CloudFormation would write it: `true`, `5`, `text`.

    Raises:
        TemplateError: It is empty, a list or a mapping.
    """
    value = node.value
    if value is None or isinstance(value, list | dict):
        raise node.place.error("a single value is wanted here", f"found {kind(value)}")
    return scalar_text(value)


def scalar_text(value: Scalar) -> str:
    """A scalar as CloudFormation would write it."""
    return str(value).lower() if isinstance(value, bool) else str(value)
