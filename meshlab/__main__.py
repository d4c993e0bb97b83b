"""``python -m meshlab`` is the command ``meshlab``."""

import sys

if __name__ == "__main__" and not sys.flags.safe_path:
    # Python puts the current folder first, whose modules are anybody's
    sys.path.pop(0)

from meshlab.run.cli import main

if __name__ == "__main__":
    main(prog_name="meshlab")
