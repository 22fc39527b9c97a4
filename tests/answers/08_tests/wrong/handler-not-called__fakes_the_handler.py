from unittest.mock import Mock

import app


def test_a_payment_is_charged(monkeypatch):
    monkeypatch.setattr(app, "handler", Mock(return_value={"statusCode": 200}))
    assert app.handler({}, None)["statusCode"] == 200
