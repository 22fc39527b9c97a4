"""Fixtures that load a template from its text, whole or as a few lines about one function F."""

from collections.abc import Callable
from pathlib import Path

import pytest

from workshop.sam import Function, Template, TemplateError, load_template


@pytest.fixture
def load(tmp_path: Path) -> Callable[..., Template]:
    """Load a template from its whole text."""

    def load_text(text: str | bytes, **parameters: str) -> Template:
        path = tmp_path / "template.yaml"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return load_template(path, parameters)

    return load_text


@pytest.fixture
def refusal(load: Callable[..., Template]) -> Callable[..., str]:
    """Load a whole template that must be refused, and return what is said: `what | look`."""

    def refuse(text: str | bytes, **parameters: str) -> str:
        with pytest.raises(TemplateError) as caught:
            load(text, **parameters)
        assert caught.value.exit_status == 1
        assert caught.value.look.startswith("template.yaml:")
        return f"{caught.value.what} | {caught.value.look}"

    return refuse


@pytest.fixture
def function_with(load: Callable[..., Template]) -> Callable[..., Function]:
    """Load a good function F with further properties, after further sections."""

    def build(properties: str = "", sections: str = "", **parameters: str) -> Function:
        return load(_template(properties, sections), **parameters).function("F")

    return build


@pytest.fixture
def refusal_with(refusal: Callable[..., str]) -> Callable[..., str]:
    """Like `function_with`, for a function that must be refused."""

    def refuse(properties: str = "", sections: str = "", **parameters: str) -> str:
        return refusal(_template(properties, sections), **parameters)

    return refuse


@pytest.fixture
def resolved(function_with: Callable[..., Function]) -> Callable[..., str]:
    """Resolve an expression in the place of an environment variable of F."""

    def resolve(expression: str, sections: str = "", **parameters: str) -> str:
        variables = f"Environment: {{Variables: {{IT: {expression}}}}}"
        return function_with(variables, sections, **parameters).environment["IT"]

    return resolve


def _template(properties: str, sections: str) -> str:
    lines = "".join(f"      {line}\n" for line in properties.splitlines())
    resources = "" if "Resources:\n" in sections else "Resources:\n"
    return (
        "Transform: AWS::Serverless-2016-10-31\n"
        f"{sections}"
        f"{resources}"
        "  F:\n"
        "    Type: AWS::Serverless::Function\n"
        "    Properties:\n"
        "      CodeUri: .\n"
        "      Handler: app.handler\n"
        "      Runtime: python3.13\n"
        f"{lines}"
    )
