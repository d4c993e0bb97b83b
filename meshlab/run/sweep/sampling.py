"""Shares of each axis for any stretch of a sweep's scenarios, computed from their numbers alone.

Nothing is kept from one scenario to the next, so that any part of a sweep can be made anywhere, in any order, and is
the same: here, after an interruption, or on another machine.
"""

from __future__ import annotations

import hashlib

import numpy as np

from meshlab.run.sweep.axes import Shares

BLOCK = 4
"""Numbers that Philox makes at a time: a stretch begins at a multiple of it."""

ROUNDS = 4
"""Rounds of multiply and shift in a permutation; each takes the bits to places where the next one mixes them."""


def random_shares(seed: int, name: str, start: int, count: int) -> Shares:
    """Independent shares of scenarios ``start`` and on; each axis has a stream of its own, named after its inputs.

    Args:
        seed: Of the sweep.
        name: Of the axis.
        start: First scenario, a multiple of ``BLOCK``.
        count: Scenarios.

    Sources: Salmon et al., "Parallel random numbers: as easy as 1, 2, 3" (2011), by numpy's Philox.
    """
    stream = np.random.Philox(key=_key(seed, name), counter=start // BLOCK)
    return np.random.Generator(stream).random(count)


def stratified_shares(seed: int, name: str, start: int, count: int, rows: int) -> Shares:
    """Shares of a Latin hypercube: over all rows, each of as many equal strata is met once, at a random place in it."""
    numbers = np.arange(start, start + count, dtype=np.uint64)
    strata = permuted(numbers, rows, _key(seed, f"order of {name}"))
    return (strata + random_shares(seed, name, start, count)) / rows


def permuted(numbers: np.ndarray, size: int, key: int) -> np.ndarray:
    """Where a permutation of ``0 … size - 1`` that the key chooses takes each number.

    Multiplication by an odd number and xor with the own upper half are one-to-one on numbers of so many bits; what
    falls outside ``size`` is taken further until it falls inside, which keeps it one-to-one (cycle walking).

    Sources: Black and Rogaway, "Ciphers with arbitrary finite domains" (2002), for cycle walking.
    """
    bits = max(1, (size - 1).bit_length())
    found = _mixed(numbers, bits, key)
    outside = np.flatnonzero(found >= size)
    while outside.size:
        found[outside] = _mixed(found[outside], bits, key)
        outside = outside[found[outside] >= size]
    return found


def _mixed(numbers: np.ndarray, bits: int, key: int) -> np.ndarray:
    mask, half = np.uint64((1 << bits) - 1), np.uint64((bits + 1) // 2)
    mixed = numbers.astype(np.uint64)
    for number in range(ROUNDS):
        part = (key >> (32 * number)) & 0xFFFF_FFFF
        mixed = (mixed * np.uint64(part | 1) + np.uint64(part >> 7)) & mask
        mixed ^= mixed >> half
    return mixed


def grid_places(start: int, count: int, sizes: list[int]) -> list[np.ndarray]:
    """Place on each axis of scenarios ``start`` and on of a full grid; the last axis turns fastest."""
    return list(np.unravel_index(np.arange(start, start + count), sizes))


def _key(seed: int, name: str) -> int:
    """128 bits that the sweep's seed and a name choose."""
    return int.from_bytes(hashlib.sha256(f"{seed}:{name}".encode()).digest()[:16], "little")
