"""The scenes of a rehearsal, in order: build, deploy, call, delete, look that nothing is left."""

import fcntl
import os
import shutil
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from workshop.errors import LearnerError, ToolError, UsageError
from workshop.rehearsal import sam
from workshop.rehearsal.account import Account, Answer
from workshop.rehearsal.emulator import Emulator
from workshop.rehearsal.reduce import Omission, reduce
from workshop.sam import load_template

TEMPLATE = "template.yaml"
FOLDER = ".aws-sam/rehearsal"
"""Where everything lies that a rehearsal makes; git ignores it."""

_CONFIG = "samconfig.toml"
_POISON = Omission(
    "a poison record on the stream",
    "deployed as it is, but not played: it would try that batch for ever, deaf to "
    "MaximumRetryAttempts and to the failure queue; workshop check 09 plays it",
)
_TRIES = 5  # a cold start takes longer than the payments function waits for the processor


@dataclass(frozen=True, slots=True)
class Scene:
    """One part of a rehearsal, done.

    Attributes:
        what: Such as `sam build`.
        came: What came of it, in words.
        seconds: How long it took.
        omissions: What was left out before it.
        answers: What was asked in it, and answered.
    """

    what: str
    came: str
    seconds: float
    omissions: tuple[Omission, ...] = ()
    answers: tuple[Answer, ...] = ()


class Rehearsal:
    """A deployment of the root template to an emulated account, and its end.

    Args:
        root: The checkout.
        port: Where the emulator is to listen; None for any free port.

    Raises:
        TemplateError: The template cannot be read; with the place in the file.
        ToolError: Something is not installed, or this is no place for a rehearsal.
        UsageError: The port is taken.
    """

    def __init__(self, root: Path, port: int | None = None) -> None:
        self._root = root
        load_template(root / TEMPLATE)  # what is wrong with it comes before what is not installed
        self._tools = sam.find(root)
        self._parameters = {
            "Runtime": self._tools.runtime,
            "Architecture": self._tools.architecture,
        }
        self._template = load_template(root / TEMPLATE, self._parameters)
        self._folder = root / FOLDER
        self._emulator = Emulator(
            self._tools.emulator,
            sam.variables(self._folder / "home", self._tools),
            self._folder / "emulator.log",
            port,
        )

    def scenes(self) -> Generator[Scene]:
        """Play it, one scene after the other; whatever happens, the emulator ends with it.

        Raises:
            UsageError: Another rehearsal of this checkout is under way.
            ToolError: A program failed, or something is left in the account.
            LearnerError: The deployed application gave another answer than it should.
        """
        with self._alone():
            yield self._build()
            with self._emulator:
                account = Account(self._emulator.url)
                yield self._deploy(account)
                yield self._call(account)
                yield self._delete()
                yield self._look(account)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Be the one rehearsal of this checkout; begin and end with an empty home."""
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(self._folder / "lock", os.O_CREAT | os.O_RDWR, 0o644)
        except OSError as error:
            raise ToolError(f"{self._folder} cannot be written: {error.strerror}") from error
        home = self._folder / "home"
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise UsageError(
                    "another rehearsal of this checkout is under way", "wait for it, or end it"
                ) from None
            shutil.rmtree(home, ignore_errors=True)  # what an interrupted one left
            try:
                yield
            finally:
                shutil.rmtree(home, ignore_errors=True)
        finally:
            os.close(descriptor)

    def _build(self) -> Scene:
        began = time.monotonic()
        environment = sam.variables(self._folder / "home", self._tools)
        environment |= sam.pip_variables(self._tools, os.environ)
        self._sam("build", *self._overrides(), environment=environment)
        functions = len(self._template.functions)
        size = sum(one.stat().st_size for one in self._built.rglob("*") if one.is_file())
        came = f"{functions} functions, {size / 1e6:.0f} MB, for {self._tools.runtime}"
        return Scene("sam build", f"{came} on {self._tools.architecture}", _since(began))

    def _deploy(self, account: Account) -> Scene:
        began = time.monotonic()
        built: dict[str, Any] = yaml.safe_load((self._built / TEMPLATE).read_text("utf-8"))
        reduced, omissions = reduce(built, self._emulator.url)
        path = self._built / "reduced.yaml"
        path.write_text(yaml.safe_dump(reduced, sort_keys=False), "utf-8")
        self._sam("deploy", "--template-file", str(path), *self._overrides())
        came = f"{account.count_resources()} resources, at {self._emulator.url}"
        return Scene("sam deploy", came, _since(began), omissions=(*omissions, _POISON))

    def _call(self, account: Account) -> Scene:
        began = time.monotonic()
        came = "as its users would; every signature and every role's policies are checked"
        answers = []
        for answer in _answers(account, account.outputs()):
            answers.append(answer)
            if not answer.is_right:
                raise LearnerError(
                    f"{answer.asked}: the deployed application answered {answer.status}, where "
                    f"{answer.wanted} was to come: {answer.body[:300]}",
                    f"the emulator's log: {self._folder / 'emulator.log'}",
                )
        return Scene("called", came, _since(began), answers=tuple(answers))

    def _delete(self) -> Scene:
        began = time.monotonic()
        self._sam("delete", "--no-prompts")
        return Scene("sam delete", f"the stack {sam.STACK}", _since(began))

    def _look(self, account: Account) -> Scene:
        began = time.monotonic()
        bucket = account.delete_bucket_stack()
        if left := account.left():
            raise ToolError(
                "something is left in the account: "
                + "; ".join(f"{kind} {', '.join(names)}" for kind, names in left.items()),
                f"the emulator's log: {self._folder / 'emulator.log'}",
            )
        came = f"sam leaves the bucket it deploys by, {bucket}: deleted too"
        return Scene("nothing is left", came, _since(began))

    @property
    def _built(self) -> Path:
        return self._folder / "build"

    def _overrides(self) -> list[str]:
        values = (f"{name}={value}" for name, value in self._parameters.items())
        return ["--parameter-overrides", *values]

    def _sam(self, command: str, *more: str, environment: dict[str, str] | None = None) -> None:
        if environment is None:
            home = self._folder / "home"
            environment = sam.variables(home, self._tools, self._emulator.url)
        config = ["--config-file", str(self._root / _CONFIG), "--config-env", "rehearsal"]
        log = self._folder / f"{command}.log"
        sam.run(self._tools, [command, *config, *more], environment, log)


def _answers(account: Account, outputs: dict[str, str]) -> Iterator[Answer]:
    """Ask the deployed application what its users ask, and what they should not."""
    api = outputs["ApiUrl"]

    status, body = account.post(api, _payment("4242"), signed=False)
    yield Answer("a payment that nobody signed", status, body, 403)
    for asked, ending, wanted in (
        ("a payment", "4242", 200),
        ("the processor fails once", "0259", 200),
        ("the processor is slow, once", "0341", 200),
        ("the card is declined", "0002", 402),
        ("the processor is down", "0119", 503),
    ):
        # On 503 the same payment may be sent again, and is charged once: so a cold start of the
        # processor, which the function has no patience for, is nobody's loss.
        for _ in range(_TRIES):
            status, body = account.post(api, _payment(ending))
            if status in {wanted, 402}:
                break
        yield Answer(asked, status, body, wanted)
    status, body = account.post(api, {"payment_id": "p", "amount": -1})
    yield Answer("half a payment", status, body, 400)

    charged = {**_payment("4242"), "charge_id": "ch_rehearsal", "status": "charged"}
    account.put_record(outputs["StreamName"], charged)
    found = account.logged("/aws/lambda/settlements", "payment settled")
    yield Answer("a charge on the stream is settled", 200 if found else 0, found or "", 200)
    event = _payment("4242") | {
        "hour": 3,
        "country": "US",
        "card": {"number": "4242", "country": "US", "age_days": 400},
    }
    status, body = account.invoke(outputs["RiskFunctionAlias"], event)
    yield Answer("the risk of a payment", status, body, 200)


def _payment(ending: str) -> dict[str, Any]:
    return {
        "payment_id": f"pay_{ending}",
        "customer_id": "cus_rehearsal",
        "amount": 1299,
        "currency": "USD",
        "card": {"number": f"424242424242{ending}", "cvc": "123", "holder": "Ada Lovelace"},
    }


def _since(began: float) -> float:
    return time.monotonic() - began
