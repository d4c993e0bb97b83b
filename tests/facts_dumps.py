"""Small dumps for the tests of facts: objects as the API server gives them, cut to what a test is about."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path

from meshlab.cluster.facts import read_facts

Object = dict[str, object]


def container(name: str = "app", image: str = "example.com/app:1", **fields: object) -> Object:
    """A container; further fields as they stand in the object."""
    return {"name": name, "image": image, **fields}


def asking(cpu: str | None = None, memory: str | None = None, name: str = "app", **fields: object) -> Object:
    """A container that requests processor time and memory."""
    amounts = {"cpu": cpu, "memory": memory}
    requests = {resource: amount for resource, amount in amounts.items() if amount is not None}
    return container(name, resources={"requests": requests}, **fields)


def pod(name: str = "web-1", namespace: str = "shop", phase: str = "Running", **spec: object) -> Object:
    """A pod; further fields are those of its specification."""
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"containers": [container()], **spec},
        "status": {"phase": phase},
    }


def node(name: str = "node-1", kernel: str = "5.15.0-91-generic", **metadata: object) -> Object:
    """A node that runs Linux; further fields are those of its metadata."""
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name, **metadata},
        "spec": {},
        "status": {
            "capacity": {"cpu": "4", "memory": "16Gi"},
            "nodeInfo": {
                "kernelVersion": kernel,
                "osImage": "Ubuntu 22.04.3 LTS",
                "operatingSystem": "linux",
                "architecture": "amd64",
                "kubeletVersion": "v1.29.1",
            },
        },
    }


def resource(
    kind: str, api_version: str, name: str = "default", namespace: str | None = None, **body: object
) -> Object:
    """Any other object; further fields are its own."""
    place = {} if namespace is None else {"namespace": namespace}
    return {"apiVersion": api_version, "kind": kind, "metadata": {"name": name, **place}, **body}


def listed(*objects: Object, kind: str = "List") -> Object:
    """A List of objects."""
    return {"apiVersion": "v1", "kind": kind, "items": list(objects)}


def write(folder: Path, *objects: Object, name: str = "dump.json") -> Path:
    """A file with a List of the objects."""
    path = folder / name
    path.write_text(json.dumps(listed(*objects)))
    return path


def facts(folder: Path, *objects: Object) -> dict[str, object]:
    """Facts of the objects."""
    return read_facts([write(folder, *objects)])


def tar_gz(path: Path, files: dict[str, str | bytes]) -> Path:
    """An archive of the files."""
    with tarfile.open(path, "w:gz") as archive:
        for name, content in files.items():
            data = content.encode() if isinstance(content, str) else content
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    return path
