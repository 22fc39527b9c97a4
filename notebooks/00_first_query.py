# %% [markdown]
# # 00 · What did my function just say?
#
# A function talks while it works: it writes log events. Nobody reads them one by one. You **ask**
# them, as you ask a database, in a language of its own: *CloudWatch Logs Insights*.
#
# After these ten minutes you can start a query, wait for it, and make a table of what it found:
# with two calls of boto3, the same on your laptop and on AWS.
#
# Run a cell with <kbd>Shift</kbd>+<kbd>Enter</kbd>. The first one finds the lab on your laptop,
# starts it, and sends it three hours of payments if there are none yet (10 to 30 seconds).

# %%
import time

import workshop_notebook as nb

import altair as alt
import boto3
import pandas as pd

here = nb.begin()

# %% [markdown]
# ## Where is it said?
#
# Log events lie in **log groups**: one for each function, one for the API in front of it. A log
# group keeps its events for a number of days, and then they are gone; for ever, if nobody says how
# many.

# %% tags=["measured"]
logs = boto3.client("logs")
groups = logs.describe_log_groups(logGroupNamePrefix="/aws/")["logGroups"]
pd.DataFrame(groups)[["logGroupName", "retentionInDays", "storedBytes"]]

# %% [markdown]
# ## A first query
#
# Three commands, with `|` between: which **fields** to show, which events to **filter**, how many
# at most. Every field of a JSON log event has a name at once, and nobody had to declare it.
# `@timestamp`, `@message` and others that begin with `@` come from CloudWatch itself.
#
# A query always has a beginning and an end in time. Here they are those of `here`, in UTC.

# %%
query = """
fields payment_id, amount, currency, campaign
| filter message = "collecting payment"
| sort @timestamp asc
| limit 5
"""
started = logs.start_query(
    logGroupNames=["/aws/lambda/payments"],
    queryString=query,
    startTime=int(here.start.timestamp()),
    endTime=int(here.end.timestamp()),
)
sorted(started)

# %% [markdown]
# That answer holds no result: a query runs on its own, and what you get is its number, `queryId`.
# So you ask for the results, again and again, until the status is `Complete`.

# %%
response = logs.get_query_results(queryId=started["queryId"])
while response["status"] in ("Scheduled", "Running"):
    time.sleep(0.2)
    response = logs.get_query_results(queryId=started["queryId"])

response["status"], len(response["results"])

# %% [markdown]
# A result is a list of rows, and a row is a list of fields and values. **All values are text**,
# the amount too:

# %%
[cell for cell in response["results"][0] if cell["field"] != "@ptr"]

# %% [markdown]
# A table is easier to read. This is all it takes:

# %%
rows = [{cell["field"]: cell["value"] for cell in row} for row in response["results"]]
pd.DataFrame(rows).drop(columns="@ptr")

# %% [markdown]
# (`@ptr` points at the whole log event: `get_log_record` takes it.)
#
# From here on, `nb.wait` does the waiting and `nb.table` makes the table, with numbers where
# there are numbers. Both are short: open `workshop_notebook.py` and read them.
#
# ## Ask something of your own
#
# The call itself stays in view, in a function of four lines.


# %%
def ask(query, group="/aws/lambda/payments"):
    hours = {"startTime": int(here.start.timestamp()), "endTime": int(here.end.timestamp())}
    started = logs.start_query(logGroupNames=[group], queryString=query, **hours)
    return nb.table(nb.wait(logs, started["queryId"]))


# %% [markdown]
# What does the function say at all, and how often? `stats` counts, `by` says for what each.

# %%
ask("""
filter ispresent(level)
| stats count(*) as events by level, message
| sort events desc
""")

# %% [markdown]
# Read it as a sentence: so many payments came in, so many were charged, and the rest went wrong
# in three ways. Do the numbers add up? They should: charged, failed and declined together are
# those that came in, and those that were refused never came so far.
#
# ## Which payments failed?
#
# `filter` takes conditions; `like` looks into a text; `in` into a list.

# %%
ask("""
fields payment_id, customer_id, campaign, exception_name
| filter level = "ERROR" and campaign in ["spring", "winter"]
| sort payment_id asc
| limit 6
""")

# %% [markdown]
# An empty `campaign` shows as a missing field: Insights does not invent one. That is why
# `ispresent(campaign)` is a condition that one needs often.
#
# ## When?
#
# `bin(5m)` puts each event into its five minutes.

# %% tags=["binned"]
failed = ask("""
filter message = "charge failed"
| stats count(*) as failed by bin(5m) as time
| sort time asc
""")
failed["until"] = failed["time"] + pd.Timedelta(minutes=4.5)
failed["UTC"] = failed["time"].dt.strftime("%H:%M")
alt.Chart(failed, title="Failed payments: mostly in a quarter of an hour").mark_bar(
    color=nb.BAD
).encode(
    x=nb.clock("time", here),
    x2="until:T",
    y=alt.Y("failed:Q", title="failed payments in 5 minutes"),
    y2=alt.datum(0),
    tooltip=["UTC", "failed"],
)

# %% [markdown]
# Hover a bar in JupyterLab: it tells its time and its number. A gap is a gap: a `bin` without an
# event is **no row**, not a row with 0. Whoever takes the average of the rows forgets all the
# quiet minutes.
#
# ## What does a question cost?
#
# On AWS you pay for what a query *scans*, not for what it finds. Every answer says how much that
# was.

# %%
hours = {"startTime": int(here.start.timestamp()), "endTime": int(here.end.timestamp())}
started = logs.start_query(
    logGroupNames=["/aws/lambda/payments"], queryString='filter level = "ERROR"', **hours
)
statistics = nb.wait(logs, started["queryId"])["statistics"]
statistics["recordsMatched"], statistics["recordsScanned"]

# %% [markdown]
# It found a few dozen, and read them all. **Fewer hours and fewer log groups** make a query cheaper,
# always; a narrower `filter` does so on AWS where it asks for a field that CloudWatch keeps an index
# of. (Insights takes $0.005 for each GB scanned in us-east-1, November 2026. These three hours are
# 4 MB: a thousand such questions cost two cents.)
#
# ## Exercises
#
# Answers: [solutions/00_first_query](solutions/00_first_query.ipynb).
#
# 1. How many payments came in for each currency? (`collecting payment` has the field `currency`.)
# 2. Which three customers tried to pay most often?
# 3. How many payments were refused as not valid, and which fields were wrong? (The event has
#    `invalid_fields.0`: in Insights, a list's items are called by their numbers.)

# %%
# Your turn: ask(""" … """)

# %% [markdown]
# **Next:** [01_logs](01_logs.ipynb): who was charged, what failed, what was cold?
