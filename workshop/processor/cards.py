"""Test cards: like those of real processors, the last four digits say what happens."""

UNAVAILABLE = "0119"
"""Cards for which the processor is unavailable."""

FLAKY = "0259"
"""Cards for which the processor is unavailable on the first try."""

SLOW = "0341"
"""Cards for which the processor crawls."""

DECLINED = "0002"
"""Cards that are declined."""
