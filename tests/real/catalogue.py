"""The real parts that tests run on: which there are, at which versions, and by which recipe each is made.

The versions stand once: in the go.mod, pom.xml or package.json of the recipe, where the tools that check and
update them look.
"""

import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from sandbox import parts_cache

RECIPES = Path(__file__).parent / "parts"
KUBERNETES = ("1.37", "1.34")  # the newest and the oldest minor version that we test on; the first is the default
Tool = Literal["go", "mvn", "npm"]
RECIPE: dict[Tool, tuple[str, str]] = {
    "go": ("go.mod", r"\s{} v(\S+)"),
    "npm": ("package.json", r'"{}": "([^"]+)"'),
    "mvn": ("pom.xml", r"<artifactId>{}</artifactId>\s*<version>([^<]+)"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One program, or for Maven one folder of jars, for npm one of packages.

    `source` is its package path below the module's own path. With `own_main` its main package is the recipe itself;
    with `on_path`, any version that is installed on the machine does. `tags` are Go's build tags.
    """

    name: str
    recipe: Path
    module: str
    source: str = ""
    tool: Tool = "go"
    on_path: bool = False
    own_main: bool = False
    tags: str = ""

    @property
    def version(self) -> str:
        """The version in the recipe, without the leading v."""
        file, pattern = RECIPE[self.tool]
        match = re.search(pattern.format(re.escape(self.module)), (self.recipe / file).read_text())
        if match is None:
            raise ValueError(f"{self.recipe} does not name a version of {self.module}")
        return match.group(1)

    @property
    def folder(self) -> Path:
        """Where it is kept once it is complete."""
        return parts_cache.folder(self.name, self.version)

    def program(self) -> Path | None:
        """Its executable, from `$KUBEBUILDER_ASSETS`, the cache or the PATH; None if it is nowhere."""
        installed = shutil.which(self.name) if self.on_path else None
        return parts_cache.program(self.name, self.version) or (Path(installed) if installed else None)


def parts(kubernetes: str = KUBERNETES[0]) -> dict[str, Part]:
    """All parts by name, the quick ones first, with the programs of Kubernetes at one minor version."""
    if kubernetes not in KUBERNETES:
        raise ValueError(f"Kubernetes {kubernetes}: the versions with a recipe are {', '.join(KUBERNETES)}")
    known = [
        Part(name="axe", recipe=RECIPES / "axe", module="axe-core", tool="npm"),
        Part(name="dynamodb-local", recipe=RECIPES / "dynamodb-local", module="DynamoDBLocal", tool="mvn"),
        Part(name="etcd", recipe=RECIPES / "etcd", module="go.etcd.io/etcd/server/v3"),
    ]
    recipe = RECIPES / f"kubernetes-{kubernetes}"
    for name in ("kube-apiserver", "kubectl", "kube-controller-manager", "kube-scheduler"):
        source, on_path = f"/cmd/{name}", name == "kubectl"
        known.append(Part(name=name, recipe=recipe, module="k8s.io/kubernetes", source=source, on_path=on_path))
    known.append(Part(name="kwok", recipe=RECIPES / "kwok", module="sigs.k8s.io/kwok", source="/cmd/kwok"))
    known.append(Part(name="krew", recipe=RECIPES / "krew", module="sigs.k8s.io/krew", source="/cmd/krew"))
    known.append(Part(name="helm", recipe=RECIPES / "helm", module="helm.sh/helm/v4", source="/cmd/helm"))
    known.append(
        Part(name="otelcol", recipe=RECIPES / "otelcol", module="go.opentelemetry.io/collector/otelcol", own_main=True)
    )
    known.append(
        Part(name="jaeger", recipe=RECIPES / "jaeger", module="github.com/jaegertracing/jaeger", source="/cmd/jaeger")
    )
    module, recipe = "github.com/prometheus/prometheus", RECIPES / "promtool"
    # Without the clients of all clouds: they are most of it, and rules need none.
    known.append(Part(name="promtool", recipe=recipe, module=module, source="/cmd/promtool", tags="remove_all_sd"))
    return {part.name: part for part in known}
