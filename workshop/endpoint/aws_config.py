"""The AWS config and credentials files that point any client at the endpoint.

They are written into the project's own state folder, and clients are told of them by variables:
a person's own ~/.aws is neither read nor written.
https://docs.aws.amazon.com/sdkref/latest/guide/feature-ss-endpoints.html
"""

import shlex
from collections.abc import Mapping
from pathlib import Path

from workshop.errors import ToolError

PROFILE = "workshop"
SERVICES = ("logs", "cloudwatch", "xray", "lambda")

_CONFIG = """\
# Written by `workshop up`. With the real profile in its place, the same commands work on AWS.
[profile {profile}]
region = {region}
output = json
services = {profile}
endpoint_url = {url}
retry_mode = standard
max_attempts = 1
cli_pager =

[services {profile}]
"""
_SERVICE = "{service} =\n  endpoint_url = {url}\n"
_CREDENTIALS = """\
# Written by `workshop up`: nobody checks them, but clients want to sign.
[{profile}]
aws_access_key_id = local
aws_secret_access_key = local
"""


def write(folder: Path, url: str, region: str) -> None:
    """Write both files.

    Args:
        folder: Where they go; made when it is not there.
        url: Where the endpoint listens. Every service is sent there, so that one that is not
            served is refused there and not asked for on the Internet.
        region: AWS region to be in.

    Raises:
        ToolError: They cannot be written.
    """
    config = _CONFIG.format(profile=PROFILE, region=region, url=url)
    config += "".join(_SERVICE.format(service=service, url=url) for service in SERVICES)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in (
            ("config", config),
            ("credentials", _CREDENTIALS.format(profile=PROFILE)),
        ):
            unfinished = folder / f"{name}.new"
            unfinished.write_text(content, encoding="utf-8")
            unfinished.replace(folder / name)
    except OSError as error:
        raise ToolError(f"the AWS config for the endpoint cannot be written: {error}") from error


def variables(folder: Path) -> dict[str, str]:
    """Return the variables that make a client use the files."""
    return {
        "AWS_CONFIG_FILE": str(folder / "config"),
        "AWS_SHARED_CREDENTIALS_FILE": str(folder / "credentials"),
        "AWS_PROFILE": PROFILE,
        "AWS_EC2_METADATA_DISABLED": "true",
    }


def exports(folder: Path, environment: Mapping[str, str]) -> list[str]:
    """Return shell commands that set the variables, and unset what would win over the files.

    Args:
        folder: Where the files are.
        environment: The variables of the shell.
    """
    in_the_way = [
        name
        for name in sorted(environment)
        if name.startswith("AWS_ENDPOINT_URL") or name == "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"
    ]
    return [
        *(f"unset {name}" for name in in_the_way),
        *(f"export {name}={shlex.quote(value)}" for name, value in variables(folder).items()),
    ]
