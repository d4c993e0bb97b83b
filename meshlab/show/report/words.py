"""Values, options, reasons and changes in the words of a report."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from meshlab.kept import kept
from meshlab.reviews.record import HeadlineFigure, Review
from meshlab.scenario import inputs
from meshlab.show import charts, theme
from meshlab.tables import read_table
from meshlab.units import significant

STATUS_WORDS = {
    "stated": "stated by the team",
    "measured": "read from the cluster",
    "inferred": "inferred from the cluster",
    "assumed": "assumed by the team",
    "stand-in": "stands in, for the dump shows none",
    "default": "default of meshlab",
    "unknown": "unknown",
}
"""Where a value comes from, in words."""


PLUGINS = {
    "aws-vpc": "the Amazon VPC CNI",
    "azure-cni": "Azure CNI",
    "gke-legacy": "GKE's legacy data plane",
    "flannel": "Flannel",
    "canal": "Canal",
    "weave": "Weave Net",
    "antrea": "Antrea",
    "ovn-kubernetes": "OVN-Kubernetes",
    "openshift-sdn": "OpenShift SDN",
    "kube-router": "kube-router",
    "kindnet": "kindnet",
    "other": "the plugin of today",
}
"""Network plugins that run today and are no recommendation, in words."""


def value_text(value: object) -> str:
    """A value of an input as a person writes it; a missing one is ``unknown``."""
    if value is None:
        return "unknown"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return ", ".join(map(need_label, value)) or "none"
    if isinstance(value, float):
        return f"{value:,.0f}" if value == round(value) and abs(value) >= 1 else significant(value)
    return f"{value:,}" if isinstance(value, int) else str(value)


@kept
def _need_labels() -> dict[str, str]:
    return dict(read_table("needs").select("need", "label").iter_rows())


def need_label(need: object) -> str:
    """A capability in words; an id that nobody declared stays as it is."""
    return _need_labels().get(str(need), str(need))


def input_label(name: str) -> str:
    """Label of an input; a need written as ``needs: mtls`` or a name that nobody declared stays readable."""
    return inputs()[name].label if name in inputs() else name


def option_text(option: str, current_cni: object = None) -> str:
    """A recommendation in words, as a heading begins; staying put names what stays."""
    if option == "stay" and isinstance(current_cni, str):
        return f"Stay on {theme.OPTIONS.get(current_cni) or PLUGINS.get(current_cni, current_cni)}"
    return theme.OPTIONS.get(option, option)


def found_text(found: object) -> str:
    """What was found where a requirement is not met, inputs and needs by their labels."""
    words = value_text(found)
    for name, spec in inputs().items():
        words = re.sub(rf"(^|, ){name} ", lambda match, label=spec.label: f"{match[1]}{label}: ", words)
    words = re.sub(r"\w+", lambda match: need_label(match[0]), words) if ": " in words else words
    return words.removeprefix("cni ")


def lack_text(lack: Mapping[str, Any]) -> str:
    """What an option needs and what was found instead, or which facts would tell."""
    requirement = str(lack["requirement"])
    asked = need_label(requirement)
    needs = f"{asked} is asked for" if requirement in _need_labels() else f"needs {requirement}"
    if lack["missing"]:
        return f"{needs}; not known: {', '.join(map(input_label, lack['missing']))}"
    return f"{needs}; found: {found_text(lack['found'])}"


def saving_text(figures: Sequence[HeadlineFigure]) -> str:
    """Why a headline figure may be negative, where one of them is."""
    return charts.SAVING if any(item.recommended_lo < 0 for item in figures) else ""


def reason_text(reason: str) -> str:
    """A reason in words: one that begins with the id of an option, and perhaps of a need, gets their labels."""
    option, colon, rest = reason.partition(": ")
    if not colon or option not in theme.OPTIONS:
        return reason
    word, space, tail = rest.partition(" ")
    return f"{theme.OPTIONS[option]}: {need_label(word)}{space}{tail}"


def change_text(change: Mapping[str, object]) -> str:
    """One change of a fact in words; of a list of needs only what comes and what goes."""
    label, before, after = input_label(str(change["input"])), change["from"], change["to"]
    if isinstance(before, list) and isinstance(after, list):
        added, gone = ([item for item in one if item not in other] for one, other in ((after, before), (before, after)))
        parts = [f"{verb} {value_text(items)}" for verb, items in (("with", added), ("without", gone)) if items]
        return f"{label}: {' and '.join(parts)}"
    return f"{label}: {value_text(after)} instead of {value_text(before)}"


def title_text(review: Review) -> str:
    """The verdict in one line."""
    return f"{option_text(review.verdict.cni, review.scenario['current_cni'])}; {option_text(review.verdict.mesh)}"
