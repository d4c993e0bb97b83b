"""Which CNI and which mesh fit a scenario: a contest of options, by tables that anyone can read and that are proven."""

from meshlab.models.decision.decide import answers, decide
from meshlab.models.decision.domain_map import domain_map, map_axes
from meshlab.models.decision.explain import Over, explain, explain_again
from meshlab.models.decision.proof import Report, check
from meshlab.models.decision.standings import Use
from meshlab.models.decision.tables import Tables, due, load_tables

__all__ = [
    "Over",
    "Report",
    "Tables",
    "Use",
    "answers",
    "check",
    "decide",
    "domain_map",
    "due",
    "explain",
    "explain_again",
    "load_tables",
    "map_axes",
]
