"""The port to EC2's token buckets: the engine asks it before it makes a mutation."""

from typing import Protocol


class Tokens(Protocol):
    """Whether an EC2 mutation may be sent now, by a model of the account's token buckets. Calls no API, never waits."""

    def take(self, operation: str, spare: int = 0, *, probes: bool = True) -> object:
        """A grant to send one call, soon; or, as a float, the seconds until the next try makes sense.

        `spare`: so many tokens are to be left for others. `probes`: whether it may be sent to find out if the account
        allows more.
        """
        ...

    def sends(self, operation: str, grant: object) -> None:
        """The granted call leaves now."""
        ...

    def settle(self, operation: str, grant: object, *, throttled: bool) -> None:
        """The granted call was answered."""
        ...

    def cancel(self, operation: str, grant: object) -> None:
        """It is not known whether the granted call reached EC2."""
        ...

    def give_back(self, operation: str, grant: object) -> None:
        """The granted call was certainly not sent: another call may have its token."""
        ...
