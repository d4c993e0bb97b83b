"""The command line: reads what was asked, calls the package, prints what came back.

Everything heavy is imported inside the command that needs it, so that ``meshlab --help`` starts at once.
"""

import os
import sys

# matrices here are small: threads of linear algebra wait for each other, and their number would show in last digits
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

try:
    from meshlab.run.cli import clusters, doctor, reviews, scenarios  # each adds its commands
    from meshlab.run.cli.group import main
except KeyboardInterrupt:  # while it starts: one line, as later
    sys.stderr.write("meshlab: error: interrupted\n")
    sys.exit(130)

__all__ = ["clusters", "doctor", "main", "reviews", "scenarios"]
