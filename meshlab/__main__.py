"""``python -m meshlab`` is the command ``meshlab``."""

from meshlab.run.cli import main

if __name__ == "__main__":
    main(prog_name="meshlab")
