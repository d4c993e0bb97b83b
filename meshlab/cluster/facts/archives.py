"""Files in archives, read without unpacking anything to disk: tar, gzip, xz, bzip2 and zip, one in another."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import posixpath
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import IO, Any, NamedTuple, Protocol

import msgspec

from meshlab.errors import MeshlabError, Problem, shorten

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


class Budget(msgspec.Struct):
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


GZIP, ZIP, XZ, BZIP2 = b"\x1f\x8b", b"PK\x03\x04", b"\xfd7zXZ", b"BZh"
_TAR_MAGIC, _TAR_MAGIC_AT = b"ustar", 257
HEAD_BYTES = 512
"""How much of a file's beginning tells an archive."""

_CHUNK_BYTES = 1 << 20

_BROKEN = (
    tarfile.TarError,
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    EOFError,
    OSError,
    RuntimeError,
    ValueError,
    IndexError,
    NotImplementedError,
    OverflowError,
    RecursionError,
)
"""What the libraries raise on an archive that is cut off, damaged or encrypted."""


class Member(NamedTuple):
    """A file: its name as messages and provenance show it, and its bytes."""

    name: str
    content: bytes


class Stream(Protocol):
    """Bytes that can be read one after the other."""

    def read(self, size: int = -1, /) -> bytes:
        """So many bytes, fewer at the end."""
        ...


Wanted = Callable[[str], bool]
"""Whether a file of that path is to be read."""


def is_archive(head: bytes) -> bool:
    """Whether a file that begins so is an archive that is read here."""
    return head.startswith((GZIP, ZIP, XZ, BZIP2)) or _is_tar(head)


def _is_tar(head: bytes) -> bool:
    return head[_TAR_MAGIC_AT : _TAR_MAGIC_AT + len(_TAR_MAGIC)] == _TAR_MAGIC


def members(stream: IO[bytes], file: str, wanted: Wanted, budget: Budget, nesting: int = 0) -> Iterator[Member]:
    """Files of an archive; an archive in it is read as well, up to a few levels.

    Raises:
        MeshlabError: The archive is broken, names files outside of itself, or unpacks to far too much.
    """
    if nesting > MAXIMUM_NESTING:
        raise MeshlabError(Problem(file, f"nests archives more than {MAXIMUM_NESTING} deep", TODO))
    try:
        yield from _members(stream, file, wanted, budget, nesting)
    except MeshlabError:
        raise
    except _BROKEN:
        raise MeshlabError(
            Problem(file, "is a damaged, encrypted or cut-off archive", "copy or make it again")
        ) from None


def _members(stream: IO[bytes], file: str, wanted: Wanted, budget: Budget, nesting: int) -> Iterator[Member]:
    head = stream.read(HEAD_BYTES)
    stream.seek(0)
    if head.startswith(ZIP):
        yield from _zip_members(stream, file, wanted, budget, nesting)
    elif head.startswith((GZIP, XZ, BZIP2)):
        unpacked = _Unpacked(stream, file, budget)
        if _is_tar(unpacked.peek(HEAD_BYTES)):
            yield from _tar_members(unpacked, file, wanted, budget, nesting)
        else:
            yield Member(file, _read(unpacked, file, budget))
    else:
        yield from _tar_members(stream, file, wanted, budget, nesting)


MAXIMUM_DICTIONARY_BYTES = 128 * 2**20
"""Most memory that unpacking xz may take; its strongest preset takes half of that."""


class _Decoded:
    """The bytes of streams of xz or bzip2, one behind the other; the library's own files know no bound on memory."""

    def __init__(self, packed: IO[bytes], head: bytes) -> None:
        self._packed, self._xz = packed, head.startswith(XZ)
        self._decoder, self._left = self._new(), b""

    def _new(self) -> lzma.LZMADecompressor | bz2.BZ2Decompressor:
        if self._xz:
            return lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=MAXIMUM_DICTIONARY_BYTES)
        return bz2.BZ2Decompressor()

    def read(self, size: int = -1) -> bytes:
        """So many bytes, fewer at the end."""
        chunks: list[bytes] = []
        while size:
            if self._decoder.eof:
                self._left = (self._decoder.unused_data or self._packed.read(_CHUNK_BYTES)).lstrip(b"\0")  # padding
                if not self._left:
                    break
                self._decoder = self._new()
            elif self._decoder.needs_input:
                self._left = self._packed.read(_CHUNK_BYTES)
                if not self._left:
                    raise EOFError
            chunk = self._decoder.decompress(self._left, size)
            self._left = b""
            chunks.append(chunk)
            size -= len(chunk) if size > 0 else 0
        return b"".join(chunks)


class _Unpacked(io.RawIOBase):
    """The bytes that a packed stream unpacks to, counted, and refused where they grow out of proportion."""

    def __init__(self, packed: IO[bytes], file: str, budget: Budget) -> None:
        super().__init__()
        self._packed, self._file, self._budget = packed, file, budget
        head = packed.read(len(XZ))
        packed.seek(0)
        self._plain = gzip.GzipFile(fileobj=packed) if head.startswith(GZIP) else _Decoded(packed, head)
        self._peeked = b""
        self._size = 0

    def peek(self, size: int) -> bytes:
        """The first bytes, which a later read gives again."""
        self._peeked = self._read(size)
        return self._peeked

    def read(self, size: int = -1) -> bytes:
        """So many bytes, fewer at the end."""
        if not self._peeked:
            return self._read(size)
        first, self._peeked = self._peeked[:size], self._peeked[size:]
        return first if len(first) == size else first + self._read(size - len(first))

    def _read(self, size: int) -> bytes:
        chunk = self._plain.read(size)
        self._size += len(chunk)
        self._budget.unpack(len(chunk), self._file)
        if self._size > RATIO_FREE_BYTES + MAXIMUM_RATIO * self._packed.tell():
            raise MeshlabError(_bomb(self._file))
        return chunk


def _tar_members(stream: Any, file: str, wanted: Wanted, budget: Budget, nesting: int) -> Iterator[Member]:
    with tarfile.open(fileobj=stream, mode="r|", encoding="utf-8", errors="replace") as archive:
        for entry in archive:
            archive.members = []  # pyright: ignore[reportAttributeAccessIssue]  # tarfile keeps every header otherwise
            name = _checked(entry.name, file, budget)
            if entry.issym() or entry.islnk():
                _check_link(entry, name, file)
            elif entry.isfile() and wanted(name):
                _check_sparse(entry, f"{file}!{name}")
                content = archive.extractfile(entry)
                if content is not None:
                    yield from _file_or_archive(
                        _read(content, f"{file}!{name}", budget), f"{file}!{name}", wanted, budget, nesting
                    )
    while stream.read(_CHUNK_BYTES):  # to the end, so that a stream that is cut off after the last file is noticed
        pass


def _check_sparse(entry: tarfile.TarInfo, file: str) -> None:
    """Refuse a file that is nearly all holes: they take no room in the archive, and all of it in memory."""
    if entry.issparse():
        # what stands in the table of holes is what anybody may write: no sum of its lies is believed beyond the whole
        holes: Iterable[tuple[int, int]] = getattr(entry, "sparse", None) or ()
        kept = sum(max(0, size) for _, size in holes)
        if entry.size > RATIO_FREE_BYTES + MAXIMUM_RATIO * min(kept, entry.size):
            raise MeshlabError(_bomb(file))


def _zip_members(stream: IO[bytes], file: str, wanted: Wanted, budget: Budget, nesting: int) -> Iterator[Member]:
    with zipfile.ZipFile(stream) as archive:
        _check_overlap(archive.infolist(), file)
        for entry in archive.infolist():
            name = _checked(entry.filename, file, budget)
            inner = f"{file}!{name}"
            if stat.S_ISLNK(entry.external_attr >> 16):
                raise MeshlabError(Problem(inner, "is a symbolic link in a zip", TODO))
            if not entry.is_dir() and wanted(name):
                if entry.file_size > RATIO_FREE_BYTES + MAXIMUM_RATIO * entry.compress_size:
                    raise MeshlabError(_bomb(inner))
                with archive.open(entry) as content:
                    unpacked = _read(content, inner, budget)
                yield from _file_or_archive(unpacked, inner, wanted, budget, nesting)


_LOCAL_HEADER_BYTES = 30
"""Length of what stands before each entry of a zip, less its name. [bytes]"""


def _check_overlap(entries: Sequence[zipfile.ZipInfo], file: str) -> None:
    """Refuse entries whose packed bytes are the same ones: so a small file holds the same large one many times."""
    end = 0
    for entry in sorted(entries, key=lambda entry: entry.header_offset):
        if entry.header_offset < end:
            raise MeshlabError(Problem(file, "holds entries that overlap, as archive bombs do", TODO))
        end = entry.header_offset + _LOCAL_HEADER_BYTES + entry.compress_size


def _bomb(file: str) -> Problem:
    return Problem(file, f"unpacks to more than {MAXIMUM_RATIO} times its size, as archive bombs do", TODO)


def _file_or_archive(content: bytes, name: str, wanted: Wanted, budget: Budget, nesting: int) -> Iterator[Member]:
    if is_archive(content[:HEAD_BYTES]):
        yield from members(io.BytesIO(content), name, wanted, budget, nesting + 1)
    else:
        yield Member(name, content)


def _read(stream: Stream, name: str, budget: Budget) -> bytes:
    """All bytes of a stream, counted as they come: a header may lie about the size."""
    chunks: list[bytes] = []
    while chunk := stream.read(_CHUNK_BYTES):
        budget.read(len(chunk), name)
        chunks.append(chunk)
    return b"".join(chunks)


def _checked(name: str, file: str, budget: Budget) -> str:
    """A member's path; one that leaves the archive is refused though nothing is ever unpacked."""
    budget.member(file)
    parts = name.replace("\\", "/").split("/")
    if name.startswith(("/", "\\")) or ".." in parts or (":" in parts[0] and len(parts[0]) == 2):  # noqa: PLR2004
        raise MeshlabError(Problem(file, f"holds a file named {shorten(name)}, which lies outside of it", TODO))
    return posixpath.normpath(name)


def _check_link(entry: tarfile.TarInfo, name: str, file: str) -> None:
    """Links are never followed; one that leaves the archive shows that somebody tries."""
    base = "" if entry.islnk() else posixpath.dirname(name)
    target = posixpath.normpath(posixpath.join(base, entry.linkname))
    if entry.linkname.startswith("/") or target.startswith(".."):
        raise MeshlabError(Problem(f"{file}!{name}", "is a link to a place outside of the archive", TODO))
