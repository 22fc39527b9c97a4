"""A function's answer made into the response, and the malformed ones.

https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html#api-gateway-simple-proxy-for-lambda-output-format
"""

import json

import pytest

from workshop.api_gateway.answers import MalformedAnswerError, mapped


def response(answer, accept="*/*", binary=()):
    return mapped(json.dumps(answer).encode(), accept=accept, binary_types=binary)


def test_status_headers_and_body_are_handed_on():
    got = response({"statusCode": 402, "headers": {"X-A": "1", "X-B": 2, "X-C": True}, "body": "é"})
    assert (got.status, got.body) == (402, "é".encode())
    assert got.headers == (
        ("Content-Type", "application/json"),
        ("X-A", "1"),
        ("X-B", "2"),
        ("X-C", "true"),
    )


@pytest.mark.parametrize("status", [200, "200", 200.0])
def test_a_status_may_be_a_number_in_any_form(status):
    assert response({"statusCode": status}).status == 200


def test_a_body_may_be_missing():
    assert response({"statusCode": 204, "body": None, "headers": None}).body == b""


@pytest.mark.parametrize("status", [204, 304])
def test_a_status_that_says_that_nothing_follows_has_no_body(status):
    assert response({"statusCode": status, "body": "something"}).body == b""


def test_a_content_type_of_its_own_stays_in_whatever_case():
    assert response({"statusCode": 200, "headers": {"content-type": "text/html"}}).headers == (
        ("content-type", "text/html"),
    )


def test_of_a_header_in_both_forms_the_several_values_count():
    got = response(
        {
            "statusCode": 200,
            "headers": {"set-cookie": "a=1", "X": "y"},
            "multiValueHeaders": {"Set-Cookie": ["b=2", "c=3"]},
        }
    )
    assert [pair for pair in got.headers if pair[0].lower() == "set-cookie"] == [
        ("Set-Cookie", "b=2"),
        ("Set-Cookie", "c=3"),
    ]
    assert got.header("x") == "y"


def test_headers_of_the_connection_are_not_the_functions_to_set():
    got = response(
        {"statusCode": 200, "headers": {"Content-Length": "1", "Transfer-Encoding": "chunked"}}
    )
    assert got.headers[1:] == (("x-amzn-Remapped-Content-Length", "1"),)


@pytest.mark.parametrize(
    ("accept", "binary", "body"),
    [
        ("image/png", ("image/png",), b"\x89PNG"),
        ("image/png;q=1, text/html", ("image/*",), b"\x89PNG"),
        ("text/html", ("*/*",), b"\x89PNG"),
        ("text/html, image/png", ("image/png",), b"iVBORw=="),
        ("image/png", (), b"iVBORw=="),
        (None, ("image/png",), b"iVBORw=="),
    ],
)
def test_base64_is_undone_where_the_first_type_accepted_is_binary(accept, binary, body):
    answer = {"statusCode": 200, "isBase64Encoded": True, "body": "iVBORw=="}
    assert response(answer, accept, binary).body == body


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (None, "null, not an object"),
        ("text", "not an object"),
        ([], "a list, not an object"),
        ({}, "statusCode is missing"),
        ({"status": "charged"}, "does not have: status"),
        ({"statusCode": 200, "cookies": []}, "does not have: cookies"),
        ({"statusCode": None}, "statusCode is null"),
        ({"statusCode": True}, "statusCode is true"),
        ({"statusCode": 100}, "statusCode is 100"),
        ({"statusCode": 199}, "statusCode is 199"),
        ({"statusCode": 600}, "statusCode is 600"),
        ({"statusCode": "ok"}, 'statusCode is "ok"'),
        ({"statusCode": 200, "body": {}}, "the body is an object, not text"),
        ({"statusCode": 200, "body": 1}, "the body is 1, not text"),
        ({"statusCode": 200, "headers": []}, None),
        ({"statusCode": 200, "headers": ["x"]}, "headers is a list"),
        ({"statusCode": 200, "headers": {"X": {}}}, "the header X is an object"),
        ({"statusCode": 200, "headers": {"X": "a\r\nY: b"}}, "cannot be sent"),
        ({"statusCode": 200, "headers": {"X Y": "a"}}, "cannot be sent"),
        ({"statusCode": 200, "multiValueHeaders": {"X": "a"}}, "multiValueHeaders.X is"),
    ],
)
def test_a_malformed_answer_is_refused_with_its_reason(answer, said):
    if said is None:
        assert response(answer).status == 200
        return
    with pytest.raises(MalformedAnswerError) as refused:
        response(answer)
    assert said in str(refused.value)


def test_bytes_that_are_no_json_are_refused():
    with pytest.raises(MalformedAnswerError):
        mapped(b"\xff", accept=None, binary_types=())
