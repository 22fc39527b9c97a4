"""Access logs: one line for a request, as the stage's format says.

https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-variables-for-access-logging.html
"""

import json
import re
from collections.abc import Mapping

ABSENT = "-"
"""What stands for a variable that has no value."""

# A variable ends before a dot that no name follows: "$context.status." ends a sentence.
_VARIABLE = re.compile(r"\$context\.([A-Za-z0-9_]+(?:\.[A-Za-z0-9_]+)*)")
_KNOWN = frozenset(
    {
        *("accountId", "apiId", "awsEndpointRequestId", "awsEndpointRequestId2"),
        *("customDomain.basePathMatched", "deploymentId", "domainName", "domainPrefix"),
        *("error.message", "error.messageString", "error.responseType"),
        *("error.validationErrorString", "extendedRequestId", "httpMethod"),
        *("identity.accountId", "identity.apiKey", "identity.apiKeyId", "identity.caller"),
        *("identity.principalOrgId", "identity.sourceIp", "identity.user", "identity.userAgent"),
        *("identity.userArn", "identity.vpcId", "identity.vpceId"),
        *("integration.error", "integration.integrationStatus", "integration.latency"),
        *("integration.requestId", "integration.status", "integrationErrorMessage"),
        *("integrationLatency", "integrationStatus", "isCanaryRequest", "path", "protocol"),
        *("requestId", "requestTime", "requestTimeEpoch", "resourceId", "resourcePath"),
        *("responseLatency", "responseLength", "responseOverride.status", "stage", "status"),
        *("tlsVersion", "cipherSuite", "wafResponseCode", "webaclArn", "xrayTraceId"),
    }
)
_FAMILIES = (
    *("authenticate.", "authorize.", "authorizer.", "waf.", "identity.clientCert."),
    *("identity.cognito", "requestOverride.", "responseOverride.header."),
)


def unknown_variables(line: str) -> list[str]:
    """Return the `$context` variables of a format that there are not, as they stand in it."""
    return [
        f"$context.{name}"
        for name in _VARIABLE.findall(line)
        if name not in _KNOWN and not name.startswith(_FAMILIES)
    ]


def written(line: str, values: Mapping[str, object]) -> str:
    """Write the line of one request.

    Args:
        line: The format.
        values: Variable to value, without `$context.`; what is missing or None is written `-`.

    Returns:
        One line. A value is escaped as JSON escapes it, so that no caller can add a key or a line
        by what it sends; `error.messageString` is JSON with its quotes.
    """

    def value(match: re.Match[str]) -> str:
        name = match[1]
        found = values.get(name)
        if found is None:
            return ABSENT
        if isinstance(found, bool):
            return str(found).lower()
        escaped = json.dumps(str(found))
        return escaped if name == "error.messageString" else escaped[1:-1]

    return _VARIABLE.sub(value, line)
