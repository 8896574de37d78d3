"""Numbers and times as people read them. What is not known is None, and stays so: it is never shown as 0."""

from datetime import UTC, datetime

_MINUTE, _HOUR, _DAY = 60, 3600, 86400


def parsed(moment: object) -> datetime | None:
    """The moment that a text in RFC 3339 names, or that is one already; None for anything else."""
    if isinstance(moment, datetime):
        return moment
    if not isinstance(moment, str):
        return None
    try:
        found = datetime.fromisoformat(moment)
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def seconds_between(earlier: object, later: object) -> float | None:
    """Seconds from one moment to the other, as texts; None where one of them is not known."""
    begun, ended = parsed(earlier), parsed(later)
    return None if begun is None or ended is None else (ended - begun).total_seconds()


def duration(seconds: object) -> str | None:
    """How long, in one unit or two. Below a minute it is not said more exactly: a view would change each second."""
    if not isinstance(seconds, int | float) or isinstance(seconds, bool):
        return None
    whole = max(0, int(seconds))
    if whole < _MINUTE:
        return "< 1 min"
    if whole < 2 * _HOUR:
        return f"{whole // _MINUTE} min"
    if whole < 2 * _DAY:
        return f"{whole // _HOUR} h {whole % _HOUR // _MINUTE} min"
    return f"{whole // _DAY} d {whole % _DAY // _HOUR} h"


def ago(moment: object, now: object) -> str | None:
    """How long ago a moment was; None where it is not known."""
    return duration(seconds_between(moment, now))


def until(moment: object, now: object) -> str | None:
    """When a moment comes: `in 5 min`, or `now` where it has come."""
    left = seconds_between(now, moment)
    if left is None:
        return None
    if left < _MINUTE:
        return "now" if left <= 0 else "within a minute"
    return f"in {duration(left)}"


def clock(moment: object) -> str | None:
    """A moment as date and time in UTC; a text that names none, as it is."""
    found = parsed(moment)
    if found is None:
        return str(moment) if moment else None
    return found.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def count(number: int, one: str, many: str = "") -> str:
    """`1 Pod`, `2 Pods`, `1,204 Pods`."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"
