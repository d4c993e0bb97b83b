"""Which reader takes a file: known by how it begins, never by its name. Two rare forms are read here.

Of nodes ``istioctl bug-report`` keeps nothing but the text of ``kubectl describe nodes``. The configuration dump of one
ztunnel lists every workload of the mesh's clusters and how it is reached, those in ambient mode by HBONE; it says
nothing of containers and requests, which stay unknown.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import cache

import msgspec

from meshlab.cluster.facts import objects as kube
from meshlab.cluster.facts.forms import Found, found
from meshlab.cluster.facts.json_reader import JSON, JSON_FAULTS, read_json
from meshlab.cluster.facts.paths import evidence_of
from meshlab.cluster.facts.yaml_reader import MESSAGE, YAML, read_yaml
from meshlab.errors import MeshlabError, Problem
from meshlab.tables import read_table

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


KIND = "ZtunnelConfigDump"
"""Name under which signatures look at the dump itself."""

_HEAD_KEYS = (b'"certificates"', b'"adminAddr"')


class _Workload(msgspec.Struct, gc=False, rename="camel"):
    name: kube.Text = None
    namespace: kube.Text = None
    network_mode: kube.Text = None
    protocol: kube.Text = None
    uid: str = ""


class _Service(msgspec.Struct, gc=False, rename="camel"):
    name: kube.Text = None
    namespace: kube.Text = None


class _Dump(msgspec.Struct, gc=False, rename="camel"):
    workloads: list[_Workload]
    services: list[_Service] = []


def is_ztunnel(head: bytes) -> bool:
    """Whether a file that begins so is a ztunnel's configuration dump."""
    return all(key in head for key in _HEAD_KEYS)


def read_ztunnel(content: bytes, file: str) -> Iterator[Found]:
    """The dump's workloads that are pods, its services, and the dump itself."""
    try:
        dump = msgspec.json.decode(content, type=_Dump)
        looked_at = evidence_of(KIND)
        evidence = JSON.decode(content, looked_at.type) if looked_at else None
    except JSON_FAULTS:
        raise MeshlabError(Problem(file, "is no whole ztunnel dump", "save it again with istioctl")) from None
    yield Found(KIND, "", kube.Plain(), evidence)
    for workload in dump.workloads:
        if "/Pod/" in workload.uid:
            yield Found("Pod", "", _pod(workload))
    for service in dump.services:
        yield Found("Service", "", kube.Plain(metadata=kube.Metadata(service.name, service.namespace)))


def _pod(workload: _Workload) -> kube.Pod:
    redirection = "enabled" if workload.protocol == "HBONE" else None
    return kube.Pod(
        metadata=kube.PodMetadata(
            workload.name, workload.namespace, annotations=kube.PodAnnotations(redirection=redirection)
        ),
        spec=kube.PodSpec(host_network=workload.network_mode == "HostNetwork"),
        status=kube.PodStatus(phase="Running"),
    )


HEAD_BYTES = 64 * 2**10
"""How much of a file's beginning decides."""

Reader = Callable[[bytes, str], Iterator[Found]]
"""Content and name of a file to its objects."""

_KIND = re.compile(rb"""["']?\b(kind|items)["']?\s*:""")
_METADATA = re.compile(rb'"metadata"\s*:')
_TELLING = re.compile(rb'"(?:nodeInfo|containers|selfLink|podSelector|clusterIP|infrastructureName|networkType)"\s*:')
"""What objects hold that do not say their kind."""

_VERSION = re.compile(rb"""["']?\bapiVersion["']?\s*:""")


def is_json(head: bytes) -> bool:
    """Whether a file that begins so is meant as JSON."""
    return head.lstrip()[:1] in (b"{", b"[")


_DOCUMENT = re.compile(rb"^\{(?:\s*$|\s*\")(?!\s*\x1b)", re.MULTILINE)


def has_documents(head: bytes) -> bool:
    """Whether JSON begins in the first column of a file that begins otherwise, as after a message of kubectl."""
    return _DOCUMENT.search(head) is not None


PACKED = {b"\x28\xb5\x2f\xfd": "zstd", b"7z\xbc\xaf": "7-Zip"}
"""Archives that are not read, by their beginning."""


def is_unreadable(head: bytes) -> bool:
    """Whether a file that begins so is packed otherwise, or written for people, an error of kubectl included."""
    return head.startswith(tuple(PACKED)) or _refusal(head) is not None


@cache
def _refused_forms() -> tuple[tuple[re.Pattern[bytes], str, str], ...]:
    rows = read_table("facts/refused_forms").select("pattern", "what", "todo").iter_rows()
    return tuple((re.compile(pattern.encode(), re.MULTILINE), what, todo) for pattern, what, todo in rows)


def _refusal(head: bytes) -> tuple[str, str] | None:
    """What a file is that begins so and holds no object, and what to give instead."""
    found = _form_of(head)
    return None if found is None or has_documents(head) or _KIND.search(head) else found


def _form_of(head: bytes) -> tuple[str, str] | None:
    """The known form that a file begins with, behind messages of kubectl or not, and what to give instead."""
    heads = (head, MESSAGE.sub(b"", head).lstrip()) if MESSAGE.match(head) else (head,)
    forms = ((each, form) for each in heads for form in _refused_forms())
    return next(((what, todo) for each, (pattern, what, todo) in forms if pattern.match(each)), None)


def refuse_form(content: bytes, file: str) -> None:
    """Refuse a file that holds no object where its form is known, and a text that names no kind of object."""
    if form := _form_of(content[:HEAD_BYTES]):
        raise MeshlabError(Problem(file, *form, 1))
    if not _KIND.search(content):
        raise MeshlabError(Problem(file, *NOTHING))


NOTHING = "holds no Kubernetes objects", "give the output of kubectl get nodes,pods,services -A -o json, or a bundle"
"""What is said of a file or folder without any, and what to give instead."""


ERROR = "holds nothing but an error of kubectl"
"""What is said of an error, with what it means in words of ours: its own may name users and hosts."""


def refuse(content: bytes, file: str) -> Iterator[Found]:
    """Refuse the file, and say what to give instead."""
    if packer := next((name for start, name in PACKED.items() if content.startswith(start)), None):
        raise MeshlabError(Problem(file, f"is packed by {packer}", "unpack it, or pack it with gzip or zip"))
    head = content[:HEAD_BYTES]
    what, todo = _refusal(head) or ("", "")
    if what == ERROR:
        rows = read_table("facts/kubectl_errors").drop_nulls("what").select("pattern", "what", "todo").iter_rows()
        text = head.decode("utf-8", "replace")
        told = ((f"{ERROR}: {meaning}", advice) for pattern, meaning, advice in rows if re.search(pattern, text))
        what, todo = next(told, (what, todo))
    raise MeshlabError(Problem(file, what, todo, 1))
    yield  # a reader is a generator


READERS: tuple[tuple[Callable[[bytes], bool], Reader], ...] = (
    (is_ztunnel, read_ztunnel),
    (is_description, read_description),
    (is_unreadable, refuse),
    (is_json, read_json),
    (has_documents, read_json),
    (lambda _: True, read_yaml),
)
"""Readers, each with what it recognises; the first that recognises a file reads it."""


def reader_of(content: bytes) -> Reader:
    """The reader of a file."""
    head = content[:HEAD_BYTES]
    return next(reader for recognises, reader in READERS if recognises(head))


def looks_like_objects(content: bytes) -> bool:
    """Whether a file among many holds Kubernetes objects, so that it must be readable.

    Others (settings, logs, results of tools) are passed over, broken or not.
    """
    if _KIND.search(content) and _VERSION.search(content):
        return True
    head = content[:HEAD_BYTES]
    if is_json(head) and _METADATA.search(head) and _TELLING.search(content):
        return True
    return head.lstrip()[:1] == b"[" or is_ztunnel(head) or is_description(head)
