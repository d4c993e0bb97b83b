"""Memory, CPU, latency and money that each data plane adds: expressions over a scenario's inputs and coefficients."""

from meshlab.models.overhead.coefficients import sources
from meshlab.models.overhead.estimates import (
    MEDIAN,
    cited,
    draw_estimates,
    estimate,
    estimate_by,
    least_shares,
    steps_with,
)
from meshlab.models.overhead.registry import (
    NONE,
    DataPlane,
    Figure,
    citing,
    dataplane_of_mesh,
    dataplanes,
    figures,
    interval_figures,
    mesh_dataplanes,
    part_figures,
)

__all__ = [
    "MEDIAN",
    "NONE",
    "DataPlane",
    "Figure",
    "cited",
    "citing",
    "dataplane_of_mesh",
    "dataplanes",
    "draw_estimates",
    "estimate",
    "estimate_by",
    "figures",
    "interval_figures",
    "least_shares",
    "mesh_dataplanes",
    "part_figures",
    "sources",
    "steps_with",
]
