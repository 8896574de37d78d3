"""Tokens of EC2 for tests: as many as there are, or a bucket that the test fills."""

from dataclasses import dataclass, field


@dataclass
class FreeTokens:
    """Implements `Tokens`. `left`: tokens by operation; an operation that is not named has no limit."""

    left: dict[str, int] = field(default_factory=dict)
    taken: list[str] = field(default_factory=list)
    out: int = 0

    def take(self, operation: str, spare: int = 0, *, probes: bool = True) -> object:
        """A grant, or half a second."""
        if self.left.get(operation, spare + 1) <= spare:
            return 0.5
        if operation in self.left:
            self.left[operation] -= 1
        self.taken.append(operation)
        self.out += 1
        return object()

    def sends(self, operation: str, grant: object) -> None:
        """It is being used."""

    def settle(self, operation: str, grant: object, *, throttled: bool) -> None:
        """It was used."""
        self.out -= 1

    def cancel(self, operation: str, grant: object) -> None:
        """It may have been used."""
        self.out -= 1

    def give_back(self, operation: str, grant: object) -> None:
        """It was not: it can be had again."""
        self.out -= 1
        if operation in self.left:
            self.left[operation] += 1
