import app


def test_the_handler_is_there():
    assert callable(app.handler)
    assert app.metrics.namespace == "Workshop"
