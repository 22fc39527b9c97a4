"""Addresses and subnets, against Python's own reading of them."""

from ipaddress import IPv6Address, ip_address, ip_network

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.insights.conftest import asked
from workshop.insights import MalformedQuery

GROUPS = st.sampled_from(["0", "00", "1", "ffff", "fFfF", "db8", "12345", "g", "", "2001", "0a"])
IPV6 = st.one_of(
    st.lists(GROUPS, min_size=1, max_size=9).map(":".join),
    st.ip_addresses(v=6).map(str),
    st.ip_addresses(v=6).map(lambda address: address.exploded.upper()),
    st.tuples(
        st.sampled_from(["::", "::ffff:", "1:2:3:4:5:6:", "1:2:3:4:5:6:7:", "1::", "1:"]),
        st.ip_addresses(v=4),
    ).map(lambda pair: f"{pair[0]}{pair[1]}"),
)
IPV4 = st.one_of(
    st.ip_addresses(v=4).map(str),
    st.lists(st.sampled_from(["0", "255", "256", "01", "1", "", "-1"]), min_size=3, max_size=5).map(
        ".".join
    ),
)


def version(text):
    try:
        return ip_address(text).version
    except ValueError:
        return None


@settings(max_examples=20, deadline=None)
@given(st.lists(st.one_of(IPV6, IPV4), min_size=20, max_size=40))
def test_what_is_an_address_is_told(connection, texts):
    query = "fields isValidIp(@message), isValidIpV4(@message), isValidIpV6(@message)"

    expected = [
        [str(int(found is not None)), str(int(found == 4)), str(int(found == 6))]
        for found in map(version, texts)
    ]
    assert asked(connection, texts, query) == expected


@settings(max_examples=20, deadline=None)
@given(
    prefix=st.integers(0, 128),
    base=st.ip_addresses(v=6),
    others=st.lists(st.ip_addresses(v=6), max_size=5),
    bits=st.lists(st.integers(0, 127), max_size=20),
)
def test_a_subnet_of_version_6_holds_what_it_holds(connection, prefix, base, others, bits):
    addresses = [base, *others, *(IPv6Address(int(base) ^ (1 << bit)) for bit in bits)]
    subnet = ip_network(f"{base}/{prefix}", strict=False)
    query = f"fields isIpv6InSubnet(@message, '{subnet}'), isIpInSubnet(@message, '{subnet}')"

    found = asked(connection, list(map(str, addresses)), query)

    assert found == [[str(int(address in subnet))] * 2 for address in addresses]


@pytest.mark.parametrize(
    ("call", "result"),
    [
        ("isIpInSubnet('192.0.2.7', '192.0.2.0/24')", "1"),
        ("isIpInSubnet('192.0.3.7', '192.0.2.0/24')", "0"),
        ("isIpInSubnet('2001:db8::1', '2001:db8::/32')", "1"),
        ("isIpInSubnet('192.0.2.7', '2001:db8::/32')", "0"),
        ("isIpv6InSubnet('::ffff:192.0.2.7', '::ffff:c000:200/120')", "1"),
        ("isIpv6InSubnet('nothing', '::/0')", "0"),
        ("isIpv4InSubnet('10.1.2.3', '10.0.0.0/8')", "1"),
        ("isValidIp(missing)", "0"),
    ],
)
def test_addresses_of_the_documentation(table, call, result):
    assert table(f"fields {call} as x", "m") == [{"x": result}]


@pytest.mark.parametrize(
    ("call", "what"),
    [
        ("isIpv6InSubnet(@message, '10.0.0.0/8')", "is not an IPv6 subnet"),
        ("isIpv4InSubnet(@message, '::/8')", "is not an IPv4 subnet"),
        ("isIpInSubnet(@message, '10.0.0.0')", "is not a subnet"),
        ("isIpInSubnet(@message, a)", "in quotes"),
    ],
)
def test_what_is_no_subnet_is_refused(table, call, what):
    with pytest.raises(MalformedQuery, match=what):
        table(f"fields {call}", "m")


# The blocks of IANA's registries as they stand there, by what they are.
PRIVATE = "10.0.0.0/8 172.16.0.0/12 192.168.0.0/16 fc00::/7".split()  # noqa: SIM905 - easier to read
NOT_REACHABLE = """
0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.0.0.0/29
192.0.0.8/32 192.0.0.170/32 192.0.0.171/32 192.0.2.0/24 192.168.0.0/16 198.18.0.0/15
198.51.100.0/24 203.0.113.0/24 240.0.0.0/4 255.255.255.255/32
::1/128 ::/128 ::ffff:0:0/96 64:ff9b:1::/48 100::/64 2001::/32 2001:2::/48 2001:10::/28
2001:db8::/32 2002::/16 3fff::/20 5f00::/16 fc00::/7 fe80::/10
""".split()  # noqa: SIM905 - easier to read
MULTICAST = ["224.0.0.0/4", "ff00::/8"]
REACHABLE = """
192.0.0.9/32 192.0.0.10/32 192.31.196.0/24 192.52.193.0/24 192.175.48.0/24 64:ff9b::/96
2001:1::1/128 2001:1::2/128 2001:1::3/128 2001:3::/32 2001:4:112::/48 2001:20::/28 2001:30::/28
2620:4f:8000::/48
""".split()  # noqa: SIM905 - easier to read
SORTS = "fields isPrivateIP(@message), isPublicIP(@message), isReservedIP(@message)"


def edges(blocks):
    return [str(end) for block in map(ip_network, blocks) for end in (block[0], block[-1])]


@pytest.mark.parametrize("blocks", [PRIVATE, NOT_REACHABLE, MULTICAST])
def test_the_ends_of_a_reserved_block_are_reserved_and_not_public(connection, blocks):
    found = asked(connection, edges(blocks), SORTS)

    assert {tuple(row[1:]) for row in found} == {("0", "1")}


def test_the_ends_of_a_private_block_are_private_and_what_lies_beside_them_is_not(connection):
    outside = (
        "9.255.255.255 11.0.0.0 172.15.255.255 172.32.0.0 192.167.255.255 192.169.0.0 127.0.0.1"
    )

    assert {row[0] for row in asked(connection, edges(PRIVATE), SORTS)} == {"1"}
    assert {row[0] for row in asked(connection, [*outside.split(), "fe80::1"], SORTS)} == {"0"}


def test_what_the_registries_call_globally_reachable_is_public(connection):
    assert asked(connection, [*edges(REACHABLE), "8.8.8.8", "2606:4700::1111"], SORTS) == [
        ["0", "1", "0"]
    ] * (2 * len(REACHABLE) + 2)


def within(address, blocks):
    return any(address in ip_network(block) for block in blocks)


# Where `is_global` says otherwise: it takes multicast addresses, and those of version 6 that are
# not allocated, for global; and its lists are those of the day that its Python is from.
DISPUTED = [*MULTICAST, "192.0.0.0/24", "2001::/23", "64:ff9b::/47", "2002::/16", "3fff::/20"]


@settings(max_examples=30, deadline=None)
@given(
    st.lists(
        st.one_of(
            st.ip_addresses(v=4),
            st.ip_addresses(network="2000::/3"),
            st.sampled_from(NOT_REACHABLE).flatmap(lambda block: st.ip_addresses(network=block)),
        ),
        min_size=20,
        max_size=40,
    )
)
def test_public_is_what_python_calls_global_except_where_they_differ_for_a_reason(
    connection, addresses
):
    agreed = [
        address
        for address in addresses
        if not within(address, DISPUTED)
        and (address.version == 4 or address in ip_network("2000::/3"))
    ]

    found = asked(connection, list(map(str, agreed)), SORTS)

    assert found == [
        [
            str(int(within(address, PRIVATE))),
            str(int(address.is_global)),
            str(int(not address.is_global)),
        ]
        for address in agreed
    ]


@settings(max_examples=20, deadline=None)
@given(st.lists(st.one_of(IPV6, IPV4), min_size=20, max_size=40))
def test_an_address_is_public_or_reserved_and_any_other_text_is_neither(connection, texts):
    found = asked(connection, texts, SORTS)

    for text, (private, public, reserved) in zip(texts, found, strict=True):
        assert int(public) + int(reserved) == (version(text) is not None)
        assert private <= reserved


@settings(max_examples=20, deadline=None)
@given(st.lists(st.one_of(IPV4, IPV6), min_size=20, max_size=40))
def test_an_address_of_version_4_has_a_number_and_no_other_text_has(connection, texts):
    found = asked(connection, texts, "fields ipv4ToNumber(@message) as n")

    assert found == [[str(int(ip_address(text)))] if version(text) == 4 else [] for text in texts]
