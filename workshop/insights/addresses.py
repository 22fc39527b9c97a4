"""IP addresses in SQL. DuckDB's own type for them is an extension, which would be a download.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax-operations-functions.html#CWL_QuerySyntax-IPaddress-functions
"""

from collections.abc import Sequence
from ipaddress import ip_network

from workshop.insights import values

_OCTET = "(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
_IPV4 = rf"({_OCTET}\.){{3}}{_OCTET}"
_GROUP = "[0-9a-fA-F]{1,4}"
# Eight groups, or fewer with `::` in the place of the rest.
_IPV6 = "|".join(
    [
        f"({_GROUP}:){{7}}{_GROUP}",
        f"({_GROUP}:){{1,7}}:",
        *(f"({_GROUP}:){{1,{7 - after}}}(:{_GROUP}){{1,{after}}}" for after in range(1, 7)),
        f":((:{_GROUP}){{1,7}}|:)",
    ]
)

# RFC 1918; chosen: and what RFC 4193 has for version 6, which the page does not speak of.
_PRIVATE = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7")

# What IANA's registries of special-purpose addresses, and of multicast, keep from the Internet:
# https://www.iana.org/assignments/iana-ipv4-special-registry
# https://www.iana.org/assignments/iana-ipv6-special-registry
_RESERVED = (
    *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16"),
    *("172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24", "192.168.0.0/16", "198.18.0.0/15"),
    *("198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4"),
    *("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20"),
)
# Parts of those that can be reached from anywhere all the same.
_REACHABLE = (
    *("192.0.0.9/32", "192.0.0.10/32", "2001:1::1/128", "2001:1::2/127", "2001:3::/32"),
    *("2001:4:112::/48", "2001:20::/28", "2001:30::/28"),
)
# Of version 6 the rest is not allocated: https://www.iana.org/assignments/ipv6-address-space
_ALLOCATED = ("0.0.0.0/0", "2000::/3", "64:ff9b::/96")


def is_ipv4(text: str) -> str:
    """Say whether a text is an IPv4 address in four decimal parts."""
    return f"regexp_full_match({text}, '{_IPV4}')"


def is_ipv6(text: str) -> str:
    """Say whether a text is an IPv6 address; its end may be written as an IPv4 address."""
    groups = rf"regexp_replace({text}, ':{_IPV4}$', ':0:0')"
    return f"regexp_full_match({groups}, '{_IPV6}')"


def ipv4_number(text: str) -> str:
    """Give an IPv4 address as a BIGINT; NULL for what is none."""
    parts = f"string_split({text}, '.')"
    octets = " + ".join(
        f"TRY_CAST({parts}[{index}] AS BIGINT) * {256 ** (4 - index)}" for index in range(1, 5)
    )
    return f"CASE WHEN {is_ipv4(text)} THEN {octets} END"


def _ipv6_digits(text: str) -> str:
    """Give an IPv6 address as 32 hexadecimal digits."""
    octets = f"string_split(regexp_extract({text}, '[0-9.]+$'), '.')"
    bytes_ = ", ".join(
        f"coalesce(TRY_CAST({octets}[{index}] AS INTEGER), 0)" for index in (1, 2, 3, 4)
    )
    groups = (
        f"CASE WHEN contains({text}, '.') THEN regexp_replace({text}, '[0-9.]+$', '') "
        f"|| format('{{:02x}}{{:02x}}:{{:02x}}{{:02x}}', {bytes_}) ELSE {text} END"
    )

    def half(number: int) -> str:
        written = f"coalesce(string_split(string_split({groups}, '::')[{number}], ':'), [])"
        return (
            f"list_transform(list_filter({written}, lambda g: g <> ''), lambda g: lpad(g, 4, '0'))"
        )

    before, after = half(1), half(2)
    left_out = f"greatest(0, 8 - len({before}) - len({after}))"
    digits = f"list_concat({before}, [repeat('0000', {left_out})], {after})"
    return f"lower(array_to_string({digits}, ''))"


def sortable(text: str) -> str:
    """Give an address as a text that sorts as addresses do, version 4 first; NULL for none."""
    return values.once(text, _sortable)


def _sortable(text: str) -> str:
    return (
        f"coalesce('4' || format('{{:08x}}', {ipv4_number(text)}), "
        f"CASE WHEN {is_ipv6(text)} THEN '6' || {_ipv6_digits(text)} END)"
    )


def ends(subnet: str) -> tuple[str, str]:
    """Give the first and the last address of a subnet, as `sortable` gives addresses.

    Args:
        subnet: In CIDR notation; an address alone is a subnet of one.

    Raises:
        ValueError: It is none.
    """
    network = ip_network(subnet, strict=False)
    width = 8 if network.version == 4 else 32  # noqa: PLR2004 - of the Internet Protocol
    first, last = (f"{network.version}{int(network[end]):0{width}x}" for end in (0, -1))
    return first, last


def in_subnet(text: str, subnet: str, versions: tuple[int, ...] = (4, 6)) -> str:
    """Say whether a text is an address within a subnet; NULL for what is no address.

    Args:
        text: SQL of the text.
        subnet: In CIDR notation; bits after the prefix do not count.
        versions: Of the Internet Protocol that the subnet may be of.

    Raises:
        ValueError: The subnet is none, or of another version.
    """
    first, last = ends(subnet)
    if int(first[0]) not in versions or "/" not in subnet:
        msg = f"{subnet} is no subnet of version {versions[0]}"
        raise ValueError(msg)
    return f"{sortable(text)} BETWEEN '{first}' AND '{last}'"


def is_private(text: str) -> str:
    """Say whether a text is an address of a private network; NULL for what is no address."""
    return _of_address(text, _within(_PRIVATE))


def is_public(text: str) -> str:
    """Say whether a text is an address that can be reached from anywhere; NULL as above.

    Chosen, for the page does not list the ranges: an address is either public or reserved, as
    the registries have it, and a private one is a reserved one.
    """
    return _of_address(text, _public())


def is_reserved(text: str) -> str:
    """Say whether a text is an address that is kept from the Internet: any but a public one."""
    return _of_address(text, f"NOT {_public()}")


def _of_address(text: str, condition: str) -> str:
    """Ask something of the sortable address `a`."""
    return values.bound(sortable(text), "a", condition)


def _within(subnets: Sequence[str]) -> str:
    ranges = ("a BETWEEN '{}' AND '{}'".format(*ends(subnet)) for subnet in subnets)
    return f"({' OR '.join(ranges)})"


def _public() -> str:
    kept = f"{_within(_RESERVED)} AND NOT {_within(_REACHABLE)}"
    return f"({_within(_ALLOCATED)} AND NOT ({kept}))"
