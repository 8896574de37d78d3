"""botocore's sessions, which read botocore's data files once for the whole process.

A session reads them for itself: the endpoints of all Regions, the models of the services. A replica has five sessions,
and read the same megabytes five times as it started, a third of its processor time until it could serve.
"""

from functools import cache

from botocore.loaders import Loader, create_loader
from botocore.session import Session, get_session


def new_session() -> Session:
    """A session of its own, with the files that this process has read already. Raises ProfileNotFound."""
    return with_files(get_session())


def with_files(session: Session) -> Session:
    """The same session, which finds what this process has read already. What it has loaded itself, it keeps."""
    session.register_component("data_loader", _loader(session.get_config_variable("data_path")))
    return session


@cache
def _loader(data_path: str | None) -> Loader:
    """One for each setting of AWS_DATA_PATH; botocore's own default is one for each session."""
    return create_loader(data_path)
