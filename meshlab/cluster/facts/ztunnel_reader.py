"""Pods and services as Istio's ztunnel knows them, from its configuration dump.

The dump of one ztunnel lists every workload of the mesh's clusters and how it is reached: those in ambient by HBONE.
It says nothing of containers and requests, which stay unknown.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from meshlab.cluster.facts import objects as kube
from meshlab.cluster.facts.forms import Found
from meshlab.cluster.facts.json_reader import JSON
from meshlab.errors import MeshlabError, Problem

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
    """The dump's workloads that are pods, its services, and the dump itself.

    Raises:
        MeshlabError: The text is no such dump.
    """
    try:
        dump = msgspec.json.decode(content, type=_Dump)
        looked_at = kube.evidence_of(KIND)
        evidence = JSON.decode(content, looked_at.type) if looked_at else None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
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
