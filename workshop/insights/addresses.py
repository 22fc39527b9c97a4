"""IP addresses in SQL. DuckDB's own type for them is an extension, which would be a download.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax-operations-functions.html#CWL_QuerySyntax-IPaddress-functions
"""

from ipaddress import IPv4Network, IPv6Network, ip_network

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


def in_subnet(text: str, subnet: str, versions: tuple[int, ...] = (4, 6)) -> str:
    """Say whether a text is an address within a subnet.

    Args:
        text: SQL of the text.
        subnet: In CIDR notation; bits after the prefix do not count.
        versions: Of the Internet Protocol that the subnet may be of.

    Raises:
        ValueError: The subnet is none, or of another version.
    """
    network = ip_network(subnet, strict=False)
    if network.version not in versions or "/" not in subnet:
        msg = f"{subnet} is no subnet of version {versions[0]}"
        raise ValueError(msg)
    if isinstance(network, IPv4Network):
        first, last = int(network.network_address), int(network.broadcast_address)
        return f"({ipv4_number(text)}) BETWEEN {first} AND {last}"
    return _in_ipv6(text, network)


def _in_ipv6(text: str, network: IPv6Network) -> str:
    first, last = (f"{int(network[end]):032x}" for end in (0, -1))
    within = f"{_ipv6_digits(text)} BETWEEN '{first}' AND '{last}'"
    return f"CASE WHEN {is_ipv6(text)} THEN {within} END"
