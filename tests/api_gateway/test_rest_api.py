"""The REST API of a template: its routes and settings, and what is refused by name."""

import pytest

from workshop.api_gateway import UnsupportedApiError
from workshop.api_gateway.rest_api import AccessLog, RestApi, Route

API = """\
Api:
  Type: AWS::Serverless::Api
  Properties:
    Name: shop
    StageName: v1
"""


def event(path, method, *more):
    properties = ", ".join([f'Path: "{path}"', f"Method: {method}", *more])
    return f"Type: Api\n  Properties: {{RestApiId: !Ref Api, {properties}}}\n"


def events(*pairs):
    return "".join(f"E{n}:\n  {event(*pair)}" for n, pair in enumerate(pairs))


def setting(text):
    """An API with one more property."""
    return API + "".join(f"    {line}\n" for line in text.splitlines())


def log(line, arn="!GetAtt Logs.Arn"):
    return setting(f"AccessLogSetting:\n  DestinationArn: {arn}\n  Format: {line}")


def routed(*resources):
    return RestApi("Api", "shop", "v1", tuple(Route(*one.split()[::-1], "F") for one in resources))


def test_an_event_names_its_api_and_becomes_a_route(read):
    api = read(API, events(("/payments", "post"), ("/payments/{id}/", "GET")))
    assert (api.name, api.stage) == ("shop", "v1")
    assert [(r.method, r.resource, r.function) for r in api.routes] == [
        ("POST", "/payments", "EchoFunction"),
        ("GET", "/payments/{id}", "EchoFunction"),
    ]


def test_an_event_without_an_api_has_the_one_that_sam_makes_with_what_globals_say(read):
    shared = "Globals: {Api: {TracingEnabled: true, Name: shared}}\n"
    api = read("", "E:\n  Type: Api\n  Properties: {Path: /a, Method: get}\n", shared)
    assert (api.logical_id, api.stage) == ("ServerlessRestApi", "Prod")
    assert (api.name, api.tracing) == ("shared", True)


@pytest.mark.parametrize(
    ("method", "path", "resource", "parameters"),
    [
        ("GET", "/a", "/a", {}),
        ("GET", "/a/", "/a", {}),
        ("GET", "/a/b", "/a/b", {}),
        ("GET", "/a/x", "/a/{one}", {"one": "x"}),
        ("GET", "/a/x%20y", "/a/{one}", {"one": "x y"}),
        ("GET", "/a/x/y", "/{proxy+}", {"proxy": "a/x/y"}),
        ("DELETE", "/q", "/{proxy+}", {"proxy": "q"}),
    ],
)
def test_the_most_particular_resource_wins(method, path, resource, parameters):
    api = routed("ANY /{proxy+}", "GET /a/{one}", "GET /a/b", "GET /a")
    found = api.find(method, path)
    assert (found.route.resource, found.parameters) == (resource, parameters)


def test_a_resource_without_the_method_is_no_route_even_beside_a_greedy_one():
    assert routed("ANY /{proxy+}", "POST /a").find("GET", "/a") is None


def test_a_greedy_resource_does_not_take_the_root():
    assert routed("ANY /{proxy+}").find("GET", "/") is None
    assert routed("ANY /").find("GET", "/").route.resource == "/"


def test_a_method_of_its_own_goes_before_any():
    assert routed("ANY /a", "GET /a").find("GET", "/a").route.method == "GET"
    assert routed("ANY /a", "GET /a").find("PUT", "/a").route.method == "ANY"


def test_settings_are_read(read):
    api = read(
        setting(
            "TracingEnabled: 'true'\nVariables: {colour: blue}\nBinaryMediaTypes: [image~1png]\n"
            "MethodSettings:\n"
            "  - {ResourcePath: /*, HttpMethod: '*', MetricsEnabled: 1, ThrottlingRateLimit: 2}\n"
            "  - {ResourcePath: /a, HttpMethod: GET, ThrottlingBurstLimit: 1}"
        )
    )
    assert (api.tracing, api.variables, api.binary_types) == (
        True,
        {"colour": "blue"},
        ("image/png",),
    )
    assert api.detailed_metrics
    route = api.routes[0]
    assert api.limit(route, "GET").burst == 1
    assert api.limit(route, "PUT").rate == 2


@pytest.mark.parametrize(
    "arn",
    [
        "!GetAtt Logs.Arn",
        "arn:aws:logs:us-east-1:123456789012:log-group:/api/shop",
        "!Sub arn:aws:logs:${AWS::Region}:${AWS::AccountId}:log-group:/api/shop",
    ],
)
def test_the_access_log_goes_to_the_group_of_its_arn(read, arn):
    assert read(log("$context.requestId", arn)).access_log == AccessLog(
        "/api/shop", "$context.requestId"
    )


@pytest.mark.parametrize(
    ("api", "some", "said"),
    [
        (API, "E:\n  Type: Schedule\n  Properties: {Schedule: rate(1 hour)}\n", "no event of Type"),
        (API, "E:\n  Type: HttpApi\n  Properties: {Path: /a, Method: get}\n", "HttpApi"),
        (API, events(("/a", "get", "Auth: {ApiKeyRequired: true}")), "Auth of EchoFunction event"),
        (API, events(("/a", "get", "RequestModel: {Model: P}")), "RequestModel"),
        (API, events(("a", "get")), "does not begin with a slash"),
        (API, events(("/a/{b", "get")), "no name and no parameter"),
        (API, events(("/{proxy+}/a", "get")), "follows {proxy+}"),
        (API, events(("/a", "fetch")), "Method of"),
        (API, events(("/a", "get", "TimeoutInMillis: 30000")), "TimeoutInMillis"),
        (API, events(("/a", "get"), ("/a/", "GET")), "two events are GET /a"),
        (API.replace("    StageName: v1\n", ""), "", "no StageName"),
        (setting("Cors: \"'*'\""), "", "Cors of Api"),
        (setting("Models: {P: {type: object}}"), "", "Models of Api"),
        (setting("Auth: {ApiKeyRequired: true}"), "", "Auth of Api"),
        (setting("DefinitionBody: {swagger: '2.0'}"), "", "DefinitionBody of Api"),
        (log('"{$context.requestID}"'), "", "$context.requestID"),
        (log('{"id": "$context.requestId"}'), "", "is a mapping"),
        (log("$context.status"), "", "tells no request from another"),
        (log('"$context.requestId\\n$context.status"'), "", "several lines"),
        (log("$context.requestId", "arn:aws:sns:us-east-1:123456789012:x"), "", "no log group's"),
        (
            setting("MethodSettings: [{ResourcePath: /*, ThrottlingRateLimit: many}]"),
            "",
            "no numbers",
        ),
    ],
)
def test_what_cannot_be_is_refused_by_name(read, api, some, said):
    with pytest.raises(UnsupportedApiError) as refused:
        read(api, some)
    assert said in refused.value.what


def test_an_api_of_no_such_name_is_refused(read):
    with pytest.raises(UnsupportedApiError, match="RestApiId of EchoFunction event E"):
        read(API, "E:\n  Type: Api\n  Properties: {RestApiId: !Ref Logs, Path: /a, Method: get}\n")


def test_of_several_apis_one_is_to_be_named(tmp_path, read):
    two = API + API.replace("Api:", "Other:", 1).replace("shop", "second")
    some = events(("/a", "get")) + (
        "F:\n  Type: Api\n  Properties: {RestApiId: !Ref Other, Path: /b, Method: get}\n"
    )
    with pytest.raises(UnsupportedApiError, match="holds 2 APIs: Api, Other"):
        read(two, some)
