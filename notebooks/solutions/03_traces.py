# %% [markdown]
# # 03 · Answers
#
# To [03_traces](../03_traces.ipynb). Yours may look different, and be as right.

# %%
import json

import workshop_notebook as nb

import boto3
import pandas as pd

here = nb.begin()
xray = boto3.client("xray")


def summaries(expression=""):
    pages = xray.get_paginator("get_trace_summaries").paginate(
        StartTime=here.start, EndTime=here.end, FilterExpression=expression
    )
    return [summary for page in pages for summary in page["TraceSummaries"]]


def payment(summary):
    return summary["Annotations"]["payment_id"][0]["AnnotationValue"]["StringValue"]


def spans(trace):
    below = {}

    def gather(part, parent):
        if not part.get("inferred"):
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


def waterfall(expression, title):
    found = min(summaries(expression), key=payment)
    return nb.waterfall(spans(xray.batch_get_traces(TraceIds=[found["Id"]])["Traces"][0]), title)


# %% [markdown]
# ### 1. Which payments were saved by a retry?
#
# A downstream service has its own condition: `service(id(type: "remote")) { fault }`. `!fault` is
# about the trace as the caller saw it.

# %% tags=["measured"]
SAVED = 'service(id(type: "remote")) { fault } AND !fault AND responsetime < 0.5'
len(summaries(SAVED))

# %% tags=["measured"]
waterfall(SAVED, "Saved: the first try met a 503, the second was charged")

# %% [markdown]
# Nobody complained about these, and no metric of ours counts them. They are the first sign that a
# processor gets worse.
#
# ### 2. A payment that failed

# %% tags=["measured"]
waterfall("fault", "Failed: three tries, with a pause between")

# %% [markdown]
# Three red calls, 50 ms apart (`PAUSE` in `processor.py`). During an outage every payment makes
# three times the calls, which a processor that is just getting up again does not need: that is
# why real clients make the pause longer with each try, and a bit random.
#
# ### 3. Failed beside declined

# %% tags=["measured"]
waterfall("error AND http.status = 402", "Declined: one try, and an error that is nobody's fault")

# %% [markdown]
# Declined: `402`, an *error*, one call, no retry, since trying again does not fill a bank
# account. On the map it counts under errors and not under faults, so no alarm on faults goes off.
