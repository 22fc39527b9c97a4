"""What is wrong before a step's own promises matter: files, imports, the template, the invocation.

Everything is read from the files' presence and the invocation's error object. Error types are
those of Lambda; https://docs.aws.amazon.com/lambda/latest/dg/python-exceptions.html
"""

from __future__ import annotations

import ast
import errno
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn, TypeAlias

from workshop.course.wrong import Wrong

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from workshop.course.catalogue import Step
    from workshop.course.sent import Sent
    from workshop.errors import LearnerError
    from workshop.sam import Function

    Explain: TypeAlias = Callable[[Sent], None]

RULES = (
    "file-missing",
    "template-invalid",
    "empty-file",
    "syntax-error",
    "import-error",
    "init-error",
    "handler-missing",
    "refused",
    "timed-out",
    "out-of-memory",
    "crashed",
    "not-json",
    "response-too-large",
    "handler-raised",
)
"""The rules every step has, in order of cause."""

# Exceptions that tell of a slip in the handler itself, not of a processor that is unavailable.
_SLIPS = frozenset(
    {
        "AttributeError",
        "ImportError",
        "IndexError",
        "KeyError",
        "ModuleNotFoundError",
        "NameError",
        "TypeError",
        "UnboundLocalError",
    }
)
_FRAME = re.compile(
    r'\s*File "(?P<file>[^"]+)",? [Ll]ine (?P<line>\d+)'
    r"(?:, in (?P<name>[^\n]+))?\n?(?P<text>[^\n]*)"
)
_MOST_BYTES = 60
_HIDDEN = re.compile(r"local variable '(\w+)'")
_NO_VALUE = re.compile(r"'NoneType' object")
_UNKNOWN_NAME = re.compile(r"^name '(\w+)' is not defined")
_USED_UP = "EMFILE", "ENFILE", "ENOSPC", "EDQUOT", "ENOMEM", "EADDRNOTAVAIL"
_SAID = {
    re.compile(r"'coroutine' object"): "an `async def` gives a coroutine when it is called: here "
    "plain functions are called",
    # The operating system has no more of something.
    re.compile(
        rf"\[Errno ({'|'.join(str(getattr(errno, name)) for name in _USED_UP)})\]"
    ): "does it open or write more and more? if not, it is this machine: workshop doctor",
}
"""What an exception's message tells, whatever the line."""
_OF_AWS = ("boto3", "botocore")
_CALLS_AWS = tuple(
    f"aws_lambda_powertools.utilities.{name}"
    for name in ("data_masking", "feature_flags", "idempotency", "parameters", "streaming")
)
_MODULE = re.compile(r"No module named '([^']+)'")
_NAME = re.compile(r"cannot import name '([^']+)' from '([^']+)'")


@dataclass(frozen=True)
class Code:
    """The code under check.

    Attributes:
        folder: Where it runs.
        step: The step it belongs to.
        function: The template's function.
    """

    folder: Path
    step: Step
    function: Function

    @property
    def module(self) -> Path:
        """The file that the template's handler names."""
        return self.function.code_uri / f"{self.function.handler.rpartition('.')[0]}.py"


@dataclass(frozen=True)
class Frame:
    """A line of the learner's code, from a stack trace.

    Attributes:
        place: `app.py:12`.
        name: Function it is in; `<module>` at import.
        text: The line's text.
    """

    place: str
    name: str
    text: str

    def __str__(self) -> str:
        return f"{self.place}: {self.text}" if self.text else self.place


def files_missing(folder: Path, step: Step) -> None:
    """Raise `Wrong` when the template, which names all else, is not there."""
    if not (folder / "template.yaml").is_file():
        raise Wrong(
            "file-missing",
            "template.yaml is not there",
            saw=f"the folder holds {listing(folder)}",
            wanted="a template.yaml: it names the function, its handler and its settings",
            look=f"was it renamed or moved?   workshop reset {step.number:02} brings it back",
            hint=False,
        )


def template_invalid(error: LearnerError) -> Wrong:
    """Say what is wrong with a template that cannot be read."""
    return Wrong(
        "template-invalid",
        "template.yaml cannot be read",
        saw=error.what,
        wanted="a SAM template with one function in it",
        look=error.look or "template.yaml",
        hint=False,
    )


def refused(error: LearnerError) -> Wrong:
    """Say what is wrong with a function that Lambda would not invoke."""
    return Wrong(
        "refused",
        "Lambda refused to invoke the function",
        saw=error.what,
        wanted="an execution environment that may take the event",
        look=error.look or "template.yaml",
        hint=False,
    )


def unreadable(sent: Sent, code: Code) -> Wrong:
    """Say what is wrong with bytes that were returned and are no JSON."""
    payload = sent.invocation.payload
    shown = repr(payload[:_MOST_BYTES]) + ("…" if len(payload) > _MOST_BYTES else "")
    return Wrong(
        "not-json",
        "the handler returned bytes, which Lambda hands on as they are",
        saw=f"{shown}, which is no JSON",
        wanted="a dict: Lambda itself turns it into JSON",
        look=f"{code.module.name}: the value after `return`",
        hint=False,
    )


def judge(sent: Sent, code: Code, *, may_fail: bool, explain: Explain | None = None) -> None:
    """Raise the `Wrong` that an unsuccessful invocation shows, if it shows one.

    Args:
        sent: What was sent, not successful.
        code: The code it went through.
        may_fail: Whether the handler may raise on this event; slips such as NameError are
            wrong even then.
        explain: Asked first about an exception of the learner's code, so that a step can say
            more of one it expects; it raises `Wrong` or returns.
    """
    kind = str(sent.error.get("errorType", ""))
    frames = list(_frames(sent, code))
    load = {
        "Runtime.ImportModuleError": _import_error,
        "Runtime.UserCodeSyntaxError": _syntax_error,
        "Runtime.HandlerNotFound": _handler_missing,
        "Runtime.MalformedHandlerName": _handler_malformed,
        "Runtime.BuiltInModuleConflict": _handler_missing,
        "Sandbox.Timedout": _timed_out,
        "Runtime.OutOfMemory": _out_of_memory,
        "Runtime.ExitError": _crashed,
        "Runtime.MarshalError": _not_json,
        "Function.ResponseSizeTooLarge": _too_large,
    }.get(kind)
    if load is not None:
        load(sent, code)
    if sent.invocation.status == "timeout":
        _timed_out(sent, code)
    if explain is not None:
        explain(sent)
    if frames and frames[0].name == "<module>":
        _init_error(sent, frames)
    if not may_fail or kind.rpartition(".")[2] in _SLIPS:
        _handler_raised(sent, code, frames, expected=may_fail)


def _import_error(sent: Sent, code: Code) -> NoReturn:
    if not code.module.is_file():
        raise Wrong(
            "file-missing",
            f"{code.module.name} is not there",
            saw=f"the folder holds {listing(code.folder)}",
            wanted=f"{code.module.name}: template.yaml says `Handler: {code.function.handler}`",
            look=f"was it renamed or moved?   workshop reset {code.step.number:02} brings it back",
            hint=False,
        )
    message = _message(sent)
    module, line = "", None
    if found := _NAME.search(message):
        module = found[2]
        line = _importing_name(code, module, found[1])
    elif found := _MODULE.search(message):
        module = found[1]
        line = _importing(code, module)
    advice = "is the name spelled as its documentation spells it, and is it in requirements.txt?"
    if module.partition(".")[0] in _OF_AWS:
        line = line or _importing_for_aws(code)
        advice = (
            f"that line brings in {module}, which calls AWS. It is not there, for no step needs it"
        )
    raise Wrong(
        "import-error",
        f"{code.module.name} cannot be imported",
        saw=message,
        wanted="every import to find its module, so that the handler can be loaded",
        look=f"{line or code.module.name}\n{advice}",
        hint=False,
    )


def _syntax_error(sent: Sent, code: Code) -> NoReturn:
    frame = next(_frames(sent, code), None)
    reason = _message(sent).partition("': ")[2] or _message(sent)
    reason = re.sub(r"\s*\([^()]*, line \d+\)$", "", reason)
    raise Wrong(
        "syntax-error",
        f"Python cannot read {frame.place if frame else code.module.name}",
        saw=reason,
        wanted="a file that Python can read",
        look=str(frame or code.module.name),
        hint=False,
    )


def _handler_missing(sent: Sent, code: Code) -> NoReturn:
    name = code.function.handler.rpartition(".")[2]
    if code.module.is_file() and not _statements(code.module):
        raise Wrong(
            "empty-file",
            f"{code.module.name} is empty",
            saw="no statement in it",
            wanted=f"a function `{name}(event, context)`",
            look=f"workshop reset {code.step.number:02} brings the start back",
            hint=False,
        )
    defined = ", ".join(f"`{one}`" for one in _functions(code.module))
    raise Wrong(
        "handler-missing",
        f"{code.module.name} has no function `{name}`",
        saw=f"{_message(sent)}\nit defines {defined or 'no function'}",
        wanted=f"a function `{name}(event, context)`: "
        f"template.yaml says `Handler: {code.function.handler}`",
        look=f"{code.module.name}: was the function renamed?",
        hint=False,
    )


def _handler_malformed(sent: Sent, code: Code) -> NoReturn:
    raise Wrong(
        "template-invalid",
        f"template.yaml names no file: `Handler: {code.function.handler}`",
        saw=_message(sent),
        wanted="the file, a dot, the function: `Handler: app.handler`",
        look="template.yaml: Handler",
        hint=False,
    )


def _timed_out(sent: Sent, code: Code) -> NoReturn:
    limit = code.function.timeout_seconds
    importing = any("INIT_REPORT" in line.text for line in sent.logs if line.is_platform)
    while_importing = ", for its module was still being imported" if importing else ""
    raise Wrong(
        "timed-out",
        f"the function was ended: it did not answer within {limit} s{while_importing}",
        saw=_last_words(sent, "no answer"),
        wanted=f"an answer within the Timeout of template.yaml, {limit} s",
        look=f"{_edited(code)}: a loop that never ends, a sleep, or a call that waits?",
        hint=False,
    )


def _out_of_memory(sent: Sent, code: Code) -> NoReturn:
    report = sent.invocation.report
    raise Wrong(
        "out-of-memory",
        f"the function was ended: it took more than its {report.memory_size_mb} MB of memory",
        saw=_last_words(sent, f"{report.max_memory_used_mb} MB used"),
        wanted=f"no more than the MemorySize of template.yaml, {report.memory_size_mb} MB",
        look=f"{code.module.name}: something that grows without an end?",
        hint=False,
    )


def _crashed(sent: Sent, code: Code) -> NoReturn:
    raise Wrong(
        "crashed",
        "the function's process ended instead of answering",
        saw=_last_words(sent, _message(sent)),
        wanted="a handler that returns or raises, so that the environment can serve the next event",
        look=f"{code.module.name}: sys.exit, os._exit, exit(), or a library that ends the process?",
        hint=False,
    )


def _not_json(sent: Sent, code: Code) -> NoReturn:
    raise Wrong(
        "not-json",
        "the handler returned what JSON cannot hold",
        saw=_message(sent),
        wanted="strings, numbers, True, False, None, lists, and dicts with string keys",
        look=f"{code.module.name}: the value after `return`",
        hint=False,
    )


def _too_large(sent: Sent, code: Code) -> NoReturn:
    raise Wrong(
        "response-too-large",
        "the response is larger than Lambda delivers",
        saw=_message(sent),
        wanted="a response of at most 6 MB: what the caller needs of the charge",
        look=f"{code.module.name}: the value after `return`\n"
        "https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html",
        hint=False,
    )


def _init_error(sent: Sent, frames: list[Frame]) -> NoReturn:
    raise Wrong(
        "init-error",
        f"{frames[-1].place.partition(':')[0]} raised while it was imported",
        saw=_raised(sent),
        wanted="a module that imports without an error: Lambda does it once, in the init phase",
        look=f"{frames[-1]}\n{_advice(sent, frames[-1])}".rstrip(),
        hint=False,
    )


def _handler_raised(sent: Sent, code: Code, frames: list[Frame], *, expected: bool) -> NoReturn:
    name = code.function.handler.rpartition(".")[2]
    while_failing = " while it handled a payment that the processor refused" if expected else ""
    raise Wrong(
        "handler-raised",
        f"the handler raised {sent.error.get('errorType', 'an error')}{while_failing}",
        saw=_raised(sent),
        wanted="the processor's own error to come through"
        if expected
        else "an answer: with this event there is nothing wrong",
        look=f"{frames[-1]}\n{_advice(sent, frames[-1], refused=expected)}".rstrip()
        if frames
        else f"{code.module.name}: is `{name}` a function that takes `event` and `context`?",
        hint=False,
    )


def _advice(sent: Sent, frame: Frame, *, refused: bool = False) -> str:
    """Say what most often lies behind an exception of Python's; nothing where that is not known.

    Args:
        sent: What ended in the exception.
        frame: The learner's innermost line.
        refused: Whether the processor refused the payment: then an `except` block has been run.
    """
    message = _message(sent)
    if unknown := _UNKNOWN_NAME.search(message):
        name = unknown[1]
        if name in sys.stdlib_module_names:
            return f"is `import {name}` missing, at the top of {frame.place.partition(':')[0]}?"
        return f"is `{name}` defined or imported above that line, and spelled like this?"
    if hidden := _HIDDEN.search(message):
        return (
            f"a refused payment never comes to where `{hidden[1]}` gets its value: "
            "does the `except` block end in `raise`?"
            if refused
            else f"the function assigns `{hidden[1]}` somewhere, so in all of it the name means "
            f"its own `{hidden[1]}`"
        )
    if said := next((advice for one, advice in _SAID.items() if one.search(message)), None):
        return said
    stack = sent.error.get("stackTrace") or ("",)
    if _NO_VALUE.search(message) and frame.text and frame.text in str(stack[-1]):
        return "a function that ends without `return` gives None: which one was called for this?"
    return ""


def _message(sent: Sent) -> str:
    return str(sent.error.get("errorMessage", "")).strip() or str(sent.error.get("errorType", ""))


def _raised(sent: Sent) -> str:
    return f"{sent.error.get('errorType', 'error')}: {sent.error.get('errorMessage', '')}".strip()


def _last_words(sent: Sent, saw: str) -> str:
    """What was seen, and the last thing the function wrote: it may tell how far it came."""
    if not sent.own_logs:
        return f"{saw}; nothing logged before that"
    last = " ".join(sent.own_logs[-1].text.split())
    last = last if len(last) <= 120 else f"{last[:119]}…"  # noqa: PLR2004 (a line or two)
    return f"{saw}; the last of {len(sent.own_logs)} log events before that:\n{last}"


def _frames(sent: Sent, code: Code) -> Iterator[Frame]:
    """The learner's own lines of the stack trace, outermost first.

    Lines of given files beside the learner's (the stand-in processor) are left out: what is to be
    changed is where they were called.
    """
    folder = code.folder.resolve()
    for entry in sent.error.get("stackTrace") or ():
        match = _FRAME.match(str(entry))
        if match is None:
            continue
        path = Path(match["file"]).resolve()
        if match["file"].startswith("<") or not path.is_relative_to(folder):
            continue
        relative = path.relative_to(folder)
        if (code.step.folder / relative).exists() and relative.as_posix() not in code.step.edit:
            continue
        yield Frame(f"{relative}:{match['line']}", match["name"] or "", match["text"].strip())


def _importing_name(code: Code, module: str, name: str) -> Frame | None:
    """The learner's import statement that asks `module` for `name`, or else one of `module`."""
    asks = _first_import(code, lambda one: one == f"{module}.{name}")
    return asks or _importing(code, module)


def _importing(code: Code, module: str) -> Frame | None:
    """The learner's import statement of `module`, of what it is in, or of what is in it."""
    names = {".".join(module.split(".")[: end + 1]) for end in range(module.count(".") + 1)}
    return _first_import(code, lambda name: name in names or name.startswith(f"{module}."))


def _importing_for_aws(code: Code) -> Frame | None:
    """The learner's import statement of a part of Powertools that calls AWS."""
    return _first_import(code, lambda name: name.startswith(_CALLS_AWS))


def _first_import(code: Code, is_meant: Callable[[str], bool]) -> Frame | None:
    """The learner's first import statement of a module that is meant."""
    others = [code.folder / name for name in code.step.edit if name.endswith(".py")]
    for path in dict.fromkeys([code.module, *others]):
        if line := _first_import_in(path, is_meant):
            return line
    return None


def _first_import_in(path: Path, is_meant: Callable[[str], bool]) -> Frame | None:
    try:
        source = path.read_text(encoding="utf-8")
        tree = ast.parse(source)
    except (OSError, ValueError, SyntaxError):
        return None
    for node in ast.walk(tree):
        imported = (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or "", *(f"{node.module}.{alias.name}" for alias in node.names)]
            if isinstance(node, ast.ImportFrom)
            else []
        )
        if any(map(is_meant, imported)):
            line = node.lineno  # type: ignore[attr-defined] # both kinds of import have it
            text = source.splitlines()[line - 1].strip()
            return Frame(f"{path.name}:{line}", "<module>", text)
    return None


def _statements(module: Path) -> bool:
    """Whether a file holds a statement; when it cannot be read, it holds something."""
    try:
        return bool(ast.parse(module.read_text(encoding="utf-8")).body)
    except (OSError, ValueError, SyntaxError):
        return True


def _functions(module: Path) -> list[str]:
    try:
        body = ast.parse(module.read_text(encoding="utf-8")).body
    except (OSError, ValueError, SyntaxError):
        return []
    return [node.name for node in body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]


def _edited(code: Code) -> str:
    """The files in which a slip may be: the handler's, and those edited beside it."""
    others = [name for name in code.step.edit if name.endswith(".py")]
    if code.module.name not in others:
        return code.module.name
    return " or ".join(others)


def listing(folder: Path) -> str:
    """Name what a folder holds, but for what is hidden."""
    names = sorted(
        f"{path.name}/" if path.is_dir() else path.name
        for path in folder.iterdir()
        if not path.name.startswith((".", "__"))
    )
    return ", ".join(names) or "nothing"
