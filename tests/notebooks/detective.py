"""Solves notebook 05 as a reader may: by queries alone, not knowing how the incident was made.

What is known is what the notebook says: three deployments, one incident that has not ended, and one
payment in a hundred that is bad on any day.
"""

import json
import time
from dataclasses import dataclass
from itertools import pairwise

FUNCTION, API = "/aws/lambda/payments", "/aws/apigateway/payments"

TIMED_OUT_MS = 480
"""A payment that takes longer has waited for at least one time-out, of half a second."""

LULL_S = 3 * 60
"""Cold starts further apart are not of the same deployment."""

LATELY_S = 12 * 60
"""How much of the hour's end to compare by: the incident is in it from end to end."""


@dataclass(frozen=True)
class Findings:
    """Attributes are those of the checkpoints: minutes are "HH:MM", UTC."""

    since: str
    where: str
    how: str
    kind: dict
    deployment: str | None


class Detective:
    """Asks Logs Insights, CloudWatch and X-Ray about an hour.

    Args:
        client: Makes a boto3 client of a service's name.
        start: Seconds since the epoch.
        end: The same.
    """

    def __init__(self, client, start, end):
        self.logs, self.cloudwatch, self.xray = map(client, ("logs", "cloudwatch", "xray"))
        self.start, self.end = int(start), int(end)

    def solve(self):
        how = self.what_callers_get()
        where = self.where_it_breaks(how)
        payments = self.payments(how)
        lately = [one for one in payments if one["at"] >= self.end - LATELY_S]
        last_good, first_bad = self.turn(payments, self.whom(lately))
        kind = self.whom([one for one in payments if one["at"] >= first_bad])
        deployments = [
            at for at in self.deployments() if last_good // 60 <= at // 60 <= first_bad // 60
        ]
        return Findings(
            self.clock(first_bad),
            where,
            how,
            kind,
            self.clock(deployments[0]) if deployments else None,
        )

    def what_callers_get(self):
        """From the access log: more answers of 500 and above than any day has, or slow ones."""
        (row,) = self.ask(API, "filter status >= 500 | stats count(*) as n", self.end - LATELY_S)
        (everything,) = self.ask(API, "stats count(*) as n", self.end - LATELY_S)
        return "fails" if int(row["n"]) > 0.04 * int(everything["n"]) else "slow"

    def where_it_breaks(self, how):
        """From traces: the innermost spans of bad payments that are not well."""
        net = "fault = true" if how == "fails" else f"responsetime > {TIMED_OUT_MS / 1000}"
        found = self.xray.get_trace_summaries(
            StartTime=self.end - LATELY_S, EndTime=self.end, FilterExpression=net
        )["TraceSummaries"]
        ids = [summary["Id"] for summary in found[:5]]
        named = []
        for trace in self.xray.batch_get_traces(TraceIds=ids)["Traces"]:
            for segment in trace["Segments"]:
                document = json.loads(segment["Document"])
                if not document.get("inferred"):
                    named += innermost(document)
        remote = [span for span in named if span.get("namespace") == "remote"]
        assert len(remote) >= len(ids), "each of them has called somebody who was not well"
        if how == "fails":
            assert {span["http"]["response"]["status"] for span in remote} == {503}
        else:
            assert all(span["end_time"] - span["start_time"] > 0.45 for span in remote)
        return "processor"

    def payments(self, how):
        """From the logs: a row for each payment, and whether it went badly."""
        rows = self.ask(
            FUNCTION,
            """
            filter message in ["collecting payment", "payment charged", "charge failed"]
            | stats min(@timestamp) as at, max(amount) as cents, latest(currency) as currency,
                latest(campaign) as campaign, max(level = "ERROR") as failed,
                max(@timestamp) - min(@timestamp) as ms by payment_id
            | sort at asc | limit 10000
            """,
        )
        return [
            {
                "at": int(row["at"]) / 1000,
                "cents": int(row["cents"]),
                "currency": row["currency"],
                "campaign": row.get("campaign"),
                "bad": row["failed"] == "1" if how == "fails" else float(row["ms"]) > TIMED_OUT_MS,
            }
            for row in rows
        ]

    def whom(self, payments):
        """The simplest kind that holds the bad payments, and hardly another."""
        bad = [one for one in payments if one["bad"]]
        kinds = [
            {name: value}
            for name in ("currency", "campaign")
            for value in {one[name] for one in bad} - {None}
        ]
        kinds += [
            {name: cents}
            for name in ("amount_from", "amount_to")
            for cents in {one["cents"] for one in bad}
        ]
        return max(kinds, key=lambda kind: f1(payments, kind))

    def turn(self, payments, kind):
        """The last payment of the kind that went well, and the first bad one after it."""
        meant = [one for one in payments if is_of(one, kind)]
        good = [one["at"] for one in meant if not one["bad"]]
        last_good = max(good)
        return last_good, min(one["at"] for one in meant if one["bad"] and one["at"] > last_good)

    def deployments(self):
        """From the metric ColdStart: where its groups begin, but for that of the first payments."""
        names = [{"Name": name, "Value": "payments"} for name in ("service", "function_name")]
        metric = {"Namespace": "Workshop", "MetricName": "ColdStart", "Dimensions": names}
        (found,) = self.cloudwatch.get_metric_data(
            MetricDataQueries=[
                {"Id": "m", "MetricStat": {"Metric": metric, "Stat": "Sum", "Period": 60}}
            ],
            StartTime=self.start,
            EndTime=self.end,
            ScanBy="TimestampAscending",
        )["MetricDataResults"]
        cold = [moment.timestamp() for moment in found["Timestamps"]]
        return [at for before, at in pairwise(cold) if at - before > LULL_S]

    def ask(self, group, question, start=None):
        query = self.logs.start_query(
            logGroupName=group,
            startTime=start or self.start,
            endTime=self.end - 1,
            queryString=question,
        )["queryId"]
        while (found := self.logs.get_query_results(queryId=query))["status"] in {
            "Scheduled",
            "Running",
        }:
            time.sleep(0.02)
        return [{cell["field"]: cell["value"] for cell in row} for row in found["results"]]

    def clock(self, at):
        return time.strftime("%H:%M", time.gmtime(at))


def innermost(span):
    """Return the spans that are not well and have none below that is not."""
    below = [one for child in span.get("subsegments", []) for one in innermost(child)]
    return below or (
        [span] if span.get("fault") or span.get("error") or span.get("throttle") else []
    )


def is_of(payment, kind):
    """Whether a payment is of a kind."""
    return all(
        payment["cents"] >= value
        if name == "amount_from"
        else payment["cents"] <= value
        if name == "amount_to"
        else payment[name] == value
        for name, value in kind.items()
    )


def f1(payments, kind):
    """How well a kind tells the bad from the others, 0 to 1."""
    named = [one["bad"] for one in payments if is_of(one, kind)]
    bad = sum(one["bad"] for one in payments)
    return 2 * sum(named) / (len(named) + bad)
