"""A copy of the source in which what takes an hour in an installation takes seconds: for replicas of the tests."""

from tests.faults.mutants import Edit

QUICKLY = (
    Edit(file="controller/core/config.py", text="        least=150,\n", instead="        least=1,\n"),
    Edit(file="controller/engine/housekeeping.py", text="HEARTBEAT_S = 30.0", instead="HEARTBEAT_S = 1.5"),
    Edit(file="controller/engine/housekeeping.py", text="BEAT_RETRY_S = 5.0", instead="BEAT_RETRY_S = 0.5"),
    Edit(file="controller/engine/housekeeping.py", text="QUEUE_BEAT_S = 10.0", instead="QUEUE_BEAT_S = 0.5"),
    Edit(file="controller/core/scopes.py", text="STILL_S = 65.0", instead="STILL_S = 4.0"),
    Edit(file="controller/core/turns.py", text="MARGIN_S = 30.0", instead="MARGIN_S = 3.0"),
)
