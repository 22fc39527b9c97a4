# %% [markdown]
# # 04 · Should you use Lambda for this?
#
# A function starts cold now and then, and costs something each time it runs. So does a container,
# in another way. This notebook measures both from what Lambda itself writes, the `REPORT` line of
# each invocation, and then does the sum: what a million payments cost, what *watching* them
# costs, and from how many payments on a container or a virtual machine is cheaper.
#
# **The durations are those of the machine that ran the functions.** In the lab that is your
# laptop, which differs from AWS in both directions; with an AWS profile they are Lambda's own,
# and every figure below follows them. About fifteen minutes.

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
# ## How often is it cold?
#
# Insights finds the figures of each `REPORT` line by itself. `@initDuration` is there for cold
# starts only, so counting it counts them.

# %% tags=["measured"]
ask("""
filter @type = "REPORT"
| stats count(*) as invocations, count(@initDuration) as cold,
    100 * count(@initDuration) / count(*) as cold_percent
    by bin(1h)
| sort `bin(1h)` asc
""")

# %% [markdown]
# An execution environment starts in three cases: the first event of all, an event that finds the
# others busy, and the first ones after a deployment. The first hour has those of the beginning;
# at 13:00 there was a deployment; in the third hour there was neither, and no cold start in seven
# hundred. So "one in a hundred is cold" tells *how often you deploy, and how uneven your traffic
# is*. A function that is called twice a day is always cold.
#
# ## How much longer does a cold one take?
#
# What a caller waits for is INIT and the handler: `@initDuration + @duration`. One row for each
# invocation:

# %% tags=["measured"]
reports = ask("""
filter @type = "REPORT"
| fields @duration, @initDuration, @billedDuration,
    @memorySize / 1000000 as memory_mb, @maxMemoryUsed / 1000000 as used_mb
| limit 10000
""")
reports["start"] = reports["@initDuration"].notna().map({True: "cold", False: "warm"})
reports["ms"] = reports["@duration"] + reports["@initDuration"].fillna(0)

waits = reports.groupby("start")["ms"].describe(percentiles=[0.5, 0.9, 0.99]).round(1)
waits[["count", "50%", "90%", "99%", "max"]].rename(
    columns={"50%": "p50", "90%": "p90", "99%": "p99"}
)

# %% [markdown]
# Mind the first column. The p99 of two thousand warm ones has twenty beyond it; the p99 "of"
# sixteen cold ones is made up between the slowest two. With so few, say the median, the slowest,
# and how many there were.
#
# A table hides the shape. Here each invocation is a line, the darker the more of them there are.
# The axis is logarithmic, for on a linear one the warm invocations would be a single bar:

# %% tags=["measured"]
hover = [alt.Tooltip("start"), alt.Tooltip("ms:Q", format=",.1f", title="INIT + handler, ms")]
colours = alt.Scale(domain=["warm", "cold"], range=[nb.ACCENT, nb.WARN])
alt.Chart(reports[["start", "ms"]], title="Warm invocations, and cold ones").mark_tick(
    size=70, thickness=1.5
).encode(
    x=alt.X(
        "ms:Q",
        title="INIT + handler, ms (log scale)",
        scale=alt.Scale(type="log", nice=False, padding=12),
    ),
    y=alt.Y("start:N", title=None, sort=["warm", "cold"]),
    color=alt.Color("start:N", legend=None, scale=colours),
    opacity=alt.when(alt.datum.start == "cold").then(alt.value(0.8)).otherwise(alt.value(0.12)),
    tooltip=hover,
).properties(height=180)

# %% [markdown]
# The warm ones have a tail of their own, about half a second to the right: payments for which the
# processor was slow ([03_traces](03_traces.ipynb)). **A cold start is not the only reason to be
# slow**, and seldom the first to mend. Where it is, in this order: import less at the top of the
# module, load once, give more memory (see below), keep environments ready (provisioned
# concurrency, which is paid for whether it is used or not), SnapStart.
#
# ## How much memory does it need?

# %% tags=["measured"]
reports[["memory_mb", "used_mb"]].describe().loc[["min", "50%", "max"]].round(0)

# %% [markdown]
# `used_mb` is the most that an environment has ever used, so take the largest, and leave room.
# But memory is not only memory: Lambda gives **CPU in proportion to it**, one whole vCPU at 1,769
# MB ([documentation](https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html)).
# Twice the memory costs twice as much a millisecond, and where the work is computing, takes about
# half of them: the same price, half the wait. Where the work is waiting for a processor, as here,
# it only costs more. The lab gives every size the whole CPU of your laptop: try this on AWS, with
# [Lambda Power Tuning](https://github.com/alexcasalboni/aws-lambda-power-tuning).
#
# ## What does a million payments cost?
#
# First the prices: us-east-1, in US dollars, without free tiers and discounts. The page named is
# where AWS publishes a price; the month is that of the report it was last checked by. They change:
# look at the page before you decide anything.

# %%
PRICES = pd.DataFrame(
    [
        # name, US dollars, for what, source, as of
        ("request", 0.20e-6, "a request to Lambda", "aws.amazon.com/lambda/pricing", "2026-11"),
        (
            "gb_second_x86",
            0.0000166667,
            "a GB for a second, x86",
            "aws.amazon.com/lambda/pricing",
            "2026-11",
        ),
        (
            "gb_second_arm",
            0.0000133334,
            "a GB for a second, arm64",
            "aws.amazon.com/lambda/pricing",
            "2026-11",
        ),
        ("logs_gb", 0.50, "a GB of logs taken in", "aws.amazon.com/cloudwatch/pricing", "2026-11"),
        (
            "scan_gb",
            0.005,
            "a GB scanned by Insights",
            "aws.amazon.com/cloudwatch/pricing",
            "2026-11",
        ),
        (
            "metric",
            0.30,
            "a custom metric for a month",
            "aws.amazon.com/cloudwatch/pricing",
            "2026-11",
        ),
        ("trace", 5.00e-6, "a trace recorded", "aws.amazon.com/xray/pricing", "2026-11"),
        (
            "rest_api",
            3.50e-6,
            "a request to a REST API",
            "aws.amazon.com/api-gateway/pricing",
            "2025-05",
        ),
        (
            "http_api",
            1.00e-6,
            "a request to an HTTP API",
            "aws.amazon.com/api-gateway/pricing",
            "2025-05",
        ),
        (
            "vcpu_hour",
            0.04048,
            "a vCPU for an hour, Fargate",
            "aws.amazon.com/fargate/pricing",
            "2026-03",
        ),
        (
            "fargate_gb_hour",
            0.004445,
            "a GB for an hour, Fargate",
            "aws.amazon.com/fargate/pricing",
            "2026-03",
        ),
        (
            "vm_hour",
            0.0104,
            "a t3.micro for an hour",
            "aws.amazon.com/ec2/pricing/on-demand",
            "2026-03",
        ),
        (
            "balancer_hour",
            0.0225,
            "a load balancer for an hour",
            "aws.amazon.com/elasticloadbalancing/pricing",
            "2026-05",
        ),
    ],
    columns=["name", "dollars", "for", "source", "as of"],
).set_index("name")
price = PRICES["dollars"]
PRICES.assign(dollars=[f"{dollars:.10f}".rstrip("0") for dollars in price])

# %% [markdown]
# Lambda bills each request, and the memory you *configured* for each millisecond it ran; since
# August 2025 INIT, too. The bill is a sum, so here the **average** is the right statistic,
# however wrong it is for telling how customers fare: average times count is the sum, and a median
# times count is nothing.

# %% tags=["measured"]
MILLION = 1_000_000
billed_ms = reports["@billedDuration"].mean()
memory_gb = reports["memory_mb"].max() / 1024
gb_seconds = MILLION * billed_ms / 1000 * memory_gb
init_share = reports["@initDuration"].sum() / reports["@billedDuration"].sum()

print(
    f"{billed_ms:.0f} ms billed on average, {100 * init_share:.0f} % of them for INIT, "
    f"at {memory_gb:.2f} GB"
)
print(
    f"requests {MILLION * price['request']:.2f}, "
    f"compute {gb_seconds * price['gb_second_x86']:.2f} on x86, "
    f"{gb_seconds * price['gb_second_arm']:.2f} on arm64: dollars for a million payments"
)

# %% [markdown]
# ## And what does watching it cost?
#
# Everything you have learned in this workshop is on the bill, too. What a payment leaves behind,
# in bytes and in traces:

# %% tags=["measured"]
volume = ask(
    "stats count(*) as log_events, sum(strlen(@message)) as bytes by @log", nb.FUNCTION, nb.API
)
volume["bytes per payment"] = (volume["bytes"] / len(reports)).round(0)
volume

# %% tags=["measured"]
by_kind = ask("""
fields strlen(@message) as bytes,
    if(ispresent(_aws.Timestamp), "metrics (EMF)", coalesce(message, @type, "INIT_START")) as what
| stats count(*) as log_events, sum(bytes) as bytes by what
| sort bytes desc
""")
by_kind

# %% tags=["measured"]
log_gb = MILLION * volume["bytes"].sum() / len(reports) / 1e9
lines = pd.DataFrame(
    [
        ("Lambda: requests", "to run it", MILLION * price["request"]),
        ("Lambda: compute", "to run it", gb_seconds * price["gb_second_x86"]),
        ("API Gateway (REST)", "to run it", MILLION * price["rest_api"]),
        ("Logs taken in", "to watch it", log_gb * price["logs_gb"]),
        ("Logs, one query over all", "to watch it", log_gb * price["scan_gb"]),
        ("Traces", "to watch it", MILLION * price["trace"]),
    ],
    columns=["item", "purpose", "dollars"],
)
sampled = alt.param(
    name="sampled",
    value=100,
    bind=alt.binding_range(min=0, max=100, step=1, name="payments traced, %: "),
)
costs = (
    alt.Chart(lines, title="What a million payments cost, and watching them")
    .add_params(sampled)
    .transform_calculate(
        now="datum.item == 'Traces' ? datum.dollars * sampled / 100 : datum.dollars"
    )
    .transform_calculate(label="format(datum.now, ',.2f')")
    .encode(
        x=alt.X(
            "now:Q", title="US dollars for a million payments", scale=alt.Scale(domain=[0, 5.8])
        ),
        y=alt.Y("item:N", title=None, sort=lines["item"].tolist()),
        tooltip=[alt.Tooltip("item"), alt.Tooltip("label:N", title="US dollars")],
    )
)
purpose = alt.Color(
    "purpose:N",
    title=None,
    scale=alt.Scale(domain=["to run it", "to watch it"], range=[nb.ACCENT, "#e0a458"]),
)
(
    costs.mark_bar().encode(color=purpose)
    + costs.mark_text(align="left", dx=6).encode(text="label:N")
).properties(height=250)

# %% [markdown]
# (Drag the slider in JupyterLab. On a page without it, see the picture at 100 %.)
#
# Tracing every payment costs more than making it, front door and all; and the logs alone cost
# several times what Lambda does. That is common: **a small function is cheap, and what surrounds it
# is not.** What it means for you:
#
# * **Traces: sample.** X-Ray's default rule takes the first request of each second and 5 in 100
#   of the others. What you lose: counts. From then on a number of traces tells nothing about a
#   number of payments, and a failure of one in a thousand is likely not among them. Metrics and
#   logs still have all.
# * **Logs: fewer bytes, shorter kept.** A level, debug buffering (step 02), and a retention.
#   Lambda's own three lines count, too.
# * **Metrics: by their number, not by their use.** Each value of each dimension is a metric to
#   pay for by the month:

# %%
cloudwatch = boto3.client("cloudwatch")
pages = cloudwatch.get_paginator("list_metrics").paginate(Namespace="Workshop")
names = [metric["MetricName"] for page in pages for metric in page["Metrics"]]
customers = ask("stats count_distinct(customer_id) as customers").iloc[0, 0]

print(f"{len(names)} custom metrics: {len(names) * price['metric']:.2f} dollars a month")
print(
    f"with the customer as a dimension: {len(names) * customers:,.0f} metrics, "
    f"{len(names) * customers * price['metric']:,.2f} dollars a month"
)

# %% [markdown]
# ## From how many payments on is something else cheaper?
#
# Lambda costs nothing when nobody pays, and the same for each payment. A container or a virtual
# machine costs the same whether anybody pays or not, until it is full and you need one more. So
# the lines cross somewhere. Three ways to run the same function, each with what it needs in
# front, and two of each machine, since one may fail:

# %% tags=["measured"]
hours = 730
task_hour = 0.25 * price["vcpu_hour"] + 0.5 * price["fargate_gb_hour"]


def slider(
    name: str, value: float, low: float, high: float, step: float, says: str
) -> alt.Parameter:
    """Return a number that a reader can move."""
    return alt.param(
        name=name,
        value=value,
        bind=alt.binding_range(min=low, max=high, step=step, name=f"{says}: "),
    )


knobs = [
    slider("ms", round(billed_ms), 1, 1000, 1, "billed, ms a request"),
    slider("mb", 256, 128, 3008, 64, "memory, MB"),
    slider("door", 3.5, 0, 3.5, 0.25, "API Gateway, dollars a million (HTTP 1.00, REST 3.50)"),
    slider(
        "task",
        round(task_hour, 5),
        0,
        0.2,
        0.0005,
        "container, dollars an hour (0.25 vCPU, 0.5 GB)",
    ),
    slider(
        "vm", float(price["vm_hour"]), 0, 0.2, 0.0005, "virtual machine, dollars an hour (t3.micro)"
    ),
    slider("rps", 40, 1, 500, 1, "requests a second that one of them can take"),
    slider("peak", 5, 1, 20, 1, "busiest second: times the average"),
]
volumes = pd.DataFrame({"requests": [10 ** (4 + step / 80) for step in range(5 * 80 + 1)]})
GB_SECONDS, gb_second = "ms / 1000 * mb / 1024", price["gb_second_x86"]
FLEET = f"max(2, ceil(datum.requests / {hours * 3600} * peak / rps))"
sums = alt.Chart(volumes).transform_calculate(
    Lambda=f"datum.requests * ({price['request']} + door / 1e6 + {GB_SECONDS} * {gb_second})",
    Container=f"{FLEET} * task * {hours} + {price['balancer_hour'] * hours}",
    VM=f"{FLEET} * vm * {hours} + {price['balancer_hour'] * hours}",
)
folded = sums.transform_fold(["Lambda", "Container", "VM"], as_=["by", "dollars"])
THOUSANDS = alt.Axis(
    values=[10**n for n in range(4, 10)],
    labelExpr="replace(format(datum.value, '~s'), '1G', '1000M')",
)
CENTS = alt.Axis(tickCount=6, labelExpr="format(datum.value, datum.value < 1 ? '.2f' : ',')")
many = alt.X(
    "requests:Q", title="requests a month (log scale)", scale=alt.Scale(type="log"), axis=THOUSANDS
)
much = alt.Y(
    "dollars:Q", title="US dollars a month (log scale)", scale=alt.Scale(type="log"), axis=CENTS
)
kind = alt.Color(
    "by:N",
    title=None,
    sort=["Lambda", "Container", "VM"],
    scale=alt.Scale(domain=["Lambda", "Container", "VM"], range=[nb.ACCENT, "#e0a458", nb.INK]),
)
dash = alt.StrokeDash(
    "by:N",
    title=None,
    sort=["Lambda", "Container", "VM"],
    scale=alt.Scale(domain=["Lambda", "Container", "VM"], range=[[1, 0], [8, 4], [2, 3]]),
)
hover = [
    alt.Tooltip("by:N"),
    alt.Tooltip("requests:Q", format=".3s"),
    alt.Tooltip("dollars:Q", format=",.2f"),
]
crossing = (
    sums.transform_filter("datum.Lambda >= datum.Container")
    .transform_aggregate(requests="min(requests)")
    .transform_calculate(
        label="format(datum.requests, '.2s') + ' a month, ' + "
        f"format(datum.requests / {hours * 3600}, '.2r') + ' a second'"
    )
)
(
    folded.mark_line().encode(many, much, color=kind, strokeDash=dash, tooltip=hover)
    + crossing.mark_rule(color=nb.QUIET, strokeDash=[4, 4]).encode(many)
    + crossing.mark_text(align="right", dx=-8, y=16, color=nb.INK).encode(many, text="label:N")
).add_params(*knobs).properties(title="Where the lines cross", height=360)

# %% [markdown]
# The rule stands where Lambda begins to cost more than the container. Move the first slider: what
# does the length of the work do to it? Then take the front door from a REST API to an HTTP API,
# 1.00: the crossing goes to nearly three times as many. And move the last one: a shop with a busy
# hour pays for machines that idle all night, and with Lambda it does not.
#
# What the picture leaves out, and what often decides: **people**. Whoever runs machines patches
# them, watches their disks and is called at night. An hour of that a month costs more than
# everything left of the crossing. Left out, too: free tiers, savings plans (both sides), data
# transfer, and CPU credits (a t3.micro works at a tenth of each vCPU in the long run).
#
# So, should you use Lambda *for this*? A payment waits most of its time for somebody else, and
# pays for the waiting; but at a shop's volumes it is a few dollars. It begins to matter from some
# requests in every second of the month on, by day and by night. Measure `billed_ms` on AWS before
# you believe the rule.
#
# ## Exercises
#
# 1. Which log event would you drop first, and how many dollars for a million payments does that
#    save? (`by_kind` has it.)
# 2. X-Ray's default rule samples one request a second and 5 in 100 of the others. At this
#    traffic, how many payments are traced? And at a thousand a second?
# 3. Ten million requests a month, through an HTTP API: how long may a request take until the
#    container is cheaper? By the sliders, then by arithmetic. And through a REST API?
# 4. What part of the billed time was INIT? What would it be with ten deployments a day? With one
#    a month?
#
# Answers: [solutions/04_cold_starts_and_cost](solutions/04_cold_starts_and_cost.ipynb).
