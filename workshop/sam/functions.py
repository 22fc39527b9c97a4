"""Resources to functions and log groups, with the defaults and limits of SAM and Lambda.

https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-resource-function.html
https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
"""

from pathlib import Path
from typing import Literal

from workshop.sam.errors import UnsupportedError
from workshop.sam.intrinsics import Resolver
from workshop.sam.model import Event, Function, LogGroup
from workshop.sam.nodes import Node
from workshop.sam.properties import Properties

RUNTIMES = ("python3.11", "python3.12", "python3.13", "python3.14")
LOG_GROUP_PATTERN = r"[.\-_/#A-Za-z0-9]{1,512}"
RETENTION_DAYS = (
    *(1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545),
    *(731, 1096, 1827, 2192, 2557, 2922, 3288, 3653),
)
"""https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html"""

_DEFAULT_TIMEOUT_SECONDS = 3
_DEFAULT_MEMORY_MB = 128
_MAX_ENVIRONMENT_BYTES = 4096

# https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html
_VARIABLE_NAME = r"[A-Za-z][A-Za-z0-9_]+"
_RESERVED_VARIABLES = frozenset(
    {
        "_HANDLER",
        "_X_AMZN_TRACE_ID",
        "AWS_ACCESS_KEY",
        "AWS_ACCESS_KEY_ID",
        "AWS_DEFAULT_REGION",
        "AWS_EXECUTION_ENV",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
        "AWS_LAMBDA_FUNCTION_NAME",
        "AWS_LAMBDA_FUNCTION_VERSION",
        "AWS_LAMBDA_INITIALIZATION_TYPE",
        "AWS_LAMBDA_LOG_GROUP_NAME",
        "AWS_LAMBDA_LOG_STREAM_NAME",
        "AWS_LAMBDA_RUNTIME_API",
        "AWS_REGION",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
        "LAMBDA_RUNTIME_DIR",
        "LAMBDA_TASK_ROOT",
    }
)
_PROPERTIES = (
    *("Architectures", "AssumeRolePolicyDocument", "AutoPublishAlias"),
    *("AutoPublishAliasAllProperties", "AutoPublishCodeSha256", "CapacityProviderConfig"),
    *("CodeSigningConfigArn", "CodeUri", "DeadLetterQueue", "DeploymentPreference"),
    *("Description", "DurableConfig", "Environment", "EphemeralStorage", "EventInvokeConfig"),
    *("Events", "FileSystemConfigs", "FunctionName", "FunctionScalingConfig"),
    *("FunctionUrlConfig", "Handler", "ImageConfig", "ImageUri", "InlineCode", "KmsKeyArn"),
    *("Layers", "LoggingConfig", "MemorySize", "PackageType", "PermissionsBoundary", "Policies"),
    *("PropagateTags", "ProvisionedConcurrencyConfig", "PublishToLatestPublished"),
    *("RecursiveLoop", "ReservedConcurrentExecutions", "Role", "RolePath", "Runtime"),
    *("RuntimeManagementConfig", "SnapStart", "SourceKMSKeyArn", "Tags", "TenancyConfig"),
    *("Timeout", "Tracing", "VersionDeletionPolicy", "VersionDescription", "VpcConfig"),
)
_LOG_GROUP_PROPERTIES = (
    *("BearerTokenAuthenticationEnabled", "DataProtectionPolicy", "DeletionProtectionEnabled"),
    *("FieldIndexPolicies", "KmsKeyId", "LogGroupClass", "LogGroupName"),
    *("ResourcePolicyDocument", "RetentionInDays", "Tags"),
)
"""https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-logs-loggroup.html"""
_OF_A_STREAM = "it belongs to the event, under Events: among the Properties of one of type Kinesis"
_OF_A_ROUTE = "it belongs to the event, under Events: among the Properties of one of type Api"
_OF_AN_API = "it belongs to an API, a resource of type AWS::Serverless::Api"
_OF_A_LOG_GROUP = "it belongs to a log group, a resource of type AWS::Logs::LogGroup"
_ELSEWHERE = {
    **dict.fromkeys(
        (
            *("BatchSize", "BisectBatchOnFunctionError", "DestinationConfig"),
            *("FunctionResponseTypes", "MaximumRecordAgeInSeconds", "MaximumRetryAttempts"),
            *("ParallelizationFactor", "StartingPosition", "Stream"),
        ),
        _OF_A_STREAM,
    ),
    **dict.fromkeys(("Method", "Path", "RestApiId"), _OF_A_ROUTE),
    **dict.fromkeys(("AccessLogSetting", "MethodSettings", "StageName"), _OF_AN_API),
    "TracingEnabled": f"{_OF_AN_API}; a function has Tracing: Active",
    **dict.fromkeys(("LogGroupName", "RetentionInDays"), _OF_A_LOG_GROUP),
    **dict.fromkeys(
        ("ApplicationLogLevel", "LogFormat", "LogGroup", "SystemLogLevel"),
        "it belongs under LoggingConfig, two columns further in",
    ),
    "Variables": "it belongs under Environment, two columns further in",
    "Alarms": "it belongs under DeploymentPreference, two columns further in",
}
"""What the steps ask for and is no property of a function, to where it belongs."""
_OF_A_FUNCTION = {"LoggingConfig": "it belongs among the Properties of the function"}


def read_function(resolver: Resolver, logical_id: str, resource: Node, folder: Path) -> Function:
    """Read an `AWS::Serverless::Function`.

    Args:
        resolver: Resolves the values.
        logical_id: Its key in `Resources`.
        resource: The resource, `Globals` merged in.
        folder: The template's folder, which `CodeUri` is relative to.

    Raises:
        TemplateError: Something is missing, out of its limits or cannot be resolved.
    """
    properties = _properties(resolver, logical_id, resource)
    properties.only(_PROPERTIES, elsewhere=_ELSEWHERE)
    name = resolver.physical_name(logical_id)
    properties.text("FunctionName", default=name, pattern=r"[A-Za-z0-9_-]{1,64}")
    code_uri = _code_uri(properties, folder)
    logging = properties.sub("LoggingConfig")
    log_format, application_level, system_level = _log_levels(logging)
    return Function(
        logical_id=logical_id,
        name=name,
        handler=properties.text("Handler", pattern=r"[^\s]{1,128}"),
        runtime=properties.choice("Runtime", RUNTIMES),
        code_uri=code_uri,
        timeout_seconds=properties.integer("Timeout", 1, 900) or _DEFAULT_TIMEOUT_SECONDS,
        memory_mb=properties.integer("MemorySize", 128, 10_240) or _DEFAULT_MEMORY_MB,
        environment=_environment(properties.sub("Environment").sub("Variables")),
        tracing=properties.choice("Tracing", ("Active", "PassThrough", "Disabled"), "Disabled")
        == "Active",
        log_group=logging.text("LogGroup", f"/aws/lambda/{name}", LOG_GROUP_PATTERN),
        log_format=log_format,
        application_log_level=application_level,
        system_log_level=system_level,
        reserved_concurrency=properties.integer("ReservedConcurrentExecutions", 0, 1_000_000),
        architecture=_architecture(properties),
        events=_events(properties.sub("Events")),
    )


def read_log_group(resolver: Resolver, logical_id: str, resource: Node) -> LogGroup:
    """Read an `AWS::Logs::LogGroup`.

    Raises:
        TemplateError: A property is not known; its name or its retention period is not allowed.
    """
    properties = _properties(resolver, logical_id, resource)
    properties.only(_LOG_GROUP_PROPERTIES, elsewhere=_OF_A_FUNCTION)
    name = resolver.physical_name(logical_id)
    properties.text("LogGroupName", default=name, pattern=LOG_GROUP_PATTERN)
    days = properties.integer("RetentionInDays", 1, RETENTION_DAYS[-1])
    if days is not None and days not in RETENTION_DAYS:
        raise properties.place_of("RetentionInDays").error(
            f"RetentionInDays of {logical_id} may not be {days}",
            f"allowed: {', '.join(map(str, RETENTION_DAYS))}",
        )
    return LogGroup(logical_id, name, days)


def _properties(resolver: Resolver, logical_id: str, resource: Node) -> Properties:
    node = resource.mapping(logical_id).get("Properties")
    return Properties(resolver, node, logical_id, resource.key_place)


def _code_uri(properties: Properties, folder: Path) -> Path:
    for name in ("InlineCode", "ImageUri"):
        if properties.has(name):
            raise properties.place_of(name).error(
                f"{name} cannot run here", "supported: CodeUri, a folder beside the template"
            )
    if not properties.has("CodeUri"):
        raise properties.place.error("the function has no CodeUri", "such as CodeUri: .")
    place = properties.place_of("CodeUri")
    value = properties.anything("CodeUri")
    if not isinstance(value, str) or "://" in value:
        message = "a CodeUri in S3 cannot run here"
        raise UnsupportedError(message, f"{place}  supported: a folder beside the template")
    path = folder / value
    if "\0" in value or not path.is_dir():
        raise place.error(f"CodeUri names no folder: {value!r}", f"looked beside {folder}")
    return path.resolve()


def _environment(variables: Properties) -> dict[str, str]:
    variables.names_match(_VARIABLE_NAME)
    environment = {}
    for name in variables:
        place = variables.place_of(name)
        if name in _RESERVED_VARIABLES:
            raise place.error(f"the environment variable {name} is Lambda's own")
        environment[name] = variables.text(name, pattern=".*")
        if "\0" in environment[name]:
            raise place.error(f"the environment variable {name} holds a NUL character")
    if sum(len(f"{k}{v}".encode()) for k, v in environment.items()) > _MAX_ENVIRONMENT_BYTES:
        raise variables.place.error("the environment variables exceed 4 KB, Lambda's limit")
    return environment


def _log_levels(logging: Properties) -> tuple[Literal["Text", "JSON"], str | None, str | None]:
    """The log format and the two levels; with JSON both default to INFO.

    https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-log-level.html
    """
    logging.only(("ApplicationLogLevel", "LogFormat", "LogGroup", "SystemLogLevel"))
    if logging.choice("LogFormat", ("Text", "JSON"), "Text") == "Text":
        for name in ("ApplicationLogLevel", "SystemLogLevel"):
            if logging.has(name):
                raise logging.place_of(name).error(f"{name} needs LogFormat: JSON")
        return "Text", None, None
    levels = ("TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL")
    application = logging.choice("ApplicationLogLevel", levels, "INFO")
    return "JSON", application, logging.choice("SystemLogLevel", levels[1:4], "INFO")


def _architecture(properties: Properties) -> str:
    if not properties.has("Architectures"):
        return "x86_64"
    value = properties.anything("Architectures")
    if value not in (["x86_64"], ["arm64"]):
        raise properties.place_of("Architectures").error(
            "Architectures must be a list of one", "allowed: x86_64, arm64"
        )
    architecture: str = value[0]
    return architecture


def _events(events: Properties) -> tuple[Event, ...]:
    found = []
    for name in events:
        event = events.sub(name)
        event.only(
            ("Type", "Properties"), "does it belong under Properties, two columns further in?"
        )
        properties = event.sub("Properties")
        values = {key: properties.anything(key) for key in properties}
        found.append(Event(name, event.text("Type"), values))
    return tuple(found)
