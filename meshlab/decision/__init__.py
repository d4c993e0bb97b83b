"""Which CNI and which mesh fit a scenario: decided by tables that anyone can read, and proven to cover every case."""

from meshlab.decision.explain import explain
from meshlab.decision.proof import Report, check
from meshlab.decision.tables import Tables, load_tables
from meshlab.decision.verdict import decide

__all__ = ["Report", "Tables", "check", "decide", "explain", "load_tables"]
