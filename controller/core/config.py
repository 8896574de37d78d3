"""What a person may set, in one table: the flag, the variable, the default, the parser and the words of `--help`.

Everything else follows from `SETTINGS`: the command line, the environment, the chart and the documentation. Nothing
here reads the environment, so a test can pass in what was set. `parse` finds all faults at once, so that nobody has to
start the program again to learn of the second fault.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from controller.core import extra_tags, resync, values
from controller.core.candidacy import Timings
from controller.core.election import validate_timings
from controller.core.setting import Setting, seconds
from controller.core.values import Endpoint
from state.errors import Misconfigured


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """What the program was started with. All times are seconds; what is None is found out later, as `SETTINGS` says.

    `warnings`: lines to be logged at the start, about values that were replaced by others.
    """

    kubeconfig: str | None
    vpc_id: str | None
    region: str | None
    watch_namespace: str | None
    cluster_name: str
    log_level: str
    log_format: str | None
    resync_period: float
    resync_minimum: float
    table: str
    create_table: bool
    listen: Endpoint
    lease_name: str
    lease_namespace: str | None
    lease_duration: float
    renew_deadline: float
    retry_period: float
    call_timeout: float
    consistency_time: float
    poll_interval: float
    silence: float
    concurrency: int
    extra_tags: Mapping[str, str] | None
    policy: str | None
    tenancy: str
    pool_keys: tuple[str, ...] | None
    max_addresses: int | None
    keep_quota: int
    adopt_leftovers: bool | None
    require_allocation: bool
    trace_url: str | None
    trace_all_calls: bool
    warnings: tuple[str, ...] = ()


SETTINGS: tuple[Setting, ...] = (
    Setting(
        field="kubeconfig",
        metavar="FILE",
        parse=values.text,
        help="The kubeconfig file, outside a cluster; KUBECONFIG is not read. Default: the Pod's own service account.",
    ),
    Setting(
        field="vpc_id",
        metavar="ID",
        parse=values.vpc_id,
        help="The VPC that the Pods' network interfaces are in. Default: from instance metadata.",
    ),
    Setting(
        field="region",
        parse=values.region,
        help="The AWS Region. Default: the AWS SDK's chain, then instance metadata.",
    ),
    Setting(
        field="watch_namespace",
        parse=values.dns_label,
        help="The one namespace to watch. Default: all.",
    ),
    Setting(
        field="cluster_name",
        parse=values.tag_value,
        help="The cluster's name, for people and for tags. Required.",
    ),
    Setting(
        field="log_level",
        default="info",
        metavar="LEVEL",
        parse=values.log_level,
        help="debug, info, warn or error, in any case.",
    ),
    Setting(
        field="log_format",
        metavar="text|json",
        parse=values.one_of("text", "json"),
        help="text: a line for people. json: an object a line. Default: text on a terminal, else json.",
    ),
    # Never refused: `parse` reads it by controller/core/resync.py.
    Setting(
        field="resync_period",
        default=f"{resync.DEFAULT_S:g}",
        metavar="SECONDS",
        parse=str,
        help="How often everything is compared with EC2: 30 to 3600, what is beyond is set to that, with a warning. "
        "0, negative or unreadable: the default.",
    ),
    seconds(
        "resync_minimum",
        f"{resync.LEAST_S:g}",
        "The shortest resync period that is taken; for tests, since each comparison costs EC2 calls.",
        least=1,
        most=resync.DEFAULT_S,
    ),
    Setting(
        field="table",
        default="aws-pod-eip-controller",
        parse=values.table_name,
        help="The DynamoDB table that holds the claims.",
    ),
    Setting(
        field="create_table",
        default="false",
        metavar="BOOL",
        parse=values.boolean,
        help="Make the table if it is not there.",
    ),
    Setting(
        field="listen",
        default="0.0.0.0:8080",
        metavar="HOST:PORT",
        parse=values.endpoint,
        help="Where probes, metrics and the status page are served.",
    ),
    Setting(
        field="lease_name",
        default="aws-pod-eip-controller",
        parse=values.dns_name,
        help="The Lease that replicas compete for. The chart's default is the release's name.",
    ),
    Setting(
        field="lease_namespace",
        parse=values.dns_label,
        help="The Lease's namespace. Default: the Pod's own, or kube-system.",
    ),
    # Kubernetes keeps it as a whole number of seconds (LeaseSpec.leaseDurationSeconds).
    seconds("lease_duration", "15", "How long the Lease holds without renewal.", least=1, most=3600, whole=True),
    seconds("renew_deadline", "10", "How long a leader acts after its last renewal was sent.", least=1, most=3600),
    seconds("retry_period", "2", "How long to wait between tries to renew or take the Lease.", least=0.1, most=3600),
    seconds("call_timeout", "4", "How long one network call may take.", least=0.1, most=60),
    seconds("consistency_time", "60", "How far EC2's reads may lag behind its writes.", least=0, most=3600),
    seconds("poll_interval", "15", "How often an exhausted pool is looked at for waiting Pods.", least=0.1, most=15),
    # 150 s: five heartbeats of 30 s. Below that a busy install would look dead to the others.
    seconds(
        "silence",
        "3600",
        "After a quarter of it without a write to DynamoDB nothing new is taken; a peer silent so long counts as gone.",
        least=150,
        most=30 * 86400,
    ),
    Setting(
        field="concurrency",
        default="32",
        metavar="NUMBER",
        parse=values.whole(1, 256),
        help="How many Pods are acted for in parallel.",
    ),
    Setting(
        field="extra_tags",
        metavar="KEY=VALUE,...",
        parse=extra_tags.parse,
        help="More tags for the addresses of mode auto, such as CostCenter=42; or a JSON object of them.",
    ),
    Setting(
        field="policy",
        metavar="FILE",
        parse=values.text,
        help="Who may use what, as YAML; read again when it changes. Default: as tenancy says.",
    ),
    Setting(
        field="tenancy",
        default="open",
        metavar="open|strict",
        parse=values.one_of("open", "strict"),
        help="open: what no rule denies is allowed. strict, for tenants who do not trust each other: what no rule "
        "allows is denied, only listed tag keys are pools, and everybody has a limit.",
    ),
    Setting(
        field="pool_keys",
        metavar="GLOB,...",
        parse=values.globs,
        help="The tag keys that may be pools, as patterns with *, ? and [abc]; or a JSON list of them. "
        "Default: any in open, none in strict.",
    ),
    Setting(
        field="max_addresses",
        metavar="NUMBER",
        parse=values.whole(0, 100_000),
        help="How many addresses this install may hold. Default: any number in open, 50 in strict.",
    ),
    Setting(
        field="keep_quota",
        default="0",
        metavar="NUMBER",
        parse=values.whole(0, 100_000),
        help="How many addresses of the account's quota auto leaves for others, such as NAT gateways; 0: none.",
    ),
    Setting(
        field="adopt_leftovers",
        metavar="BOOL",
        parse=values.boolean,
        help="Take back what the Go controller left on the cluster's nodes for Pods that are gone, by its tags. "
        "Off once migration is over: tags can be forged. Default: true in open, false in strict.",
    ),
    Setting(
        field="require_allocation",
        default="false",
        metavar="BOOL",
        parse=values.boolean,
        help="Not ready while a dry run or IAM's simulator denies what auto needs, and no Pod has an address. "
        "In the chart: true.",
    ),
    Setting(
        field="trace_url",
        metavar="URL",
        parse=values.trace_url,
        help="Where a trace is shown, such as https://jaeger.example/trace/{trace_id}, or with {xray_trace_id}: the "
        "status page links to it.",
    ),
    Setting(
        field="trace_all_calls",
        default="false",
        metavar="BOOL",
        parse=values.boolean,
        help="Where traces are on: calls that serve no Pod, such as heartbeats, are spans as well. "
        "Off, only those that fail.",
    ),
)

_BY_FIELD = {setting.field: setting for setting in SETTINGS}
REQUIRED_BY_RUN = ("cluster_name",)


def parse(
    flags: Mapping[str, str | None], env: Mapping[str, str], *, required: Collection[str] = REQUIRED_BY_RUN
) -> Config:
    """The configuration that `flags` (by field; None: not given) and `env` (by variable) ask for; a flag wins.

    Raises Misconfigured with one line for each fault. A value that was replaced by another is in the result's
    `warnings`. `required` names the fields that must not be empty: some commands need fewer than the controller.
    """
    faults: list[str] = []
    found: dict[str, Any] = {s.field: _value(s, flags, env, faults, must=s.field in required) for s in SETTINGS}
    faults.extend(_contradictions(found))
    if faults:
        raise Misconfigured(faults)
    asked = found["resync_period"]
    found["resync_period"], wrong = resync.period(asked, least_s=found["resync_minimum"])
    warnings = (f"{_told(_BY_FIELD['resync_period'], asked)} {wrong}",) if wrong else ()
    return Config(**found, warnings=warnings)


def _value(
    setting: Setting, flags: Mapping[str, str | None], env: Mapping[str, str], faults: list[str], *, must: bool
) -> object:
    """The parsed value, or None with a line in `faults`. An empty flag asks for the default, whatever the variable."""
    flag = flags.get(setting.field)
    given = (env.get(setting.env, "") if flag is None else flag).strip()
    raw = given or setting.default
    if raw is None:
        if must:
            faults.append(f"{setting.flag} ({setting.env}) is required and not set")
        # An unset optional setting is None; a required one that this command does not need is empty.
        return "" if setting.field in REQUIRED_BY_RUN else None
    try:
        return setting.parse(raw)
    except ValueError as fault:
        faults.append(f"{_told(setting, raw)} {fault}")
        return None


def _told(setting: Setting, raw: str) -> str:
    """The beginning of a sentence about what was written for a setting."""
    return f"{setting.flag} ({setting.env}): {_shown(raw)}"


def _shown(raw: str) -> str:
    """The bad value on one line and of a bearable length, whatever is in it."""
    shown = repr(raw)
    return shown if len(shown) <= 100 else shown[:96] + "...'"


def _contradictions(found: Mapping[str, Any]) -> list[str]:
    """Times that contradict each other, a line for each; nothing where one of them could not be parsed."""
    times = {field: found[field] for field in ("lease_duration", "renew_deadline", "retry_period", "call_timeout")}
    return [] if None in times.values() else validate_timings(Timings(**times))
