"""How far our clock is from AWS's, by the date of an answer: a signature is refused once the two are minutes apart."""

from email.utils import parsedate_to_datetime


def ahead_of(date: str | None, sent: float, received: float) -> float | None:
    """Seconds that our clock is ahead of the one that wrote `date` (HTTP's form; whole seconds, cut off).

    `sent` and `received`: our wall clock before and after the call. 0 where both may agree; None: the date is missing
    or is none.
    """
    try:
        theirs = parsedate_to_datetime(date or "").timestamp()
    except ValueError:
        return None
    if sent > theirs + 1:
        return sent - (theirs + 1)
    return min(0.0, received - theirs)
