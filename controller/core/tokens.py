"""The door to EC2's token buckets: what the engine asks before it makes a mutation."""

from typing import Protocol


class Tokens(Protocol):
    """How many EC2 mutations may be made now, as far as is known of the account's buckets. Asks nobody, never waits."""

    def take(self, operation: str) -> object:
        """A grant to send one call now; or, as a float, the seconds until it is worth asking again."""
        ...

    def settle(self, operation: str, grant: object, *, throttled: bool) -> None:
        """The granted call was answered."""
        ...

    def cancel(self, operation: str, grant: object) -> None:
        """Nobody knows whether the granted call reached EC2."""
        ...

    def give_back(self, operation: str, grant: object) -> None:
        """The granted call was certainly not sent: its token is for another."""
        ...
