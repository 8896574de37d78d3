"""The commands of docs/xray.md are ones that AWS knows: held against botocore's models of its services."""

import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore import xform_name
from botocore.model import OperationModel, ServiceModel
from botocore.session import get_session
from botocore.validate import ParamValidator

TEXT = (Path(__file__).parents[2] / "docs" / "xray.md").read_text()


def commands() -> Iterator[list[str]]:
    """The words of each `aws` command in a block of shell."""
    for block in re.findall(r"```shell\n(.*?)```", TEXT, re.DOTALL):
        words = shlex.split(block)
        starts = [number for number, word in enumerate(words) if word == "aws"]
        for start, end in zip(starts, [*starts[1:], len(words)], strict=True):
            yield words[start + 1 : end]


COMMANDS = list(commands())


def operation_of(service: str, command: str) -> OperationModel:
    model: ServiceModel = get_session().get_service_model(service)
    [name] = [name for name in model.operation_names if xform_name(name, "-") == command]
    return model.operation_model(name)


def value_of(text: str, kind: str) -> Any:
    """As AWS's command line reads it: a structure is JSON."""
    return json.loads(text) if kind == "structure" else text


@pytest.mark.parametrize("words", COMMANDS, ids=lambda words: " ".join(words[:2]))
def test_aws_knows_the_command_and_its_parameters(words: list[str]) -> None:
    service, command, *flags = words
    operation = operation_of(service, command)
    members = operation.input_shape.members if operation.input_shape else {}
    names = {xform_name(name, "-"): name for name in members}
    given: dict[str, Any] = {}
    for flag, text in zip(flags[::2], flags[1::2], strict=True):
        name = names[flag.removeprefix("--")]
        given[name] = value_of(text, members[name].type_name)
        allowed = members[name].metadata.get("enum")
        assert allowed is None or given[name] in allowed
    if operation.input_shape is not None:
        report = ParamValidator().validate(given, operation.input_shape)
        assert not report.has_errors(), report.generate_report()


def test_all_commands_were_found() -> None:
    assert [words[1] for words in COMMANDS] == [
        "put-resource-policy",
        "update-trace-segment-destination",
        "get-trace-segment-destination",
        "update-indexing-rule",
    ]


def test_the_policy_is_one() -> None:
    [words] = [words for words in COMMANDS if words[1] == "put-resource-policy"]
    policy = json.loads(words[words.index("--policy-document") + 1])
    [statement] = policy["Statement"]
    assert statement["Principal"] == {"Service": "xray.amazonaws.com"}
