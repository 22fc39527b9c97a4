"""The properties of one resource: each read with its type, its limits and its place."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from workshop.sam.errors import TemplateError
from workshop.sam.intrinsics import NO_VALUE, Resolver
from workshop.sam.nodes import Node, Place, function_name, is_resource, kind, suggestion
from workshop.sam.parameters import scalar_text

_NOWHERE: Mapping[str, str] = {}


class Properties:
    """A mapping of the template, resolved one property at a time.

    Args:
        resolver: Resolves the values.
        node: The mapping, or a function that gives one; None for an empty one.
        owner: What the messages call it, such as `PaymentsFunction`.
        place: Where to point when something is missing.
    """

    def __init__(self, resolver: Resolver, node: Node | None, owner: str, place: Place) -> None:
        self._resolver = resolver
        self._owner = owner
        self.place = place
        self._nodes: dict[str, Node] = {}
        if node is not None:
            if function_name(node):
                node = _as_node(resolver.value(node), node.place)
            self._nodes = node.mapping(owner)

    def __iter__(self) -> Iterator[str]:
        """The names of the properties that have a value."""
        return (name for name in self._nodes if self.has(name))

    def has(self, name: str) -> bool:
        """Whether the property is there, and not taken away by `AWS::NoValue`."""
        return name in self._nodes and self._value(name) is not NO_VALUE

    def place_of(self, name: str) -> Place:
        """Where the value of a property stands; the owner's place when it is not there."""
        return self._nodes[name].place if name in self._nodes else self.place

    def only(
        self, known: Iterable[str], otherwise: str = "", elsewhere: Mapping[str, str] = _NOWHERE
    ) -> None:
        """Refuse a property that is not known, as SAM does.

        Args:
            known: The names there may be.
            otherwise: What to say of a name that resembles none of them.
            elsewhere: Names that are known in another place, to what to say of them.

        Raises:
            TemplateError: There is one.
        """
        names = tuple(known)
        for name, node in self._nodes.items():
            if name in names:
                continue
            if is_resource(node):
                hint = "a resource stands under Resources, two columns in"
            else:
                hint = elsewhere.get(name) or suggestion(name, names, otherwise)
            raise node.key_place.error(f"{self._owner} has no property {name!r}", hint)

    def names_match(self, pattern: str) -> None:
        """Refuse a property whose name does not match, for mappings whose names are free.

        Raises:
            TemplateError: There is one.
        """
        for name, node in self._nodes.items():
            if not re.fullmatch(pattern, name):
                raise node.key_place.error(
                    f"{self._owner} may not hold the name {name[:80]!r}", f"it must match {pattern}"
                )

    def sub(self, name: str) -> "Properties":
        """The mapping inside a property; an empty one when the property is not there."""
        node = self._nodes[name] if self.has(name) else None
        return Properties(self._resolver, node, f"{self._owner} {name}", self.place_of(name))

    def anything(self, name: str) -> Any:  # noqa: ANN401
        """The value of a property that is there, of whatever type."""
        return self._value(name)

    def text(self, name: str, default: str | None = None, pattern: str = ".+") -> str:
        """The text of a property.

        Args:
            name: Of the property.
            default: Its value when it is not there; without a default it must be there.
            pattern: What the whole text must match.

        Raises:
            TemplateError: It is missing, not a single value, or does not match.
        """
        if not self.has(name):
            return self._default(name, default)
        value = self._value(name)
        if not isinstance(value, str | int | float | bool):
            raise self._error(name, f"must be a text, not {kind(value)}")
        text = scalar_text(value)
        if not re.fullmatch(pattern, text, re.DOTALL):
            raise self._error(name, f"may not be {text[:80]!r}", f"it must match {pattern}")
        return text

    def choice(self, name: str, allowed: Iterable[str], default: str | None = None) -> str:
        """The text of a property that has few allowed values.

        Raises:
            TemplateError: It is missing, or something else.
        """
        choices = tuple(allowed)
        text = self.text(name, default)
        if text not in choices:
            raise self._error(name, f"may not be {text!r}", f"allowed: {', '.join(choices)}")
        return text

    def integer(self, name: str, low: int, high: int) -> int | None:
        """The whole number of a property; None when it is not there.

        Args:
            name: Of the property.
            low: The least allowed.
            high: The most allowed.

        Raises:
            TemplateError: It is no whole number, or out of bounds.
        """
        if not self.has(name):
            return None
        text = self.text(name, pattern=".*")
        if not re.fullmatch(r"-?[0-9]{1,18}", text):
            raise self._error(name, f"must be a whole number, not {text[:80]!r}")
        number = int(text)
        if not low <= number <= high:
            raise self._error(name, f"may not be {number}", f"allowed: {low} to {high}")
        return number

    def _value(self, name: str) -> Any:  # noqa: ANN401
        return self._resolver.value(self._nodes[name])

    def _default(self, name: str, default: str | None) -> str:
        if default is None:
            raise self.place.error(f"{self._owner} has no {name}", "it needs one")
        return default

    def _error(self, name: str, problem: str, hint: str = "") -> TemplateError:
        return self.place_of(name).error(f"{name} of {self._owner} {problem}", hint)


def _as_node(value: Any, place: Place) -> Node:  # noqa: ANN401
    """Wrap what a function gave, so that its parts are read like the rest."""
    if isinstance(value, dict):
        return Node({key: _as_node(child, place) for key, child in value.items()}, place, place)
    if isinstance(value, list):
        return Node([_as_node(child, place) for child in value], place, place)
    return Node(value, place, place)
