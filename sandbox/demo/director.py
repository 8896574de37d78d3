"""Puts it together: builds the world, lets the story play while a person watches, has it judged, and ends the world."""

import signal
from collections.abc import Sequence
from pathlib import Path

from rich.console import RenderableType

from controller.core import contract
from sandbox.demo import picture as svg
from sandbox.demo import report as reports
from sandbox.demo import scenes, story, tables, traces
from sandbox.demo.judge import judge
from sandbox.demo.screen import Screen
from sandbox.demo.stage import Interrupted, SceneFailed, Stage
from sandbox.demo.watcher import FAULTS, Watcher
from sandbox.world import World


def perform(
    screen: Screen, folder: Path, *, report: Path | None, picture: Path | None, keep: bool, traced: bool = False
) -> bool:
    """Play the story in a world whose files are in `folder`; whether anything was not as it should be.

    StartError, if it is to be `traced` and there is no Jaeger here.
    """
    screen.open()
    screen.say("starting EC2, DynamoDB and two Kubernetes APIs, each a process that talks HTTP")
    with (
        traces.jaeger(folder, wanted=traced) as jaeger,
        World(traces.sending(scenes.settings(), jaeger), folder) as world,
    ):
        if jaeger is not None:
            screen.say(f"traces of all Pods go to Jaeger: {jaeger.search_url()}")
        watcher = Watcher(world)
        stage = Stage(world, watcher, screen.say)
        watcher.start()
        try:
            trouble = _play(screen, stage)
            wrong = _conclude(screen, stage, trouble, report, picture)
            traces.show(screen, jaeger)
            if keep:
                _keep(screen, world)
        finally:
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                signal.signal(number, signal.SIG_IGN)  # a second Ctrl-C must not leave half of the world behind
            _end(stage, watcher)
    return wrong


def _end(stage: Stage, watcher: Watcher) -> None:
    """Stop looking, and end the replicas at once: nobody waits for what they would still do."""
    stage.ending.set()
    watcher.stop()
    for replica in stage.world.replicas():
        if replica.alive:
            replica.kill()


def _play(screen: Screen, stage: Stage) -> list[str]:
    """What went wrong on the stage, if anything."""
    with screen.watching(stage):
        try:
            story.play(stage)
        except (SceneFailed, Interrupted) as error:
            return [str(error)]
        except FAULTS as error:
            return [f"the world did not answer: {error!r}"]
    return []


def _conclude(screen: Screen, stage: Stage, trouble: Sequence[str], report: Path | None, picture: Path | None) -> bool:
    evidence, seconds = stage.evidence(), screen.seconds
    verdict = judge(evidence)
    wrong = [*trouble, *reports.faults(verdict)]
    ending: list[RenderableType] = [
        "",
        tables.clusters(evidence.picture),
        "",
        tables.pods(evidence.picture, evidence.lives, limit=40),
        "",
        reports.summary(verdict, seconds, wrong),
    ]
    for part in ending:
        screen.console.print(part)
    if report:
        report.write_text(reports.to_text(verdict, seconds), encoding="utf-8")
    if picture:
        svg.write(picture, screen.lines, ending)
    return bool(wrong)


def _keep(screen: Screen, world: World) -> None:
    """Say how to use the world, and wait for Ctrl-C."""
    say = screen.console.print
    say("\nThe world keeps running until Ctrl-C.")
    say(f"EC2       {world.ec2_url}  (AWS_ENDPOINT_URL_EC2; any key, Region us-west-2)")
    say(f"DynamoDB  {world.dynamodb_url}  (AWS_ENDPOINT_URL_DYNAMODB; {world.dynamodb_kind})")
    for cluster in world.clusters.values():
        say(f"cluster {cluster.name}  kubeconfig {cluster.kubeconfig}", soft_wrap=True)
        for replica in cluster.replicas:
            say(f"  {replica.name}  status page {replica.url}/")
    kubeconfig = world.clusters["a"].kubeconfig
    say("Give an address to a Pod that has none, and look:")
    say(
        f"  kubectl --kubeconfig {kubeconfig} -n strangers annotate pod plain {contract.ANNOTATION_TYPE}=auto\n"
        f"  kubectl --kubeconfig {kubeconfig} get pods -A -L {contract.LABEL_PUBLIC_IP}",
        soft_wrap=True,
    )
    try:
        signal.pause()
    except KeyboardInterrupt:
        say("ending the world")
