"""Access logs: variables, what is absent, and values that would break out of the line."""

import json

from workshop.api_gateway.access_log import unknown_variables, written


def test_variables_are_filled_in():
    line = "$context.requestId $context.status. $context.integration.latency"
    values = {"requestId": "r", "status": 402, "integration.latency": 7}
    assert written(line, values) == "r 402. 7"


def test_what_has_no_value_is_a_dash():
    assert written('"$context.identity.user" $context.error.messageString', {}) == '"-" -'


def test_a_caller_cannot_add_a_key_or_a_line():
    evil = '", "status": "200\n{"x": "'
    line = '{"agent": "$context.identity.userAgent", "status": "$context.status"}'
    read = written(line, {"identity.userAgent": evil, "status": 403})
    assert "\n" not in read
    assert json.loads(read) == {"agent": evil, "status": "403"}


def test_a_variable_in_a_value_stays_as_it_is():
    assert written("$context.path", {"path": "/$context.status", "status": 1}) == "/$context.status"


def test_the_message_string_has_its_quotes():
    assert written("$context.error.messageString", {"error.messageString": "No"}) == '"No"'


def test_unknown_variables_are_named():
    line = "$context.requestId $context.authorizer.claims.sub $context.requestID $context.nope.x"
    assert unknown_variables(line) == ["$context.requestID", "$context.nope.x"]
