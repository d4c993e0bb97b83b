"""Which CNI and which mesh fit a scenario: decided by tables that anyone can read, and proven to cover every case."""

from meshlab.decision.domain_map import domain_map, map_axes
from meshlab.decision.explain import explain
from meshlab.decision.proof import Report, check
from meshlab.decision.tables import Tables, load_tables
from meshlab.decision.verdict import answers, decide

__all__ = ["Report", "Tables", "answers", "check", "decide", "domain_map", "explain", "load_tables", "map_axes"]
