"""The command line: reads what was asked, calls the package, prints what came back.

Everything heavy is imported inside the command that needs it, so that ``meshlab --help`` starts at once.
"""

from meshlab.run.cli import clusters, decisions, documents, reviews, scenarios  # noqa: F401  (each adds its commands)
from meshlab.run.cli.group import main

__all__ = ["main"]
