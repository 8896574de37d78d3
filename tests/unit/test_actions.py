"""Each step of a plan is of one kind, and whoever has to know what it touches finds it there."""

from dataclasses import is_dataclass
from inspect import getmembers, isclass
from typing import get_args

from controller.core import actions as act
from controller.engine.calls import OPERATIONS
from tests.history import EC2_MUTATIONS


def test_each_step_is_of_one_kind() -> None:
    steps = {each for _, each in getmembers(act, isclass) if is_dataclass(each) and each.__module__ == act.__name__}
    kinds = [kind for kinds in (act.Mutation, act.Write, act.Sign, act.Unseen) for kind in get_args(kinds)]
    assert set(kinds) == steps == set(get_args(act.Action))
    assert len(kinds) == len(steps)


def test_what_changes_ec2_names_the_call() -> None:
    assert set(OPERATIONS) == EC2_MUTATIONS
    assert len(OPERATIONS) == len(get_args(act.Mutation))


def test_what_prepares_a_call_is_written_down() -> None:
    assert set(get_args(act.Preparing)) <= set(get_args(act.Write))
