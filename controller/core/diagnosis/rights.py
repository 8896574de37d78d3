"""What is said of each right that the controller's role needs, from the answer to a try that changes nothing.

EC2 answers a dry run with `DryRunOperation` where the call would be allowed, and with `UnauthorizedOperation` where it
would not (EC2 API reference, "DryRun" of each action). It may also look at the parameters first, and refuse these:
then nothing is known of the right. DynamoDB has no dry run; a write whose condition cannot hold is refused with
`ConditionalCheckFailed` where it is allowed, and with `AccessDeniedException` where it is not.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final

from controller.core import iam
from controller.core.diagnosis.finding import Check, Finding, Grade, fine, not_looked_at
from state import denial

DENIED: Final = denial.CODES | {"implicitDeny", "explicitDeny"}
"""The codes of a denial; the last two are the words of IAM's simulator, as is "allowed"."""
DRY_RUN: Final = "DryRunOperation"
"""EC2's code for a dry run that would have been allowed: an error in form alone."""
ALLOWED: Final = frozenset({"", "allowed", DRY_RUN, "ConditionalCheckFailed", "ConditionalCheckFailedException"})

NEEDED: Final = frozenset(a for s in iam.FILES["install"] if s is not iam.SIMULATE for a in s.actions)
"""Every action that the role of a whole install must have."""
_FOR_AUTO: Final = frozenset(
    action
    for statement in iam.FILES["install"]
    for action in statement.actions
    if action not in {action for statement in iam.FILES["fixed-pools"] for action in statement.actions}
)
"""Those without which the modes that allocate cannot work, and others can."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """The answer to the try of an action: AWS's code ("": it was answered), its words, the advice of the adapter.

    `why_not`: why it was not tried; empty if it was. `simulated`: the answer is that of IAM's simulator, about an
    address of mode auto.
    """

    action: str
    code: str = ""
    message: str = ""
    advice: str = ""
    why_not: str = ""
    simulated: bool = False


def of_right(tried: Tried, *, auto_required: bool = False) -> Finding:
    """Whether the action is allowed, as far as the answer tells. `auto_required`: whether mode auto has to work."""
    check, action = Check.RIGHTS, tried.action
    if tried.why_not:
        return not_looked_at(check, f"{action}: {tried.why_not}")
    if tried.code in ALLOWED:
        where = " on an address of mode auto, says IAM's simulator" if tried.simulated else ""
        return fine(check, f"{action} is allowed{where}")
    if tried.code in DENIED:
        optional = action in _FOR_AUTO or tried.simulated
        text = f"{action} is denied" + (": mode auto cannot work, the others can" if optional else "")
        grade = Grade.WARNING if optional and not auto_required else Grade.BROKEN
        return Finding(check=check, grade=grade, text=f"{text} ({tried.message})", advice=tried.advice)
    return not_looked_at(check, f"{action}: AWS answered {tried.code} before it told whether the role may")


def blamed(tried: Tried, parts: Mapping[str, str]) -> Iterator[Tried]:
    """The answer to a call that needs other actions too, as an answer for each: AWS's words name the one it denied.

    `parts`: the words that name another action, and the action. Without a name it is the call's own.
    """
    denied = tried.code in DENIED
    named = next((action for words, action in parts.items() if denied and words in tried.message), tried.action)
    for action in (tried.action, *parts.values()):
        if not denied or action == named:
            yield replace(tried, action=action)
        else:
            yield Tried(action=action, why_not=f"{named} was denied first")
