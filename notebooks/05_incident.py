# %% [markdown]
# # 05 · The incident
#
# **It is 14:05, and customers complain: what broke, for whom, since when, and what do we roll
# back?**
#
# Two messages have come in, "I tried three times to pay" and "your shop does not work". Nobody
# knows more. You have the telemetry of the last hour, and four questions to answer. There is a
# checkpoint for each; it holds your finding against the payments themselves, says yes or what is
# off, and has hints.
#
# | | question | where people look first |
# |---|---|---|
# | 1 | since when? | what callers get: the API's access log, its metrics |
# | 2 | what broke? | a trace of a payment that went badly |
# | 3 | for whom? | the logs: they alone know campaign, currency and amount |
# | 4 | what do we roll back? | cold starts: a deployment leaves some |
#
# All times are UTC. Half an hour is plenty; nobody is waiting but you.

# %%
import json

import workshop_notebook as nb

import altair as alt
import boto3
import pandas as pd
from incident import Case

SEED = 8  # any other number is another incident, about other payments

here = nb.begin(f"incident-{SEED}")
case = Case(SEED, here)

# %% [markdown]
# Three clients, one for each kind of signal, and a function that asks Logs Insights about the
# hour. It is the two calls of notebook 00, StartQuery and GetQueryResults, and nothing else.

# %%
logs, cloudwatch, xray = (boto3.client(name) for name in ("logs", "cloudwatch", "xray"))


def ask(log_group: str, question: str) -> pd.DataFrame:
    """Ask Logs Insights about the hour; return the rows as a table."""
    started = logs.start_query(
        logGroupName=log_group,
        startTime=int(here.start.timestamp()),
        endTime=int(here.end.timestamp()) - 1,
        queryString=question,
    )
    return nb.table(nb.wait(logs, started["queryId"]))


def by_minute(table: pd.DataFrame, column: str, title: str) -> alt.Chart:
    """Draw a column of a table that has a row for each minute."""
    bars = table[["bin(1m)", column]].assign(
        until=table["bin(1m)"] + pd.Timedelta(seconds=50),
        UTC=table["bin(1m)"].dt.strftime("%H:%M"),
    )
    value = alt.Y(f"{column}:Q", title=title)
    minute = {"x": nb.clock("bin(1m)"), "x2": "until:T"}
    hover = ["UTC", f"{column}:Q"]
    return alt.Chart(bars).mark_bar().encode(**minute, y=value, y2=alt.datum(0), tooltip=hover)


# %% [markdown]
# ## 1 · Since when?
#
# Begin with what callers get, not with what you suspect. First the whole hour, in one small
# table:

# %% tags=["measured"]
ask(
    nb.API,
    """
    stats count(*) as requests, pct(latency_ms, 50) as p50_ms, pct(latency_ms, 99) as p99_ms
        by status
    """,
)

# %% [markdown]
# 200 is a payment made, 400 a request that made no sense, 402 a card that was declined: every day
# has some of those. 503 is ours. But a table of an hour has no beginning. By the minute:

# %% tags=["binned"]
QUESTION = "stats count(*) as requests by bin(1m)"

minutes = ask(nb.API, QUESTION)
by_minute(minutes, "requests", "requests in a minute")

# %% [markdown]
# Customers come as they always do: it is not for want of traffic. **Your turn:** change
# `QUESTION` so that the picture shows what went *badly* in each minute, and read off where it
# begins. There are two ways to be bad, and this hour may have either: an answer of 500 or more,
# or one that took long, say over 400 ms; the table above tells what is usual.
#
# *What to beware of.* One payment in a hundred fails on the best of days. And in a minute of
# twenty requests the p99 is the slowest one: a single cold start moves it. With so few, count
# those above a limit, and look for what begins and stays.

# %%
since = ...  # a minute, such as "13:10"

case.since(since)

# %% [markdown]
# ## 2 · What broke?
#
# A metric tells that something is wrong; a trace tells who was waiting for whom. Here is how to
# find traces (a filter expression), and how to lay one out, span by span:


# %%
def find(expression: str, start=here.start, end=here.end) -> list[dict]:
    """Return the summaries of the traces that a filter expression finds."""
    pages = xray.get_paginator("get_trace_summaries")
    found = pages.paginate(StartTime=start, EndTime=end, FilterExpression=expression)
    return [summary for page in found for summary in page["TraceSummaries"]]


def spans(trace: dict) -> pd.DataFrame:
    """Return a trace's segments and subsegments, each below the one that called it."""
    documents = [json.loads(segment["Document"]) for segment in trace["Segments"]]
    began = min(document["start_time"] for document in documents)
    rows = []

    def add(span: dict, depth: int) -> None:
        went = "fault" if span.get("fault") else "error" if span.get("error") else "well"
        times = [(span[at] - began) * 1000 for at in ("start_time", "end_time")]
        answer = span.get("http", {}).get("response", {}).get("status", "")
        rows.append([f"{span['name']} {answer}".strip(), depth, *times, went])
        below = [
            *span.get("subsegments", []),
            *(one for one in documents if one.get("parent_id") == span["id"]),
        ]
        for one in sorted(below, key=lambda one: one["start_time"]):
            if not one.get("inferred"):  # X-Ray's own guess at what the other side did
                add(one, depth + 1)

    add(next(document for document in documents if "parent_id" not in document), 0)
    return pd.DataFrame(rows, columns=["name", "depth", "from_ms", "to_ms", "went"])


# %% [markdown]
# A payment on a good day, from before all this, looks like this. `127.0.0.1` is the card
# processor: another company's service, called over HTTP, and the last one in the chain.

# %% tags=["measured"]
good = find("responsetime < 0.1 AND http.status = 200 AND annotation.ColdStart = false")
earliest = min(good, key=lambda summary: summary["StartTime"])
(trace,) = xray.batch_get_traces(TraceIds=[earliest["Id"]])["Traces"]
nb.waterfall(spans(trace), "A payment that went well")

# %% [markdown]
# **Your turn:** find a payment that went badly, after the beginning you found, and draw it beside
# this one. The expressions `fault = true` (an answer of 500 or more) and `responsetime > 0.4`
# (seconds) are good nets. Then read from the outside in: who is in trouble only because of
# somebody further down?

# %%
where = ...  # "api", "function" or "processor"
how = ...  # it "fails", or it is "slow"

case.broke(where, how)

# %% [markdown]
# ## 3 · For whom?
#
# Metrics have no dimension for campaign, currency or customer: each of their values would be a
# metric to pay for. The logs have them, but not on one line: what was asked for is in `collecting
# payment`, what came of it in `payment charged` or `charge failed`. They share a `payment_id`, so
# one `stats` makes a row for each payment:

# %% tags=["measured"]
payments = ask(
    nb.FUNCTION,
    """
    filter message in ["collecting payment", "payment charged", "charge failed"]
    | stats min(@timestamp) as at, max(@timestamp) - min(@timestamp) as ms,
            max(level = "ERROR") as failed, max(amount) as cents,
            latest(currency) as currency, latest(campaign) as campaign by payment_id
    | sort at asc
    | limit 10000
    """,
)
payments["at"] = pd.to_datetime(payments["at"], unit="ms", utc=True)
payments.head()

# %% [markdown]
# `limit 10000` is what Insights does without it, too: it returns so many rows, and says nothing of
# the others. This hour has some 1,200 payments, so none is missing.
#
# **Your turn:** keep the payments since the beginning, add a column `bad`, and ask for its mean
# by each column that might tell them apart, with how many there are:
# `payments.groupby("currency")["bad"].agg(["mean", "count"])`. For amounts, look at the smallest
# and the largest that were bad, and at those that were not.
#
# *What to beware of.* "80 in 100 of the bad ones are in USD" says little where 60 in 100 of all
# payments are. Ask the other way round: of those in USD, how many were bad?

# %%
kind = (
    ...
)  # {"currency": "USD"}, {"campaign": "easter"}, {"amount_from": 9000} or {"amount_to": 90}

case.whom(kind)

# %% [markdown]
# ## 4 · What do we roll back?
#
# There were three deployments in this hour. Whoever made them is at lunch, but each has left a
# mark: new code gets new execution environments, and each of those begins with a cold start. Here
# is how to ask for a metric by the minute:


# %% tags=["binned"]
def metric(namespace: str, name: str, dimensions: dict[str, str], statistic: str) -> pd.DataFrame:
    """Return a metric of the hour, a row for each minute that has data."""
    named = {
        "Namespace": namespace,
        "MetricName": name,
        "Dimensions": [{"Name": key, "Value": value} for key, value in dimensions.items()],
    }
    wanted = {"Id": "m", "MetricStat": {"Metric": named, "Stat": statistic, "Period": 60}}
    pages = cloudwatch.get_paginator("get_metric_data")
    found = pages.paginate(
        MetricDataQueries=[wanted],
        StartTime=here.start,
        EndTime=here.end,
        ScanBy="TimestampAscending",
    )
    points = [
        point
        for page in found
        for one in page["MetricDataResults"]
        for point in zip(one["Timestamps"], one["Values"], strict=True)
    ]
    table = pd.DataFrame(points, columns=["bin(1m)", name])
    table["bin(1m)"] = pd.to_datetime(table["bin(1m)"], utc=True)  # boto3 gives your own zone's
    return table


by_minute(
    metric("Workshop", "SuccessfulCharge", {"service": "payments"}, "Sum"),
    "SuccessfulCharge",
    "payments charged in a minute",
)

# %% [markdown]
# **Your turn:** draw `ColdStart` (namespace `Workshop`, dimensions `service` and `function_name`,
# both `payments`), and lay it beside what you found in 1. The first cold starts are those of the
# hour's first payments: nothing ran before. Those of a deployment come in a group, over two
# minutes or three: an environment starts when a payment finds the others busy.
#
# *What to beware of.* That two things happen in the same minute is a reason to undo one of them.
# It is no proof. And sometimes nobody has deployed anything.

# %%
deployment = ...  # the minute of the one to roll back, such as "13:10"; None for none of them

case.roll_back(deployment)

# %% [markdown]
# ## Exercise: the message
#
# Write what you would post in the incident channel, in five lines: what callers see, since when,
# whom it hits (and whom not), what you think broke and by which evidence, what you do now. Then
# one line more: **what would you query first next time?**
#
# A worked solution, with the evidence for each step, is in
# [solutions/05_incident](solutions/05_incident.ipynb). For another round set `SEED` to 12, then
# to 9, and run all: they are not the same story.
