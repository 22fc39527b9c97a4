# %% [markdown]
# # 04 · Answers
#
# To [04_cold_starts_and_cost](../04_cold_starts_and_cost.ipynb). Prices are those of the
# notebook, with the same dates.

# %%
import workshop_notebook as nb

import altair as alt
import boto3
import pandas as pd

here = nb.begin()
logs = boto3.client("logs")


def ask(question: str, *groups: str) -> pd.DataFrame:
    """Ask Logs Insights about these hours; return the rows as a table."""
    started = logs.start_query(
        logGroupNames=list(groups) or [nb.FUNCTION],
        startTime=int(here.start.timestamp()),
        endTime=int(here.end.timestamp()),
        queryString=question,
    )
    return nb.table(nb.wait(logs, started["queryId"]))


# %% [markdown]
# ### 1. Which log event would you drop first?
#
# Bytes by kind of log event, and what those cost for a million payments, at 0.50 dollars a GB:

# %% tags=["measured"]
kinds = ask("""
fields strlen(@message) as bytes,
    if(ispresent(_aws.Timestamp), "metrics (EMF)", coalesce(message, @type, "INIT_START")) as what
| stats count(*) as log_events, sum(bytes) as bytes by what
| sort bytes desc
""")
invocations = kinds.loc[kinds["what"] == "REPORT", "log_events"].iloc[0]
kinds["dollars"] = 1_000_000 * kinds["bytes"] / invocations / 1e9 * 0.50
kinds.round({"dollars": 3})

# %% tags=["measured"]
hover = [alt.Tooltip("what"), alt.Tooltip("log_events"), alt.Tooltip("dollars", format=".3f")]
alt.Chart(kinds, title="Logs of a million payments").mark_bar().encode(
    x=alt.X("dollars:Q", title="US dollars for a million payments"),
    y=alt.Y("what:N", title=None, sort="-x"),
    tooltip=hover,
)

# %% [markdown]
# `collecting payment` and `payment charged` are the two large ones, and they say nearly the same.
# One line at the end, with the amount, the currency and what came of it, would save more than a
# quarter of the bytes, and each query that now has to gather two events by `payment_id` would be
# shorter. What it costs you: a payment that times out would leave no line at all.
#
# `START` and `END` say nothing that `REPORT` does not. With `LogFormat: JSON` and
# `SystemLogLevel: WARN` in the template they stay away, and so does `REPORT`, with every figure
# of this notebook. `EMF` is not waste: it *is* the metrics.
#
# ### 2. How many payments does the default rule trace?
#
# One in each second, and 5 in 100 of the others. So count the payments of each second:

# %% tags=["measured"]
seconds = ask("""
filter @type = "REPORT"
| stats count(*) as payments by bin(1s)
| limit 10000
""")["payments"]
traced = (1 + 0.05 * (seconds - 1)).sum()
print(f"here: {traced:.0f} of {seconds.sum()} payments, {100 * traced / seconds.sum():.0f} %")
print(f"at a thousand a second: {1 + 0.05 * 999:.0f} of 1000, {(1 + 0.05 * 999) / 10:.1f} %")

# %% [markdown]
# (The lab keeps every trace, or else the notebooks would have little to show.) At this traffic
# the rule saves next to nothing; at a thousand a second 19 of 20 are gone. The share changes with
# the traffic, so a count of traces is not even in proportion to a count of payments. Count by
# metrics; look by traces.
#
# ### 3. How long may a request take?
#
# The container costs its two tasks and its load balancer, whether or not anybody pays:

# %%
HOURS = 730
container = 2 * (0.25 * 0.04048 + 0.5 * 0.004445) * HOURS + 0.0225 * HOURS
print(f"container: {container:.2f} dollars a month")

REQUESTS = 10_000_000
for name, door in (("an HTTP", 1.00e-6), ("a REST", 3.50e-6)):
    left = container - REQUESTS * (0.20e-6 + door)
    ms = left / REQUESTS / (256 / 1024 * 0.0000166667) * 1000
    print(
        f"through {name} API: {left:.2f} dollars are left for compute, "
        f"{max(ms, 0):.0f} ms a request"
    )

# %% [markdown]
# Through a REST API the container is cheaper however short the request: the front door alone
# costs more. (Two tasks are enough here: ten million a month are four a second.)
#
# ### 4. What part of the billed time was INIT?

# %% tags=["measured"]
(row,) = ask("""
filter @type = "REPORT"
| stats sum(@billedDuration) as billed, sum(@initDuration) as init, count(@initDuration) as cold
""").to_dict("records")
days = (here.end - here.start).total_seconds() / 86_400
handler = (row["billed"] - row["init"]) / days  # a day's worth, in ms
each = row["init"] / row["cold"]
environments = 8  # cold starts after each deployment, as the table at the beginning shows

print(f"measured: {100 * row['init'] / row['billed']:.1f} % ({row['cold']} cold starts)")
for often, a_day in (("ten deployments a day", 10), ("one a month", 1 / 30)):
    init = a_day * environments * each
    print(f"{often}: {100 * init / (init + handler):.1f} %")

# %% [markdown]
# A sum by proportion: it takes for granted that nothing but deployments makes cold starts. On AWS
# idle environments are taken away after some minutes as well, so a quiet night adds its own.
