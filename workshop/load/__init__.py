"""Load: real handlers driven by seeded traffic, at the pace of the clock or laid over the past.

It stands on the lab and knows no steps; what to send comes from `workshop.course.crowd`:

    window = Window(end - 1800, end)
    incident = Incident(window.part(1 / 3, 2 / 3), "failing", Scope(currency="EUR"))
    events = crowd.payments(seed, window, per_minute=12, incidents=[incident])
    with stage.open_lab(folder) as lab:  # no store: nothing is kept at its real time
        laid = list(backfill(lab, events))
    points = [point for one in laid for event in one.log_events for point in emf.read(event).points]
"""

from workshop.load.arrivals import DAILY, FLAT, Timed, Window, arrivals
from workshop.load.generator import CONCURRENCY, Target, backfill, live
from workshop.load.incident import Incident, Scope, planted, struck
from workshop.load.stream import backfill_stream, live_stream

__all__ = [
    "CONCURRENCY",
    "DAILY",
    "FLAT",
    "Incident",
    "Scope",
    "Target",
    "Timed",
    "Window",
    "arrivals",
    "backfill",
    "backfill_stream",
    "live",
    "live_stream",
    "planted",
    "struck",
]
