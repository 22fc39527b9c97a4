"""What goes wrong is told in a sentence that says what to do, and no wall of traceback."""

import json
import os
import signal
import sys
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import keep
import nbformat
import pytest
import start
import workshop_errors
import workshop_lab
from botocore import exceptions as aws
from nbclient import NotebookClient

FIRST = """
import os, boto3
import workshop_notebook as nb
here = nb.begin("tiny")
logs = boto3.client("logs")
"""
QUERY = """
hours = {"startTime": int(here.start.timestamp()), "endTime": int(here.end.timestamp())}
group = ["/aws/lambda/payments"]
started = logs.start_query(logGroupNames=group, queryString="stats count(*) as n", **hours)
nb.table(nb.wait(logs, started["queryId"]))
"""


def run(cells, folder=keep.HERE, **given):
    """Run cells in a kernel as `make notebooks` has them; return what each showed, in text."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    environment = {name: value for name, value in os.environ.items() if name != "AWS_PROFILE"}
    keep.run(notebook, folder, {**environment, **given}, allow_errors=True)
    return [shown(cell) for cell in notebook.cells]


def shown(cell):
    text = []
    for output in cell.outputs:
        if output.output_type == "error":
            text += output.traceback
        elif output.output_type == "stream":
            text.append(output.text)
        else:
            text.append(output.data.get("text/plain", ""))
    return "\n".join(text)


def assert_sentence(text, *words):
    """Two lines at most: what is wrong, and what to do."""
    told = text.strip().splitlines()[-2:]

    assert "Traceback" not in text
    assert len(text) < 1500
    assert told[0].startswith("✗ "), text
    assert told[1].startswith("  → "), text
    for word in words:
        assert word in "\n".join(told), text


@pytest.fixture(scope="module")
def tiny(state):
    """The small past, made once."""
    folder = state / "tiny"
    folder.mkdir(exist_ok=True)
    workshop_lab.lay("tiny", folder)
    return folder


def stop_lab(folder):
    os.kill(json.loads((folder / "endpoint.json").read_text())["pid"], signal.SIGKILL)


def test_run_out_of_order_in_a_kernel_that_has_just_started(state):
    (told,) = run([QUERY])

    assert_sentence(told, "here", "Run All Above")


def test_an_error_that_nobody_foresaw_keeps_its_traceback(state):
    (told,) = run(["1 / 0"])

    assert "ZeroDivisionError" in told
    assert "division by zero" in told
    assert len(told.splitlines()) > 5


def test_without_the_extras_the_first_cell_says_what_to_type(state):
    """In a Python that has Jupyter and nothing of ours, and without our start-up file."""
    first = next(
        cell for cell in keep.read(keep.scripts()[0]).cells if cell.cell_type == "code"
    ).source.replace("import altair as alt\nimport boto3\nimport pandas as pd\n", "")
    cells = ["import sys; sys.modules['altair'] = None", first]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    client = NotebookClient(
        notebook,
        kernel_name="python3",
        resources={"metadata": {"path": str(keep.HERE)}},
        allow_errors=True,
    )
    client.execute(env={**os.environ, "IPYTHONDIR": str(state / "none")})

    assert_sentence(shown(notebook.cells[1]), "altair", "make notebooks")


def test_every_first_cell_asks_us_first_so_that_what_is_missing_is_told():
    for script in keep.scripts():
        first = next(cell for cell in keep.read(script).cells if cell.cell_type == "code").source
        imports = [line for line in first.splitlines() if line.startswith(("import ", "from "))]
        ours = imports.index("import workshop_notebook as nb")
        foreign = [
            number
            for number, line in enumerate(imports)
            if line.split()[1].split(".")[0] not in sys.stdlib_module_names and number != ours
        ]

        assert all(ours < number for number in foreign), script


def test_lab_down_lab_restarted_and_a_query_that_fails(tiny):
    kill = (
        f"import json, signal; os.kill(json.load(open({str(tiny / 'endpoint.json')!r}))['pid'], 9)"
    )
    told = run(
        [
            FIRST,
            QUERY,
            QUERY.replace("stats count(*) as n", "statz count(*)"),
            QUERY.replace("stats count(*) as n", "filter level = 'NONE'"),
            f"{kill}; import time; time.sleep(0.5)",
            QUERY,
            'here = nb.begin("tiny")',  # as the first cell run again: it starts the lab
            "nb.wait(logs, started['queryId'])",  # the client from before; a query of before
            QUERY,
        ]
    )

    assert "Talking to: the lab on this laptop" in told[0]
    assert "n" in told[1].split()
    assert_sentence(told[2], "not in Logs Insights QL", "statz")
    assert_sentence(told[3], "found nothing")
    assert_sentence(told[5], "nobody answers", "run the first cell again")
    assert "Talking to: the lab" in told[6]
    assert_sentence(told[7], "Run the cell that starts it")
    assert told[8] == told[1]


def test_an_empty_store_is_filled_again(tiny):
    workshop_lab.close()
    for file in sorted((tiny / "data").rglob("*"), reverse=True):
        file.unlink() if file.is_file() else file.rmdir()

    opened, counted = run([FIRST, QUERY])

    assert "Talking to: the lab on this laptop" in opened
    assert int(counted.split()[-1]) > 100


def test_log_groups_deleted_by_a_cell_come_back_with_the_first_one(tiny):
    told = run([FIRST, "logs.delete_log_group(logGroupName=nb.FUNCTION)",
                FIRST, QUERY])  # fmt: skip

    assert int(told[3].split()[-1]) > 100


def test_a_past_too_long_ago_or_of_another_plan_is_made_anew(tiny, monkeypatch):
    said = json.loads((tiny / "laid.json").read_text())
    assert workshop_lab.laid("tiny", tiny) == said

    for other in ({"start": said["start"] - 14 * 86_400}, {"form": -1}, {"plan": {}}):
        (tiny / "laid.json").write_text(json.dumps({**said, **other}))
        assert workshop_lab.laid("tiny", tiny) is None
    (tiny / "laid.json").write_text("{")
    assert workshop_lab.laid("tiny", tiny) is None
    (tiny / "laid.json").write_text(json.dumps(said))


def test_the_lab_ends_when_its_users_have(tiny, monkeypatch):
    workshop_lab.close()
    for user in tiny.glob("user-*"):
        user.unlink()
    (tiny / "user-999999999").touch()
    monkeypatch.setattr(workshop_lab, "_ALONE_SECONDS", 0.0)
    monkeypatch.setattr(workshop_lab.signal, "signal", lambda *_: None)

    workshop_lab.serve("tiny", None)  # returns

    assert not (tiny / "endpoint.json").exists()
    assert not workshop_lab.lives(tiny / "user-999999999")
    assert workshop_lab.lives(tiny / f"user-{os.getpid()}")


# --- AWS, as far as a laptop without an account has it --------------------------------------------


@contextmanager
def account():
    """A service that answers as AWS does, each folder of its address in another way."""
    asked = []

    class Answers(BaseHTTPRequestHandler):
        def do_POST(self):
            self.rfile.read(int(self.headers["Content-Length"]))
            operation = self.headers["X-Amz-Target"].rpartition(".")[2]
            asked.append(operation)
            status, answer = self.answer(self.path.strip("/"), operation)
            body = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/x-amz-json-1.1")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def answer(self, kind, operation):
            if kind == "expired":
                message = "The security token included in the request is expired"
                return 400, {"__type": "ExpiredTokenException", "message": message}
            if operation == "DescribeLogGroups":
                groups = [] if kind == "empty" else [{"logGroupName": "/aws/lambda/payments"}]
                return 200, {"logGroups": groups}
            return 200, {"events": [] if kind == "quiet" else [{"message": "hello"}]}

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server.server_port, asked
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_an_aws_profile_is_named_and_warned_of_and_nothing_is_touched(state, tmp_path):
    kinds = ("expired", "empty", "quiet", "well")
    with account() as (port, asked):
        config = "".join(
            f"[profile {kind}]\nregion = eu-west-1\nendpoint_url = http://localhost:{port}/{kind}\n"
            f"retry_mode = standard\nmax_attempts = 1\n"
            for kind in kinds
        )
        credentials = "".join(
            f"[{kind}]\naws_access_key_id = a\naws_secret_access_key = b\n" for kind in kinds
        )
        (tmp_path / "config").write_text(config)
        (tmp_path / "credentials").write_text(credentials)
        cells = [
            f"import os; os.environ['AWS_PROFILE'] = {kind!r}\n"
            "import workshop_notebook as nb; nb.begin()"
            for kind in (*kinds, "nobody")
        ]
        before = sorted(state.iterdir())
        told = run(
            cells,
            AWS_CONFIG_FILE=str(tmp_path / "config"),
            AWS_SHARED_CREDENTIALS_FILE=str(tmp_path / "credentials"),
        )

    expired, empty, quiet, well, nobody = told
    assert_sentence(expired, "expired", "aws sso login")
    assert_sentence(empty, "there is no log group /aws/lambda/payments in eu-west-1", "AWS_REGION")
    assert_sentence(quiet, "no log event", "nb.begin(hours=24)")
    assert "Talking to: AWS, profile well, region eu-west-1" in well
    assert "Queries cost money here" in well
    assert_sentence(nobody, "nobody", "list-profiles")
    assert set(asked) == {"DescribeLogGroups", "FilterLogEvents"}
    assert sorted(state.iterdir()) == before


def test_nobody_reads_or_writes_the_readers_own_aws_files(tiny, home):
    """Both are broken there: whoever read one of them would fail."""
    before = {file: file.read_text() for file in Path(home, ".aws").iterdir()}

    _, counted = run([FIRST, QUERY], HOME=str(home))

    assert int(counted.split()[-1]) > 100
    assert {file: file.read_text() for file in Path(home, ".aws").iterdir()} == before


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (aws.NoRegionError(), "AWS_REGION"),
        (aws.NoCredentialsError(), "aws sso login"),
        (aws.UnauthorizedSSOTokenError(), "aws sso login"),
        (aws.EndpointConnectionError(endpoint_url="http://127.0.0.1:1"), "network"),
        (
            aws.ClientError(
                {"Error": {"Code": "ThrottlingException", "Message": ""}}, "StartQuery"
            ),
            "wait a minute",
        ),
        (
            aws.ClientError({"Error": {"Code": "AccessDeniedException"}}, "StartQuery"),
            "needs to read",
        ),
        (NameError("name 'x' is not defined"), "Run All Above"),
    ],
)
def test_each_known_error_says_what_to_do(error, words):
    assert words in workshop_errors.sentence(error).look


@pytest.mark.parametrize("error", [ValueError("x"), ConnectionError("x"), KeyError("y")])
def test_errors_of_the_readers_own_code_are_left_alone(error):
    assert workshop_errors.sentence(error) is None


def test_a_query_that_the_service_gives_up_is_told():
    import workshop_notebook as nb

    class Logs:
        def __init__(self, status):
            self.status = status

        def get_query_results(self, **_):
            return {"status": self.status, "results": []}

        def stop_query(self, **_):
            self.stopped = True

    with pytest.raises(nb.Stop, match="ended as Failed"):
        nb.wait(Logs("Failed"), "1")
    running = Logs("Running")
    with pytest.raises(nb.Stop, match="was stopped"):
        nb.wait(running, "1", seconds=0)
    assert running.stopped


def test_jupyter_is_opened_on_loopback_and_asks_nobody_outside():
    said = " ".join(start.OPTIONS)

    assert "--ServerApp.ip=127.0.0.1" in said
    assert "NeverCheckForUpdate" in said
    assert "news_url=None" in said
    assert "extension_manager=readonly" in said
