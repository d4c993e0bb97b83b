"""The files of an experiment: how to run it, manifests of its namespaces, and the table that is read back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from meshlab.models.overhead import dataplanes
from meshlab.reviews.measurement import CLIENTS, results_table
from meshlab.show.report.documents import plain_templates
from meshlab.units import significant

SECONDS = 120
"""How long one run takes. [s]"""

JOINS = {
    "istio-sidecar": "    istio-injection: enabled\n",
    "istio-ambient": "    istio.io/dataplane-mode: ambient\n    istio.io/use-waypoint: waypoint\n",
    "linkerd": "  annotations:\n    linkerd.io/inject: enabled\n",
    "cilium": "",
}
"""What puts a namespace into the mesh of a data plane, below the labels of its metadata."""

WAYPOINT = """\
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: waypoint, namespace: meshlab-candidate}
spec:
  gatewayClassName: istio-waypoint
  listeners: [{name: mesh, port: 15008, protocol: HBONE}]
"""

CONTAINERS = {
    "istio-sidecar": 'namespace="meshlab-candidate", container="istio-proxy"',
    "istio-ambient": 'pod=~"ztunnel-.*|waypoint-.*", container="istio-proxy"',
    "linkerd": 'namespace="meshlab-candidate", container="linkerd-proxy"',
    "cilium": 'namespace="kube-system", container=~"cilium-agent|cilium-envoy"',
}
"""Where the containers of a data plane are seen in Prometheus."""

NAMESPACE = """\
apiVersion: v1
kind: Namespace
metadata:
  name: meshlab-{side}
  labels:
    app.kubernetes.io/part-of: meshlab
{joins}"""

FORTIO = """\
---
apiVersion: apps/v1
kind: Deployment
metadata: {{name: {name}, namespace: meshlab-{side}}}
spec:
  replicas: {clients}
  selector: {{matchLabels: {{app: {name}}}}}
  template:
    metadata: {{labels: {{app: {name}}}}}
    spec:
      containers:
        - name: {name}
          image: fortio/fortio:1.69.5
          args: [server]
          ports: [{{name: http, containerPort: 8080}}, {{name: grpc, containerPort: 8079}}]
"""
"""A server, or a client in which the load is started: both run the same image."""

SERVICE = """\
---
apiVersion: v1
kind: Service
metadata: {{name: server, namespace: meshlab-{side}}}
spec:
  selector: {{app: server}}
  ports:
    - {{name: http, port: 8080, targetPort: http}}
    - {{name: grpc, port: 8079, targetPort: grpc}}
"""


def measurement_files(plan: Mapping[str, Any]) -> dict[str, str]:
    """The files by their names: ``measurement.md``, and what it applies and fills in.

    Args:
        plan: As ``reviews.measurement.measurement_plan`` gives it.
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
    manifests = {
        f"manifests/{side}.yaml": NAMESPACE.format(side=side, joins=joins)
        + FORTIO.format(name="server", side=side, clients=CLIENTS)
        + SERVICE.format(side=side)
        + FORTIO.format(name="client", side=side, clients=CLIENTS)
        for side, joins in (("baseline", ""), ("candidate", JOINS[dataplane]))
    }
    if dataplane == "istio-ambient" and plan["scenario"]["l7_traffic_share"]:
        manifests["manifests/candidate.yaml"] += WAYPOINT
    return {"measurement.md": text, **manifests, "measured.csv": results_table(plan)}
