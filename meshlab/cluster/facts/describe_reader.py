"""Nodes from the text of ``kubectl describe nodes``, which is all that ``istioctl bug-report`` keeps of them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from meshlab.cluster.facts.forms import Found, found
from meshlab.cluster.facts.yaml_reader import YAML

_START = re.compile(r"^Name: ", re.MULTILINE)
_SECTION = re.compile(r"^([A-Z][A-Za-z ]*):(.*)$")
_ENTRY = re.compile(r"^\s+([^:]+):\s+(.*)$")

_NODE_INFO = {
    "Kernel Version": "kernelVersion",
    "OS Image": "osImage",
    "Operating System": "operatingSystem",
    "Architecture": "architecture",
    "Kubelet Version": "kubeletVersion",
}
"""Field of a node's ``nodeInfo`` by the label that kubectl prints."""


def is_description(head: bytes) -> bool:
    """Whether a file that begins so describes nodes."""
    return head.lstrip().startswith(b"Name: ") and b"\nRoles: " in head


def read_description(content: bytes, file: str) -> Iterator[Found]:  # noqa: ARG001  (readers share one signature)
    """The nodes that the text describes."""
    text = content.decode("utf-8", "replace")
    starts = [match.start() for match in _START.finditer(text)]
    for start, end in zip(starts, [*starts[1:], len(text)], strict=True):
        sections = dict(_sections(text[start:end]))
        if "System Info" in sections:
            yield found("Node", "", _node(sections), YAML)


def _sections(text: str) -> Iterator[tuple[str, list[str]]]:
    """Heading of each section and its lines; what stands behind the heading is the first."""
    title, lines = "", []
    for line in text.splitlines():
        if heading := _SECTION.match(line):
            yield title, lines
            title, lines = heading[1], [heading[2]]
        else:
            lines.append(line)
    yield title, lines


def _node(sections: dict[str, list[str]]) -> dict[str, object]:
    """A node as the API would give it, as far as it is described."""
    info = _entries(sections["System Info"])
    capacity = _entries(sections.get("Capacity", []))
    return {
        "metadata": {
            "name": sections["Name"][0].strip(),
            "labels": _pairs(sections.get("Labels", []), "="),
            "annotations": _pairs(sections.get("Annotations", []), ":"),
        },
        "spec": {
            "providerID": (sections.get("ProviderID") or [""])[0].strip() or None,
            "taints": _taints(sections.get("Taints", [])),
        },
        "status": {
            "nodeInfo": {field: info.get(label) for label, field in _NODE_INFO.items()},
            "capacity": {name: capacity.get(name) for name in ("cpu", "memory")},
            "conditions": _conditions(sections.get("Conditions", [])),
        },
    }


def _entries(lines: list[str]) -> dict[str, str]:
    return {entry[1]: entry[2].strip() for line in lines if (entry := _ENTRY.match(line))}


def _pairs(lines: list[str], divider: str) -> dict[str, str]:
    divided = (line.strip().partition(divider) for line in lines)
    return {key: value.strip() for key, found_divider, value in divided if found_divider}


def _taints(lines: list[str]) -> list[dict[str, str]]:
    """Key and effect of each taint, written as ``key=value:effect``."""
    parts = (line.strip().rpartition(":") for line in lines)
    return [{"key": key.partition("=")[0], "effect": effect} for key, colon, effect in parts if colon]


def _conditions(lines: list[str]) -> list[dict[str, str]]:
    """Type and reason of each condition; columns are divided by two spaces or more."""
    rows = (re.split(r"\s{2,}", line.strip()) for line in lines)
    return [
        {"type": row[0], "reason": row[4]}
        for row in rows
        if len(row) > 4 and row[0] not in ("Type", "----")  # noqa: PLR2004
    ]
