"""Structure-aware damage: inputs of every kind that is read, each changed in a way that keeps most of its shape."""

from __future__ import annotations

import gzip
import io
import json
import random
import tarfile
import zipfile
from collections.abc import Callable

import yaml

WILD: tuple[object, ...] = (
    *(
        None,
        True,
        -1,
        0,
        2**63,
        2**64,
        10**40,
        1e308,
        -0.0,
        "",
        " ",
        "\0",
        "\x1b[31m",
        "\u202e",
        "\ufeff",
        "=1+1",
        "1e999",
    ),
    *(
        "NaN",
        "<b>",
        "<script>",
        "%{x}",
        "{{x}}",
        "../../x",
        "/etc/passwd",
        "a" * 5000,
        [],
        {},
        [[]],
        {"": None},
        "\ud800",
    ),
)
"""Values that something somewhere does not expect."""

TEXT_DAMAGE = (b"\0", b"\xff\xfe", b"{", b"]", b"- ", b": ", b"&a *a", b"\n---\n", b"\r", b"1e999", b"'", b'"', b"\t")


def damaged_value(value: object, rng: random.Random) -> object:
    """Plain data of which one part, at any depth, is another, missing, doubled or renamed."""
    if isinstance(value, dict) and value and rng.random() < 0.85:
        name = rng.choice(list(value))
        change = rng.random()
        rest = {key: item for key, item in value.items() if key != name}
        if change < 0.1:
            return rest
        if change < 0.15:
            return {**rest, f"{name}x": value[name]}
        return {**value, name: damaged_value(value[name], rng)}
    if isinstance(value, list) and value and rng.random() < 0.85:
        place = rng.randrange(len(value))
        if rng.random() < 0.1:
            return value * 2
        return [*value[:place], damaged_value(value[place], rng), *value[place + 1 :]]
    return rng.choice(WILD)


def damaged_bytes(content: bytes, rng: random.Random) -> bytes:
    """Bytes of which a few are others, missing, moved or cut off."""
    if not content:
        return rng.randbytes(20)
    data = bytearray(content)
    for _ in range(rng.randint(1, 4)):
        at = rng.randrange(len(data) + 1)
        match rng.randrange(5):
            case 0:
                data[at:at] = rng.choice(TEXT_DAMAGE)
            case 1:
                del data[at : at + rng.randint(1, 40)]
            case 2:
                data = data[:at]
            case 3 if at < len(data):
                data[at] ^= 1 << rng.randrange(8)
            case _:
                data[at:at] = data[at : at + rng.randint(1, 200)]
    return bytes(data)


def as_json(value: object) -> bytes:
    """JSON; a lone half of a character stays one, as an escape."""
    return json.dumps(value).encode()


def as_yaml(value: object) -> bytes:
    """YAML, with the same halves left out."""
    return yaml.safe_dump(json.loads(json.dumps(value).replace("\\ud800", "?")), allow_unicode=True).encode()


def as_tar(content: bytes, rng: random.Random) -> bytes:
    """A packed tar of one file, whose header may lie."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=rng.choice((tarfile.GNU_FORMAT, tarfile.PAX_FORMAT))) as archive:
        entry = tarfile.TarInfo(rng.choice(("a.json", "d/a.json", "../a.json", "\udcff.json", "a" * 300 + ".json")))
        entry.size = len(content)
        archive.addfile(entry, io.BytesIO(content))
    whole = stream.getvalue() if rng.random() < 0.5 else damaged_bytes(stream.getvalue(), rng)
    return gzip.compress(whole, 1, mtime=0) if rng.random() < 0.5 else whole


def as_zip(content: bytes, rng: random.Random) -> bytes:
    """A zip of one file, a part of which may be damaged."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.json", content)
    return stream.getvalue() if rng.random() < 0.5 else damaged_bytes(stream.getvalue(), rng)


def damaged(value: object, write: Callable[[object], bytes], rng: random.Random) -> bytes:
    """A file of plain data: damaged as data, as bytes, or as both."""
    for _ in range(rng.randint(1, 3)):
        value = damaged_value(value, rng)
    content = write(value)
    return damaged_bytes(content, rng) if rng.random() < 0.3 else content
