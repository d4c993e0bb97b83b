"""CPU of the instances of each component, as expressions. [mcores]

A proxy's cost is not linear in its rate: at 10 requests/s one request costs three times what it costs at 1000/s
(S02, R01), because a busy proxy handles several requests at one wake-up.
"""

from __future__ import annotations

import msgspec
import polars as pl
from msgspec.structs import replace

from meshlab.models.overhead.coefficients import Coefficients, Value, of_each, share

BYTES_PER_MB = 1e6

KERNEL_BYTE_SHARE = 0.2
"""What a byte costs in the kernel over what it costs in a proxy. [ratio] A guess."""


class Traffic(msgspec.Struct, frozen=True):
    """What a request is, as far as its cost depends on it.

    Args:
        grpc: Share that is gRPC. [share]
        http2: Share that is HTTP/2. [share]
        tcp: Share that is opaque TCP; what remains is HTTP/1.1. [share]
        mtls: Share that is encrypted with workload identity; None where the proxy encrypts nothing itself. [share]
    """

    grpc: Value
    http2: Value
    tcp: Value
    mtls: Value | None

    @classmethod
    def of_columns(cls) -> Traffic:
        """Traffic of a prepared scenario."""
        shares = {name: share(pl.col("protocol") == name) for name in ("grpc", "http2", "tcp")}
        return cls(**shares, mtls=pl.col("_is_mtls"))

    def without_mtls(self) -> Traffic:
        """The same traffic where the proxy does not encrypt it itself."""
        return replace(self, mtls=None)

    def factor(self, c: Coefficients, figure: str) -> Value:
        """What a request costs a proxy over one of HTTP/1.1 without mTLS. [ratio]

        Args:
            c: Coefficients.
            figure: ``cpu``, or ``latency`` for its time there.

        Sources: R01 (CPU by protocol), S06 (CPU of mTLS), R06 (time of mTLS and TCP, at saturation).
        """
        protocol = (
            1.0
            + (c[f"grpc_{figure}_factor"] - 1.0) * self.grpc
            + (c[f"http2_{figure}_factor"] - 1.0) * self.http2
            + (c[f"tcp_{figure}_factor"] - 1.0) * self.tcp
        )
        if self.mtls is None:
            return protocol
        return protocol * (1.0 + (c[f"mtls_{figure}_factor"] - 1.0) * self.mtls)


def batched(c: Coefficients, count: pl.Expr, rate: pl.Expr) -> pl.Expr:
    """Rate of proxies that share it evenly, as one busy proxy would have to work for it. [1000/s]

    count * (rate / count / 1000) ** exponent. With an exponent below one, the same rate costs more over more proxies,
    and more rate never costs less.

    Args:
        c: Coefficients.
        count: Proxies. [count]
        rate: Traversals of all of them: one proxy handling one request once. [1/s]

    Sources: S02, R01, S11 (data/sources.csv).
    """
    exponent = c["rate_exponent"]
    # logarithms are shared between proxies of one count or rate, and a power takes as long as three of them
    return of_each(c, exponent * (rate * 1e-3).log() + (1.0 - exponent) * count.log(), pl.Expr.exp)


def envoy(c: Coefficients, kind: str) -> Value:
    """A waypoint, Cilium's Envoy or a plain one at 1000 traversals/s, HTTP/1.1 without mTLS. [mcores]

    A sidecar's figure times the factor of that kind: what is known of one Envoy bears on all.
    """
    return c["sidecar_mcores"] * c[f"{kind}_cpu_factor"]


def proxies(
    c: Coefficients,
    kind: str,
    count: Value,
    per_1000: Value,
    work: Value,
    megabytes: Value,
    new_connections: Value = 0.0,
) -> Value:
    """Proxies that share a rate evenly. [mcores]

    (count * idle + per_1000 * work + bytes + new connections) * what the cluster's differ from the model by.

    Args:
        c: Coefficients.
        kind: ``sidecar``, ``ztunnel``, ``waypoint``, ``linkerd``, ``node_envoy`` or ``gateway``.
        count: Proxies. [count]
        per_1000: A proxy at 1000 traversals/s, HTTP/1.1 without mTLS. [mcores]
        work: The ``batched`` rate of all of them, times what a request costs over HTTP/1.1 without mTLS. [1000/s]
        megabytes: Request bodies through all of them. [MB/s]
        new_connections: New connections through all of them. [1/s]

    Sources: S01, S02, S07, R01, R03, R07, S11, T02 (data/sources.csv); what a new connection costs is a prior.
    """
    idle = c[f"{kind}_idle_mcores" if kind in ("ztunnel", "linkerd") else "sidecar_idle_mcores"]
    connect = c["ztunnel_connect_mcores" if kind == "ztunnel" else "proxy_connect_mcores"]
    used = idle * count + per_1000 * work + c["byte_mcores"] * megabytes + connect * (new_connections * 1e-3)
    return used * c[f"{kind}_cpu_spread"]


def worker_load(c: Coefficients, kind: str, count: Value, per_1000: Value, work: Value, workers: Value) -> Value:
    """Share of a proxy's workers that requests keep busy. [share]

    Args:
        c: Coefficients.
        kind: As for ``proxies``.
        count: Proxies. [count]
        per_1000: As for ``proxies``. [mcores]
        work: As for ``proxies``. [1000/s]
        workers: Worker threads of one proxy. [count]
    """
    return per_1000 * work * c[f"{kind}_cpu_spread"] * (1e-3 / (count * workers))


def kernel(c: Coefficients, rate: Value, per_1000: str, payload_mb: Value) -> Value:
    """Work in the kernel, which no proxy's batching makes cheaper. [mcores]

    Bytes cost a fifth of what they cost in a proxy: they are not copied to user space and back.

    Sources: R01 (data/sources.csv) for Cilium's datapath; encryption and bytes are priors.
    """
    bytes_mcores = c["byte_mcores"] * (rate * payload_mb * KERNEL_BYTE_SHARE)
    return (c[per_1000] * (rate * 1e-3) + bytes_mcores) * c["datapath_cpu_spread"]


def machine_factor(factor: Value, is_vm: Value, is_metal: Value) -> Value:
    """The factor on a cloud's virtual cores, its inverse on bare metal, one where the machine is unknown. [ratio]

    Args:
        factor: Cost on virtual cores over that on an unknown machine. [ratio]
        is_vm: One on virtual cores, else zero.
        is_metal: One on bare metal, else zero.
    """
    return 1.0 + (factor - 1.0) * is_vm + (1.0 / factor - 1.0) * is_metal


def istiod(c: Coefficients, replicas: Value, connected: Value) -> Value:
    """All replicas of istiod together, in a settled cluster. [mcores]

    Args:
        c: Coefficients.
        replicas: Replicas of istiod. [count]
        connected: Proxies connected to them. [count]

    Sources: S01, S11 (data/sources.csv).
    """
    return (c["istiod_base_mcores"] * replicas + c["istiod_proxy_mcores"] * connected) * c["istiod_cpu_spread"]


def linkerd_control_plane(c: Coefficients, replicas: Value, pods: Value) -> Value:
    """All replicas of Linkerd's control plane together, in a settled cluster. [mcores]

    Sources: S07, S11 (data/sources.csv).
    """
    used = c["linkerd_control_base_mcores"] * replicas + c["linkerd_control_pod_mcores"] * pods
    return used * c["linkerd_control_cpu_spread"]


def cilium_agent(c: Coefficients) -> Value:
    """Cilium's agent of one node. [mcores] What it depends on, churn above all, no source states.

    Sources: R01, R04, S20, S21 (data/sources.csv).
    """
    return c["cilium_agent_mcores"] * c["cilium_agent_cpu_spread"]
