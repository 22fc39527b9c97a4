"""Clients that we did not write, as processes: the AWS and SAM CLIs, boto3, awswrangler."""

import contextlib
import json
import os
import pty
import re
import shutil
import subprocess
import sys
import threading
import time
import uuid
from pathlib import Path

import pytest

from tests.endpoint.conftest import GROUP, eventually
from workshop.endpoint import aws_config

AWS = Path(sys.executable).with_name("aws")
ROOT = Path(__file__).parents[2]
SAM = ROOT / ".venv-sam/bin/sam"
WRANGLER = ROOT / ".venv-awswrangler/bin/python"

SCRIPT = """
import boto3, json, time

session = boto3.Session()
assert session.profile_name == "workshop" and session.region_name == "us-east-1"
answer = session.client("lambda").invoke(FunctionName="echo", Payload=b'{"say": "by boto3"}')
assert json.loads(answer["Payload"].read()) == {"say": "by boto3"}
logs = session.client("logs")
now = int(time.time())
query = logs.start_query(
    logGroupName="/aws/lambda/echo", startTime=now - 60, endTime=now,
    queryString="filter @message = 'by boto3' | stats count(*) as n",
)["queryId"]
while (results := logs.get_query_results(queryId=query))["status"] != "Complete":
    time.sleep(0.05)
print(results["results"][0][0]["value"])
"""

DATA_FRAME = """
import awswrangler, datetime, json, sys

now = datetime.datetime.now(datetime.timezone.utc)
frame = awswrangler.cloudwatch.read_logs(
    query=sys.argv[1], log_group_names=["/aws/lambda/echo"],
    start_time=now - datetime.timedelta(minutes=5), end_time=now,
)
print(frame.to_json(orient="records", date_format="iso"))
"""


@pytest.fixture(scope="module")
def environment(endpoint, tmp_path_factory):
    """The variables of a shell after `eval "$(workshop env)"`, in a home with AWS files of its own.

    They hold what no client may get to see.
    """
    home = tmp_path_factory.mktemp("home")
    (home / ".aws").mkdir()
    (home / ".aws/config").write_text("not an ini file: a client that reads it fails")
    (home / ".aws/credentials").write_text("not an ini file: a client that reads it fails")
    folder = tmp_path_factory.mktemp("aws")
    aws_config.write(folder, endpoint.url, "us-east-1")
    own = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    return own | {"HOME": str(home)} | aws_config.variables(folder)


@pytest.fixture
def aws_cli(environment):
    """Type an `aws` command; give what it printed, as JSON."""

    def type_it(*arguments):
        done = subprocess.run(
            [sys.executable, AWS, *arguments],
            capture_output=True,
            check=False,
            env=environment,
            text=True,
            timeout=60,
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout) if done.stdout.strip() else None

    return type_it


def test_a_script_with_boto3_needs_nothing_but_the_variables(environment):
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        capture_output=True,
        check=False,
        env=environment,
        text=True,
        timeout=60,
    )

    assert (done.stdout.strip(), done.stderr) == ("1", "")


def test_the_aws_cli_saves_a_query_and_finds_it(aws_cli):
    name = f"saved/{uuid.uuid4().hex}"
    text = "filter level = 'ERROR' | stats count(*) by bin(5m)"

    made = aws_cli(
        *("logs", "put-query-definition", "--name", name, "--query-string", text),
        *("--log-group-names", GROUP),
    )
    found = aws_cli(
        "logs", "describe-query-definitions", "--query-definition-name-prefix", "saved/"
    )
    (one,) = (one for one in found["queryDefinitions"] if one["name"] == name)
    assert (one["queryString"], one["logGroupNames"]) == (text, [GROUP])

    deleted = aws_cli("logs", "delete-query-definition", "--query-definition-id", *made.values())
    assert deleted == {"success": True}


def test_the_aws_cli_invokes_and_finds_every_signal(aws_cli, tmp_path):
    text = f"by the cli {uuid.uuid4().hex}"
    now = int(time.time())
    event = json.dumps({"say": text, "metric": 3})

    answer = aws_cli(
        "lambda", "invoke", "--function-name", "echo", "--payload", event, str(tmp_path / "out")
    )
    assert answer["StatusCode"] == 200
    assert json.loads((tmp_path / "out").read_text())["say"] == text

    found = aws_cli(
        *("logs", "filter-log-events", "--log-group-name", GROUP),
        *("--filter-pattern", f'"{text}"'),
    )
    assert [one["message"] for one in found["events"]] == [text]

    started = aws_cli(
        *("logs", "start-query", "--log-group-name", GROUP),
        *("--start-time", str(now - 60), "--end-time", str(now + 60)),
        *("--query-string", f"filter @message = '{text}' | stats count(*) as n"),
    )
    results = aws_cli("logs", "get-query-results", "--query-id", started["queryId"])
    assert results["status"] in ("Running", "Complete")

    listed = aws_cli("cloudwatch", "list-metrics", "--namespace", "Test")
    assert [one["MetricName"] for one in listed["Metrics"]] == ["Work"]
    queries = [
        {
            "Id": "m",
            "MetricStat": {"Metric": listed["Metrics"][0], "Period": 60, "Stat": "Maximum"},
        }
    ]
    data = aws_cli(
        *("cloudwatch", "get-metric-data", "--metric-data-queries", json.dumps(queries)),
        *("--start-time", str(now - 60), "--end-time", str(now + 60)),
    )
    assert max(data["MetricDataResults"][0]["Values"]) == 3.0

    summaries = aws_cli(
        *("xray", "get-trace-summaries", "--filter-expression", 'service("echo")'),
        *("--start-time", str(now - 60), "--end-time", str(now + 60)),
    )
    number = summaries["TraceSummaries"][0]["Id"]
    traces = aws_cli("xray", "batch-get-traces", "--trace-ids", number)
    assert traces["Traces"][0]["Id"] == number


@pytest.fixture(scope="module")
def aws_cli_2():
    """The AWS CLI 2 of this machine, which is no Python package, and its version."""
    for folder in os.get_exec_path():
        found = shutil.which("aws", path=folder)
        if found is None:
            continue
        said = subprocess.run(
            [found, "--version"], capture_output=True, check=False, text=True, timeout=60
        )
        version = re.match(r"aws-cli/(2)\.(\d+)", said.stdout)
        if version is not None:
            return found, (int(version[1]), int(version[2]))
    pytest.skip("`aws logs tail` wants the AWS CLI 2, and no `aws` on PATH is one")


def test_the_aws_cli_2_follows_a_log(aws_cli_2, environment, endpoint, aws):
    command, version = aws_cli_2
    before, later = f"before {uuid.uuid4().hex}", f"later {uuid.uuid4().hex}"
    # Older ones know no `services` in a profile, and would ask AWS.
    where = [] if version >= (2, 13) else ["--endpoint-url", endpoint.url]
    aws("lambda").invoke(FunctionName="echo", Payload=json.dumps({"say": before}))
    terminal, theirs = pty.openpty()  # it keeps back what it writes to anything else
    output: list[str] = []

    def read():
        with contextlib.suppress(OSError):  # that it has ended
            while True:
                output.append(os.read(terminal, 65536).decode())

    following = subprocess.Popen(
        [command, "logs", "tail", GROUP, "--follow", "--format", "short", *where],
        env=environment,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    reader = threading.Thread(target=read)
    reader.start()
    try:
        assert eventually(lambda: before in "".join(output), 120), "".join(output)
        aws("lambda").invoke(FunctionName="echo", Payload=json.dumps({"say": later}))
        assert eventually(lambda: later in "".join(output), 120), "".join(output)
    finally:
        following.terminate()
        following.wait(30)
        reader.join()
        os.close(terminal)

    assert "".join(output).count(before) == "".join(output).count(later) == 1


@pytest.mark.skipif(not WRANGLER.exists(), reason="awswrangler comes with `make test`")
def test_awswrangler_reads_a_query_into_a_data_frame(environment, aws):
    text = f"by awswrangler {uuid.uuid4().hex}"
    aws("lambda").invoke(FunctionName="echo", Payload=json.dumps({"say": text}))

    def frame(query):
        done = subprocess.run(
            [WRANGLER, "-c", DATA_FRAME, query],
            capture_output=True,
            check=False,
            env=environment,
            text=True,
            timeout=60,
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    (row,) = frame(f"fields @timestamp, @message, nothing | filter @message = '{text}'")
    assert row["message"] == text
    assert set(row) == {"timestamp", "message", "ptr"}
    assert frame(f"filter @message = '{text}' | stats count(*) as n") == [{"n": "1"}]


def test_a_service_that_is_not_served_is_refused_here_and_not_asked_for_elsewhere(environment):
    done = subprocess.run(
        [sys.executable, AWS, "sts", "get-caller-identity"],
        capture_output=True,
        check=False,
        env=environment,
        text=True,
        timeout=60,
    )

    assert done.returncode != 0
    assert "is not served here" in done.stderr


@pytest.mark.skipif(not SAM.exists(), reason="the SAM CLI comes with `make test`")
def test_the_sam_cli_reads_logs_and_traces(environment, aws):
    text = f"by sam {uuid.uuid4().hex}"
    aws("lambda").invoke(FunctionName="echo", Payload=json.dumps({"say": text}))
    arn = "arn:aws:lambda:us-east-1:123456789012:function:echo"

    def sam(*arguments):
        done = subprocess.run(
            [SAM, *arguments],
            capture_output=True,
            check=False,
            cwd=ROOT,  # where its samconfig.toml names a stack, which is not to be asked for
            env=environment | {"SAM_CLI_TELEMETRY": "0"},
            text=True,
            timeout=60,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    assert text in sam("logs", "--cw-log-group", GROUP)
    assert "Invocation" in sam("traces")
    invoke = ("remote", "invoke", arn, "--config-env", "workshop")
    assert json.loads(sam(*invoke, "--event", '{"by": "sam"}')) == {"by": "sam"}
