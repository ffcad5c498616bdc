"""The certificate of an answer: what was asked, read, decided, run and found, by digests; chained by hash, a chain per process."""

from __future__ import annotations

import hashlib
import json
import secrets
import threading
from dataclasses import dataclass
from typing import Any

from answerable.agent.answer import cells
from answerable.context.engines.base import Rows


def digest(rows: Rows, ordered: bool) -> str:
    """The hash of a result. Doubles count to twelve digits: sums of them come in any order from several threads."""
    found = cells([f"{v:.12g}" if isinstance(v, float) else v for v in row] for row in rows.rows)
    return _hash([rows.names, found if ordered else sorted(found, key=lambda row: json.dumps(row, default=str))])


def _hash(data: Any) -> str:
    return hashlib.sha256(json.dumps(data, sort_keys=True, default=str, separators=(",", ":")).encode()).hexdigest()


class Chain:
    """The chain of this process: each certificate holds the hash of the one before."""

    def __init__(self) -> None:
        self.name = secrets.token_hex(6)
        self.last = _hash(self.name)
        self.lock = threading.Lock()

    def link(self, facts: dict[str, Any]) -> dict[str, Any]:
        """A certificate over these facts."""
        with self.lock:
            certificate = {**facts, "chain": {"name": self.name, "previous": self.last}}
            self.last = _hash(certificate)
            certificate["chain"]["hash"] = self.last
            return certificate


@dataclass(frozen=True)
class Verdict:
    """What a second run of a certificate showed: `same`, `data moved`, `definition moved`, `rights differ`, `forged` or `gone`."""

    kind: str
    text: str


def intact(certificate: dict[str, Any]) -> bool:
    """Whether a certificate is the one that its hash was made of."""
    chain = {k: v for k, v in certificate["chain"].items() if k != "hash"}
    return bool(_hash({**certificate, "chain": chain}) == certificate["chain"]["hash"])


def verdict(certificate: dict[str, Any], now: dict[str, Any]) -> Verdict:
    """Compare a certificate with the facts of a second run."""
    if not intact(certificate):
        return Verdict("forged", "The record does not fit its own hash: it was changed after it was written.")
    same_result = certificate["result"] == now["result"]
    if certificate["rights"] != now["rights"]:
        return Verdict("rights differ", "You see other rows or columns than the one who asked, so the results can not be compared.")
    if certificate["definitions"] != now["definitions"]:
        tail = "The numbers are the same all the same." if same_result else "The numbers differ."
        return Verdict("definition moved", f"A definition behind this answer has changed since. {tail}")
    if same_result:
        return Verdict("same", "Run again: the same definitions, the same rights, the same result.")
    return Verdict(
        "data moved",
        f"The definitions are the same and the data has moved: it stood at {certificate['watermark']}, and stands at {now['watermark']}.",
    )
