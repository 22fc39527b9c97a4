# %% [markdown]
# # 02 · Is anybody suffering?
#
# Logs say what happened to one payment. Nobody can read two thousand of them, so metrics say how
# **many** were well. That is their strength, and how they lie: a number about all payments can
# hide those few that suffer.
#
# You will put a log event and its metric side by side, choose the statistic that fits, look at a
# whole distribution, work with metric math, and replay an alarm over three hours in which
# something went wrong twice. About twenty minutes.

# %%
import json

import workshop_notebook as nb

import altair as alt
import boto3
import numpy as np
import pandas as pd

here = nb.begin()
logs, cloudwatch = boto3.client("logs"), boto3.client("cloudwatch")


def ask(query):
    started = logs.start_query(
        logGroupNames=["/aws/lambda/payments"],
        queryString=query,
        startTime=int(here.start.timestamp()),
        endTime=int(here.end.timestamp()),
    )
    return nb.table(nb.wait(logs, started["queryId"]))


# %% [markdown]
# ## A metric is a log event
#
# The function calls no metrics API. It writes a log event in a form that CloudWatch knows, the
# *Embedded Metric Format*, and CloudWatch makes data points of it, later, and at no cost to the
# function's duration. Here is one:

# %% tags=["measured"]
event = ask("""
fields @timestamp as time, @message
| filter ispresent(SuccessfulCharge.0) and not ispresent(ColdStart.0)
| sort @timestamp asc
| limit 1
""").loc[0]
print(json.dumps(json.loads(event["@message"]), indent=2))

# %% [markdown]
# `_aws` says what is a metric, in which unit, and by which dimension; the values stand beside it.
# So the log and the metric must agree. Do they? First by adding up the log events:

# %%
ask("""
filter ispresent(_aws.Timestamp)
| stats sum(SuccessfulCharge.0) as charged, sum(FailedCharge.0) as failed, sum(ChargedAmount.0) as amount
""")

# %% [markdown]
# Then by asking for the metrics. `GetMetricData` takes a list of queries; each has an `Id`, a
# metric with all its dimensions, a statistic, and a period in seconds. One period of three hours
# makes one number.


# %%
def metric(name, statistic, period, key=None):
    return {
        "Id": key or f"{name}_{statistic}".lower().replace(".", "_"),
        "MetricStat": {
            "Metric": {
                "Namespace": "Workshop",
                "MetricName": name,
                "Dimensions": [{"Name": "service", "Value": "payments"}],
            },
            "Stat": statistic,
            "Period": period,
        },
    }


def get(queries):
    """One row for each period and query; a period without data has no row."""
    found = cloudwatch.get_metric_data(
        MetricDataQueries=queries,
        StartTime=here.start,
        EndTime=here.end,
        ScanBy="TimestampAscending",
    )["MetricDataResults"]
    rows = [
        {"id": one["Id"], "time": pd.Timestamp(time).tz_convert("UTC"), "value": value}
        for one in found
        for time, value in zip(one["Timestamps"], one["Values"], strict=True)
    ]
    return pd.DataFrame(rows)


ALL = int((here.end - here.start).total_seconds())
get(
    [
        metric("SuccessfulCharge", "Sum", ALL),
        metric("FailedCharge", "Sum", ALL),
        metric("ChargedAmount", "Sum", ALL),
    ]
)[["id", "value"]]

# %% [markdown]
# The same. Keep in mind what the metric has lost on the way: which payment, which customer, which
# currency. (`ChargedAmount` adds cents of three currencies. It is a sum of nothing.)
#
# ## Which statistic fits?
#
# CloudWatch works out any statistic of any metric, sensible or not. All of them:

# %% tags=["measured"]
names = ["SuccessfulCharge", "FailedCharge", "DeclinedCharge", "ChargedAmount", "ChargeDuration"]
statistics = ["SampleCount", "Sum", "Average", "Minimum", "Maximum", "p99"]
found = get(
    [
        metric(name, one, ALL, f"{name.lower()}_{one.lower()}")
        for name in names
        for one in statistics
    ]
)
wide = (
    found["id"]
    .str.split("_", expand=True)
    .assign(value=found["value"])
    .pivot(index=0, columns=1, values="value")
)
wide.loc[[name.lower() for name in names], [one.lower() for one in statistics]].round(
    1
).rename_axis(index=None, columns=None)

# %% [markdown]
# | metric | fits | does not | why |
# |---|---|---|---|
# | SuccessfulCharge, FailedCharge | Sum | Average | each data point is 1: their average is 1, on the best day and on the worst |
# | ChargedAmount | Sum, by currency | p99 | what counts is what came in; and it needs a dimension first |
# | ChargeDuration | p50, p90, p99, Maximum | Sum, Average | durations are no quantity to add up, and the average is nobody's |
#
# ## What hides behind an average
#
# The durations themselves are in the log: every one of them. The axis is logarithmic, as it
# should be where some values are fifty times others.

# %% tags=["measured"]
ms = ask("""
filter ispresent(ChargeDuration.0)
| fields ChargeDuration.0 as ms
| limit 10000
""")["ms"]
edges = np.geomspace(1, 2000, 60)
counts, _ = np.histogram(ms, edges)
bars = (
    pd.DataFrame({"from": edges[:-1], "to": edges[1:], "payments": counts})
    .query("payments > 0")
    .round(3)
)
marks = pd.DataFrame(
    {
        "name": ["p50", "average", "p90", "p99"],
        "ms": [ms.median(), ms.mean(), ms.quantile(0.9), ms.quantile(0.99)],
    }
).round(3)
marks["says"] = marks["name"] + " " + marks["ms"].round(0).astype(int).astype(str) + " ms"
marks["height"] = [0.98, 0.86, 0.74, 0.62]
marks["height"] *= float(counts.max())

x = alt.X(
    "from:Q",
    title="duration of a charge in ms, logarithmic",
    scale=alt.Scale(type="log", domain=[2, 2000], nice=False),
)
alt.layer(
    alt.Chart(bars)
    .mark_bar(color=nb.SERIES[5])
    .encode(
        x=x,
        x2="to:Q",
        y=alt.Y("payments:Q", title="payments"),
        y2=alt.datum(0),
        tooltip=[alt.Tooltip("from", format=".1f"), alt.Tooltip("to", format=".1f"), "payments"],
    ),
    alt.Chart(marks).mark_rule(color=nb.ACCENT).encode(x="ms:Q", y="height:Q", y2=alt.datum(0)),
    alt.Chart(marks)
    .mark_text(align="left", dx=6, color=nb.ACCENT)
    .encode(x="ms:Q", y="height:Q", text="says"),
).properties(title=f"{len(ms):,} charges: one high hill, and far away the few that suffer")

# %% [markdown]
# Most charges take some milliseconds. Those far to the right met a processor that was down (three
# tries, with a pause between) or that crawled: they waited for a time-out of half a second. The
# average moves away from the hill because of them, and arrives **where few payments are**;
# it would be the same if all were a little slow. p50 and p99 together tell the two stories apart.
#
# ## And over time

# %% tags=["measured"]
period = 300
found = get(
    [metric("ChargeDuration", one, period, one.lower()) for one in ["Average", "p50", "p90", "p99"]]
)
n = get([metric("ChargeDuration", "SampleCount", period)]).set_index("time")["value"]
found["payments"] = found["time"].map(n)
found["value"] = found["value"].round(2)
found["UTC"] = found["time"].dt.strftime("%H:%M")
order = ["p99", "p90", "average", "p50"]
alt.Chart(found, title="Duration of charges, in periods of five minutes").mark_line(
    point=True
).encode(
    x=nb.clock("time", here),
    y=alt.Y("value:Q", title="ms, logarithmic", scale=alt.Scale(type="log", nice=False)),
    color=alt.Color("id:N", sort=order, title=None),
    tooltip=["UTC", "id", alt.Tooltip("value", format=",.0f", title="ms"), "payments"],
)

# %% [markdown]
# Hover a point: it says how many payments it stands on. About sixty in five minutes: the p99 of
# sixty is simply **the slowest one**. A p99 of few samples jumps about because single payments
# do. Ask for a longer period before you believe it.
#
# ## A percentile of percentiles is nothing
#
# Somebody has 36 p99s, of five minutes each, and wants the p99 of the three hours. It is tempting
# to take their average. Compare:

# %% tags=["measured"]
p99s = found.query("id == 'p99'")
truth = get([metric("ChargeDuration", "p99", ALL)])["value"].iloc[0]
pd.Series(
    {
        "p99 of the three hours, asked for": truth,
        "average of 36 p99s": p99s["value"].mean(),
        "median of 36 p99s": p99s["value"].median(),
        "largest of 36 p99s": p99s["value"].max(),
    },
    name="ms",
).round(0).to_frame()

# %% [markdown]
# None of the three is right, and there is **no formula** that would be: a p99 has forgotten all
# values but one. It is the same for a p99 of several regions, or of several services. What can be
# put together is this:


# %%
def combine(statistic, values, counts):
    """Put one number together from those of several periods, where that is possible."""
    if statistic in ("Sum", "SampleCount"):
        return sum(values)
    if statistic == "Maximum":
        return max(values)
    if statistic == "Minimum":
        return min(values)
    if statistic == "Average":  # each counts as often as it has samples
        return sum(v * n for v, n in zip(values, counts, strict=True)) / sum(counts)
    raise nb.Stop(
        f"a {statistic} cannot be worked out from other {statistic}s: they have forgotten the values between",
        "ask GetMetricData for one longer Period, or Logs Insights for pct(…) over all events",
    )


averages = found.query("id == 'average'")
asked = get([metric("ChargeDuration", "Average", ALL)])["value"].iloc[0]
bool(np.isclose(combine("Average", averages["value"], averages["payments"]), asked, rtol=1e-3))

# %% tags=["raises-exception"]
combine("p99", p99s["value"], p99s["payments"])

# %% [markdown]
# That cell failed on purpose.
#
# ## How many fail? Metric math
#
# A number of failures means nothing without the number of tries. *Metric math* divides one metric
# by another on CloudWatch's side; an alarm can watch the result. The first two queries only feed
# the others (`ReturnData: False`).

# %% tags=["measured"]
rates = get(
    [
        metric("FailedCharge", "Sum", 60, "failed") | {"ReturnData": False},
        metric("SuccessfulCharge", "Sum", 60, "charged") | {"ReturnData": False},
        {
            "Id": "error_rate",
            "Expression": "100 * FILL(failed, 0) / (FILL(failed, 0) + FILL(charged, 0))",
        },
        {"Id": "failures", "Expression": "failed * 1"},
        {"Id": "failures_filled", "Expression": "FILL(failed, 0)"},
    ]
)
rates.groupby("id")["value"].agg(["count", "mean", "max"]).round(2)

# %% [markdown]
# Look at `count`. A minute without a failure has **no data point** for `failed`, and not the
# value 0: of 180 minutes, about twenty are there, and their average of more than two failures a
# minute is that of the bad minutes alone. `FILL(failed, 0)` puts the good ones back. (Where two
# series meet in a sum or a quotient, metric math counts a missing point as 0 by itself; write it
# all the same, so that nobody needs to know.)
#
# And the availability of the three hours? Not the average of the minutes' rates, where a minute
# with two payments would count as much as one with twenty, but all failures by all tries:

# %%
whole = get(
    [
        metric("FailedCharge", "Sum", ALL, "failed"),
        metric("SuccessfulCharge", "Sum", ALL, "charged"),
    ]
)
failed, tried = whole.set_index("id")["value"]["failed"], whole["value"].sum()
print(f"{failed:.0f} of {tried:.0f} failed: availability {100 * (1 - failed / tried):.2f} %")

# %% [markdown]
# ## Would the alarm have rung?
#
# The template has an alarm for this rate ([step 04](../steps/04_percentiles/README.md)). Its
# rule, as CloudWatch tells it:

# %%
alarm = cloudwatch.describe_alarms(AlarmNames=["payments-failing"])["MetricAlarms"][0]
M, N, threshold = (alarm[key] for key in ("DatapointsToAlarm", "EvaluationPeriods", "Threshold"))
print(
    f"{alarm['AlarmName']}: above {threshold:g} % in {M} of {N} minutes ({alarm['TreatMissingData']})"
)

# %% [markdown]
# An alarm looks at the present. To learn whether its threshold is any good, replay it over a past
# in which you know what happened: a minute is *breaching* when its rate is above the threshold,
# and the alarm is on while `M` of the last `N` minutes are.
#
# **Drag the threshold.** (The sliders work in JupyterLab, and need no kernel. On a web page you
# see the picture at the template's rule.)

# %% tags=["measured"]
minutes = pd.date_range(here.start, here.end, freq="60s", inclusive="left")
replay = rates.query("id == 'error_rate'").set_index("time")["value"].reindex(minutes)
replay = pd.DataFrame(
    {
        "time": minutes,
        "end": minutes + pd.Timedelta(minutes=1),
        "UTC": minutes.strftime("%H:%M"),
        "percent": replay.round(1).values,
    }
)

limit = alt.param(
    name="limit",
    value=threshold,
    bind=alt.binding_range(min=0, max=60, step=1, name="threshold, %  "),
)
most = alt.param(
    name="most", value=M, bind=alt.binding_range(min=1, max=N, step=1, name=f"minutes of {N}  ")
)

rule = (
    alt.Chart()
    .transform_calculate(breaching="isValid(datum.percent) && datum.percent > limit ? 1 : 0")
    .transform_window(breaches="sum(breaching)", frame=[1 - N, 0], sort=[alt.SortField("time")])
    .transform_calculate(
        on="datum.breaches >= most", state="datum.breaches >= most ? 'ALARM' : 'OK'"
    )
)
rate = alt.Y("percent:Q", title="failed payments in %", scale=alt.Scale(domain=[0, 100]))
ringing = (
    rule.transform_filter("datum.on")
    .mark_rect(color=nb.BAD, opacity=0.18)
    .encode(x=nb.clock("time", here), x2="end:T")
)
bars = rule.mark_bar(stroke="white", strokeWidth=1).encode(
    x=nb.clock("time", here),
    x2="end:T",
    y=rate,
    y2=alt.datum(0),
    tooltip=["UTC", "percent", "state:N"],
)
line = (
    alt.Chart(pd.DataFrame([{"at": 0}]))
    .transform_calculate(at="limit")
    .mark_rule(strokeDash=[6, 4])
    .encode(y="at:Q")
)
says = (
    rule.transform_aggregate(rung="sum(on)")
    .transform_calculate(
        text="'ALARM in ' + datum.rung + ' minutes (shaded); above the dashed line a minute is breaching'"
    )
    .mark_text(align="left", fontSize=15, color=nb.BAD, dy=-8)
    .encode(text="text:N", x=alt.value(6), y=alt.value(0))
)
alt.layer(ringing, bars, line, says, data=replay).add_params(limit, most).properties(
    title=alt.TitleParams("payments-failing, replayed minute by minute", offset=26)
)

# %% [markdown]
# The same in four lines of pandas, to have the times:

# %% tags=["binned"]
breaching = (replay.set_index("time")["percent"] > threshold).astype(int)
on = breaching.rolling(N, min_periods=1).sum() >= M
changes = on[on.ne(on.shift(fill_value=False))]
pd.DataFrame({"minute": changes.index.strftime("%H:%M"), "state": np.where(changes, "ALARM", "OK")})

# %% [markdown]
# It rang once, some minutes after payments in EUR began to fail: `M` of `N` has a price, and is
# worth it. Set it to 1 of 5 above, and see for how many single failures somebody would have been
# woken up. That is what a minute with six payments does: **one** failure is 17 %.
#
# The other incident, the slow one after 14:10, did not touch this alarm at all: nobody failed.
# That is what `payments-slow` is for, on the p99.
#
# ## Exercises
#
# Answers: [solutions/02_metrics](solutions/02_metrics.ipynb).
#
# 1. In which hour was the share of cold starts the largest? `ColdStart` has the dimensions
#    `function_name` and `service`; `Invocations` is in the namespace `AWS/Lambda` with
#    `FunctionName`. Use metric math.
# 2. Replay the alarm `payments-slow`: p99 of ChargeDuration by the minute, over 500 ms, 3 of 5.
#    When did it ring?
# 3. The amount of an average payment, for each hour and for all three. Why is the last one not
#    the average of the three before?

# %%
# Your turn: get([…])

# %% [markdown]
# **Next:** [03_traces](03_traces.ipynb): where did the time go, and whose fault is it?
