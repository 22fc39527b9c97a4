# %% [markdown]
# # 02 · Answers
#
# To [02_metrics](../02_metrics.ipynb). Yours may look different, and be as right.

# %%
import workshop_notebook as nb

import boto3
import numpy as np
import pandas as pd

here = nb.begin()
cloudwatch = boto3.client("cloudwatch")


def metric(name, statistic, period, key, namespace="Workshop", **dimensions):
    dimensions = dimensions or {"service": "payments"}
    return {
        "Id": key,
        "MetricStat": {
            "Metric": {
                "Namespace": namespace,
                "MetricName": name,
                "Dimensions": [
                    {"Name": name, "Value": value} for name, value in dimensions.items()
                ],
            },
            "Stat": statistic,
            "Period": period,
        },
    }


def get(queries):
    found = cloudwatch.get_metric_data(
        MetricDataQueries=queries,
        StartTime=here.start,
        EndTime=here.end,
        ScanBy="TimestampAscending",
    )["MetricDataResults"]
    return pd.DataFrame(
        {"id": one["Id"], "time": pd.Timestamp(time).tz_convert("UTC"), "value": value}
        for one in found
        for time, value in zip(one["Timestamps"], one["Values"], strict=True)
    )


# %% [markdown]
# ### 1. In which hour was the share of cold starts the largest?
#
# The dimensions must be **all** those of the metric: `ColdStart` with `service` alone is another
# metric, which does not exist, and CloudWatch answers with no data and no error.

# %% tags=["measured"]
shares = get(
    [
        metric("ColdStart", "Sum", 3600, "cold", function_name="payments", service="payments"),
        metric("Invocations", "Sum", 3600, "all", "AWS/Lambda", FunctionName="payments"),
        {"Id": "share", "Expression": "100 * FILL(cold, 0) / all", "Label": "cold starts in %"},
    ]
)
shares.pivot(index="time", columns="id", values="value").round(2).rename_axis(columns=None)

# %% [markdown]
# ### 2. When did `payments-slow` ring?

# %% tags=["measured"]
p99 = get([metric("ChargeDuration", "p99", 60, "p99")]).set_index("time")["value"]
minutes = pd.date_range(here.start, here.end, freq="60s", inclusive="left")
on = (p99.reindex(minutes) > 500).astype(int).rolling(5, min_periods=1).sum() >= 3
changes = on[on.ne(on.shift(fill_value=False))]
pd.DataFrame({"minute": changes.index.strftime("%H:%M"), "state": np.where(changes, "ALARM", "OK")})

# %% [markdown]
# After 14:10 UTC. Between, it may have gone back to OK for some minutes: in a minute in which no
# slow payment happens to come, the p99 of a dozen payments is a quick one's.
#
# ### 3. The amount of an average payment

# %%
hourly = get(
    [
        metric("ChargedAmount", "Sum", 3600, "amount"),
        metric("ChargedAmount", "SampleCount", 3600, "payments"),
    ]
).pivot(index="time", columns="id", values="value")
hourly["average"] = hourly["amount"] / hourly["payments"]
print(hourly["average"].round(1).to_list(), "by the hour")
print(round(hourly["average"].mean(), 1), "is the average of the averages")
print(round(hourly["amount"].sum() / hourly["payments"].sum(), 1), "is the average")

# %% [markdown]
# The hours do not hold equally many payments, so each average must count as often as it has
# payments. (And it is an average of cents of three currencies. The metric wants a dimension
# `currency`: three series, and worth it.)
