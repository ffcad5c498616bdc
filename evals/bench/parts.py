"""The parts of the bench by name, in the order in which they are measured."""

from __future__ import annotations

from collections.abc import Callable

from answerable.evals.bench import demo, door, gate, index, scale, words
from answerable.evals.bench.figures import Figure
from answerable.evals.bench.peers import peers
from answerable.evals.bench.shop import eleven

PARTS: dict[str, Callable[[], dict[str, Figure]]] = {
    "start": demo.start,
    "plan": demo.plan,
    "words": words.words,
    "gate": gate.gate,
    "execute": demo.execute,
    "shop": eleven.shop,
    "scale": scale.scale,
    "index": index.index,
    "door": door.door,
    "peers": peers.peers,
}
ASKED_FOR = frozenset({"peers"})
"""Measured only where they are named: they install packages."""
