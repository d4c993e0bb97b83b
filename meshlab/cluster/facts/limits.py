"""How much of an input is read before it counts as hostile or broken."""

from __future__ import annotations

from dataclasses import dataclass

from meshlab.errors import MeshlabError, Problem

MAXIMUM_READ_BYTES = 4 * 2**30
"""Most bytes of objects that are read from one input. The largest clusters that Kubernetes supports (5,000 nodes,
150,000 pods) fill about 2 GiB."""

MAXIMUM_UNPACKED_BYTES = 64 * 2**30
"""Most bytes that an archive may unpack to, logs that are passed over included."""

MAXIMUM_RATIO = 250
"""Most bytes that one packed byte may unpack to, beyond the first ``RATIO_FREE_BYTES``. Lists of pods reach 40."""

RATIO_FREE_BYTES = 64 * 2**20

MAXIMUM_MEMBERS = 1_000_000
"""Most files in a folder or archive."""

MAXIMUM_NESTING = 3
"""Most archives within one another."""

TODO = "give the original dump, or the output of kubectl get -o json"


@dataclass(slots=True)
class Budget:
    """What of the limits is left for one input, whatever it nests."""

    read_bytes: int = MAXIMUM_READ_BYTES
    unpacked_bytes: int = MAXIMUM_UNPACKED_BYTES
    members: int = MAXIMUM_MEMBERS

    def read(self, size: int, file: str) -> None:
        """Count bytes that are kept in memory."""
        self.read_bytes -= size
        if self.read_bytes < 0:
            raise MeshlabError(Problem(file, f"holds more than {MAXIMUM_READ_BYTES // 2**30} GiB to read", TODO))

    def unpack(self, size: int, file: str) -> None:
        """Count bytes that were unpacked, kept or not."""
        self.unpacked_bytes -= size
        if self.unpacked_bytes < 0:
            raise MeshlabError(Problem(file, f"unpacks to more than {MAXIMUM_UNPACKED_BYTES // 2**30} GiB", TODO))

    def member(self, file: str, count: int = 1) -> None:
        """Count files of a folder or archive."""
        self.members -= count
        if self.members < 0:
            raise MeshlabError(Problem(file, f"holds more than {MAXIMUM_MEMBERS:,} files", TODO))
