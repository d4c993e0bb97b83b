"""Facts of a cluster from what a team already has: kubectl dumps, folders of them, and other tools' bundles.

One reader a file; all give the same Kubernetes objects (``objects.py``), which become rows (``columns.py``), frames
(``cluster.py``) and facts (``summary.py``).
"""

from __future__ import annotations

from meshlab.cluster.facts.inferred_inputs import Supplied, scenario_values, stand_ins
from meshlab.cluster.facts.read import is_dump, read_facts

__all__ = ["Supplied", "is_dump", "read_facts", "scenario_values", "stand_ins"]
