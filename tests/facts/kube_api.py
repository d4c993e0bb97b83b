"""A Kubernetes API on loopback that serves recorded lists, for tests with the real kubectl."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import parse_qs, urlsplit

import yaml

RESOURCES = {
    "/api/v1": {
        "nodes": "Node",
        "pods": "Pod",
        "services": "Service",
        "namespaces": "Namespace",
        "configmaps": "ConfigMap",
        "secrets": "Secret",
    },
    "/apis/apps/v1": {"daemonsets": "DaemonSet"},
    "/apis/policy/v1": {"poddisruptionbudgets": "PodDisruptionBudget"},
    "/apis/networking.k8s.io/v1": {"networkpolicies": "NetworkPolicy"},
}
"""What the server keeps, by path."""


class KubeApi:
    """What the server was asked, and what it answers.

    Args:
        objects: Objects by resource, such as pods.
    """

    def __init__(self, objects: dict[str, list[dict]]) -> None:
        self.objects = objects
        self.requests: list[tuple[str, str]] = []
        self.faults: dict[str, Iterator[Callable[[BaseHTTPRequestHandler], None] | None]] = {}
        self.url = ""

    def fail(self, resource: str, *faults: Callable[[BaseHTTPRequestHandler], None] | None) -> None:
        """The next requests for the resource meet these faults; None is an answer as usual, as all further ones are."""
        self.faults[resource] = iter(faults)

    def asked(self, resource: str) -> list[dict[str, list[str]]]:
        """Parameters of each list request for the resource."""
        split = [urlsplit(path) for _, path in self.requests]
        return [parse_qs(one.query) for one in split if one.path.endswith(f"/{resource}")]

    def answer(self, path: str) -> dict | None:
        """The body of a GET; None where there is no such thing."""
        place, query = urlsplit(path).path, parse_qs(urlsplit(path).query)
        if place == "/version":
            return {"major": "1", "minor": "32", "gitVersion": "v1.32.4"}
        if place == "/apis":
            names = [base.split("/")[2:] for base in RESOURCES if base.startswith("/apis/")]
            groups = [{"name": name, "preferredVersion": {"version": version}} for name, version in names]
            return {"kind": "APIGroupList", "groups": groups}
        if place in RESOURCES:
            resources = [{"name": name, "kind": kind} for name, kind in RESOURCES[place].items()]
            return {"kind": "APIResourceList", "resources": resources}
        base, _, resource = place.rpartition("/")
        kind = RESOURCES.get(base, {}).get(resource)
        return None if kind is None else self._list(kind, base, resource, query)

    def _list(self, kind: str, base: str, resource: str, query: dict[str, list[str]]) -> dict:
        start, limit = int(query.get("continue", ["0"])[0]), int(query["limit"][0])
        items = [
            {key: value for key, value in one.items() if key not in ("kind", "apiVersion")}
            for one in self.objects.get(resource, [])
        ]
        metadata = {"continue": str(start + limit)} if start + limit < len(items) else {}
        version = base.removeprefix("/apis/").removeprefix("/api/")
        return {
            "kind": f"{kind}List",
            "apiVersion": version,
            "metadata": metadata,
            "items": items[start : start + limit],
        }


def status(code: int, reason: str, **headers: str) -> Callable[[BaseHTTPRequestHandler], None]:
    """A fault: the server refuses in the way of Kubernetes."""

    def refuse(handler: BaseHTTPRequestHandler) -> None:
        body = json.dumps(
            {
                "kind": "Status",
                "apiVersion": "v1",
                "status": "Failure",
                "reason": reason,
                "message": "token=hunter2",
                "code": code,
            }
        )
        handler.send_response(code)
        for name, value in {"Content-Type": "application/json", "Content-Length": str(len(body)), **headers}.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.end_headers()
        handler.wfile.write(body.encode())

    return refuse


def cut(handler: BaseHTTPRequestHandler) -> None:
    """A fault: the connection breaks in the middle of an answer."""
    handler.send_response(200)
    handler.send_header("Content-Type", "application/json")
    handler.send_header("Content-Length", "100000")
    handler.end_headers()
    handler.wfile.write(b'{"kind":"PodList","items":[')
    handler.close_connection = True


@contextmanager
def serving(api: KubeApi) -> Iterator[KubeApi]:
    """Serve the API on a free port of loopback until the block ends."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_one(self) -> None:
            api.requests.append((self.command, self.path))
            resource = urlsplit(self.path).path.rpartition("/")[2]
            fault = next(api.faults.get(resource, iter(())), None)
            if fault is not None:
                fault(self)
                return
            body = api.answer(self.path) if self.command == "GET" else None
            if body is None:
                status(404, "NotFound")(self)
                return
            content = json.dumps(body).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = handle_one  # noqa: N815

        def log_message(self, *_: object) -> None:
            """Nothing: the test reads what was asked."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    api.url = f"http://127.0.0.1:{server.server_port}"
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield api
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def kubeconfig(folder: Path, url: str) -> Path:
    """A kubeconfig with one context, prod, of that server."""
    path = folder / "kubeconfig"
    path.write_text(
        yaml.safe_dump(
            {
                "apiVersion": "v1",
                "kind": "Config",
                "clusters": [{"name": "prod", "cluster": {"server": url}}],
                "users": [{"name": "reader", "user": {"token": "hunter2"}}],
                "contexts": [{"name": "prod", "context": {"cluster": "prod", "user": "reader"}}],
            }
        )
    )
    return path


def by_resource(objects: list[dict]) -> dict[str, list[dict]]:
    """Objects sorted by the resource that keeps them."""
    plural = {kind: name for names in RESOURCES.values() for name, kind in names.items()}
    found: dict[str, list[dict]] = defaultdict(list)
    for one in objects:
        if one["kind"] in plural:
            found[plural[one["kind"]]].append(one)
    return dict(found)
