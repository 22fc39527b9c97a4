"""Times to figures, and figures to tables that read well in a terminal and in Markdown."""

from collections.abc import Sequence
from dataclasses import dataclass

from workshop.metrics.statistics import percentile


@dataclass(frozen=True)
class Section:
    """One measurement, ready to be shown.

    Attributes:
        title: What was measured.
        how: How, in a few sentences.
        header: Of the table.
        rows: Of the table.
        findings: What the figures say, one line each.
    """

    title: str
    how: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    findings: tuple[str, ...]

    def markdown(self) -> str:
        """The section as Markdown."""
        return "\n\n".join(
            [f"## {self.title}", self.how, self.table(), "\n".join(f"- {f}" for f in self.findings)]
        )

    def table(self) -> str:
        """The table alone."""
        lines = [self.header, tuple("---" for _ in self.header), *self.rows]
        widths = [max(len(line[i]) for line in lines) for i in range(len(self.header))]
        return "\n".join(
            "| "
            + " | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True))
            + " |"
            for line in lines
        )


def figures(times: Sequence[float], digits: int = 2) -> tuple[str, ...]:
    """Count, p50, p90 and p99 of times in milliseconds."""
    shown = (f"{percentile(times, p):.{digits}f}" for p in (50, 90, 99))
    return (f"{len(times):,}", *shown)


def aim(what: str, value: float, limit: float, unit: str = "times") -> str:
    """Say whether an aim is met."""
    mark = "✓" if value <= limit else "✗"
    return f"{mark} {what}: {value:.2f} {unit} (aim: at most {limit:g})"
