"""Errors told in a sentence: what is wrong, and what to do. Those not known here stay whole."""

from __future__ import annotations

import os


class Stop(Exception):  # noqa: N818 - a notebook stops; nothing is broken
    """Something to tell the reader: what is wrong, and what to do. Shown without a traceback."""

    def __init__(self, what: str, look: str = "") -> None:
        super().__init__(what)
        self.what, self.look = what, look

    def _render_traceback_(self) -> list[str]:  # IPython asks for it
        return [f"✗ {self.what}", *([f"  → {self.look}"] if self.look else [])]


AT_LAB: list[str] = []
"""The AWS config files of the lab that `begin` has pointed this kernel at."""

_SIGN_IN = ("the AWS session has expired", "sign in again: aws sso login, then run the cell again")
_CODES = {
    "ExpiredToken": _SIGN_IN,
    "RequestExpired": _SIGN_IN,
    "UnrecognizedClient": _SIGN_IN,
    "InvalidClientTokenId": _SIGN_IN,
    "MalformedQuery": ("the query is not in Logs Insights QL", "mend it where the message says"),
    "ResourceNotFound": (
        "what is asked for is not there",
        "is it a query that the lab no longer knows? Run the cell that starts it",
    ),
    "AccessDenied": (
        "the profile may not do this",
        "it needs to read CloudWatch, CloudWatch Logs and X-Ray: ask whoever manages the account",
    ),
    "Throttling": ("AWS asks to be asked less often", "wait a minute, then run the cell again"),
}
_BY_NAME = {
    "ProfileNotFound": ("", "aws configure list-profiles tells which there are"),
    "NoRegionError": (
        "the profile names no region",
        "set it: AWS_REGION=eu-west-1, or which it is",
    ),
    "NoCredentialsError": ("the profile has no credentials", "aws configure, or aws sso login"),
    "PartialCredentialsError": ("the profile lacks credentials", "aws configure, or aws sso login"),
    "ParamValidationError": ("", "the API reference tells what the request takes"),
    "SSOError": _SIGN_IN,
    "TokenRetrievalError": _SIGN_IN,
    "CredentialRetrievalError": _SIGN_IN,
    "NameError": ("", "the cells above have not run in this kernel: Run > Run All Above Selected"),
}
"""By the name of an exception or of a class above it; its own message where there is none here."""

_SILENT = {"HTTPClientError", "ConnectionError", "EndpointConnectionError"}


def sentence(error: BaseException) -> Stop | None:
    """Return what to tell the reader of an error; None for one that is not known here."""
    if isinstance(error, Stop):
        return error
    names = [kind.__name__ for kind in type(error).__mro__]
    if "ClientError" in names:
        said = error.response["Error"]
        for part, (what, look) in _CODES.items():
            if part in said["Code"]:
                return Stop(f"{what}: {said.get('Message') or said['Code']}", look)
        return Stop(f"{error}", "what does the request ask for?")
    if _SILENT.intersection(names) and type(error).__module__.startswith("botocore"):
        lab = os.environ.get("AWS_CONFIG_FILE") in AT_LAB
        look = (
            "the lab is down: run the first cell again, it starts it"
            if lab
            else "is there a network?"
        )
        return Stop(f"nobody answers: {error}", look)
    for name in names:
        if name in _BY_NAME:
            what, look = _BY_NAME[name]
            return Stop(what or " ".join(str(error).split()), look)
    return None


def tell_errors() -> None:
    """Have errors that are known told in a sentence; all others keep their traceback whole."""
    from IPython import get_ipython

    shell = get_ipython()
    if shell is None:
        return

    def told(shell, kind, error, trace, tb_offset=None) -> None:
        known = sentence(error)
        if known is None:
            shell.showtraceback((kind, error, trace), tb_offset=tb_offset)
        else:
            shell._showtraceback(kind, error, known._render_traceback_())  # noqa: SLF001

    shell.set_custom_exc((Exception,), told)
