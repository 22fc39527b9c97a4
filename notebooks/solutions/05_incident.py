# %% [markdown]
# # 05 · The incident, solved
#
# One way through [05_incident](../05_incident.ipynb), for `SEED = 8`. It tells how everything was
# found; so look for yourself first.
#
# Each step has the same shape: what we would expect if the guess were wrong, what we see, and
# what follows. All times are UTC.

# %%
import json

import workshop_notebook as nb

import altair as alt
import boto3
import pandas as pd
from incident import Case

SEED = 8

here = nb.begin(f"incident-{SEED}")
case = Case(SEED, here)
logs, cloudwatch, xray = (boto3.client(name) for name in ("logs", "cloudwatch", "xray"))


# %% [markdown]
# The functions are those of the exercise.


# %%
def ask(log_group: str, question: str) -> pd.DataFrame:
    """Ask Logs Insights about the hour; return the rows as a table."""
    started = logs.start_query(
        logGroupName=log_group,
        startTime=int(here.start.timestamp()),
        endTime=int(here.end.timestamp()) - 1,
        queryString=question,
    )
    return nb.table(nb.wait(logs, started["queryId"]))


def by_minute(table: pd.DataFrame, column: str, title: str, colour: str = nb.ACCENT) -> alt.Chart:
    """Draw a column of a table that has a row for each minute."""
    bars = table[["bin(1m)", column]].assign(
        until=table["bin(1m)"] + pd.Timedelta(seconds=50),
        UTC=table["bin(1m)"].dt.strftime("%H:%M"),
    )
    value = alt.Y(f"{column}:Q", title=title)
    minute = {"x": nb.clock("bin(1m)"), "x2": "until:T"}
    hover = ["UTC", f"{column}:Q"]
    return (
        alt.Chart(bars)
        .mark_bar(color=colour)
        .encode(**minute, y=value, y2=alt.datum(0), tooltip=hover)
    )


# %% [markdown]
# ## 1 · Since when?
#
# Two ways to be bad, so two pictures: how many requests got an answer of 500 or more, in a
# hundred, and how many took more than 400 ms, about ten times the usual. No percentiles here: of
# twenty requests the p90 is the third slowest, give or take one, and jumps about by itself.

# %% tags=["measured"]
minutes = ask(
    nb.API,
    """
    stats count(*) as requests, sum(status >= 500) as failed, sum(latency_ms > 400) as slow,
          100 * sum(status >= 500) / count(*) as failed_percent by bin(1m)
    | sort `bin(1m)` asc
    """,
)
failures = by_minute(minutes, "failed_percent", "failed requests, %", nb.BAD)
slowness = by_minute(minutes, "slow", "requests over 400 ms")
(failures.properties(height=200) & slowness.properties(height=200)).resolve_scale(x="shared")

# %% [markdown]
# The upper picture has a step, and it stays. In the lower one nothing stays: what bars it has pass
# within minutes. (On a slow machine they come in groups: cold starts. Worth remembering for
# question 4.) To the minute:

# %% tags=["measured"]
minutes[["bin(1m)", "requests", "failed"]].assign(
    **{"bin(1m)": minutes["bin(1m)"].dt.strftime("%H:%M")}
).iloc[20:32].reset_index(drop=True)

# %%
since = "13:30"

case.since(since)

# %% [markdown]
# Would one failing minute have done? No. Before 13:30 there is a failed request now and then,
# too. What is new is that no few minutes go by without one.
#
# ## 2 · What broke?
#
# API Gateway makes a 5xx of its own when the function crashed or timed out (502), or was waited for
# too long (504). The function can make one, by a bug or on purpose, as this 503; or what it called
# did, and it passed that on. A trace tells them apart.


# %% tags=["measured"]
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


began = here.start.replace(hour=13, minute=30)
faulty = find("fault = true", start=began)
print(f"{len(faulty)} traces with a fault since {began:%H:%M}")

first = min(faulty, key=lambda summary: summary["StartTime"])
(trace,) = xray.batch_get_traces(TraceIds=[first["Id"]])["Traces"]
nb.waterfall(spans(trace), "A payment that went badly")

# %% [markdown]
# From the outside in: the API's stage has a fault, since its answer is a 503. The function's two
# segments have none: it ended as it should, and said 503 itself. `collect_payment` has a fault,
# an exception. And below it the call to `127.0.0.1`, the processor, was made three times and
# answered **503** three times: the retries that step 06 taught. Nothing below that, so that is
# where it begins. Is it always so? One trace is an anecdote:

# %%
answers = []
for begin in range(0, len(faulty), 5):  # BatchGetTraces takes five at a time
    ids = [summary["Id"] for summary in faulty[begin : begin + 5]]
    for trace in xray.batch_get_traces(TraceIds=ids)["Traces"]:
        calls = [name for name in spans(trace)["name"] if name.startswith("127.0.0.1")]
        answers.append(", ".join(calls))
pd.Series(answers, name="traces").value_counts().to_frame()

# %%
where, how = "processor", "fails"

case.broke(where, how)

# %% [markdown]
# ## 3 · For whom?

# %%
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
during = payments[payments["at"] >= began].assign(bad=lambda table: table["failed"] == 1)

print(f"{len(during)} payments since {began:%H:%M}, {during['bad'].sum()} of them failed")
during["campaign"] = during["campaign"].fillna("none")
by_word = pd.concat(
    {name: during.groupby(name)["bad"].agg(["mean", "count"]) for name in ("currency", "campaign")}
)
by_word.assign(mean=(100 * by_word["mean"]).round(1)).rename(
    columns={"mean": "failed, %", "count": "payments"}
)

# %% [markdown]
# Every currency and every campaign has its share, about the same, give or take what chance gives
# to so few payments. So it is none of those. Amounts have a long tail, so their axis is
# logarithmic:

# %%
amounts = during.assign(
    euros=during["cents"] / 100, went=during["bad"].map({True: "failed", False: "did not"})
)
hover = [
    alt.Tooltip("euros:Q", title="amount", format=",.2f"),
    alt.Tooltip("currency"),
    alt.Tooltip("went"),
]
alt.Chart(
    amounts[["euros", "currency", "went"]].sort_values(["euros", "currency", "went"]),
    title="Large payments fail, small ones do not",
).mark_tick(thickness=1.5, size=50).encode(
    x=alt.X(
        "euros:Q", title="amount, in units of its currency (log scale)", scale=alt.Scale(type="log")
    ),
    y=alt.Y("went:N", title=None),
    color=alt.Color(
        "went:N",
        legend=None,
        scale=alt.Scale(domain=["did not", "failed"], range=[nb.ACCENT, nb.BAD]),
    ),
    tooltip=hover,
).properties(height=160)

# %% [markdown]
# A wall. Left of it a few failed, too: payments that fail on any day. The wall lies between the
# largest that went well and the smallest of the long row that failed:

# %%
spared, failed = during.loc[~during["bad"], "cents"], during.loc[during["bad"], "cents"]
print("largest that did not fail, cents:", sorted(spared)[-3:])
print("smallest that failed, cents:     ", sorted(failed)[:6])

# %%
kind = {"amount_from": 2500}

case.whom(kind)

# %% [markdown]
# 2500 is a guess: the data say "more than the first line, at most where the second begins its
# row", and people put limits at round numbers.
#
# ## 4 · What do we roll back?


# %% tags=["measured"]
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


cold = metric("Workshop", "ColdStart", {"service": "payments", "function_name": "payments"}, "Sum")
cold_starts = by_minute(cold, "ColdStart", "cold starts").properties(height=140)
(failures.properties(height=140) & cold_starts).resolve_scale(x="shared")

# %% tags=["measured"]
cold["bin(1m)"].dt.strftime("%H:%M").tolist()

# %% [markdown]
# Cold starts come in four groups: the first payments of the hour, and three deployments, at
# 13:22, 13:30 and 13:49. (A group takes some minutes: an execution environment starts when a
# payment finds the others busy.) The failures begin with the second. The other two are innocent:
# payments of 25.00 and more went well after the first, and failed before the third.

# %%
deployment = "13:30"

case.roll_back(deployment)

# %% [markdown]
# ## The message
#
# > **Payments of 25.00 and more fail, in all currencies, since 13:30 UTC.** Callers get a 503;
# > smaller payments are charged as usual. The processor answers 503 to each of three tries (all
# > traces with a fault since then); our function runs as it should. It began with the deployment
# > of 13:30, so we take that one back now, and look again five minutes later. If it goes on, the
# > deployment was not the cause, and we call the processor's people with three trace ids.
#
# What it does not say: *why*. A rollback needs no why. What to do afterwards does.
#
# ## What to query first next time
#
# The access log by the minute: what failed and what was slow, side by side. It has one line for
# each thing that happened to a customer, whatever broke behind it. Then one bad trace, then the
# logs for whom.
#
# Two things would have spared us work: a key for the *release* on every log event and trace, so
# that question 4 is a `stats … by release`; and an alarm. `payments-failing` of step 04 goes off
# at 15 in 100: was it loud enough, and soon enough? Ask DescribeAlarmHistory.
#
# ## For the other seeds
#
# The same road leads there. In some, nothing fails: then the lower picture of question 1 has the
# step, the net for traces is `responsetime > 0.4`, and the call to the processor has no status at
# all, since the function did not wait for it (a time-out of half a second, then a second try that
# is answered at once). Then `bad` is `ms > 480`. In some, no group of cold starts lies where it
# begins: nothing to roll back.
