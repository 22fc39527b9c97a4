"""What all tests need."""

import signal

import pytest
from hypothesis import settings

# A shell that starts pytest in the background has Ctrl-C ignored, and children inherit that.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# An example that takes long says only that the machine is busy.
settings.register_profile("patient", settings(), deadline=None)
settings.load_profile("patient")


def pytest_collection_modifyitems(items):
    """Keep a file's tests on one worker, which makes its fixtures once; cases go to any.

    Cases, such as the answers, go last: hundreds of short ones, so that no worker is left with a
    long file at the end. For `pytest -n auto --dist loadgroup`; without workers only the order
    means something.
    """
    for item in items:
        if not _is_case(item):
            item.add_marker(pytest.mark.xdist_group(str(item.path)))
    items.sort(key=_is_case)


def _is_case(item):
    return "case" in getattr(getattr(item, "callspec", None), "params", ())
