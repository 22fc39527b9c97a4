"""A template file to a Template: the sections put together in the order CloudFormation uses."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from workshop.sam import nodes
from workshop.sam.errors import TemplateError
from workshop.sam.functions import read_function, read_log_group
from workshop.sam.globals_section import merge_globals
from workshop.sam.intrinsics import Resolver
from workshop.sam.model import Event, Function, LogGroup, Template
from workshop.sam.nodes import Node, Place, is_resource, suggestion
from workshop.sam.parameters import read_parameters
from workshop.sam.physical import FUNCTION, IMPLICIT_API, LOG_GROUP, REST_API

SAM_TRANSFORM = "AWS::Serverless-2016-10-31"

_SECTIONS = (
    "AWSTemplateFormatVersion",
    "Conditions",
    "Description",
    "Globals",
    "Mappings",
    "Metadata",
    "Outputs",
    "Parameters",
    "Resources",
    "Rules",
    "Transform",
)

_ATTRIBUTES = (
    *("Type", "Properties", "Condition", "Connectors", "CreationPolicy", "DeletionPolicy"),
    *("DependsOn", "Fn::Transform", "IgnoreGlobals", "Metadata", "UpdatePolicy"),
    *("UpdateReplacePolicy",),
)
"""What a resource may hold beside its properties.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-product-attribute-reference.html
https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-resource-connector.html
"""

_FURTHER_IN = {
    True: "a resource stands under Resources: two columns further in",
    False: "what does it belong to? It stands further in than that",
}
"""What to say of a name at the margin that is no section: whether it looks like a resource."""


def load_template(path: Path, parameters: Mapping[str, str] | None = None) -> Template:
    """Read a SAM template and resolve it.

    Args:
        path: The template file, YAML or JSON.
        parameters: Values for the template's parameters, instead of their defaults.

    Returns:
        The functions and log groups of the template, and every resource as a plain dict. In
        the plain dicts, a function that only AWS can resolve stands as it is, in its long form.

    Raises:
        TemplateError: The file is missing, is no template, or holds something for a function or
            a log group that cannot be resolved; the error names the thing and its place.
    """
    root = _read(path)
    try:
        return _template(path, root, parameters or {})
    except RecursionError:
        raise root.place.error("the references nest too deeply to be resolved") from None


def parameter_names(path: Path) -> frozenset[str]:
    """Name the parameters that a template declares, whatever else is in it.

    Raises:
        TemplateError: The file is missing, or is no template.
    """
    root = _read(path)
    sections = root.mapping(path.name)
    return frozenset(_children(sections, "Parameters"))


def _read(path: Path) -> Node:
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        what = f"{path.name} is missing"
        raise TemplateError(what, f"{path.name}:1:1  looked in {path.parent}") from None
    except OSError as error:
        what = f"{path.name} cannot be read: {error.strerror}"
        raise TemplateError(what, f"{path.name}:1:1  {path}") from None
    return nodes.read(data, path.name)


def _template(path: Path, root: Node, overrides: Mapping[str, str]) -> Template:
    sections = root.mapping(path.name)
    for name, node in sections.items():
        if name not in _SECTIONS:
            raise node.key_place.error(
                f"a template has no section {name!r}",
                suggestion(name, _SECTIONS, _FURTHER_IN[is_resource(node)]),
            )
    if "Resources" not in sections:
        raise root.place.error(f"{path.name} has no Resources section")

    values = read_parameters(sections.get("Parameters"), overrides, root.place)
    declared = sections["Resources"].mapping("Resources")
    for logical_id, node in declared.items():
        _check_attributes(logical_id, node)
    merged = merge_globals(sections.get("Globals"), declared)
    conditions = _children(sections, "Conditions")
    everything = Resolver(values, _children(sections, "Mappings"), conditions, merged)
    present = {
        logical_id: node
        for logical_id, node in merged.items()
        if _is_wanted(everything, logical_id, node)
    }
    resolver = Resolver(values, _children(sections, "Mappings"), conditions, present)

    functions: dict[str, Function] = {}
    log_groups: dict[str, LogGroup] = {}
    for logical_id, node in present.items():
        type_name = _type_of(logical_id, node)
        if type_name.startswith("AWS::Serverless::") and not _has_sam_transform(sections):
            raise node.key_place.error(
                f"{logical_id} is SAM's, but the template has no SAM transform",
                f"at the top: Transform: {SAM_TRANSFORM}",
            )
        if type_name == FUNCTION:
            function = read_function(resolver, logical_id, node, path.parent.absolute())
            _refuse_twin(function.name, [f.name for f in functions.values()], node.key_place)
            functions[logical_id] = function
        elif type_name == LOG_GROUP:
            group = read_log_group(resolver, logical_id, node)
            _refuse_twin(group.name, log_groups, node.key_place)
            log_groups[group.name] = group
    resources = {
        logical_id: resolver.value(node, keep_unsupported=True)
        for logical_id, node in present.items()
    }
    if any(_joins_implicit_api(event) for one in functions.values() for event in one.events):
        resources.setdefault(IMPLICIT_API, _implicit_api(sections, resolver))
    return Template(path, functions, log_groups, resources)


def _joins_implicit_api(event: Event) -> bool:
    return event.type == "Api" and "RestApiId" not in event.properties


def _implicit_api(sections: Mapping[str, Node], resolver: Resolver) -> dict[str, Any]:
    """The API that SAM adds for events that name none, with what `Globals` says of APIs.

    https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-specification-generated-resources.html
    """
    shared = _children(sections, "Globals").get("Api")
    settings = {} if shared is None else resolver.value(shared, keep_unsupported=True)
    return {"Type": REST_API, "Properties": {**settings, "StageName": "Prod"}}


def _children(sections: Mapping[str, Node], name: str) -> Mapping[str, Node]:
    return sections[name].mapping(name) if name in sections else {}


def _is_wanted(resolver: Resolver, logical_id: str, node: Node) -> bool:
    condition = node.mapping(f"resource {logical_id}").get("Condition")
    if condition is None:
        return True
    if not isinstance(condition.value, str):
        raise condition.place.error(f"Condition of {logical_id} must be a condition's name")
    return resolver.condition(condition.value, condition.place)


def _check_attributes(logical_id: str, node: Node) -> None:
    """Refuse what may not stand beside a resource's properties, as CloudFormation does."""
    attributes = node.mapping(f"resource {logical_id}")
    for name, child in attributes.items():
        if name in _ATTRIBUTES or "Type" not in attributes:
            continue
        if is_resource(child):
            further = f"a resource stands as far in as {logical_id} does, not further"
        else:
            further = "does it belong under Properties, two columns further in?"
        raise child.key_place.error(
            f"resource {logical_id} has no attribute {name!r}",
            suggestion(name, _ATTRIBUTES, further),
        )


def _type_of(logical_id: str, node: Node) -> str:
    type_node = node.mapping(f"resource {logical_id}").get("Type")
    if type_node is None or not isinstance(type_node.value, str):
        raise node.key_place.error(
            f"resource {logical_id} has no Type", "or is it none, and belongs further in?"
        )
    return type_node.value


def _has_sam_transform(sections: Mapping[str, Node]) -> bool:
    value = sections["Transform"].plain() if "Transform" in sections else None
    return SAM_TRANSFORM in (value if isinstance(value, list) else [value])


def _refuse_twin(name: str, taken: "list[str] | Mapping[str, LogGroup]", place: Place) -> None:
    if name in taken:
        raise place.error(f"two resources of this kind are called {name!r}")
