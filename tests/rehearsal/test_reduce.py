"""What of a template the emulator cannot hold is left out by name, and nothing else is."""

import copy

from workshop.rehearsal.reduce import reduce

URL = "http://127.0.0.1:4566"
API = "https://${Api}.execute-api.${AWS::Region}.${AWS::URLSuffix}/v1"
MATH = {"AlarmName": "by-math", "Metrics": [{"Id": "m", "Expression": "a / b"}]}


def template(**resources):
    return {"Transform": "AWS::Serverless-2016-10-31", "Resources": resources}


def function(**properties):
    return {"Type": "AWS::Serverless::Function", "Properties": {"Handler": "a.b", **properties}}


def alarm(**properties):
    return {"Type": "AWS::CloudWatch::Alarm", "Properties": properties}


def test_a_template_that_the_emulator_holds_stays_as_it_is():
    whole = template(F=function(), A=alarm(MetricName="m", Namespace="n"))
    assert reduce(whole, URL) == (whole, [])


def test_a_canary_is_left_out_of_globals_and_of_each_function():
    whole = template(F=function(DeploymentPreference={"Type": "AllAtOnce"}))
    whole["Globals"] = {"Function": {"Timeout": 5, "DeploymentPreference": {"Type": "x"}}}
    reduced, (omission,) = reduce(whole, URL)
    assert reduced["Globals"] == {"Function": {"Timeout": 5}}
    assert reduced["Resources"] == {"F": function()}
    assert "CodeDeploy" in omission.why


def test_an_alarm_by_metric_math_is_left_out_by_name_and_the_others_stay():
    plain = alarm(MetricName="m", Namespace="n")
    reduced, (omission,) = reduce(template(A=alarm(**MATH), B=plain), URL)
    assert reduced["Resources"] == {"B": plain}
    assert "by-math" in omission.what
    assert "metric math" in omission.why


def test_a_dashboard_knows_an_alarm_that_is_left_out_by_its_name():
    dashboard = {
        "Type": "AWS::CloudWatch::Dashboard",
        "Properties": {"DashboardBody": {"Fn::Sub": '["${A.Arn}", "${B.Arn}"]'}},
    }
    whole = template(A=alarm(**MATH), B=alarm(MetricName="m", Namespace="n"), D=dashboard)
    reduced, _ = reduce(whole, URL)
    body = reduced["Resources"]["D"]["Properties"]["DashboardBody"]
    assert body == {"Fn::Sub": '["by-math", "${B.Arn}"]'}


def test_no_address_leads_to_aws_itself():
    variables = {"Variables": {"URL": {"Fn::If": ["C", {"Fn::Sub": API}, "x"]}}}
    whole = template(F=function(Environment=variables))
    whole["Outputs"] = {"Url": {"Value": {"Fn::Sub": f"curl {API}"}}}
    reduced, (omission,) = reduce(whole, URL)
    assert "amazonaws" not in str(reduced)
    assert "URLSuffix" not in str(reduced)
    mended = f"{URL}/_aws/execute-api/${{Api}}/v1"
    assert reduced["Outputs"]["Url"]["Value"] == {"Fn::Sub": f"curl {mended}"}
    assert URL in omission.why


def test_the_template_given_is_not_changed():
    whole = template(F=function(DeploymentPreference={"Type": "AllAtOnce"}), A=alarm(**MATH))
    whole["Globals"] = {"Function": {"DeploymentPreference": {"Type": "x"}}}
    before = copy.deepcopy(whole)
    reduce(whole, URL)
    assert whole == before
