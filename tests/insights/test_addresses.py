"""Addresses and subnets, against Python's own reading of them."""

from ipaddress import IPv6Address, ip_address, ip_network

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.insights.conftest import GROUP, NOON
from workshop.insights import MalformedQuery, Scope, compile_query, parse, rows

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


def asked(connection, texts, text):
    """Ask a query of messages; give the values of its rows, in order of the messages."""
    connection.execute("DELETE FROM log_events")
    connection.executemany(
        "INSERT INTO log_events VALUES (?, 0, ?, 's', ?, ?)",
        [[number, GROUP, NOON - number, text] for number, text in enumerate(texts)],
    )
    result = rows(compile_query(parse(text), Scope((GROUP,), 0, NOON, NOON)), connection)
    return [[value for name, value in row if name != "@ptr"] for row in result.rows]


@settings(max_examples=40, deadline=None)
@given(st.lists(st.one_of(IPV6, IPV4), min_size=20, max_size=40))
def test_what_is_an_address_is_told(connection, texts):
    query = "fields isValidIp(@message), isValidIpV4(@message), isValidIpV6(@message)"

    expected = [
        [str(int(found is not None)), str(int(found == 4)), str(int(found == 6))]
        for found in map(version, texts)
    ]
    assert asked(connection, texts, query) == expected


@settings(max_examples=40, deadline=None)
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
