"""botocore's models of services, reduced to what is called: all 700 operations of EC2 would stay in memory for good."""

from typing import Any

from botocore.session import Session


def load_only(session: Session, service: str, operations: frozenset[str]) -> None:
    """Drop the other operations, and the shapes that only they use, from the model that the session will use.

    botocore's loader caches what it loaded and returns the same dictionary again. If that ever changes, only the saving
    of memory is lost.
    """
    model: dict[str, Any] = session.get_component("data_loader").load_service_model(service, "service-2")
    model["operations"] = {name: spec for name, spec in model["operations"].items() if name in operations}
    roots = [
        spec[side]["shape"] for spec in model["operations"].values() for side in ("input", "output") if side in spec
    ]
    model["shapes"] = _reachable(model["shapes"], roots)


def _reachable(shapes: dict[str, Any], names: list[str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    while names:
        name = names.pop()
        if name not in found:
            shape = found[name] = shapes[name]
            parts = [
                *shape.get("members", {}).values(),
                *(shape[key] for key in ("member", "key", "value") if key in shape),
            ]
            names += [part["shape"] for part in parts]
    return found
