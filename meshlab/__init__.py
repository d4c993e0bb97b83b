"""Architecture reviews of Kubernetes networking: CNI and service mesh, from a cluster's own facts.

``import meshlab as ml`` offers what notebooks and scripts need; ``meshlab.api`` documents it. Nothing heavy is imported
before it is used, so that ``meshlab --help`` starts at once.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from meshlab.api import (
        Cluster,
        Review,
        decide,
        estimate,
        estimate_network,
        estimate_pairs,
        evidence,
        figure,
        least_shares,
        panel,
        plan_migration,
        read_cluster,
        review,
        scenarios,
        sweep,
    )
    from meshlab.errors import MeshlabError

__version__ = "0.1.0"

__all__ = [
    "Cluster",
    "MeshlabError",
    "Review",
    "decide",
    "estimate",
    "estimate_network",
    "estimate_pairs",
    "evidence",
    "figure",
    "least_shares",
    "panel",
    "plan_migration",
    "read_cluster",
    "review",
    "scenarios",
    "sweep",
]


def __getattr__(name: str) -> object:
    """A name of the public face, at its first use."""
    if name not in __all__:
        raise AttributeError(f"module 'meshlab' has no attribute {name!r}")
    value = getattr(import_module("meshlab.errors" if name == "MeshlabError" else "meshlab.api"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """The public face, for completion."""
    return sorted({*globals(), *__all__})
