"""What Lambda would set up before it imports app.py. Given: pytest reads it by itself."""

import os
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # `import app` finds the app.py beside this file
os.environ["PROCESSOR_URL"] = "http://127.0.0.1:9"  # nobody answers there


class Stdout:
    """Whatever sys.stdout is just now: pytest's capsys puts another one there for every test."""

    def write(self, text):
        return sys.stdout.write(text)

    def flush(self):
        sys.stdout.flush()


@pytest.fixture(autouse=True)
def logger_writes_to_stdout(monkeypatch):
    """Let the logger follow sys.stdout; by itself it keeps the one that it was made with."""
    import app

    monkeypatch.setattr(app.logger.registered_handler, "stream", Stdout())
