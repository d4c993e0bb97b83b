"""A plan as a runbook to rehearse by: Markdown with boxes to tick, and manifests for the first namespace or pool."""

from __future__ import annotations

import re
from collections.abc import Mapping
from string import Template
from typing import Any

from meshlab.planning.migration.assumptions import NEW_RANGE
from meshlab.planning.migration.text import BASES, answers, place_text, step_time
from meshlab.show.report.documents import plain_templates
from meshlab.tables import resource

PHASES = {"prepare": "Prepare", "window": "In the window", "after": "Afterwards"}

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
            **{name: _filled(step[name], namespace) for name in ("check", "rollback", "abort")},
            "lines": _filled(step["command"], namespace).split("; "),
            "number": number,
            "often": "once" if step["scope"] == "once" else f"each {step['scope']}, {_times(step['units'])}",
            "time": step_time(step),
        }
        for number, step in enumerate(plan["steps"], 1)
    ]
    page = plain_templates().get_template("runbook.md.j2")
    text = page.render(
        plan=plan,
        today=place_text(plan["from"]),
        target=place_text(plan["to"]),
        namespace=namespace,
        pool=first["pool"],
        answers=answers(plan),
        bases=BASES,
        phases={
            head: own for phase, head in PHASES.items() if (own := [row for row in steps if row["phase"] == phase])
        },
    )
    names = dict.fromkeys(step["manifest"] for step in steps if step["manifest"])
    return {"runbook.md": text, **{f"manifests/{name}": _manifest(name, plan, namespace) for name in names}}


def _filled(text: str, namespace: str) -> str:
    return re.sub(r"\bNAMESPACE\b", namespace, text)


def _times(units: int | None) -> str:
    return "how often is not known" if units is None else f"{units:,} times"


def _manifest(name: str, plan: Mapping[str, Any], namespace: str) -> str:
    """A manifest with what the plan knows filled in; what it does not know stays a word in capitals."""
    provider, cni_type = PROVIDERS.get(plan["to"]["cni"], ("PROVIDER", "CNI_TYPE"))
    enterprise = "enterprise" in str(plan["to"]["edition"]["cni"])
    ports = {row["name"]: row["value"] for row in plan["assumptions"]}
    template = Template((resource("templates") / "manifests" / name).read_text(encoding="utf-8"))
    return template.substitute(
        NAMESPACE=namespace,
        POD_CIDR=plan["first"][NEW_RANGE] or "NEW_RANGE",
        TUNNEL_PORT=int(ports.get("tunnel_port", 8473)),
        PROVIDER=provider,
        CNI_TYPE=cni_type,
        VARIANT="TigeraSecureEnterprise" if enterprise else "Calico",
    )
