# %% [markdown]
# # 03 · Where did the time go, and whose fault is it?
#
# A metric says *that* payments are slow. A log says what the function was doing. Only a **trace**
# says where one payment spent its time, across everything that it went through: the API, Lambda,
# the handler, the card processor.
#
# You will look for traces by what is wrong with them, draw one, draw the map of all of them, and
# compare the slow with the normal. About twenty minutes.

# %%
import json
import random

import workshop_notebook as nb

import altair as alt
import boto3
import pandas as pd

here = nb.begin()
xray = boto3.client("xray")

# %% [markdown]
# ## Find traces
#
# `GetTraceSummaries` gives one summary for each trace, and takes a *filter expression*. It
# answers in pages; boto3's paginator turns them.


# %%
def summaries(expression=""):
    pages = xray.get_paginator("get_trace_summaries").paginate(
        StartTime=here.start, EndTime=here.end, FilterExpression=expression
    )
    return [summary for page in pages for summary in page["TraceSummaries"]]


# %% tags=["measured"]
everything = summaries()
expressions = [
    "fault",
    "error",
    "annotation[ColdStart] = true",
    "responsetime > 0.5 AND annotation[ColdStart] = false",
    'service(id(name: "payments", type: "AWS::Lambda::Function")) { fault }',
]
found = {"(none: all traces)": everything} | {one: summaries(one) for one in expressions}
pd.Series({one: len(traces) for one, traces in found.items()}, name="traces").to_frame()

# %% [markdown]
# Two words with a meaning of their own: a **fault** is the server's (5xx, an exception), an
# **error** the caller's (4xx: a declined card, a request that is not valid). Confuse them, and
# you page somebody because a customer mistyped a card number.
#
# And look at the last line: the *function* has no fault at all. It caught the exception and
# answered `503`, as it should. So whose is it?
#
# ## One trace, from the side
#
# A trace comes as *segments*, one for each service, and *subsegments* in them: what the code, or
# a library, reported. Each names the one that called it. Put in order, they are a waterfall.


# %%
def spans(trace):
    """Return the segments and subsegments of a trace, each below the one that called it."""
    below = {}

    def gather(part, parent):
        if not part.get("inferred"):  # X-Ray made those up from the caller's own subsegment
            below.setdefault(parent, []).append(part)
        for inner in part.get("subsegments", []):
            gather(inner, part["id"])

    for segment in trace["Segments"]:
        document = json.loads(segment["Document"])
        gather(document, document.get("parent_id"))

    def walk(parent, depth):
        for part in sorted(below.get(parent, []), key=lambda one: one["start_time"]):
            went = "fault" if part.get("fault") else "error" if part.get("error") else "well"
            yield part, depth, went
            yield from walk(part["id"], depth + 1)

    rows = list(walk(None, 0))
    begin = rows[0][0]["start_time"]
    return pd.DataFrame(
        {
            "name": part["name"] + part.get("origin", "").replace("AWS::", " · "),
            "depth": depth,
            "from_ms": round(1000 * (part["start_time"] - begin), 2),
            "to_ms": round(1000 * (part["end_time"] - begin), 2),
            "went": went,
        }
        for part, depth, went in rows
    )


def get_traces(ids):
    found = []
    for at in range(0, len(ids), 5):  # BatchGetTraces takes five at a time
        found += xray.batch_get_traces(TraceIds=ids[at : at + 5])["Traces"]
    return found


def annotation(summary, name):
    return next(
        (
            next(iter(one["AnnotationValue"].values()))
            for one in summary["Annotations"].get(name, [])
        ),
        None,
    )


slow = summaries("responsetime > 0.5 AND annotation[ColdStart] = false")
slow.sort(key=lambda summary: annotation(summary, "payment_id"))
one = get_traces([slow[0]["Id"]])[0]
f"{len(one['Segments'])} segments, {len(spans(one))} parts in all"

# %% tags=["measured"]
nb.waterfall(spans(one), "A slow payment: it waited half a second for nothing")

# %% [markdown]
# Read it from top to bottom. Every bar is as long as all bars below it that belong to it, and a
# little more: that little is its own work. The handler does next to nothing. The call `127.0.0.1`
# is the card processor (on AWS: its host name). The first one ends after 0.5 s, red: the
# function's own time-out. The second is quick, since the processor knows the idempotency key and
# had charged already.
#
# *Whose fault?* The processor is slow. But that the customer waits 0.56 s and not 3 s is our
# time-out's merit ([step 06](../steps/06_dependencies/README.md)).
#
# ## All of them, from above
#
# `GetServiceGraph` adds all traces up: who calls whom, how often, how it went. It also has a
# **histogram** of durations for each service: how many took 10 ms, how many 11 ms. From a
# histogram, which keeps the counts, a percentile *can* be worked out; from other percentiles it
# cannot.


# %%
def percentile(histogram, share):
    """Return the value that `share` of the entries do not exceed, in ms."""
    entries = sorted(histogram, key=lambda entry: entry["Value"])
    wanted, seen = share * sum(entry["Count"] for entry in entries), 0
    for entry in entries:
        seen += entry["Count"]
        if seen >= wanted:
            return 1000 * entry["Value"]
    return None


# %% tags=["measured"]
graph = xray.get_service_graph(StartTime=here.start, EndTime=here.end)["Services"]
services = pd.DataFrame(
    {
        "id": service["ReferenceId"],
        "name": service["Name"],
        "type": service["Type"].removeprefix("AWS::"),
        "requests": service["SummaryStatistics"]["TotalCount"],
        "errors": service["SummaryStatistics"]["ErrorStatistics"]["TotalCount"],
        "faults": service["SummaryStatistics"]["FaultStatistics"]["TotalCount"],
        "p50": percentile(service["DurationHistogram"], 0.50),
        "p99": percentile(service["DurationHistogram"], 0.99),
    }
    for service in graph
    if service["Type"] != "client"
)
services.drop(columns=["p50", "p99", "id"])

# %% tags=["measured"]
services[["name", "type", "p50", "p99"]].round(0)

# %% tags=["measured"]
place = {0: -1}  # the client, which is not drawn, stands left of the first service
edges = []
for service in graph:
    for edge in service["Edges"]:
        place[edge["ReferenceId"]] = place[service["ReferenceId"]] + 1
        edges.append(
            (service["ReferenceId"], edge["ReferenceId"], edge["SummaryStatistics"]["TotalCount"])
        )

nodes = services.assign(
    name=services["type"].replace(
        {"ApiGateway::Stage": "API", "remote": "card processor", "Lambda::Function": "function"}
    ),
    x=services["id"].map(place),
    y=0,
    went=[
        "fault" if share > 0.05 else "well" for share in services["faults"] / services["requests"]
    ],
    below=[
        f"p50 {p50:.0f} · p99 {p99:.0f} ms"
        for p50, p99 in zip(services["p50"], services["p99"], strict=True)
    ],
)
nodes["name"] += [f" · {n} faults" for n in services["faults"]]
lines = pd.DataFrame(
    {"x": place[a], "y": 0, "x2": place[b], "y2": 0, "label": f"{n:,} calls"}
    for a, b, n in edges
    if place[a] >= 0
)
nb.service_map(nodes[["name", "x", "y", "below", "went"]], lines, "Who calls whom")

# %% [markdown]
# The API has 54 faults, the function none, the processor many more than 54. Follow the faults
# downstream: **the last service that has them is the one to look at**. That it has more of them
# than there were failed payments is the retries: three tries for each payment that failed, and
# one for each that was saved.
#
# ## Who suffered?
#
# *Annotations* are the few keys of a trace that are indexed: you can filter by them. (Metadata
# are not; they can be read, and not be searched.) Our handler annotates `customer_id` and
# `payment_id`, so a trace leads to a person, and a person to their traces.

# %%
faults = pd.Series(
    [annotation(summary, "customer_id") for summary in summaries("fault")], name="faults"
)
worst = faults.value_counts().sort_index().sort_values(ascending=False, kind="stable").head(3)
worst.rename_axis("customer").to_frame()

# %%
customer = worst.index[0]
theirs = summaries(f'annotation[customer_id] = "{customer}"')
print(
    f"{customer}: {len(theirs)} payments, {sum(one['HasFault'] for one in theirs)} of them failed"
)

# %% [markdown]
# This is the search for the phone call that begins with "I have tried six times". It is also why
# no name and no card number belongs into an annotation ([step 05](../steps/05_traces/README.md)).
#
# ## Slow beside normal
#
# One slow trace is an anecdote. To learn what makes traces slow, take all slow ones and as many
# normal ones, and compare the time that each part takes **itself**, without what it called.


# %%
def own_time(trace):
    """Milliseconds of each part of a trace, without those that it called, by name."""
    rows = spans(trace)
    took = (rows["to_ms"] - rows["from_ms"]).tolist()
    own, callers = took.copy(), []
    for at, depth in enumerate(rows["depth"]):
        del callers[depth:]
        if callers:
            own[callers[-1]] -= took[at]
        callers.append(at)
    return pd.Series(own, rows["name"]).groupby(level=0).sum().clip(lower=0)


cold = summaries("annotation[ColdStart] = true")
normal = summaries("responsetime < 0.1 AND annotation[ColdStart] = false AND !fault AND !error")
normal.sort(key=lambda summary: annotation(summary, "payment_id"))

# %% tags=["measured"]
groups = {"normal": normal[: len(slow)], "slow, warm": slow, "cold": cold}
{name: len(some) for name, some in groups.items()}

# %% tags=["measured"]
parts = pd.concat(
    pd.DataFrame([own_time(trace) for trace in get_traces([one["Id"] for one in some])])
    .fillna(0)
    .mean()
    .rename("ms")
    .rename_axis("part")
    .reset_index()
    .assign(group=f"{name} ({len(some)})")
    for name, some in groups.items()
)
known = {
    "127.0.0.1": "card processor",
    "Initialization": "cold start (init)",
    "## handler": "handler",
}
parts["part"] = parts["part"].map(known).fillna("all the rest")
parts = parts.groupby(["group", "part"], as_index=False)["ms"].sum().round(1)

order = [*known.values(), "all the rest"]
alt.Chart(parts, title="Where the time goes, on average of a group of traces").mark_bar().encode(
    x=alt.X("ms:Q", title="ms, of the part itself"),
    y=alt.Y("group:N", title=None, sort=[f"{name} ({len(some)})" for name, some in groups.items()]),
    color=alt.Color("part:N", sort=order, title=None, legend=alt.Legend(orient="top", columns=4)),
    order=alt.Order("rank:Q"),
    tooltip=["group", "part", alt.Tooltip("ms", format=",.1f")],
).transform_calculate(rank=f"indexof({json.dumps(order)}, datum.part)").properties(height=190)

# %% [markdown]
# So "slow" is two things. Warm traces wait for the **processor**: nothing in our code would make
# them quicker. Cold ones wait for **our own start**: imports and set-up, which is ours to shorten
# ([04](04_cold_starts_and_cost.ipynb)). One p99 of all of them would have thrown both into one
# number.
#
# (An average of durations, after all that was said? It is sound here: parts of an average add up
# to the average, which parts of percentiles do not. And the groups have been taken apart before.)
#
# ## What sampling does to counts
#
# X-Ray does not keep every trace. By its default rule it keeps the **first request of each
# second, and 5 % of the others**. Our shop has a dozen payments a minute: seldom two in a second,
# so nine of ten would be kept. At a hundred requests a second it is 1 + 0.05 · 99 = 6 of 100.
#
# What would the count of failed payments be, if 5 % of these traces had been kept, and each stood
# for twenty? Draw such a sample a thousand times:

# %%
failed = [summary["HasFault"] for summary in everything]
chance = random.Random(5)  # the same numbers every time
estimates = [20 * sum(fault and chance.random() < 0.05 for fault in failed) for _ in range(1000)]
seen = pd.Series(estimates).value_counts().rename_axis("estimate").rename("samples").reset_index()

truth = pd.DataFrame({"estimate": [sum(failed)], "says": [f"in truth {sum(failed)}"]})
alt.layer(
    alt.Chart(seen)
    .mark_bar(width=36)
    .encode(
        x=alt.X(
            "estimate:Q",
            title="failed payments, estimated from a sample of 5 % (times 20)",
            scale=alt.Scale(domain=[-15, max(estimates) + 15], nice=False),
            axis=alt.Axis(values=sorted(set(estimates))),
        ),
        y=alt.Y("samples:Q", title="of 1,000 samples"),
        tooltip=["estimate", "samples"],
    ),
    alt.Chart(truth).mark_rule().encode(x="estimate:Q"),
    alt.Chart(truth)
    .mark_text(align="left", dx=8, dy=8, color=nb.BAD)
    .encode(x="estimate:Q", y=alt.value(0), text="says"),
).properties(title="One truth, and what a sample of 5 % makes of it", height=240)

# %%
none = sum(estimate == 0 for estimate in estimates)
print(f"in {none} of 1,000 samples not one failed payment was seen, though {sum(failed)} failed")

# %% [markdown]
# So: **count with metrics**, which see every request, and **explain with traces**, of which a few
# are enough. A number of traces is not a number of requests.
#
# ## Exercises
#
# Answers: [solutions/03_traces](solutions/03_traces.ipynb).
#
# 1. Which payments were saved by a retry? Find traces in which the processor has a fault and the
#    API has none, and are not slow.
# 2. Draw the waterfall of a payment that failed. How many tries, and how long are the pauses
#    between them?
# 3. A customer whose payment failed and one who was declined: both saw no charge. How do their
#    traces differ, in the marks and in the map?

# %%
# Your turn: summaries("…")

# %% [markdown]
# **Next:** [04_cold_starts_and_cost](04_cold_starts_and_cost.ipynb): should you use Lambda for
# this?
