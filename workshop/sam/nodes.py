"""YAML text to a tree that remembers where in the file everything stood.

The tree is CloudFormation's: a short form such as `!Ref Name` is read as the long form
`{"Ref": "Name"}`, so the floors above know one spelling only.
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/template-formats.html
"""

import difflib
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

import yaml
from yaml.constructor import SafeConstructor
from yaml.resolver import Resolver as ImplicitTags

from workshop.sam.errors import TemplateError

Scalar: TypeAlias = str | int | float | bool | None

MAX_BYTES = 1_000_000
"""CloudFormation's own limit for a template in S3.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html
"""
MAX_DEPTH = 100

_NEARLY_THE_SAME = 0.8
_MOST_SLIPS = 2
_MANY = 12
# A name, and on the next line that says something a type of AWS: a resource, wherever it stands.
_RESOURCE = re.compile(
    r"^(?P<margin> *)(?P<name>\w+): *(?:#.*)?\n(?:[ \t]*(?:#.*)?\n)* +Type: *[\"']?AWS::",
    re.MULTILINE,
)

SHORT_FORMS = {
    "!Ref": "Ref",
    "!Condition": "Condition",
    **{
        f"!{name}": f"Fn::{name}"
        for name in (
            *("And", "Base64", "Cidr", "Equals", "FindInMap", "GetAZs", "GetAtt", "If"),
            *("ImportValue", "Join", "Length", "Not", "Or", "Select", "Split", "Sub"),
            *("ToJsonString", "Transform"),
        )
    },
}
"""YAML tag to the long form it stands for: every function that CloudFormation has."""

_YAML_TAG = "tag:yaml.org,2002:"
# libyaml's parser is some ten times faster; the pure one stands in where a wheel lacks it.
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_implicit_tags: Any = ImplicitTags()
_constructor: Any = SafeConstructor()


@dataclass(frozen=True, slots=True)
class Place:
    """A place in a template, counted from 1 as editors do."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        """`template.yaml:12:7`, which editors and terminals turn into a link."""
        return f"{self.file}:{self.line}:{self.column}"

    def error(self, what: str, hint: str = "") -> TemplateError:
        """Return the error for this place, to be raised."""
        return TemplateError(what, f"{self}  {hint}".rstrip())


@dataclass(frozen=True, slots=True)
class Node:
    """One value of the template.

    Attributes:
        value: A scalar, a list of nodes, or a mapping of names to nodes.
        place: Where it starts.
        key_place: Where the key that it belongs to starts; its own place when it has none.
    """

    value: "Scalar | list[Node] | dict[str, Node]"
    place: Place
    key_place: Place

    def plain(self) -> Any:  # noqa: ANN401 - whatever the template says
        """The same value without places, functions in their long form."""
        if isinstance(self.value, dict):
            return {key: child.plain() for key, child in self.value.items()}
        if isinstance(self.value, list):
            return [child.plain() for child in self.value]
        return self.value

    def mapping(self, what: str) -> "dict[str, Node]":
        """The named children.

        Raises:
            TemplateError: It is no mapping; `what` names it in the message.
        """
        if isinstance(self.value, dict):
            return self.value
        raise self.place.error(f"{what} must hold names and values", f"it holds {kind(self.value)}")


def function_name(node: Node) -> str | None:
    """Name the function that the node calls, in its long form; None when it calls none."""
    if isinstance(node.value, dict) and len(node.value) == 1:
        name = next(iter(node.value))
        if name == "Ref" or name.startswith("Fn::"):
            return name
    return None


def is_resource(node: Node) -> bool:
    """Whether the node reads like a resource: a mapping with a `Type` of AWS."""
    said = node.value.get("Type") if isinstance(node.value, dict) else None
    return said is not None and str(said.value).startswith("AWS::")


def kind(value: object) -> str:
    """Name a value's type as a person would."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, int | float):
        return "a number"
    if isinstance(value, str):
        return "a text"
    return "a list" if isinstance(value, list) else "names and values"


def suggestion(name: str, known: Iterable[str], otherwise: str = "") -> str:
    """`did you mean X?`, or what to say of a name that is no other one mistyped.

    Args:
        name: What is not known.
        known: What is.
        otherwise: What to say where no known name is nearly the same; else all that is known, of
            many the nearest.
    """
    names = list(known)
    close = [one for one in difflib.get_close_matches(name, names) if _is_slip(name, one)]
    if close:
        return f"did you mean {close[0]}?"
    if otherwise:
        return otherwise
    if len(names) > _MANY:
        nearest = difflib.get_close_matches(name, names, n=3, cutoff=0.0)
        return f"the nearest of {len(names)} known: {', '.join(nearest)}"
    return f"known: {', '.join(names) or 'none'}"


def _is_slip(typed: str, name: str) -> bool:
    """Whether a name was mistyped: PaymentsApi, which begins alike, is no slip of PaymentsSlow."""
    nearly = difflib.SequenceMatcher(None, typed, name).ratio() >= _NEARLY_THE_SAME
    near = abs(len(typed) - len(name)) <= _MOST_SLIPS
    return (nearly and near) or sorted(typed) == sorted(name)


def read(data: bytes, file: str) -> Node:
    """Read the text of a template.

    Args:
        data: The bytes of the file, UTF-8.
        file: What to call the file in messages.

    Raises:
        TemplateError: It is not YAML, or uses what CloudFormation does not know.
    """
    text = _decode(data, file)
    try:
        events = iter(yaml.parse(text, Loader=_Loader))
        return _Reader(events, file).document()
    except yaml.MarkedYAMLError as error:
        raise _syntax_error(error, text, file) from None
    except yaml.YAMLError as error:
        message = str(error).splitlines()[0]
        raise Place(file, 1, 1).error(f"{file} is not YAML: {message}") from None


def _decode(data: bytes, file: str) -> str:
    start = Place(file, 1, 1)
    if len(data) > MAX_BYTES:
        raise start.error(f"{file} is larger than 1 MB, CloudFormation's limit")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        place = _place_after(data[: error.start].decode("utf-8", "replace"), file)
        raise place.error(f"{file} is not UTF-8 text") from None
    if match := yaml.reader.Reader.NON_PRINTABLE.search(text):
        place = _place_after(text[: match.start()], file)
        code = f"U+{ord(match.group()):04X}"
        raise place.error(f"the character {code} may not stand in YAML")
    return text


def _place_after(text: str, file: str) -> Place:
    return Place(file, text.count("\n") + 1, len(text) - text.rfind("\n"))


def _syntax_error(error: yaml.MarkedYAMLError, text: str, file: str) -> TemplateError:
    mark = error.problem_mark or error.context_mark
    if mark is None:
        return Place(file, 1, 1).error(f"{file} is not YAML: {error.problem}")
    place = Place(file, mark.line + 1, mark.column + 1)
    lines = text.splitlines()
    line = lines[mark.line] if mark.line < len(lines) else ""
    indent = line[: len(line) - len(line.lstrip())]
    if "\t" in indent:
        return place.error("a tab indents this line", "YAML wants spaces")
    problem = error.problem or "it cannot be parsed"
    if _in_block(error) and (uneven := _uneven_resources(text, file)) is not None:
        return uneven
    return place.error(f"{file} is not YAML: {problem}", _explained(error, len(indent)))


def _in_block(error: yaml.MarkedYAMLError) -> bool:
    """Whether a line does not stand where the parser wanted it."""
    return (error.context or "").startswith("while parsing a block")


def _uneven_resources(text: str, file: str) -> TemplateError | None:
    """Name the first resource that does not stand where the others do; None where all do.

    A parser stops where two neighbours stand apart, and cannot know which of them is amiss.
    """
    found = [
        (match["name"], _place_after(text[: match.start("name")], file))
        for match in _RESOURCE.finditer(text)
    ]
    # Of as many here as there, those less far in are right: what is pasted brings a margin along.
    columns = Counter(place.column for _, place in found if place.column > 1)
    if not columns:
        return None
    usual = max(columns, key=lambda column: (columns[column], -column))
    right = next(name for name, place in found if place.column == usual)
    for name, place in found:
        if place.column != usual:
            return place.error(
                f"{name} stands in column {place.column}, and {right} in column {usual}",
                "all resources under Resources stand equally far in",
            )
    return None


def _explained(error: yaml.MarkedYAMLError, indent: int) -> str:
    """Say what a person did of which the parser says what it did not find.

    Args:
        error: What the parser says, and where.
        indent: Columns that are left empty in the line it stopped at.
    """
    problem, context = error.problem or "", error.context or ""
    begun, stopped = error.context_mark, error.problem_mark
    line = begun.line + 1 if begun else 0
    if begun and stopped and _in_block(error):
        if stopped.column == indent != begun.column:
            return (
                f"it begins in column {indent + 1}; what it seems to belong to begins in column "
                f"{begun.column + 1}, in line {line}"
            )
        if stopped.column == indent:
            if "'-' indicator" in problem:
                return (
                    f"it stands as far in as the - of the list that begins in line {line}; what "
                    "belongs to an item of it stands two columns further in"
                )
            return f"it stands as far in as the keys that begin in line {line}, and is no key"
        return "what stands here does not belong to the value before it: is a quotation mark amiss?"
    meant = {
        "mapping values are not allowed": "a second colon in a line, or a line further in than "
        "the one above it allows",
        "expected ':'": f"line {line} has no colon, or no space after it",
        "quoted scalar": f"a quotation mark opens in line {line} and is not closed",
        "flow": f"a bracket opens in line {line} and is not closed",
        "cannot start any token": "a text that begins with this character wants quotation marks",
    }
    said = f"{problem}, {context}"
    return next((meaning for words, meaning in meant.items() if words in said), context)


class _Reader:
    """Builds nodes from YAML events, one pass, never deeper than MAX_DEPTH."""

    def __init__(self, events: Iterator[Any], file: str) -> None:
        self._events = events
        self._file = file

    def document(self) -> Node:
        next(self._events)  # the start of the stream
        if isinstance(next(self._events), yaml.StreamEndEvent):
            raise Place(self._file, 1, 1).error(f"{self._file} is empty")
        root = self._node(next(self._events), None, 0)
        next(self._events)  # the end of the document
        following = next(self._events)
        if isinstance(following, yaml.DocumentStartEvent):
            raise self._place(following).error(
                f"{self._file} holds a second document", "a template is one: take the --- out"
            )
        return root

    def _place(self, event: Any) -> Place:  # noqa: ANN401 - PyYAML has no common typed base
        mark = event.start_mark
        return Place(self._file, mark.line + 1, mark.column + 1)

    def _node(self, event: Any, key_place: Place | None, depth: int) -> Node:  # noqa: ANN401
        place = self._place(event)
        if depth > MAX_DEPTH:
            raise place.error(f"more than {MAX_DEPTH} levels of nesting")
        if isinstance(event, yaml.AliasEvent):
            raise place.error(
                f"an alias (*{event.anchor}) stands here", "CloudFormation takes no YAML aliases"
            )
        value: Scalar | list[Node] | dict[str, Node]
        if isinstance(event, yaml.ScalarEvent):
            value = self._scalar(event, place)
        elif isinstance(event, yaml.SequenceStartEvent):
            value = self._list(depth)
        else:
            value = self._mapping(depth)
        tag = event.tag
        key_place = key_place or place
        if tag is None or tag == "!" or tag.startswith(_YAML_TAG):
            self._check_yaml_tag(tag, event, place)
            return Node(value, place, key_place)
        if tag not in SHORT_FORMS:
            raise place.error(
                f"{tag} is no function of CloudFormation", suggestion(tag, SHORT_FORMS)
            )
        return Node({SHORT_FORMS[tag]: Node(value, place, place)}, place, key_place)

    def _check_yaml_tag(self, tag: str | None, event: object, place: Place) -> None:
        if tag is None or tag == "!":
            return
        short = tag.removeprefix(_YAML_TAG)
        fitting = {"str", "int", "float", "bool", "null"}
        if isinstance(event, yaml.SequenceStartEvent):
            fitting = {"seq"}
        elif isinstance(event, yaml.MappingStartEvent):
            fitting = {"map"}
        if short not in fitting:
            raise place.error(f"CloudFormation takes no !!{short} here")

    def _list(self, depth: int) -> list[Node]:
        items = []
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            items.append(self._node(event, None, depth + 1))
        return items

    def _mapping(self, depth: int) -> dict[str, Node]:
        items: dict[str, Node] = {}
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            place = self._place(event)
            # The key's text is kept as written: an account id as a key is no number.
            if not isinstance(event, yaml.ScalarEvent) or event.tag is not None:
                raise place.error("a key must be plain text")
            key = event.value
            if key == "<<" and event.implicit[0]:
                raise place.error("a merge (<<) stands here", "CloudFormation takes no YAML merges")
            if key in items:
                raise place.error(
                    f"the key {key!r} stands here twice", f"first: {items[key].place}"
                )
            items[key] = self._node(next(self._events), place, depth + 1)
        return items

    def _scalar(self, event: Any, place: Place) -> Scalar:  # noqa: ANN401
        tag = event.tag
        if tag is None or not tag.startswith(_YAML_TAG):
            plain = tag is None and event.implicit[0]
            # A date stays text: CloudFormation knows no timestamps.
            tag = _implicit_tags.resolve(yaml.ScalarNode, event.value, (plain, not plain))
        read = {
            "null": lambda _: None,
            "bool": _constructor.construct_yaml_bool,
            "int": _constructor.construct_yaml_int,
            "float": _constructor.construct_yaml_float,
        }.get(tag.removeprefix(_YAML_TAG))
        if read is None:
            text: str = event.value
            return text
        try:
            scalar: Scalar = read(yaml.ScalarNode(tag, event.value))
        except (ValueError, KeyError, IndexError, OverflowError):
            raise place.error(f"{event.value[:40]!r} is no {tag.removeprefix(_YAML_TAG)}") from None
        return scalar
