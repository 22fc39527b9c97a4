"""What the notebooks share. What asks AWS something stands in the notebooks, in plain boto3.

import workshop_notebook as nb
here = nb.begin("shop")          # find or start the lab; or say which AWS profile it talks to
logs = boto3.client("logs")      # plain boto3: the profile decides whom it talks to
here.start, here.end             # the hours to ask about: datetimes in UTC

response = nb.wait(logs, query_id)       # GetQueryResults until the query is done
table = nb.table(response)               # its rows as a pandas DataFrame

nb.ACCENT, nb.GOOD, nb.BAD, nb.WARN, nb.QUIET, nb.INK, nb.PANEL   # the deck's colours
nb.SERIES                        # for lines beside each other, safe for the colour-blind
nb.clock("time", here)           # an Altair x axis of hours and minutes, UTC, over all of `here`
alt.Chart(...)                   # any chart has the house style, and keeps a static picture
nb.waterfall(spans, title), nb.service_map(nodes, edges, title)   # what Altair lacks

raise nb.Stop("what is wrong", "what to do")   # told as a sentence, without a traceback
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from workshop_errors import AT_LAB, Stop, tell_errors
from workshop_values import Where

try:
    import altair as alt
    import boto3
    import pandas as pd
    from IPython.display import clear_output
    from workshop_draw import (
        ACCENT,
        BAD,
        GOOD,
        INK,
        PANEL,
        QUIET,
        SERIES,
        WARN,
        clock,
        service_map,
        waterfall,
    )
except ModuleNotFoundError as missing:
    raise Stop(
        f"the notebooks need packages that this Python has not: {missing.name} is missing",
        "type `make notebooks` in a terminal, in the folder of the workshop",
    ) from None

__all__ = [
    "ACCENT",
    "API",
    "BAD",
    "FUNCTION",
    "GOOD",
    "INK",
    "PANEL",
    "QUIET",
    "SERIES",
    "WARN",
    "Stop",
    "Where",
    "begin",
    "clock",
    "service_map",
    "table",
    "tell_errors",
    "wait",
    "waterfall",
]

# --- Waiting for a query ------------------------------------------------------------------------


def wait(logs, query_id: str, seconds: float = 60) -> dict:
    """Ask GetQueryResults until a query is done, and return its answer.

    https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_GetQueryResults.html
    """
    pause, deadline = 0.05, time.monotonic() + seconds
    while (response := logs.get_query_results(queryId=query_id))["status"] in {
        "Scheduled",
        "Running",
    }:
        if time.monotonic() > deadline:
            logs.stop_query(queryId=query_id)
            raise Stop(
                f"the query took more than {seconds:g} s and was stopped", "ask about fewer hours"
            )
        time.sleep(pause := min(1, 2 * pause))
    if response["status"] != "Complete":
        raise Stop(
            f"the query ended as {response['status']}", "start it again; ask about fewer hours"
        )
    return response


def table(response: dict, *, may_be_empty: bool = False) -> pd.DataFrame:
    """Turn the rows of a query, each a list of fields and values, into a table.

    All values come as text: columns of numbers become numbers, `@timestamp`, `bin(…)` and what is
    called `time` become times in UTC.
    """
    rows = [{cell["field"]: cell["value"] for cell in row} for row in response["results"]]
    if not rows and not may_be_empty:
        raise Stop(
            "the query ran, and found nothing",
            "are its hours right (nb.begin says which), its log group, the names of its fields?",
        )
    found = pd.DataFrame(rows).drop(columns="@ptr", errors="ignore")
    for name in found:
        if name in {"@timestamp", "time"} or name.startswith("bin("):
            found[name] = pd.to_datetime(found[name], utc=True)
        else:
            found[name] = _numbers(found[name])
    return found


def _numbers(column: pd.Series) -> pd.Series:
    try:
        return pd.to_numeric(column)
    except (ValueError, TypeError):
        return column


# --- Whom does it talk to? ----------------------------------------------------------------------

LAB = Path(__file__).with_name("workshop_lab.py")
FUNCTION, API = "/aws/lambda/payments", "/aws/apigateway/payments"  # the log groups
_IN_THE_WAY = (
    *("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_SECURITY_TOKEN"),
    *("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_DEFAULT_PROFILE", "AWS_ENDPOINT_URL"),
    "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS",
)
_OURS = ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE", "AWS_EC2_METADATA_DISABLED")
COSTS = (
    "Queries cost money here: Logs Insights takes $0.005 for each GB that it scans (us-east-1, "
    "November 2026); requests to CloudWatch metrics and X-Ray are charged, too, by their number."
)


def begin(past: str = "shop", hours: float = 3) -> Where:
    """Find whom to talk to, say so, and see that there is something to ask about.

    With AWS_PROFILE set, it is that profile, and nothing is started or written; the last `hours`
    are asked about. Without, it is the lab of the notebooks, which is started when it does not run,
    with the traffic `past` of `workshop_lab.py`, which is made when it is not there.
    """
    alt.theme.enable("workshop")
    alt.renderers.enable("workshop")
    tell_errors()
    profile = os.environ.get("AWS_PROFILE")
    again = os.environ.get("AWS_CONFIG_FILE") in AT_LAB  # an earlier cell of this kernel was here
    if profile and not (again and profile == "workshop"):
        for name in _OURS if again else ():
            del os.environ[name]
        return _elsewhere(profile, hours)
    said = _open_lab(past)
    for name in [*_IN_THE_WAY, *(one for one in os.environ if one.startswith("AWS_ENDPOINT_URL_"))]:
        os.environ.pop(name, None)  # of this kernel alone: they would win over the lab's profile
    files = [str(Path(said["aws"], name)) for name in ("config", "credentials")]
    os.environ |= {"AWS_PROFILE": "workshop", **dict(zip(_OURS, [*files, "true"], strict=True))}
    AT_LAB.append(files[0])
    boto3.setup_default_session()
    start, end = (datetime.fromtimestamp(said[at], UTC) for at in ("start", "end"))
    here = Where(start, end, is_lab=True, region="us-east-1")
    print(f"Talking to: the lab on this laptop, with the traffic “{past}”.")
    print(f"Asking about: {here.start:%Y-%m-%d %H:%M} to {here.end:%H:%M} UTC.")
    return here


def _elsewhere(profile: str, hours: float) -> Where:
    boto3.setup_default_session()
    region = boto3.DEFAULT_SESSION.region_name
    end = datetime.now(UTC).replace(second=0, microsecond=0) + timedelta(minutes=1)
    here = Where(end - timedelta(hours=hours), end, is_lab=False, region=region)
    endpoint = boto3.client("logs").meta.endpoint_url
    local = "://127.0.0.1" in endpoint
    print(f"Talking to: {'`workshop up`' if local else 'AWS'}, profile {profile}, region {region}.")
    print(f"Asking about: {here.start:%Y-%m-%d %H:%M} to {here.end:%Y-%m-%d %H:%M} UTC.")
    print("The notebook reads, and touches nothing." + ("" if local else f" {COSTS}"))
    found = boto3.client("logs").describe_log_groups(logGroupNamePrefix=FUNCTION)["logGroups"]
    if not any(group["logGroupName"] == FUNCTION for group in found):
        raise Stop(
            f"there is no log group {FUNCTION} in {region}",
            "deploy the workshop there (docs/aws.md), or name the region it is in: AWS_REGION=…",
        )
    since = int(here.start.timestamp() * 1000)
    some = boto3.client("logs").filter_log_events(logGroupName=FUNCTION, startTime=since, limit=1)
    if not some["events"]:
        raise Stop(
            f"{FUNCTION} has no log event of the last {hours:g} hours in {region}",
            "send it some payments, or ask about more hours: nb.begin(hours=24)",
        )
    return here


def _open_lab(past: str) -> dict:
    """Run `workshop_lab.py open`, and show how far it is."""
    command = [sys.executable, str(LAB), "open", past, "--user", str(os.getpid())]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        said: dict = {}
        try:
            for line in process.stdout:
                said = json.loads(line)
                if "of" in said:
                    bar = "█" * round(30 * said["done"] / said["of"])
                    clear_output(wait=True)
                    done = f"{said['done']:,} of {said['of']:,} payments"
                    print(f"making traffic: {bar:░<30} {done}")
                elif "doing" in said:
                    clear_output(wait=True)
                    print(said["doing"])
        except KeyboardInterrupt:
            process.terminate()
            raise
    clear_output(wait=True)
    if "error" in said:
        raise Stop(said["error"], said.get("look", ""))
    if process.returncode or "aws" not in said:
        raise Stop("the lab could not be started", f"type: {sys.executable} {LAB} open {past}")
    return said
