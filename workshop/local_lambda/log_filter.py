"""The level filter that Lambda applies to a function's own log lines, in JSON format only.

https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-log-level.html
"""

import json
from datetime import datetime

from workshop.local_lambda.platform_log import LEVELS

_LEVELS = {name: index for index, name in enumerate(LEVELS)} | {
    "WARNING": LEVELS.index("WARN"),
    "CRITICAL": LEVELS.index("FATAL"),
}


def is_kept(message: str, minimum: str) -> bool:
    """Tell whether a line passes a function's application log level.

    A JSON object is judged by its `level`, if its `timestamp` is RFC 3339; one without counts as
    INFO. Plain text passes, and what is nested too deeply to be read.
    """
    if not message.startswith("{"):
        return True
    try:
        fields = json.loads(message)
    except (ValueError, RecursionError):
        return True
    level = _LEVELS.get(str(fields.get("level")).upper())
    if level is None or not _is_rfc3339(fields.get("timestamp")):
        level = _LEVELS["INFO"]
    return level >= _LEVELS[minimum.upper()]


def _is_rfc3339(text: object) -> bool:
    if not isinstance(text, str) or "T" not in text.upper():
        return False
    try:
        return datetime.fromisoformat(text).tzinfo is not None
    except ValueError:
        return False
