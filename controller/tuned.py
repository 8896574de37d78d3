"""How the engine and the election are tuned, and what plans know of the install, from the settings."""

from controller.core.candidacy import Timings
from controller.core.config import Config
from controller.core.situation import Facts
from controller.engine.tuning import Tuning
from state.model import InstallKey


def tuning_of(config: Config, region: str, install: InstallKey) -> Tuning:
    """The engine's settings."""
    return Tuning(
        facts=_facts_of(config, region, install),
        threads=config.concurrency,
        consistency_s=config.consistency_time,
        poll_interval_s=config.poll_interval,
        resync_s=config.resync_period,
        silence_s=config.silence,
    )


def timings_of(config: Config) -> Timings:
    """The election's settings."""
    return Timings(
        lease_duration=config.lease_duration,
        renew_deadline=config.renew_deadline,
        retry_period=config.retry_period,
        call_timeout=config.call_timeout,
    )


def _facts_of(config: Config, region: str, install: InstallKey) -> Facts:
    strict, adopt = config.tenancy == "strict", config.adopt_leftovers
    return Facts(
        install=install,
        cluster_name=config.cluster_name,
        home_border_group=region,
        extra_tags=config.extra_tags or {},
        discreet=strict,
        adopt_leftovers=not strict if adopt is None else adopt,
    )
