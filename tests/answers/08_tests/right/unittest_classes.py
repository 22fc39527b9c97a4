import contextlib
import io
import json
import unittest
from unittest import mock

import app
import processor


class PaymentsTest(unittest.TestCase):
    def setUp(self):
        self.context = mock.Mock(
            function_name="payments",
            memory_limit_in_mb=256,
            invoked_function_arn="arn:aws:lambda:us-east-1:123456789012:function:payments",
            aws_request_id="r-1",
        )
        patcher = mock.patch.object(processor, "charge", return_value={"charge_id": "ch_1"})
        self.charge = patcher.start()
        self.addCleanup(patcher.stop)

    def send(self, **changes):
        payment = {
            "payment_id": "pay_1",
            "customer_id": "cus_1",
            "amount": 700,
            "currency": "GBP",
            "card": {"number": "4000056655665556", "cvc": "321", "holder": "Grace Hopper"},
            **changes,
        }
        event = {
            "httpMethod": "POST",
            "path": "/payments",
            "requestContext": {"requestId": "gateway-1"},
            "body": json.dumps(payment),
        }
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            response = app.handler(event, self.context)
        self.out = out.getvalue()
        self.lines = [json.loads(line) for line in self.out.splitlines()]
        return response

    def metrics(self):
        return {
            metric["Name"]: metric["Unit"]
            for line in self.lines
            if "_aws" in line
            for metric in line["_aws"]["CloudWatchMetrics"][0]["Metrics"]
        }


class WhenItGoesWell(PaymentsTest):
    def test_answer(self):
        response = self.send()
        self.assertEqual(response["statusCode"], 200)
        self.assertEqual(json.loads(response["body"])["status"], "charged")

    def test_charged(self):
        self.send()
        self.assertEqual(self.charge.call_count, 1)
        self.assertEqual(self.charge.call_args.args[1:3], (700, "GBP"))

    def test_key(self):
        self.send()
        self.send()
        self.assertEqual(len({call.args[3] for call in self.charge.call_args_list}), 1)

    def test_metrics(self):
        self.send()
        self.assertEqual(self.metrics().get("ChargeDuration"), "Milliseconds")
        self.assertEqual(self.metrics().get("SuccessfulCharge"), "Count")

    def test_log(self):
        self.send()
        self.assertNotIn("4000056655665556", self.out)
        self.assertIn("gateway-1", self.out)


class WhenItDoesNot(PaymentsTest):
    def test_bad_requests(self):
        for changes in ({"amount": "much"}, {"card": None}, {"currency": "EURO"}):
            with self.subTest(changes):
                self.assertEqual(self.send(**changes)["statusCode"], 400)
        self.charge.assert_not_called()

    def test_declined(self):
        self.charge.side_effect = processor.CardDeclinedError("card declined")
        self.assertEqual(self.send()["statusCode"], 402)
        self.assertIn("DeclinedCharge", self.metrics())
        self.assertNotIn("FailedCharge", self.metrics())

    def test_unavailable(self):
        self.charge.side_effect = processor.ProcessorError("processor unavailable")
        self.assertEqual(self.send()["statusCode"], 503)
        self.assertIn("FailedCharge", self.metrics())
