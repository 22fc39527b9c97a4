"""CloudFormation's intrinsic functions, evaluated on the laptop.

https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference.html
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final

from workshop.account import ACCOUNT_ID, REGION
from workshop.sam.errors import UnsupportedError
from workshop.sam.nodes import Node, Place, function_name, kind, suggestion
from workshop.sam.parameters import ParameterValue, as_text, scalar_text
from workshop.sam.physical import FUNCTION, IMPLICIT_RESOURCES, KINDS, Kind

STACK = "workshop"

PSEUDO_PARAMETERS: Mapping[str, str] = {
    "AWS::AccountId": ACCOUNT_ID,
    "AWS::Partition": "aws",
    "AWS::Region": REGION,
    "AWS::StackId": f"arn:aws:cloudformation:{REGION}:{ACCOUNT_ID}:stack/{STACK}/local",
    "AWS::StackName": STACK,
    "AWS::URLSuffix": "amazonaws.com",
}

NO_VALUE: Final = object()
"""What `!Ref AWS::NoValue` gives: the property or list item is as if it were not there."""

_MAX_TEXT = 1_000_000  # references that multiply a text stop here instead of eating the memory
_SUPPORTED = "supported: Ref, Sub, GetAtt, FindInMap, If, Join, Select, Split, Equals, And, Or, Not"
_PLACEHOLDER = re.compile(r"\$\{([^}]*)\}")


class Resolver:
    """Gives the value of any node of one template.

    Args:
        parameters: Parameter name to its value.
        mappings: The `Mappings` section, by map name.
        conditions: The `Conditions` section, by condition name.
        resources: Logical id to resource, `Globals` merged in.
    """

    def __init__(
        self,
        parameters: Mapping[str, ParameterValue],
        mappings: Mapping[str, Node],
        conditions: Mapping[str, Node],
        resources: Mapping[str, Node],
    ) -> None:
        self._parameters = parameters
        self._mappings = mappings
        self._conditions = conditions
        self._resources = resources
        self._known_conditions: dict[str, bool] = {}
        self._known_names: dict[str, str] = {}
        self._resolving: list[str] = []
        self._functions: Mapping[str, Callable[[Node], Any]] = {
            "Ref": self._ref,
            "Fn::Sub": self._sub,
            "Fn::GetAtt": self._get_att,
            "Fn::FindInMap": self._find_in_map,
            "Fn::If": self._if,
            "Fn::Join": self._join,
            "Fn::Select": self._select,
            "Fn::Split": self._split,
            "Fn::Equals": self._equals,
            "Fn::And": self._and,
            "Fn::Or": self._or,
            "Fn::Not": self._not,
        }

    def value(self, node: Node, *, keep_unsupported: bool = False) -> Any:  # noqa: ANN401
        """Resolve a node to plain values; `NO_VALUE` when nothing is left of it.

        Args:
            node: What to resolve.
            keep_unsupported: Leave a function that is not supported as it stands, in its long
                form, instead of raising.

        Raises:
            UnsupportedError: AWS could resolve it, this laptop cannot.
            TemplateError: It is wrong.
        """
        if (name := function_name(node)) is not None:
            try:
                return self._call(name, node)
            except UnsupportedError:
                if keep_unsupported:
                    return node.plain()
                raise
        if isinstance(node.value, dict):
            if function := next((key for key in node.value if key.startswith("Fn::")), None):
                raise node.value[function].key_place.error(
                    f"{function} must stand alone", "beside it there are other keys"
                )
            children = {
                key: self.value(child, keep_unsupported=keep_unsupported)
                for key, child in node.value.items()
            }
            return {key: child for key, child in children.items() if child is not NO_VALUE}
        if isinstance(node.value, list):
            items = [self.value(child, keep_unsupported=keep_unsupported) for child in node.value]
            return [item for item in items if item is not NO_VALUE]
        if node.value is None:
            raise node.key_place.error(
                "nothing stands after this key", "CloudFormation takes no empty (null) values"
            )
        return node.value

    def condition(self, name: str, place: Place) -> bool:
        """Tell whether a condition of the `Conditions` section holds.

        Raises:
            TemplateError: There is none of that name, or it is no condition.
        """
        if name not in self._conditions:
            raise place.error(f"there is no condition {name!r}", suggestion(name, self._conditions))
        if name not in self._known_conditions:
            with self._entered(f"condition {name}", place):
                self._known_conditions[name] = self._boolean(self._conditions[name])
        return self._known_conditions[name]

    def physical_name(self, logical_id: str) -> str:
        """Return the name that the resource of this logical id has on AWS."""
        if logical_id not in self._known_names:
            node = self._resources[logical_id]
            with self._entered(logical_id, node.key_place):
                self._known_names[logical_id] = self._find_name(logical_id, node)
        return self._known_names[logical_id]

    @contextmanager
    def _entered(self, name: str, place: Place) -> Iterator[None]:
        if name in self._resolving:
            circle = " -> ".join([*self._resolving[self._resolving.index(name) :], name])
            raise place.error(f"a circle of references: {circle}")
        self._resolving.append(name)
        try:
            yield
        finally:
            self._resolving.pop()

    def _call(self, name: str, node: Node) -> Any:  # noqa: ANN401
        function = self._functions.get(name)
        if function is None:
            message = f"{name} cannot be resolved on a laptop"
            raise UnsupportedError(message, f"{node.place}  {_SUPPORTED}")
        return function(node.mapping(name)[name])

    def _find_name(self, logical_id: str, node: Node) -> str:
        name_property = _kind(node).name_property
        facts = node.value
        properties = facts.get("Properties") if isinstance(facts, dict) else None
        if name_property and properties and isinstance(properties.value, dict):
            named = properties.value.get(name_property)
            if named is not None and (value := self.value(named)) is not NO_VALUE:
                return _text(value, named.place)
        return f"{STACK}-{logical_id}"

    # References

    def _ref(self, argument: Node) -> Any:  # noqa: ANN401
        return self._reference(as_text(argument), argument.place)

    def _reference(self, name: str, place: Place) -> Any:  # noqa: ANN401
        if name == "AWS::NoValue":
            return NO_VALUE
        if name in PSEUDO_PARAMETERS:
            return PSEUDO_PARAMETERS[name]
        if name in self._parameters:
            return self._parameters[name]
        if name in self._resources:
            return self._format(_kind(self._resources[name]).ref, name)
        if name in IMPLICIT_RESOURCES:
            return f"{STACK}-{name}"
        self._refuse_generated(name, place)
        known = [*self._parameters, *self._resources, *PSEUDO_PARAMETERS]
        otherwise = "declare it: a resource under Resources, a value under Parameters"
        raise place.error(f"nothing here is called {name!r}", suggestion(name, known, otherwise))

    def _get_att(self, argument: Node) -> str:
        if isinstance(argument.value, list):
            parts = [self._text_of(item) for item in argument.value]
            logical_id, attribute = parts[0] if parts else "", ".".join(parts[1:])
        else:
            logical_id, _, attribute = as_text(argument).partition(".")
        return self._attribute(logical_id, attribute, argument.place)

    def _attribute(self, logical_id: str, attribute: str, place: Place) -> str:
        if logical_id not in self._resources:
            self._refuse_generated(logical_id, place)
            raise place.error(
                f"there is no resource {logical_id!r}",
                suggestion(logical_id, self._resources, "declare it under Resources"),
            )
        known = _kind(self._resources[logical_id]).attributes
        if attribute not in known:
            message = f"the attribute {attribute!r} of {logical_id} is not known here"
            raise UnsupportedError(message, f"{place}  {suggestion(attribute, known)}")
        return self._format(known[attribute], logical_id)

    def _refuse_generated(self, name: str, place: Place) -> None:
        """Tell a resource that SAM generates, such as a function's role, from a misspelt name."""
        for logical_id, node in self._resources.items():
            if name.startswith(logical_id) and _type(node) == FUNCTION:
                message = f"{name} is made by SAM on AWS: it cannot be resolved on a laptop"
                raise UnsupportedError(message, f"{place}  {_SUPPORTED}")

    def _format(self, pattern: str, logical_id: str) -> str:
        return pattern.format(
            name=self.physical_name(logical_id),
            partition=PSEUDO_PARAMETERS["AWS::Partition"],
            region=REGION,
            account=ACCOUNT_ID,
            suffix=PSEUDO_PARAMETERS["AWS::URLSuffix"],
        )

    # Texts and lists

    def _sub(self, argument: Node) -> str:
        variables: Mapping[str, Node] = {}
        template = argument
        if isinstance(argument.value, list):
            template, names = self._arguments(argument, "Fn::Sub", 2)
            variables = names.mapping("the second part of Fn::Sub")
        text = as_text(template)

        def replace(match: re.Match[str]) -> str:
            name = match.group(1)
            if name.startswith("!"):
                return f"${{{name[1:]}}}"
            if name in variables:
                return self._text_of(variables[name])
            logical_id, dot, attribute = name.partition(".")
            if dot:
                return self._attribute(logical_id, attribute, template.place)
            return _text(self._reference(name, template.place), template.place)

        return _bounded(_PLACEHOLDER.sub(replace, text), argument.place)

    def _join(self, argument: Node) -> str:
        delimiter, items = self._arguments(argument, "Fn::Join", 2)
        texts = [_text(item, items.place) for item in self._list(items)]
        return _bounded(self._text_of(delimiter).join(texts), argument.place)

    def _split(self, argument: Node) -> list[str]:
        delimiter, text = self._arguments(argument, "Fn::Split", 2)
        separator = self._text_of(delimiter)
        if not separator:
            raise delimiter.place.error("Fn::Split wants a delimiter that is not empty")
        return self._text_of(text).split(separator)

    def _select(self, argument: Node) -> Any:  # noqa: ANN401
        index, items = self._arguments(argument, "Fn::Select", 2)
        text = self._text_of(index)
        values = self._list(items)
        if not re.fullmatch(r"[0-9]{1,9}", text) or int(text) >= len(values):
            raise index.place.error(
                f"Fn::Select wants an index into its list, not {text!r}",
                f"the list holds {len(values)}, counted from 0",
            )
        return values[int(text)]

    def _find_in_map(self, argument: Node) -> Any:  # noqa: ANN401
        parts = self._arguments(argument, "Fn::FindInMap", 3)
        known: Mapping[str, Node] = self._mappings
        for depth, part in enumerate(parts):
            key = self._text_of(part)
            if key not in known:
                what = ("map", "top-level key", "second-level key")[depth]
                raise part.place.error(f"Fn::FindInMap: no {what} {key!r}", suggestion(key, known))
            found = known[key]
            if depth < len(parts) - 1:
                known = found.mapping(f"the map {key}")
        return self.value(found)

    # Conditions

    def _if(self, argument: Node) -> Any:  # noqa: ANN401
        name, then, otherwise = self._arguments(argument, "Fn::If", 3)
        return self.value(then if self.condition(as_text(name), name.place) else otherwise)

    def _equals(self, argument: Node) -> bool:
        left, right = (self.value(part) for part in self._arguments(argument, "Fn::Equals", 2))
        if any(isinstance(side, list | dict) for side in (left, right)):
            return bool(left == right)
        return _text(left, argument.place) == _text(right, argument.place)

    def _and(self, argument: Node) -> bool:
        return all(self._boolean(part) for part in self._conditions_of(argument, "Fn::And"))

    def _or(self, argument: Node) -> bool:
        return any(self._boolean(part) for part in self._conditions_of(argument, "Fn::Or"))

    def _not(self, argument: Node) -> bool:
        (part,) = self._arguments(argument, "Fn::Not", 1)
        return not self._boolean(part)

    def _conditions_of(self, argument: Node, function: str) -> Sequence[Node]:
        parts = argument.value
        if not isinstance(parts, list) or not 2 <= len(parts) <= 10:  # noqa: PLR2004 - AWS's limit
            raise argument.place.error(f"{function} wants a list of 2 to 10 conditions")
        return parts

    def _boolean(self, node: Node) -> bool:
        if isinstance(node.value, dict) and list(node.value) == ["Condition"]:
            name = node.value["Condition"]
            return self.condition(as_text(name), name.place)
        value = self.value(node)
        if not isinstance(value, bool):
            raise node.place.error("a condition is wanted here", "Equals, And, Or, Not, Condition")
        return value

    # Arguments

    def _arguments(self, argument: Node, function: str, count: int) -> Sequence[Node]:
        parts = argument.value
        if not isinstance(parts, list) or len(parts) != count:
            found = f"{len(parts)}" if isinstance(parts, list) else kind(parts)
            raise argument.place.error(f"{function} wants a list of {count}", f"found {found}")
        return parts

    def _text_of(self, node: Node) -> str:
        return _text(self.value(node), node.place)

    def _list(self, node: Node) -> list[Any]:
        value = self.value(node)
        if not isinstance(value, list):
            raise node.place.error("a list is wanted here", f"found {kind(value)}")
        return value


def _type(node: Node) -> str:
    facts = node.value
    value = facts["Type"].value if isinstance(facts, dict) and "Type" in facts else None
    return value if isinstance(value, str) else ""


def _kind(node: Node) -> Kind:
    return KINDS.get(_type(node), Kind())


def _text(value: object, place: Place) -> str:
    if isinstance(value, str | bool | int | float):
        return scalar_text(value)
    found = "AWS::NoValue" if value is NO_VALUE else kind(value)
    raise place.error("a single value is wanted here", f"found {found}")


def _bounded(text: str, place: Place) -> str:
    if len(text) > _MAX_TEXT:
        raise place.error("the text grows beyond a million characters here")
    return text
