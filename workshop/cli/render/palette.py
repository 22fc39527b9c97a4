"""Colours that can be read on a dark and on a light background, each for one meaning.

They are fixed colours of the 256-colour palette, since the sixteen named ones are whatever a
terminal's theme makes of them: its yellow vanishes on white and its blue on black. A test holds
the contrast of each against common backgrounds.
"""

from rich.theme import Theme

GOOD = "color(28)"
BAD = "color(196)"
WARN = "color(166)"
ACCENT = "color(32)"
QUIET = "color(244)"

THEME = Theme(
    {
        "good": f"bold {GOOD}",
        "bad": f"bold {BAD}",
        "warn": f"bold {WARN}",
        "accent": ACCENT,
        "title": f"bold {ACCENT}",
        "command": "bold",
        "quiet": QUIET,
        "strong": "bold",
        "added": GOOD,
        "removed": BAD,
        "bar.good": GOOD,
        "bar.bad": BAD,
        "bar": ACCENT,
    },
    inherit=False,
)
"""Style names used by everything that draws."""
