"""The files of a plan: a runbook to rehearse a move by, and an experiment that is run and read back."""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import groupby
from string import Template
from typing import Any

from meshlab.models.overhead import dataplanes
from meshlab.planning.migration.assumptions import NEW_RANGE
from meshlab.planning.migration.routes import host_lines, root_namespace
from meshlab.planning.migration.text import BASES, answers, place_text, step_time
from meshlab.reviews.measurement_plan import CLIENTS, results_table
from meshlab.show.report import plain_templates
from meshlab.tables import resource
from meshlab.units import significant

# --- a move --------------------------------------------------------------------------------------------------------

PHASES = {"write": "Write and agree", "prepare": "Prepare", "window": "In the window", "after": "Afterwards"}

NAME = re.compile(r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?")
"""What Kubernetes takes for a name; a dump may hold anything."""

PROVIDERS = {"aws-vpc": ("EKS", "AmazonVPC"), "azure-cni": ("AKS", "AzureVNET"), "gke-legacy": ("GKE", "GKE")}
"""How Tigera's operator calls the platform of a provider's plugin, and that plugin."""


def runbook(plan: Mapping[str, Any]) -> dict[str, str]:
    """The files of a rehearsal by their names: ``runbook.md``, and what its steps apply under ``manifests/``."""
    first = {name: value if NAME.fullmatch(value or "") else None for name, value in plan["first"].items()}
    namespace = first["namespace"] or "NAMESPACE"
    steps: list[dict[str, Any]] = [
        {
            **step,
            **{name: _named(step[name], namespace) for name in ("check", "rollback", "abort")},
            "lines": _named(step["command"], namespace).split("; "),
            "number": number,
            "often": "once" if step["scope"] == "once" else f"each {step['scope']}, {_times(step['units'])}",
            "time": step_time(step),
        }
        for number, step in enumerate(plan["steps"], 1)
    ]
    last = max((step["number"] for step in steps if step["phase"] == "window"), default=0)
    page = plain_templates().get_template("runbook.md.j2")
    text = page.render(
        plan=plan,
        today=place_text(plan["from"]),
        target=place_text(plan["to"]),
        namespace=namespace,
        pool=first["pool"],
        answers=answers(plan),
        bases=BASES,
        phases=[(head, list(own)) for head, own in groupby(steps, lambda step: _head(step, last))],
    )
    names = dict.fromkeys(step["manifest"] for step in steps if step["manifest"])
    return {"runbook.md": text, **{f"manifests/{name}": _manifest(name, plan, namespace) for name in names}}


def _head(step: Mapping[str, Any], last: int) -> str:
    """The heading above a step: what another step of a window follows is no afterwards."""
    return PHASES["window" if step["phase"] == "after" and step["number"] < last else step["phase"]]


def _named(text: str, namespace: str) -> str:
    return re.sub(r"\bNAMESPACE\b", namespace, text)


def _times(units: int | None) -> str:
    return "how often is not known" if units is None else f"{units:,} times"


def _manifest(name: str, plan: Mapping[str, Any], namespace: str) -> str:
    """A manifest with what the plan knows filled in; what it does not know stays a word in capitals."""
    provider, cni_type = PROVIDERS.get(plan["to"]["cni"], ("PROVIDER", "CNI_TYPE"))
    enterprise = "enterprise" in str(plan["to"]["edition"]["cni"])
    traced = plan["called"].get(plan["first"]["namespace"])
    ports = {row["name"]: row["value"] for row in plan["assumptions"]}
    template = Template((resource("templates") / "manifests" / name).read_text(encoding="utf-8"))
    return template.substitute(
        NAMESPACE=namespace,
        POD_CIDR=plan["first"][NEW_RANGE] or "NEW_RANGE",
        TUNNEL_PORT=int(ports.get("tunnel_port", 8473)),
        PROVIDER=provider,
        CNI_TYPE=cni_type,
        VARIANT="TigeraSecureEnterprise" if enterprise else "Calico",
        ROOT_NAMESPACE=root_namespace(plan["to"]["edition"]["mesh"]),
        CALLED=host_lines(None if traced is None else filter(NAME.fullmatch, traced)),
    )


# --- an experiment -------------------------------------------------------------------------------------------------

SECONDS = 120
"""How long one run takes. [s]"""

JOINS = {
    "istio-sidecar": "    istio-injection: enabled\n",
    "istio-ambient": "    istio.io/dataplane-mode: ambient\n    istio.io/use-waypoint: waypoint\n",
    "linkerd": "  annotations:\n    linkerd.io/inject: enabled\n",
    "cilium": "",
}
"""What puts a namespace into the mesh of a data plane, below the labels of its metadata."""

CONTAINERS = {
    "istio-sidecar": 'namespace="meshlab-candidate", container="istio-proxy"',
    "istio-ambient": 'pod=~"ztunnel-.*|waypoint-.*", container="istio-proxy"',
    "linkerd": 'namespace="meshlab-candidate", container="linkerd-proxy"',
    "cilium": 'namespace="kube-system", container=~"cilium-agent|cilium-envoy"',
}
"""Where the containers of a data plane are seen in Prometheus."""


def measurement_files(plan: Mapping[str, Any]) -> dict[str, str]:
    """The files by their names: ``measurement.md``, and what it applies and fills in.

    Args:
        plan: As ``reviews.measurement_plan.measurement_plan`` gives it.
    """
    environment = plain_templates()
    environment.filters["amount"] = significant
    page = environment.get_template("measurement.md.j2")
    dataplane = plan["dataplane"]
    if dataplane is None:
        return {"measurement.md": page.render(plan=plan)}
    where = CONTAINERS[dataplane]
    is_grpc = plan["scenario"]["protocol"] == "grpc"
    text = page.render(
        plan=plan,
        label=dataplanes()[dataplane].label,
        clients=CLIENTS,
        seconds=SECONDS,
        rate=int(plan["scenario"]["requests_per_second"] / CLIENTS),
        grpc="-grpc -ping " if is_grpc else "",
        url="server:8079" if is_grpc else "http://server:8080/",
        queries={
            "data_plane_cpu_cores": f"sum(rate(container_cpu_usage_seconds_total{{{where}}}[{SECONDS}s]))",
            "data_plane_memory_gib": f"sum(container_memory_working_set_bytes{{{where}}}) / 2^30",
        },
    )
    manifest = environment.get_template("measurement.yaml.j2")
    waypoint = dataplane == "istio-ambient" and plan["scenario"]["l7_traffic_share"]
    sides = (("baseline", "", False), ("candidate", JOINS[dataplane], waypoint))
    manifests = {
        f"manifests/{side}.yaml": manifest.render(side=side, joins=joins, waypoint=routed, clients=CLIENTS)
        for side, joins, routed in sides
    }
    return {"measurement.md": text, **manifests, "measured.csv": results_table(plan)}
