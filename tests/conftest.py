"""What all tests need."""

import signal

import pytest

# A shell that starts pytest in the background has Ctrl-C ignored, and children inherit that.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items):
    """Keep a file's tests on one worker, which makes its fixtures once; answers go to any.

    For `pytest -n 2 --dist loadgroup`; without workers it means nothing.
    """
    for item in items:
        if "case" not in getattr(getattr(item, "callspec", None), "params", ()):
            item.add_marker(pytest.mark.xdist_group(str(item.path)))
