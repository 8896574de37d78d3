"""The names of metrics, and the labels, that a query of Prometheus uses: as much of PromQL as our queries need."""

import re

_SELECTOR = re.compile(r"\b([a-z0-9_]+)\{([^}]*)\}")
_MATCHER = re.compile(r"(\w+)\s*(?:=~|!~|!=|=)\s*\"")
_BY = re.compile(r"\bby\s*\(([^)]*)\)")


def selectors(query: str) -> list[tuple[str, frozenset[str]]]:
    """Each metric that is named, with the labels that its matchers name."""
    return [(name, frozenset(_MATCHER.findall(matchers))) for name, matchers in _SELECTOR.findall(query)]


def grouped(query: str) -> frozenset[str]:
    """The labels that it groups by."""
    return frozenset(label.strip() for labels in _BY.findall(query) for label in labels.split(","))


def filters(query: str) -> frozenset[str]:
    """The metrics that only choose which series of others are shown (`and on (...)`)."""
    return frozenset(re.findall(r"\band on \([^)]*\)\s*(\w+)\{", query))


def bare_names(query: str) -> list[str]:
    """The metrics of ours that are named without a selector: those of other installs would be in the answer."""
    return re.findall(r"\b(pod_eip_\w+)\b(?!\{)", query)
