# %% [markdown]
# # 01 · Answers
#
# To [01_logs](../01_logs.ipynb). Yours may look different, and be as right.

# %%
import workshop_notebook as nb

import boto3

here = nb.begin()
logs = boto3.client("logs")


def ask(query, *groups):
    started = logs.start_query(
        logGroupNames=list(groups) or ["/aws/lambda/payments"],
        queryString=query,
        startTime=int(here.start.timestamp()),
        endTime=int(here.end.timestamp()),
    )
    return nb.table(nb.wait(logs, started["queryId"]))


# %% [markdown]
# ### 1. Of which campaign were the slow payments?
#
# Two kinds of events belong to one invocation; each names it in a field of its own. Where no
# campaign is named, `coalesce` says so: a missing value would drop out of sight.

# %% tags=["measured"]
ask("""
filter @type = "REPORT" or message = "collecting payment"
| fields coalesce(function_request_id, @requestId) as invocation
| stats max(@duration) as ms, max(campaign) as named, max(ispresent(payment_id)) as paid by invocation
| filter ms > 500 and paid = 1
| stats count(*) as slow by coalesce(named, "(none)") as campaign
| sort slow desc, campaign
""")

# %% [markdown]
# Almost all of them name the campaign *spring*. Is that because most payments do? No: each
# campaign has about a tenth of all payments. Ask the same question without the filter to see it.
#
# ### 2. Did those who failed try again, with success?

# %%
ask("""
filter message in ["charge failed", "payment charged"]
| stats latest(message) as last, max(strcontains(message, "failed")) as failed by customer_id
| filter failed = 1
| stats count(*) as customers by last
| sort customers desc
""")

# %% [markdown]
# So most came back and were charged at last; those for whom `charge failed` was the last word are
# lost sales, or phone calls.
#
# ### 3. How much memory is used?

# %% tags=["measured"]
ask("""
filter @type = "REPORT"
| stats max(@maxMemoryUsed) / 1000000 as used_mb, max(@memorySize) / 1000000 as given_mb
""").round(0)

# %% [markdown]
# Much less than is given. But memory also decides how much processor time a function gets: with
# less of it, cold starts take longer, and the bill is memory *times* duration. So do not guess:
# measure, as in [04](../04_cold_starts_and_cost.ipynb).
