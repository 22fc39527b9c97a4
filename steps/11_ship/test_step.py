"""What step 11 promises: a bad release reaches a tenth of the customers, and goes back.

Everything is read from the template, resolved; the release itself is rehearsed on paper
(`workshop.course.release`): the template's own alarms, on what a bad version would leave behind.
"""

import re
from contextlib import contextmanager

import pytest

from workshop.api_gateway import UnsupportedApiError
from workshop.course.permissions import Role, read_role
from workshop.course.promises import shortened
from workshop.course.release import KINDS, Release, shares
from workshop.course.sam_validate import sam_complaint
from workshop.course.wrong import Wrong
from workshop.metrics.errors import MetricQueryError

SAM = "https://docs.aws.amazon.com/serverless-application-model/latest/developerguide"
GRADUAL = f"{SAM}/automating-updates-to-serverless-apps.html"
API = f"{SAM}/sam-resource-api.html"
ROLES = "https://docs.aws.amazon.com/lambda/latest/dg/lambda-intro-execution-role.html"
ALARM = (
    "https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/"
    "aws-resource-cloudwatch-alarm.html"
)
THROTTLE = "https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-request-throttling.html"
LOG_ACTIONS = ("logs:CreateLogStream", "logs:PutLogEvents")
TRACE_ACTIONS = ("xray:PutTraceSegments", "xray:PutTelemetryRecords")
PERCENT_OF_FAILURES = "FailedCharge"
DURATION = "ChargeDuration"
MOST_LINES = 3


@pytest.fixture(scope="module")
def release(template):
    """What the template says of releases."""
    try:
        return Release.read(template)
    except MetricQueryError as error:
        raise Wrong(
            "alarm-invalid",
            "CloudWatch would refuse an alarm",
            saw=error.what,
            wanted="alarms that CloudWatch can evaluate",
            look=f"template.yaml, the alarms. {ALARM}",
        ) from None


def properties(template, logical_id):
    """Return the properties of a resource."""
    return template.resources[logical_id].get("Properties") or {}


def own(template):
    """Return the function's properties."""
    return properties(template, template.function().logical_id)


def the_api(template):
    """Return the properties of the API."""
    for logical_id, resource in template.resources.items():
        if resource.get("Type") == "AWS::Serverless::Api":
            return properties(template, logical_id)
    return {}


@contextmanager
def api_there():
    """Say so where the template's API cannot be served."""
    try:
        yield
    except UnsupportedApiError as error:
        raise Wrong(
            "no-longer-charges",
            "the API does not lead to the function any more",
            saw=error.what,
            wanted="POST /payments, as before",
            look=f"{error.look}\ntemplate.yaml: Events, PaymentsApi".strip(),
        ) from None


@pytest.fixture(scope="module")
def paid(call, payment):
    """One payment, sent to the API."""
    with api_there():
        return call("/payments", payment(correlation_id=None))


def test_payments_are_charged_as_before(paid):
    """Payments are charged as before."""
    if paid.status != 200 or len(paid.charges) != 1:
        saw = f"answered {paid.status} {paid.text[:100]}; charges made: {len(paid.charges)}"
        raise Wrong(
            "no-longer-charges",
            "a payment is not charged any more",
            saw=f"{saw}\n{paid.exchange.reason}".rstrip(),
            wanted="200, and one charge: this step changes how the function is shipped, not what "
            "it does",
            look="what else has changed in template.yaml?   workshop diff 11",
        )


def test_logs_and_traces_are_kept(template, paid):
    """Log events, access log and traces are still there, and kept for a set time."""
    if not template.function().tracing or not the_api(template).get("TracingEnabled"):
        which = "PaymentsApi" if template.function().tracing else "PaymentsFunction"
        raise Wrong(
            "tracing-off",
            "requests are not traced any more",
            saw=f"{which} without tracing",
            wanted="Tracing: Active for the function, TracingEnabled: true for the API",
            look="template.yaml; workshop diff 11",
        )
    if not [line for line in paid.sent.own_logs if line.level == "INFO"]:
        raise Wrong(
            "logging-off",
            "a payment leaves no log event at INFO any more",
            saw=f"{len(paid.sent.own_logs)} log events of its own",
            wanted="the log events of the steps before: they tell which payment it was",
            look="LoggingConfig, or a level among the Variables, in template.yaml",
        )
    if not paid.access_log:
        raise Wrong(
            "logging-off",
            "the API has no access log any more",
            saw="a request without a line in the access log",
            wanted="AccessLogSetting, as before",
            look="template.yaml, PaymentsApi; workshop diff 11",
        )
    for name in (template.function().log_group, paid.access_log[0].event.log_group):
        group = template.log_groups.get(name)
        if group is None or group.retention_days is None:
            raise Wrong(
                "retention-removed",
                "a log group keeps its events for ever",
                saw=f"{name}: "
                + ("declared without RetentionInDays" if group else "not declared any more"),
                wanted="an AWS::Logs::LogGroup of that name, with RetentionInDays",
                look="template.yaml; workshop diff 11",
            )


def test_the_alarms_are_kept(release):
    """The alarms of step 04 are kept: failures in percent, and the slowest of 100."""
    watched = {name: names_of(alarm) for name, alarm in release.alarms.items()}
    for metric, what in (
        (PERCENT_OF_FAILURES, "that many payments fail"),
        (DURATION, "that payments are slow"),
    ):
        if not any(metric in names for names in watched.values()):
            raise Wrong(
                "alarm-removed",
                f"no alarm tells {what} any more",
                saw=f"alarms: {', '.join(watched) or 'none'}; none watches {metric}",
                wanted="payments-failing and payments-slow, as before: they are wanted day and "
                "night, not for a release alone",
                look="template.yaml; workshop diff 11",
            )


def names_of(alarm):
    """Return the names of the metrics that an alarm watches."""
    return {
        query["MetricStat"]["Metric"]["MetricName"]
        for query in alarm.queries
        if "MetricStat" in query
    }


def test_callers_come_by_an_alias(release):
    """Each release is a version of its own, and callers come to it by an alias."""
    if release.alias is None:
        raise Wrong(
            "alias-missing",
            "there is nothing to move traffic between",
            saw="PaymentsFunction without AutoPublishAlias: a deployment replaces the code for "
            "everybody at once, and nothing is left to go back to",
            wanted="AutoPublishAlias: live, so that each deployment publishes a version, and the "
            "alias says who gets which",
            look=f"template.yaml, PaymentsFunction. {GRADUAL}",
        )


def test_traffic_moves_bit_by_bit(release, template):
    """Traffic moves to a new version bit by bit."""
    if release.kind not in KINDS:
        raise Wrong(
            "deployment-type-unknown",
            "CodeDeploy knows no such way to move traffic",
            saw=f"Type: {release.kind}",
            wanted=f"one of {', '.join(KINDS[:-1])}",
            look=f"template.yaml, DeploymentPreference. {GRADUAL}",
        )
    if not shares(release.kind):
        there = "DeploymentPreference" in own(template)
        raise Wrong(
            "all-at-once",
            "a new version gets all the traffic at once",
            saw="a DeploymentPreference that is AllAtOnce, or not enabled"
            if there
            else "an alias, and no DeploymentPreference",
            wanted="a part of it first, such as Type: Canary10Percent10Minutes",
            look=f"template.yaml, DeploymentPreference. {GRADUAL}",
        )


def test_alarms_stop_a_release(release):
    """Alarms of this template stop a release, and move the traffic back."""
    if not release.alarm_names:
        raise Wrong(
            "canary-without-alarm",
            "nothing would stop a bad release",
            saw=f"Type: {release.kind}, and no Alarms",
            wanted="Alarms: the ones that tell when payments fail, crawl or crash",
            look=f"template.yaml, DeploymentPreference. {GRADUAL}",
        )
    for name in release.alarm_names:
        if name not in release.alarms:
            raise Wrong(
                "alarm-unknown",
                "a release waits for an alarm that does not exist",
                saw=f"Alarms: {name}. Alarms of the template: {', '.join(release.alarms)}",
                wanted="names of alarms; !Ref PaymentsFailing gives one, and cannot be mistyped "
                "unseen",
                look=f"template.yaml, DeploymentPreference. {GRADUAL}",
            )


def test_a_good_release_goes_through(release):
    """A good version is not stopped by the one payment in a hundred that always fails."""
    told = release.told(None)
    if told is not None:
        raise Wrong(
            "alarm-on-good",
            "a good release would be stopped",
            saw="rehearsed with nothing wrong but one failed payment every third minute: "
            f"{told[0]} goes off",
            wanted="alarms that stay quiet on an ordinary day: else people learn to push past them",
            look=f"the alarm's Threshold and DatapointsToAlarm in template.yaml. {ALARM}",
        )


TROUBLES = {
    "crashes": (
        "crash-unseen",
        "a version that cannot start would reach everybody",
        "cannot be imported, so that it leaves no metric of its own, and Lambda counts Errors",
        "an alarm on Errors, such as PaymentsCrashing in README.md",
    ),
    "fails": (
        "failure-unseen",
        "a version that fails every payment would reach everybody",
        "answers 503 and counts FailedCharge",
        "an alarm on the share of failures, with a threshold below the canary's share",
    ),
    "crawls": (
        "slowness-unseen",
        "a version that is a hundred times slower would reach everybody",
        "takes 2 seconds for each payment",
        "an alarm on ChargeDuration among the Alarms",
    ),
}


def test_a_version_that_cannot_start_goes_back(release):
    """A version that cannot start is stopped before it has all the traffic."""
    goes_back(release, "crashes")


def test_a_version_that_fails_goes_back(release):
    """So is one that fails every payment."""
    goes_back(release, "fails")


def test_a_version_that_crawls_goes_back(release):
    """So is one that takes a hundred times as long."""
    goes_back(release, "crawls")


def goes_back(release, trouble):
    """Raise `Wrong` if no alarm of the release tells of the trouble in time."""
    if release.told(trouble) is not None:
        return
    rule, what, does, wanted = TROUBLES[trouble]
    steps = shares(release.kind)
    share = f"{steps[0]} to {steps[-1]}" if steps[0] != steps[-1] else f"{steps[0]}"
    others = [name for name in release.alarms if name not in release.alarm_names]
    unnamed = f" (not among its Alarms: {', '.join(others)})" if others else ""
    raise Wrong(
        rule,
        what,
        saw=f"rehearsed with {release.kind} and a version that {does}: for {len(steps)} minutes "
        f"it has {share} % of the traffic, and none of "
        f"{', '.join(release.alarm_names)} goes off. Then it has all",
        wanted=wanted,
        look=f"an alarm's Threshold and DatapointsToAlarm, and DeploymentPreference{unnamed}, in "
        f"template.yaml. {GRADUAL}",
    )


@pytest.fixture(scope="module")
def role(template):
    """The function's role."""
    found = read_role(template)
    said = own(template).get("Role")
    if isinstance(found, Role) and not str(said).startswith("arn:"):
        raise Wrong(
            "role-by-name",
            "Lambda would refuse the function's role",
            saw=f"Role: {shortened(said)}, which is its name: !Ref of a role is no more",
            wanted=f"its ARN: !GetAtt {found.logical_id}.Arn",
            look=f"template.yaml, PaymentsFunction. {ROLES}",
        )
    if isinstance(found, Role):
        return found
    if found is None:
        raise Wrong(
            "default-role",
            "the function has the role that SAM makes",
            saw="PaymentsFunction without Role: it gets AWSLambdaBasicExecutionRole, which may "
            "write to every log group of the account",
            wanted="a role in the template that may do what this function does, and no more",
            look=f"template.yaml: PaymentsRole, and Role: !GetAtt PaymentsRole.Arn. {ROLES}",
        )
    logical_id = resource_without_attribute(said)
    if logical_id in template.resources:
        raise Wrong(
            "role-by-name",
            "CloudFormation would refuse the function's role",
            saw=f"Role: !GetAtt {logical_id}, and not which attribute of it",
            wanted=f"its ARN: !GetAtt {logical_id}.Arn",
            look=f"template.yaml, PaymentsFunction. {ROLES}",
        )
    raise Wrong(
        "role-elsewhere",
        "the function's role is not in the template",
        saw=f"Role: {shortened(found)}",
        wanted="an AWS::IAM::Role of this template, so that what it may do is read and reviewed "
        "with the code",
        look=f"template.yaml, PaymentsFunction. {ROLES}",
    )


def resource_without_attribute(said):
    """Return the resource that a !GetAtt names without an attribute; None for anything else."""
    return said.get("Fn::GetAtt") if isinstance(said, dict) else None


def test_the_role_allows_what_is_needed(role, template):
    """The role is Lambda's, and lets the function write its log and its traces."""
    if "lambda.amazonaws.com" not in role.principals:
        raise Wrong(
            "role-not-lambdas",
            "Lambda may not take on the role",
            saw=f"Principal: {', '.join(role.principals) or 'none'}",
            wanted="Service: lambda.amazonaws.com, Action: sts:AssumeRole",
            look=f"AssumeRolePolicyDocument of {role.logical_id}. {ROLES}",
        )
    if role.managed:
        return  # Whether those are too much is the next promise.
    group = f":log-group:{template.function().log_group}"
    for action in LOG_ACTIONS:
        if not any(one == "*" or group in one for one in role.allows(action)):
            raise not_allowed(role, action, f"on {template.function().log_group}: its log is empty")
    for action in TRACE_ACTIONS[:1]:
        if "*" not in role.allows(action):
            raise not_allowed(role, action, 'on "*": nothing of the function is on a trace')


def not_allowed(role, action, where):
    """Say what is wrong with a role that forbids telemetry."""
    return Wrong(
        "telemetry-not-allowed",
        f"the role does not allow {action}",
        saw=f"what {role.logical_id} allows: "
        + (", ".join(action for one in role.statements for action in one.actions) or "nothing"),
        wanted=f"{action} {where} otherwise, and no error says so",
        look=f"Policies of {role.logical_id} in template.yaml. {ROLES}",
    )


def test_the_role_allows_nothing_else(role):
    """The role allows nothing else: no wildcard where something can be named."""
    if role.managed:
        raise Wrong(
            "managed-policy",
            "the role has a policy that was made for everybody",
            saw=", ".join(one.rpartition("/")[2] for one in role.managed),
            wanted="statements of its own: two, for logs and traces. Even "
            "AWSLambdaBasicExecutionRole may write to every log group of the account",
            look=f"ManagedPolicyArns of {role.logical_id} in template.yaml. {ROLES}",
        )
    for statement in role.statements:
        if statement.wide_actions():
            raise Wrong(
                "action-wildcard",
                "the role allows more actions than the function takes",
                saw=f"Action: {', '.join(statement.wide_actions())} ({statement.policy})",
                wanted=f"the actions by name: {', '.join((*LOG_ACTIONS, *TRACE_ACTIONS))}",
                look=f"Policies of {role.logical_id} in template.yaml. {ROLES}",
            )
        if statement.wide_resources():
            raise Wrong(
                "resource-wildcard",
                "the role allows it on more than the function's own resources",
                saw=f"{', '.join(statement.actions)} on {', '.join(statement.wide_resources())}",
                wanted='the log group: !GetAtt PaymentsLogGroup.Arn. "*" is for X-Ray\'s actions '
                "alone, which support no resource-level permissions",
                look=f"Policies of {role.logical_id} in template.yaml. {ROLES}",
            )


def test_the_api_takes_so_much_and_no_more(template):
    """The API takes so many requests a second, and no more."""
    settings = [
        one for one in the_api(template).get("MethodSettings") or [] if isinstance(one, dict)
    ]
    limits = [
        (one.get("ThrottlingRateLimit"), one.get("ThrottlingBurstLimit"))
        for one in settings
        if covers(one)
    ]
    if not any(None not in limit for limit in limits):
        raise Wrong(
            "throttle-missing",
            "nothing limits what the API takes",
            saw=f"MethodSettings for POST /payments: {shortened(settings)}"
            if settings
            else "PaymentsApi without MethodSettings: one caller can use up the account's limit, "
            "and your money",
            wanted='HttpMethod: "*", ResourcePath: /*, ThrottlingRateLimit and '
            "ThrottlingBurstLimit",
            look=f"template.yaml, PaymentsApi. {THROTTLE}",
        )
    if any(number(limit) < 1 for pair in limits if None not in pair for limit in pair):
        raise Wrong(
            "throttle-refuses-all",
            "the API refuses every request",
            saw="\n".join(
                f"ThrottlingRateLimit: {rate}, ThrottlingBurstLimit: {burst}"
                for rate, burst in limits
            ),
            wanted="at least 1 of each: a limit of 0 is a way to switch an API off",
            look=f"template.yaml, PaymentsApi. {THROTTLE}",
        )


def covers(setting):
    """Whether a method setting is for POST /payments."""
    path = str(setting.get("ResourcePath", "")).replace("~1", "/").replace("//", "/")
    method = str(setting.get("HttpMethod", "")).upper()
    return (method == "*" and path == "/*") or (method in {"POST", "*"} and path == "/payments")


def number(value):
    """Return a limit as a number; one that is none refuses nothing."""
    try:
        return float(value)
    except (TypeError, ValueError):
        return 1.0


def test_everything_says_what_it_belongs_to(template):
    """Function and API say by a tag what they belong to, for the bill."""
    for name, facts in (("PaymentsFunction", own(template)), ("PaymentsApi", the_api(template))):
        tags = facts.get("Tags")
        if not isinstance(tags, dict) or not tags.get("application"):
            raise Wrong(
                "tags-missing",
                f"{name} does not say what it belongs to",
                saw=f"Tags: {shortened(tags) if tags else 'none'}",
                wanted="Tags: {application: payments}: the bill can be split by it, and what is "
                "left over found",
                look=f"template.yaml, {name}. {API}",
            )


def test_sam_has_no_complaint(step, template):
    """`sam validate --lint` has no complaint (skipped where it is not set up)."""
    said = sam_complaint(step.root, template.path)
    if said is not None:
        said = said.replace(f"{template.path.parent}/", "")
        lines = [line.strip() for line in said.splitlines() if line.strip()]
        line = re.search(r"matched (\d+)|\.yaml:(\d+)", said)
        raise Wrong(
            "sam-refuses",
            "sam validate --lint refuses the template",
            saw="\n".join(line[:160] for line in lines[:MOST_LINES]),
            wanted="a template without errors",
            look=f"template.yaml{f':{line[1] or line[2]}' if line else ''}\n"
            f"{SAM}/sam-cli-command-reference-sam-validate.html",
        )
