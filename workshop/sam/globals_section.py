"""The `Globals` section, merged into the resources as SAM does it before anything is resolved.

https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-specification-template-anatomy-globals.html
"""

from collections.abc import Mapping

from workshop.sam.nodes import Node, function_name, suggestion
from workshop.sam.physical import FUNCTION

_PREFIX = "AWS::Serverless::"
# A function's own name, events and permissions are never shared.
_NOT_SHARED = frozenset({"FunctionName", "Events", "Policies", "Role", "InlineCode", "ImageUri"})
_TYPES = (
    "Function",
    "Api",
    "HttpApi",
    "SimpleTable",
    "StateMachine",
    "LayerVersion",
    "CapacityProvider",
    "WebSocketApi",
    "NetworkConnector",
    "MicrovmImage",
    "WebFunction",
)


def merge_globals(section: Node | None, resources: Mapping[str, Node]) -> dict[str, Node]:
    """Return the resources with what `Globals` says of their type.

    A value of the resource's own wins; mappings are merged name by name; lists are joined, the
    global items first. A function such as `!If` counts as one value and is not merged into.

    Raises:
        TemplateError: The section names a type or a property that SAM does not share.
    """
    if section is None:
        return dict(resources)
    shared = section.mapping("Globals")
    for name, node in shared.items():
        if name not in _TYPES:
            raise node.key_place.error(
                f"Globals holds {name}, which SAM does not know there", suggestion(name, _TYPES)
            )
        for key, child in node.mapping(f"Globals {name}").items():
            if _PREFIX + name == FUNCTION and key in _NOT_SHARED:
                raise child.key_place.error(
                    f"{key} cannot be shared by functions", "set it in each function"
                )
    return {logical_id: _merge_resource(shared, node) for logical_id, node in resources.items()}


def _merge_resource(shared: Mapping[str, Node], resource: Node) -> Node:
    facts = resource.value
    if not isinstance(facts, dict) or "Type" not in facts:
        return resource
    type_name = facts["Type"].value
    if not isinstance(type_name, str) or not type_name.startswith(_PREFIX):
        return resource
    common = shared.get(type_name.removeprefix(_PREFIX))
    if common is None:
        return resource
    own = facts.get("Properties")
    merged = _merge(common, own) if own else common
    return Node({**facts, "Properties": merged}, resource.place, resource.key_place)


def _merge(common: Node, own: Node) -> Node:
    if isinstance(common.value, list) and isinstance(own.value, list):
        return Node([*common.value, *own.value], own.place, own.key_place)
    if _is_plain_mapping(common) and _is_plain_mapping(own):
        merged = dict(common.mapping("Globals"))
        for key, node in own.mapping("the resource").items():
            merged[key] = _merge(merged[key], node) if key in merged else node
        return Node(merged, own.place, own.key_place)
    return own


def _is_plain_mapping(node: Node) -> bool:
    return isinstance(node.value, dict) and function_name(node) is None
