"""Accepts the Go controller's command lines: its manifests say `-vpc-id V`, and have no subcommand.

Every setting may stand before or after the subcommand, with one dash or two. So the words are put in one order before
they are parsed: first the subcommand (`run` where there is none), then its own words, then the settings.

The Go controller's image has a command and no entry point, so manifests repeat the program's name as the first of a
container's `args`. That word is dropped.
"""

import re
from collections.abc import Iterable, Sequence

from controller.core.config import SETTINGS
from controller.core.setting import Setting
from controller.core.values import is_boolean
from controller.surface.program import NAME

_SETTINGS = {setting.flag.removeprefix("--"): setting for setting in SETTINGS}
_OUTPUT = re.compile(r"-o=?(text|json|yaml)")
_OF_THE_PROGRAM = frozenset({"--help", "-h", "--version"})


def arrange(argv: Sequence[str], commands: Iterable[str]) -> list[str]:
    """The words of `argv` as click wants them, given the names of the subcommands."""
    words, settings = _split(argv[1:] if argv and argv[0].rpartition("/")[2] == NAME else argv)
    if words and words[0] in commands:
        return words + settings
    if any(word in _OF_THE_PROGRAM for word in words):
        return words
    return ["run", *words, *settings]


def _split(argv: Sequence[str]) -> tuple[list[str], list[str]]:
    """The words that are not settings, and the settings with their values, each in the given order."""
    words: list[str] = []
    settings: list[str] = []
    rest = list(argv)
    while rest:
        word = rest.pop(0)
        setting, flag = _setting_of(word)
        if setting is None:
            words.append(flag)
        elif "=" in flag or not setting.is_switch:
            settings.append(flag)
            settings.extend(rest[:1] if "=" not in flag else ())
            del rest[: int("=" not in flag)]
        else:
            value = rest.pop(0) if rest and is_boolean(rest[0]) else "true"
            settings.append(f"{flag}={value}")
    return words, settings


def _setting_of(word: str) -> tuple[Setting | None, str]:
    """The setting that a word names, if any, and the word with two dashes (unknown long ones too, as Go would)."""
    if not word.startswith("-") or len(word) <= 2 or word == "--":
        return None, word
    if output := _OUTPUT.fullmatch(word):  # as kubectl takes it
        return None, f"-o{output[1]}"
    flag = "--" + word.lstrip("-")
    name = flag.removeprefix("--").partition("=")[0]
    return _SETTINGS.get(name), flag
