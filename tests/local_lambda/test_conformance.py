"""Our runtime does what AWS's own runtime client does.

Each case runs under the same pool once with our runtime and once with `python -m awslambdaric`;
what is left behind must be equal, ids, times and the clients' own stack frames apart.
"""

import itertools
import json
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from workshop.local_lambda import LocalLambda
from workshop.sam.model import Function
from workshop.signals import Invocation

pytestmark = pytest.mark.skipif(
    find_spec("awslambdaric") is None, reason="AWS publishes awslambdaric for Linux alone"
)

AWS_CLIENT = (sys.executable, "-B", "-m", "awslambdaric")


@dataclass(frozen=True)
class Case:
    """A handler's source, the events it gets, one after the other, and how it is configured."""

    name: str
    source: str
    events: tuple[Any, ...] = ({},)
    handler: str = "app.handler"
    settings: dict[str, Any] = field(default_factory=dict)
    client_context: str | None = None


def returns(name: str, expression: str, imports: str = "", **settings: Any) -> Case:
    source = f"{imports}\ndef handler(event, context):\n    return {expression}\n"
    return Case(name, source, settings=settings)


def raises(name: str, body: str) -> Case:
    lines = "\n".join(f"    {line}" for line in body.splitlines())
    return Case(name, f"def handler(event, context):\n{lines}\n", events=({}, {}))


def prints(name: str, body: str, **settings: Any) -> Case:
    lines = "\n".join(f"    {line}" for line in body.splitlines())
    source = f"import json, logging, os, sys\ndef handler(event, context):\n{lines}\n"
    return Case(name, source, events=({}, {}), settings=settings)


NESTED = "from functools import reduce"
MODERN = {"runtime": "python3.13"}
JSON_LOGS = {"log_format": "JSON", "application_log_level": "DEBUG"}

CASES = [
    # Return values.
    returns("null", "None"),
    returns("true", "True"),
    returns("integer", "10 ** 30"),
    returns("float", "[0.1, 1e300, -0.0, 1e-7]"),
    returns("not_a_number", "[float('nan'), float('inf'), float('-inf')]"),
    returns("string", "'plain'"),
    returns("list", "[1, 'two', None, [3.5], (4,)]"),
    returns("object", "{'a': {'b': [1, 2]}, 1: 'one', None: 0, True: 1, 2.5: 'x'}"),
    returns("unicode_escaped", "'grüße \\u2028 \\U0001f600 \\x00 \\x7f'"),
    returns("unicode_plain", "'grüße \\u2028 \\U0001f600 \\x00 \\x7f'", **MODERN),
    returns(
        "set_though_the_standard_encoder_is_patched",
        "{1}",
        "import json\njson.JSONEncoder.default = lambda self, value: str(value)",
    ),
    returns("lone_surrogate_escaped", "'\\ud800'"),
    returns("lone_surrogate_plain", "'\\ud800'", **MODERN),
    returns("bytes", "b'raw \\xff bytes'"),
    returns("bytes_inside", "{'a': b'gr\\xc3\\xbc\\xc3\\x9fe'}"),
    returns("bytes_inside_not_utf8", "{'a': b'\\xff'}"),
    returns(
        "decimal",
        "[Decimal('1.10'), Decimal('NaN'), Decimal('1E+3')]",
        "from decimal import Decimal",
    ),
    returns(
        "decimal_and_quotes", "{'a\"b': Decimal('2.50'), 'c': '\"'}", "from decimal import Decimal"
    ),
    returns(
        "enum",
        "[Color.RED, Level.HIGH]",
        "import enum\n"
        "class Color(enum.IntEnum): RED = 1\n"
        "class Level(str, enum.Enum): HIGH = 'high'",
    ),
    returns(
        "named_tuple",
        "{'point': Point(1, [Point(2, None)]), 'plain': (1, 2)}",
        "import collections\nPoint = collections.namedtuple('Point', 'x y')",
    ),
    # Results that JSON cannot hold.
    returns("set", "{1, 2}"),
    returns("object_instance", "object", "object = print"),
    returns("datetime", "datetime.datetime(2026, 1, 1)", "import datetime"),
    returns("exception_instance", "{'error': ValueError('x')}"),
    returns("tuple_key", "{(1, 2): 3}"),
    returns("generator", "(n for n in range(3))"),
    returns("nested", "reduce(lambda inner, _: [inner], range(700), 0)", NESTED),
    returns("nested_too_deeply", "reduce(lambda inner, _: [inner], range(2000), 0)", NESTED),
    Case("circular", "def handler(event, context):\n    a = []\n    a.append(a)\n    return a\n"),
    # What a handler raises.
    raises("value_error", "raise ValueError('bad luck')"),
    raises("no_message", "raise RuntimeError"),
    raises("multi_line_message", "raise ValueError('one\\n  two\\n\\nthree')"),
    raises("unicode_message", "raise ValueError('grüße \\u2028 \\U0001f600')"),
    raises("custom", "class Declined(Exception): pass\nraise Declined('no', 1)"),
    raises("custom_str", "class E(Exception):\n    def __str__(self): return 'spoken'\nraise E()"),
    raises(
        "chained", "try:\n    1 / 0\nexcept ZeroDivisionError as e:\n    raise KeyError('k') from e"
    ),
    raises("in_context", "try:\n    1 / 0\nexcept ZeroDivisionError:\n    raise KeyError('k')"),
    raises("group", "raise ExceptionGroup('many', [ValueError('a'), TypeError('b')])"),
    raises("recursion", "def down(n): return down(n + 1)\ndown(0)"),
    raises("key_error", "{}['absent']"),
    raises("nested", "def a(): b()\ndef b(): raise ValueError('deep')\na()"),
    raises("in_library", "import json\njson.loads('{')"),
    raises("compiled", "exec(compile('raise ValueError(1)', '<made up>', 'exec'))"),
    raises("base_exception", "class Stop(BaseException): pass\nraise Stop('now')"),
    raises("keyboard_interrupt", "raise KeyboardInterrupt"),
    raises("generator_exit", "raise GeneratorExit"),
    raises("exit_0", "import sys; sys.exit(0)"),
    raises("exit_3", "import sys; sys.exit(3)"),
    raises("exit_text", "import sys; sys.exit('gone')"),
    raises("hard_exit_0", "import os; os._exit(0)"),
    raises("hard_exit_7", "import os; print('last words'); os._exit(7)"),
    raises("killed", "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"),
    raises("segfault", "import os, signal; os.kill(os.getpid(), signal.SIGSEGV)"),
    # Handlers that cannot be called.
    Case("not_callable", "handler = 3\n"),
    Case("too_few_parameters", "def handler(event):\n    return 1\n"),
    Case("handler_missing", "def other(event, context):\n    return 1\n"),
    Case("handler_malformed", "", handler="app"),
    Case("module_missing", "", handler="absent.handler"),
    Case("module_in_folder", "", handler="src/nested.handler"),
    Case("module_dotted", "", handler="src.nested.handler"),
    Case("builtin_module", "", handler="sys.exit"),
    Case("module_attribute_error", "import json\njson.absent\ndef handler(e, c): pass\n"),
    # Modules that cannot be imported.
    Case("import_error", "import not_installed\ndef handler(e, c): pass\n"),
    Case("import_name_error", "from json import absent\ndef handler(e, c): pass\n"),
    Case("syntax_error", "def handler(event, context)\n    return 1\n"),
    Case("indentation_error", "def handler(event, context):\nreturn 1\n"),
    Case("tab_error", "def handler(event, context):\n\tif 1:\n        return 1\n"),
    Case("null_byte", "x = 1\0\ndef handler(e, c): pass\n"),
    Case("init_raises", "print('loading')\nraise ValueError('at import')\n"),
    Case("init_raises_deep", "def a(): b()\ndef b(): {}['k']\na()\n"),
    Case("init_exits", "import sys\nprint('loading')\nsys.exit(2)\n"),
    Case("init_hard_exit", "import os\nos._exit(0)\n"),
    Case("init_base_exception", "class Stop(BaseException): pass\nraise Stop('now')\n"),
    # What a handler writes.
    prints("print", "print('one'); print('two', 'three')"),
    prints("no_newline", "print('half', end='')"),
    prints("empty_lines", "print(); print(''); print('a\\n\\nb')"),
    prints("multi_line", "print('one\\ntwo\\nthree')"),
    prints("carriage_return", "print('one\\rtwo')"),
    prints("stderr", "print('out'); print('err', file=sys.stderr); sys.stderr.write('half')"),
    prints("writelines", "sys.stdout.writelines(['a\\n', 'b\\n', 'c'])"),
    prints("not_utf8", "sys.stdout.buffer.write(b'\\xff\\xfe bad\\n'); sys.stdout.buffer.flush()"),
    prints("raw_descriptor", "os.write(1, b'raw\\n'); os.write(2, b'err\\n')"),
    prints("from_child", "import subprocess; subprocess.run(['echo', 'child'])"),
    prints("unicode", "print('grüße \\u2028 \\U0001f600')"),
    prints("huge_line", "print('x' * 300_000)"),
    prints("many_lines", "for n in range(3000): print('line', n)"),
    prints(
        "stream_attributes",
        "out = sys.stdout\nprint(out.encoding, out.isatty(), out.fileno(), out.writable())",
    ),
    prints("warnings", "import warnings; warnings.warn('careful')"),
    # What a handler logs.
    prints(
        "log_levels",
        "for n in 'debug info warning error critical'.split(): getattr(logging, n)('said %s', n)",
    ),
    prints(
        "log_own_level",
        "logging.getLogger().setLevel('INFO'); logging.info('yes'); logging.debug('no')",
    ),
    prints("log_named", "logging.getLogger('shop.cart').error('multi\\nline')"),
    prints(
        "log_exception",
        "try:\n    1 / 0\nexcept ZeroDivisionError:\n    logging.exception('failed')",
    ),
    prints(
        "log_and_print",
        "print('a'); logging.error('b'); print('c'); logging.error('d'); print('e')",
    ),
    prints("log_basic_config", "logging.basicConfig(level='DEBUG'); logging.debug('quiet')"),
    prints(
        "log_handlers",
        "root = logging.getLogger()\nprint(len(root.handlers), root.level)",
    ),
    prints("context_log", "context.log('through the context'); context.log(12)"),
    prints(
        "json_levels",
        "for n in 'debug info warning error critical'.split(): getattr(logging, n)('said %s', n)",
        **JSON_LOGS,
    ),
    prints(
        "json_filtered",
        "for n in 'debug info warning error'.split(): getattr(logging, n)(n)",
        log_format="JSON",
        application_log_level="WARN",
    ),
    prints(
        "json_trace_level",
        "logging.debug('seen')",
        log_format="JSON",
        application_log_level="TRACE",
    ),
    prints(
        "json_extra",
        "logging.error('x', extra={'payment': 1, 'odd': object, 'none': None})",
        **JSON_LOGS,
    ),
    prints("json_dict", "logging.error({'a': 1, 'b': [1, 2]})", **JSON_LOGS),
    prints(
        "json_args", "logging.error('%s and %d', 'a', 2); logging.log(25, 'between')", **JSON_LOGS
    ),
    prints(
        "json_exception",
        "try:\n    1 / 0\nexcept ZeroDivisionError:\n    logging.exception('failed')",
        **JSON_LOGS,
    ),
    prints(
        "json_print", "print('plain'); print(json.dumps({'level': 'INFO', 'a': 1}))", **JSON_LOGS
    ),
    Case(
        "json_raises",
        "def handler(event, context):\n    raise ValueError('bad')\n",
        settings=JSON_LOGS,
    ),
    Case("json_init_raises", "raise ValueError('bad')\n", settings=JSON_LOGS),
    Case("json_import_error", "import not_installed\n", settings=JSON_LOGS),
    Case(
        "log_at_import",
        "import logging\n"
        "logging.warning('loading')\n"
        "print('printed')\n"
        "def handler(event, context): logging.warning('serving')\n",
        events=({}, {}),
    ),
    # The event and the context.
    Case(
        "events",
        "def handler(event, context):\n    return [type(event).__name__, event]\n",
        events=(None, True, 3, 10**20, 1.5, "text", [1, 2], {"a": {"b": None}}, "grüße \U0001f600"),
    ),
    Case(
        "context",
        "import os\n"
        "def handler(event, c):\n"
        "    remaining = c.get_remaining_time_in_millis()\n"
        "    assert 0 < remaining <= 3000, remaining\n"
        "    os.environ['SEEN'] = '1'\n"
        "    return [c.aws_request_id, c.log_group_name, c.log_stream_name, c.function_name,\n"
        "        c.memory_limit_in_mb, c.function_version, c.invoked_function_arn, c.tenant_id,\n"
        "        c.client_context, c.identity.cognito_identity_id,\n"
        "        c.identity.cognito_identity_pool_id,\n"
        "        type(remaining).__name__, type(c).__name__, c.w3c(), repr(c), repr(c.identity)]\n",
        events=({}, {}),
    ),
    Case(
        "client_context",
        "def handler(event, context):\n"
        "    c = context.client_context\n"
        "    return [c.custom, c.env, c.client.app_title, c.client.installation_id,\n"
        "        repr(c), context.w3c(), repr(context)]\n",
        client_context=json.dumps(
            {
                "custom": {"k": "grüße"},
                "env": {"locale": "de"},
                "client": {"app_title": "shop"},
                "w3c": {"traceparent": "00-1-2-01", "other": "x", "baggage": 3},
            }
        ),
    ),
    Case(
        "client_context_bare",
        "def handler(event, context):\n    return repr(context.client_context)\n",
        client_context="{}",
    ),
    Case(
        "environment",
        "import os, sys\n"
        "def handler(event, context):\n"
        "    names = ('_HANDLER', 'AWS_REGION', 'AWS_EXECUTION_ENV', 'LAMBDA_TASK_ROOT', 'TZ',\n"
        "        'GREETING', '_X_AMZN_TRACE_ID')\n"
        "    return [{n: os.environ.get(n) for n in names}, os.getcwd(), sys.path[0],\n"
        "        '_LAMBDA_TELEMETRY_LOG_FD' in os.environ, __name__, __file__]\n",
        events=({}, {}),
        settings={"environment": {"GREETING": "grüße"}},
    ),
    Case(
        "state_is_kept",
        "count = 0\n"
        "def handler(event, context):\n"
        "    global count\n"
        "    count += 1\n"
        "    return count\n",
        events=({}, {}, {}),
    ),
    # Threads and time.
    Case(
        "thread_left_running",
        "import threading, time\n"
        "ticks = []\n"
        "def tick():\n"
        "    while True:\n"
        "        ticks.append(1)\n"
        "        time.sleep(0.001)\n"
        "def handler(event, context):\n"
        "    if not ticks: threading.Thread(target=tick, daemon=True).start()\n"
        "    time.sleep(0.02)\n"
        "    return len(ticks) > 0\n",
        events=({}, {}),
    ),
    Case(
        "slow",
        "import time\n"
        "def handler(event, context):\n"
        "    print('before')\n"
        "    time.sleep(0.3)\n"
        "    return 'done'\n",
    ),
    Case(
        "timed_out",
        "def handler(event, context):\n    print('half', end='')\n    while True: pass\n",
        settings={"timeout_seconds": 1},
    ),
    # The limits of a payload.
    Case("response_of_6_mb", "def handler(event, context):\n    return 'x' * (6_291_556 - 2)\n"),
    Case(
        "response_one_byte_more",
        "def handler(event, context):\n    return 'x' * (6_291_556 - 1)\n",
        events=({}, {}),
    ),
    Case(
        "event_of_6_mb",
        "def handler(event, context):\n    return len(event)\n",
        events=("x" * (6_291_456 - 2),),
    ),
]


def run(case: Case, folder: Path, command: tuple[str, ...] | None) -> list[dict[str, Any]]:
    settings: dict[str, Any] = {"runtime": "python3.11", "environment": {}} | case.settings
    function = Function(
        **{
            "logical_id": "Function",
            "name": "payments",
            "handler": case.handler,
            "code_uri": folder,
            "timeout_seconds": 3,
            "memory_mb": 512,
            "tracing": True,
            "log_group": "/aws/lambda/payments",
            **settings,
        }
    )
    with LocalLambda(function, lambda events, segments: None, command=command) as service:
        return [
            seen(service.invoke(json.dumps(event).encode(), client_context=case.client_context))
            for event in case.events
        ]


def seen(invocation: Invocation) -> dict[str, Any]:
    """Return all that an invocation leaves behind, without what differs from run to run."""
    plain = normaliser(invocation)
    error_cause = invocation.segments[-1].get("cause")
    return {
        "status": invocation.status,
        "payload": plain(invocation.payload.decode(errors="surrogateescape")),
        "function_error": invocation.function_error,
        "cold_start": invocation.cold_start,
        "messages": without_client_frames([plain(one.message) for one in invocation.log_events]),
        "dropped": invocation.dropped_log_events,
        "cause": error_cause and without_clients_part(json.loads(plain(json.dumps(error_cause)))),
    }


CLIENT_FILE = r"(?:/[^\"]*/(?:awslambdaric/\w+|local_lambda/runtime)\.py|<frozen runpy>)"


def normaliser(invocation: Invocation) -> Callable[[str], str]:
    substitutions = [
        (invocation.request_id, "REQUEST"),
        (invocation.environment_id, "ENVIRONMENT"),
        (invocation.trace_id, "TRACE"),
        (r"(Parent=|SegmentId: )[0-9a-f]{16}", r"\1SEGMENT"),
        (r'("(id|spanId)": ")[0-9a-f]{16}', r"\1SEGMENT"),
        (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3})?Z", "TIME"),
        (r"\[\d{13}\]", "[TIME]"),
        (r"0x[0-9a-f]{8,}", "ADDRESS"),
        (r"[\d.]+ (ms|MB)", r"N \1"),
        (r'("(durationMs|billedDurationMs|initDurationMs|maxMemoryUsedMB)": )[\d.]+', r"\1N"),
        (r"repeated \d+ more times", "repeated N more times"),
        # The clients' own frames: in an error object, and in the log line of one.
        (rf'"  File \\"{CLIENT_FILE}\\", line .*?\\n    .*?\\n"', '"CLIENT FRAME"'),
        (rf'\xa0\xa0File "{CLIENT_FILE}", line .*\n\xa0+.*', "CLIENT FRAME"),
    ]

    def plain(text: str) -> str:
        for pattern, replacement in substitutions:
            text = re.sub(pattern, replacement, text)
        return text

    return plain


def without_client_frames(messages: list[str]) -> list[str]:
    """Leave out the clients' own frames of a traceback that Python prints, a message a line."""
    kept = []
    in_client = False
    for message in messages:
        if message.startswith("  File "):
            in_client = re.match(rf'  File "{CLIENT_FILE}"', message) is not None
        elif not message.startswith("    "):
            in_client = False
        if not in_client:
            kept.append(message)
    return kept


def without_clients_part(cause: dict[str, Any]) -> dict[str, Any]:
    """Leave out the clients' own frames of an X-Ray cause, and the depth of a recursion."""
    cause["paths"] = sorted(path for path in cause["paths"] if not re.match(CLIENT_FILE, path))
    for error in cause["exceptions"]:
        frames = [frame for frame in error["stack"] if not re.match(CLIENT_FILE, frame["path"])]
        error["stack"] = [frame for frame, _ in itertools.groupby(frames)]
    return cause


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_our_runtime_leaves_behind_what_awss_client_leaves_behind(
    case: Case, tmp_path: Path
) -> None:
    (tmp_path / "app.py").write_text(case.source)
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "nested.py").write_text(
        "def handler(event, context):\n    return __name__\n"
    )
    ours = run(case, tmp_path, None)
    theirs = run(case, tmp_path, AWS_CLIENT)
    assert ours == theirs
