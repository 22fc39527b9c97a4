"""API Gateway's REST front: requests to events, answers to responses, and what is told of them.

Everything but `front` is pure.
https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-rest-api.html
"""

from workshop.api_gateway.front import Exchange, Front
from workshop.api_gateway.messages import HttpRequest, HttpResponse
from workshop.api_gateway.rest_api import RestApi, UnsupportedApiError, rest_api

__all__ = [
    "Exchange",
    "Front",
    "HttpRequest",
    "HttpResponse",
    "RestApi",
    "UnsupportedApiError",
    "rest_api",
]
