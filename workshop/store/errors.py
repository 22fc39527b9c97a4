"""The one error of the store."""

from workshop.errors import ToolError


class StoreError(ToolError):
    """Telemetry could not be kept or read: no space, no permission, a file in use or damaged."""
