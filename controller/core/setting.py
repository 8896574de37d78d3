"""One row of the table of settings: the names of its flag and its variable follow from its field."""

from dataclasses import dataclass

from controller.core import values
from controller.core.values import Parser


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One row of the table. `default` is written as a person would write it; None means that there is none."""

    field: str
    parse: Parser
    help: str
    default: str | None = None
    metavar: str = "NAME"

    @property
    def flag(self) -> str:
        """`--vpc-id` for the field `vpc_id`."""
        return "--" + self.field.replace("_", "-")

    @property
    def env(self) -> str:
        """`PEC_VPC_ID` for the field `vpc_id`."""
        return "PEC_" + self.field.upper()

    @property
    def is_switch(self) -> bool:
        """Whether the bare flag, without a value, means true."""
        return self.metavar == "BOOL"


def seconds(field: str, default: str, help: str, *, least: float, most: float, whole: bool = False) -> Setting:
    """A row whose value is a time between two bounds."""
    parser = values.seconds(least, most, whole=whole)
    return Setting(field=field, default=default, metavar="SECONDS", help=help, parse=parser)
