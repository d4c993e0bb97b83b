"""Which CNI and which mesh fit a scenario: decided by tables that anyone can read, and proven to cover every case."""

from meshlab.models.decision.domain_map import domain_map, map_axes
from meshlab.models.decision.explain import explain
from meshlab.models.decision.proof import Report, check
from meshlab.models.decision.tables import Tables, load_tables
from meshlab.models.decision.verdict import answers, decide

__all__ = ["Report", "Tables", "answers", "check", "decide", "domain_map", "explain", "load_tables", "map_axes"]
