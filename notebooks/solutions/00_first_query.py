# %% [markdown]
# # 00 · Answers
#
# To [00_first_query](../00_first_query.ipynb). Yours may look different, and be as right.

# %%
import workshop_notebook as nb

import boto3

here = nb.begin()
logs = boto3.client("logs")


def ask(query, group="/aws/lambda/payments"):
    hours = {"startTime": int(here.start.timestamp()), "endTime": int(here.end.timestamp())}
    started = logs.start_query(logGroupNames=[group], queryString=query, **hours)
    return nb.table(nb.wait(logs, started["queryId"]))


# %% [markdown]
# ### 1. How many payments came in for each currency?

# %%
ask("""
filter message = "collecting payment"
| stats count(*) as payments by currency
| sort payments desc
""")

# %% [markdown]
# ### 2. Which three customers tried to pay most often?
#
# Where two have the same number, a second `sort` field decides; without one, chance does.

# %%
ask("""
filter message = "collecting payment"
| stats count(*) as payments by customer_id
| sort payments desc, customer_id asc
| limit 3
""")

# %% [markdown]
# ### 3. How many were refused, and which fields were wrong?
#
# `body.amount` is the field `amount` of the request's body. A test request of one caller, or a
# release that sends currencies in small letters? The log knows; a metric would only know how
# many.

# %%
ask("""
filter message = "payment refused"
| stats count(*) as refused by invalid_fields.0 as wrong
| sort refused desc, wrong asc
""")
