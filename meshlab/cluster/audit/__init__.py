"""Drift and failure modes in a cluster's dump, by the rules of ``data/audit/rules.csv``.

Objects become rows (``details.py``) and one inventory (``inventory.py``); queries (``mesh.py`` and
``network.py``) give the rows that a rule's condition judges (``rules.py``).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from meshlab.cluster.audit import mesh, network  # they register the queries
from meshlab.cluster.audit.inventory import Inventory, read_inventory
from meshlab.cluster.audit.rules import Finding, differences, findings, rules
from meshlab.cluster.facts.read import Anonymize, hider

__all__ = ["audit", "compare", "findings_of", "mesh", "network", "rules"]


def audit(paths: Sequence[Path], *, anonymize: Anonymize = False) -> list[Finding]:
    """What every rule finds in dumps of one cluster.

    Args:
        paths: Files, folders and archives; together they describe one cluster.
        anonymize: Replace names of objects by the keyed hashes of ``meshlab.cluster.facts``.

    Returns:
        A finding for each rule, in the order of the table: ``rule``, ``title``, ``severity`` (high, medium, low),
        ``family``, ``loop`` (of day 2: identity, compute, network, storage), ``state`` (of ``rules.STATES``),
        ``objects``, ``count`` (rows that speak for the state), ``of`` (rows looked at), ``why``, ``check``,
        ``source_id``, ``detail``, ``missing`` (what the input would have to hold to decide it) and ``evidence`` (the
        objects, or else the detail).

    Raises:
        MeshlabError: A path cannot be read.
    """
    return findings_of(read_inventory(paths), anonymize=anonymize)


def compare(paths: Sequence[Path], others: Sequence[Path]) -> list[Finding]:
    """Where two clusters differ in network and mesh, as findings."""
    return list(differences(read_inventory(paths), read_inventory(others)))


def findings_of(inventory: Inventory, *, anonymize: Anonymize = False) -> list[Finding]:
    """What every rule finds in a cluster that has been read."""
    return list(findings(inventory, hider(anonymize)))
