"""Regular expressions and globs, as RE2 (which DuckDB uses) takes them.

RE2 is the class of engine that CloudWatch documents: no look-around, no back-references.
https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax-Parse.html
"""

import re
from functools import lru_cache

_NAMED_GROUP = re.compile(r"\\.|\[(?:\\.|[^\]\\])*\]|\(\?P?<(?![=!])([^>]*)>|\((?!\?)", re.DOTALL)
_ESCAPED = re.compile(r"\\([^a-zA-Z0-9])")
_SPECIAL = re.compile(r"[.^$*+?{}\[\]()|]")
LOGFMT_PAIR = r'([^\s="]+)=("(?:[^"\\]|\\.)*"|[^\s"]*)'
"""One `key=value` of logfmt; the value may be in double quotes."""

CSV_VALUE = ',("(?:[^"]|"")*"|[^,]*)'
"""A comma and the value after it, which may be in double quotes."""

VARYING = (
    r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d+)?(?:Z|[+-]\d\d:?\d\d)?"
    r"|\b\w*\d[\w-]*(?:\.\d+)*"
)
"""What tells two messages of one pattern apart: times, and words with digits in them."""

SEVERITY = r"(?i)\b(?:fatal|critical|error|warning|warn|info|debug|trace)\b"
"""The word in a message that says how bad it is."""

# More words than this are quicker to find by one regular expression.
_MOST_WORDS = 8


def without_names(pattern: str) -> tuple[str, list[str | None]]:
    """Make plain groups of named ones: RE2 takes no `@` in a name.

    Returns:
        The pattern, and for each capturing group its name; None for one without.
    """
    names: list[str | None] = []

    def plain(match: re.Match[str]) -> str:
        if match[1] is not None:
            names.append(match[1])
            return "("
        if match[0] == "(":
            names.append(None)
        return match[0]

    return _NAMED_GROUP.sub(plain, pattern), names


def from_glob(glob: str) -> tuple[str, int]:
    """Make a regular expression of the glob of a `parse`.

    Each `*` takes as little as it can up to the next literal; a final one takes the rest.

    Returns:
        The pattern, and how many `*` there are, each a group.
    """
    literals = glob.split("*")
    pattern = "(.*?)".join(escaped(literal) for literal in literals[:-1])
    stars = len(literals) - 1
    if stars:
        pattern += "(.*?)" + escaped(literals[-1]) if literals[-1] else "(.*)"
    else:
        pattern = escaped(glob)
    return f"(?s){pattern}", stars


def escaped(literal: str) -> str:
    """Escape what is special in RE2, which takes no escapes of letters outside ASCII."""
    return re.sub(r"[^\w\s]", lambda match: _escaped_character(match[0]), literal)


def _escaped_character(character: str) -> str:
    return f"\\{character}" if character.isascii() else character


def words(pattern: str) -> list[str] | None:
    """Give the plain texts that a regular expression looks for; None when it asks for more.

    `ERROR|fail` is those two: finding them as texts is many times quicker.
    """
    found = []
    for alternative in pattern.split("|"):
        if "\\" in alternative.replace("\\\\", "") and re.search(r"\\[a-zA-Z0-9]|\\$", alternative):
            return None
        if _SPECIAL.search(_ESCAPED.sub("", alternative)):
            return None
        found.append(_ESCAPED.sub(r"\1", alternative))
    return found if all(found) and len(found) <= _MOST_WORDS else None


@lru_cache(maxsize=256)
def problem(pattern: str) -> str | None:
    """Say what is wrong with a regular expression; None when nothing is."""
    import duckdb

    with duckdb.connect() as connection:
        try:
            connection.execute("SELECT regexp_matches('', ?)", [pattern])
        except duckdb.Error as error:
            return str(error).splitlines()[0]
    return None
