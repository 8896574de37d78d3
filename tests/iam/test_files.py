"""The files in deploy/iam are what the table makes, and what IAM takes."""

import json
import re

import pytest

from controller.aws.client import MUTATIONS, READS
from controller.core import iam
from tests.iam.questions import filled
from tests.iam.write import FOLDER, files

LONGEST_POLICY = 6144  # characters of a managed policy, white space not counted (IAM user guide, quotas)
README = (FOLDER / "README.md").read_text()


def test_the_files_are_fresh() -> None:
    stale = [path.name for path, text in files() if not path.exists() or path.read_text() != text]
    assert stale == [], "run python -m tests.iam.write"


def test_there_are_no_others() -> None:
    assert set(FOLDER.rglob("*.json")) == {path for path, _ in files()}


@pytest.mark.parametrize("partition", iam.PARTITIONS)
def test_every_arn_is_of_its_partition(partition: str) -> None:
    texts = [text for path, text in files() if path.parent.name == partition]
    assert len(texts) == len(iam.FILES)
    assert {found for text in texts for found in re.findall(r"arn:([^:]*):", text)} == {partition}


def test_the_placeholders_are_those_that_the_table_names() -> None:
    found = {word for _, text in files() for word in re.findall(r"\b[A-Z]{3,}(?:-[A-Z]+)*\b", text)}
    assert found == set(iam.PLACEHOLDERS)
    for _, text in files():
        assert not re.search("|".join(iam.PLACEHOLDERS), filled(text))


def test_each_file_and_each_placeholder_is_explained() -> None:
    for word in (*iam.PLACEHOLDERS, *(f"`{name}.json`" for name in iam.FILES)):
        assert word in README, word


@pytest.mark.parametrize("name", iam.FILES)
def test_iam_takes_it(name: str) -> None:
    policy = iam.policy(name, "aws-us-gov")
    sids = [statement["Sid"] for statement in policy["Statement"]]
    assert len(set(sids)) == len(sids)
    assert all(sid.isalnum() for sid in sids)
    values = dict.fromkeys(iam.PLACEHOLDERS, "x" * 40)
    assert len(re.sub(r"\s", "", filled(json.dumps(policy), values))) < LONGEST_POLICY


def test_a_whole_install_may_do_what_is_called_and_no_more() -> None:
    actions = {action for statement in iam.FILES["install"] for action in statement.actions}
    assert {a for a in actions if a.startswith("ec2:")} == {f"ec2:{n}" for n in READS | MUTATIONS | {"CreateTags"}}
    ledger = ("BatchGetItem", "DeleteItem", "DescribeTable", "PutItem", "Query", "UpdateItem")
    assert sorted(a for a in actions if a.startswith("dynamodb:")) == [f"dynamodb:{name}" for name in ledger]


def test_read_only_changes_nothing() -> None:
    actions = [action for statement in iam.FILES["read-only"] for action in statement.actions]
    assert all(re.match(r"\w+:(Describe|Query|BatchGet)", action) for action in actions)
