def test_it_works():
    charge = {"amount": 1299, "currency": "USD"}
    assert charge["amount"] == 1299
    assert charge["currency"] == "USD"
