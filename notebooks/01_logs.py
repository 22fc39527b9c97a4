# %% [markdown]
# # 01 · Who was charged, what failed, what was cold?
#
# Three questions that come every day, to three people: the shop's bookkeeper, whoever is on call,
# and whoever pays for Lambda. One log answers all three, if it was written to be asked ([step
# 01](../steps/01_structured_logs/README.md), [step 02](../steps/02_log_context/README.md)).
#
# You will use `parse`, `stats` twice in a row, `bin`, percentiles, and several log groups at
# once. About fifteen minutes.

# %%
import workshop_notebook as nb

import altair as alt
import boto3
import pandas as pd

here = nb.begin()
logs = boto3.client("logs")

FUNCTION, API = "/aws/lambda/payments", "/aws/apigateway/payments"


def ask(query, *groups):
    started = logs.start_query(
        logGroupNames=list(groups) or [FUNCTION],
        queryString=query,
        startTime=int(here.start.timestamp()),
        endTime=int(here.end.timestamp()),
    )
    return nb.table(nb.wait(logs, started["queryId"]))


# %% [markdown]
# ## Who was charged?
#
# A payment leaves several log events: `collecting payment` has its amount, `payment charged` says
# that it went well. Neither has both. So `stats` gathers **the events of each payment** first, by
# `payment_id`, and a second `stats` counts the payments. `strcontains` gives 1 or 0.

# %%
charged = ask("""
filter message in ["collecting payment", "payment charged"]
| stats max(amount) as cents, max(currency) as coin,
        max(strcontains(message, "charged")) as charged by payment_id
| filter charged = 1
| stats count(*) as payments, sum(cents) / 100 as money, pct(cents, 50) / 100 as half_pay_less_than by coin
| sort payments desc
""")
charged

# %% [markdown]
# Three sums and not one: dollars and pounds do not add up. The metric `ChargedAmount` does add
# them up, by the way ([02_metrics](02_metrics.ipynb)). Look at the average beside the median,
# too:

# %%
charged.assign(average=(charged["money"] / charged["payments"]).round(2))

# %% [markdown]
# The average payment is larger than most payments. A few large ones pull it up. It will be the
# same with durations, and worse.
#
# ## What failed?
#
# The kinds of failure first. `exception_name` is there because the handler logs with
# `logger.exception`.

# %%
ask("""
filter level in ["ERROR", "WARNING"]
| stats count(*) as events by level, message, exception_name
| sort events desc
""")

# %% [markdown]
# Now two questions in one: since when, and **for whom**? The event that says `charge failed` does
# not hold the currency; the payment's first event does. Again: gather by payment, then count.

# %% tags=["binned"]
by_currency = ask("""
filter message in ["collecting payment", "charge failed"]
| stats max(currency) as coin, max(strcontains(message, "failed")) as failed, min(@timestamp) as at
        by payment_id
| stats count(*) as payments, sum(failed) as failures by datefloor(at, 10m) as time, coin
| sort time asc, coin asc
""")
by_currency["percent"] = 100 * by_currency["failures"] / by_currency["payments"]
by_currency["until"] = by_currency["time"] + pd.Timedelta(minutes=10)
by_currency["middle"] = by_currency["time"] + pd.Timedelta(minutes=5)
by_currency["UTC"] = by_currency["time"].dt.strftime("%H:%M")

base = alt.Chart().encode(
    y=alt.Y("coin:N", title="currency"),
    tooltip=["UTC", "coin", "failures", "payments"],
)
shade = alt.Color(
    "percent:Q",
    title="% failed",
    legend=alt.Legend(offset=30),
    scale=alt.Scale(domain=[0, 100], range=[nb.PANEL, nb.BAD], interpolate="rgb"),
)
cells = base.mark_rect(stroke="white", strokeWidth=3).encode(
    x=nb.clock("time", here), x2="until:T", color=shade
)
count = base.mark_text(fontSize=13).encode(
    x=nb.clock("middle", here),
    text="payments:Q",
    color=alt.condition(alt.datum.percent > 50, alt.value("white"), alt.value(nb.QUIET)),
)
alt.layer(cells, count, data=by_currency).properties(
    title="Payments in ten minutes (the numbers): which currency fails, and when (the red)",
    height=150,
)

# %% [markdown]
# One glance: for ten minutes and a little more, **every payment in EUR failed**, and others did
# not. A failure rate over all payments would have said "one in three", which is true of nobody.
#
# The numbers matter as much as the colour: they say how many payments a percentage stands on. At
# 13:00 two of eleven payments in GBP failed: 18 %, and it means little.
#
# ## What was cold?
#
# When an execution environment starts, Lambda's own line `REPORT` has an `Init Duration`.
# Insights discovers such lines: `@type`, `@duration`, `@initDuration`, `@maxMemoryUsed` and
# others are fields already.

# %% tags=["measured"]
ask("""
filter @type = "REPORT"
| stats count(*) as invocations, sum(ispresent(@initDuration)) as cold,
        pct(@initDuration, 50) as init_p50_ms, max(@initDuration) as init_max_ms
""")

# %% [markdown]
# What Insights does not discover, `parse` takes out of a text: a pattern with names for its
# parts. It is how you read logs that nobody wrote as JSON. Here it takes apart a line that
# Insights knows, so that you can compare.

# %% tags=["measured"]
ask(r"""
filter @message like /Init Duration/
| parse @message /Billed Duration: (?<billed>\d+) ms.*Init Duration: (?<init>[\d.]+) ms/
| fields @initDuration, init, billed
| sort init desc
| limit 3
""")

# %% [markdown]
# *Billed Duration* of a cold start holds the Init Duration: Lambda bills it since August 2025.
#
# When were they? At the beginning, and once more:

# %% tags=["measured"]
cold = ask("""
filter ispresent(@initDuration)
| stats count(*) as cold by bin(5m) as time
""")
cold["until"] = cold["time"] + pd.Timedelta(minutes=4.5)
cold["UTC"] = cold["time"].dt.strftime("%H:%M")
alt.Chart(
    cold, title="Cold starts: after the first payments, and after a deployment"
).mark_bar().encode(
    x=nb.clock("time", here),
    x2="until:T",
    y=alt.Y("cold:Q", title="cold starts in 5 minutes"),
    y2=alt.datum(0),
    tooltip=["UTC", "cold"],
).properties(height=200)

# %% [markdown]
# At 13:00 UTC somebody deployed: new code, new environments. That a plot of cold starts shows
# **when something was deployed** is worth remembering when something breaks.
#
# ## How long does it take?
#
# `pct(@duration, 99)`: 99 of 100 invocations take no longer. Beside every percentile, the number
# of events it stands on.

# %% tags=["measured"]
durations = ask("""
filter @type = "REPORT"
| stats count(*) as invocations, avg(@duration) as average,
        pct(@duration, 50) as p50, pct(@duration, 90) as p90, pct(@duration, 99) as p99
        by bin(15m) as time
| sort time asc
""")
durations["UTC"] = durations["time"].dt.strftime("%H:%M")
durations.drop(columns="time").set_index("UTC").round(1)

# %% tags=["measured"]
lines = durations.melt(
    ["time", "UTC", "invocations"], ["average", "p50", "p90", "p99"], "statistic", "ms"
)
alt.Chart(lines, title="Duration in quarters of an hour: the average tells of nobody").mark_line(
    point=True
).encode(
    x=nb.clock("time", here),
    y=alt.Y("ms:Q", title="ms, logarithmic", scale=alt.Scale(type="log")),
    color=alt.Color("statistic:N", sort=["p99", "p90", "average", "p50"], title=None),
    tooltip=["UTC", "statistic", alt.Tooltip("ms", format=",.1f"), "invocations"],
)

# %% [markdown]
# The axis is **logarithmic**: each line upwards is a factor, not a sum. Without it the p99 would
# be a mountain and everything else a flat line.
#
# A quarter of an hour has about 180 invocations here, so its p99 rests on the **two slowest** of
# them. That is little. Ask for the p99 of an hour, and you must ask again with `bin(1h)`: the p99
# of four quarters *cannot* be worked out from four p99s ([02_metrics](02_metrics.ipynb) shows
# what goes wrong).
#
# ## What did the caller see?
#
# The API in front of the function keeps a log of its own: the access log. Its `request_id` is the
# function's `correlation_id`, since [step 02](../steps/02_log_context/README.md) took it from the
# event. So two log groups tell one story. First one failed payment, in order:

# %%
one = ask("""
filter message = "charge failed"
| sort payment_id asc
| fields payment_id, correlation_id
| limit 1
""").loc[0]

story = ask(
    f"""
filter request_id = "{one.correlation_id}" or correlation_id = "{one.correlation_id}"
| fields @log, level, message, status, path
| sort @timestamp asc
""",
    FUNCTION,
    API,
)
story["@log"] = story["@log"].str.split(":").str[-1]  # it is account:group
story.astype(object).fillna("")

# %% [markdown]
# And all of them: what callers saw (`status`), for each thing that the function said last.

# %%
ask(
    """
filter ispresent(status) or level in ["ERROR", "WARNING"] or message = "payment charged"
| fields coalesce(request_id, correlation_id) as request
| stats max(status) as status_seen, max(message) as said by request
| stats count(*) as requests by status_seen, said
| sort requests desc
""",
    FUNCTION,
    API,
)

# %% [markdown]
# That is the table to show somebody who says "but the function returned without an error". It
# did: of Lambda's `Errors` there are none. The caller still saw `503`.
#
# ## Keep the good ones
#
# A query that helped once will help again, at three in the morning. In AWS a saved query has a
# name, and the console lists it for everybody; `put_query_definition` makes one, or, better, the
# template does, so that it is reviewed and comes with the function. This only prints what to add
# to a template:

# %%
SAVED = {
    "payments/failed-by-currency": """filter message in ["collecting payment", "charge failed"]
| stats max(currency) as coin, max(strcontains(message, "failed")) as failed by payment_id
| stats count(*) as payments, sum(failed) as failures by coin""",
    "payments/cold-starts": """filter ispresent(@initDuration)
| stats count(*) as cold, pct(@initDuration, 50) as init_p50_ms by bin(5m)""",
}

for name, query in SAVED.items():
    print(f"  {''.join(word.title() for word in name.replace('/', '-').split('-'))}:")
    print("    Type: AWS::Logs::QueryDefinition")
    print("    Properties:")
    print(f"      Name: {name}")
    print("      LogGroupNames: [!Ref PaymentsLogGroup]")
    print("      QueryString: |")
    print("\n".join(f"        {line}" for line in query.splitlines()))

# %% [markdown]
# ## Exercises
#
# Answers: [solutions/01_logs](solutions/01_logs.ipynb).
#
# 1. Of which campaign were the payments that took more than half a second? (The event of Lambda's
#    `REPORT` line and the function's own events share `@requestId` and `function_request_id`.
#    `coalesce` helped above.)
# 2. Did a customer whose payment failed try again, and with success? Count customers, not
#    payments.
# 3. How much memory is really used? Give the largest `@maxMemoryUsed` beside `@memorySize`, in
#    MB. Would you give the function less? ([04](04_cold_starts_and_cost.ipynb) has the other half
#    of the answer.)

# %%
# Your turn: ask(""" … """)

# %% [markdown]
# **Next:** [02_metrics](02_metrics.ipynb): is anybody suffering?
