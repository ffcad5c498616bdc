"""Who asks, and what they may see of a model. Every verdict carries its reason and the YAML line behind it."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Annotated, Any, Literal

from answerable.context.errors import Where
from answerable.context.expr import bind_user
from answerable.context.model import Frozen, Words
from pydantic import BeforeValidator, Field

EVERYONE = "everyone"


@dataclass(frozen=True)
class Principal:
    """Who asks. Nobody is `Principal()`: the group `everyone` only."""

    id: str | None = None
    groups: frozenset[str] = frozenset()
    attributes: Mapping[str, Any] = field(default_factory=dict)
    audience: bool = False
    """Whether this is nobody but anybody of these groups: what is seen is what the least of them sees."""

    @property
    def readers(self) -> tuple[Principal, ...]:
        """Of an audience, somebody of each of its groups, of whom nothing else is known."""
        return tuple(Principal(groups=frozenset({group})) for group in sorted(self.groups)) or (Principal(),)

    @property
    def all_groups(self) -> frozenset[str]:
        return self.groups | {EVERYONE}

    def attribute(self, name: str) -> Any:
        """The value of `{user.name}`; None where it is missing."""
        if self.audience:
            return None
        if name == "id":
            return self.id
        return sorted(self.all_groups) if name == "groups" else self.attributes.get(name)


@dataclass(frozen=True, order=True)
class Mask:
    """A way to hide a value; ordered from the least to the most hidden."""

    rank: int
    narrowness: int
    kind: str
    n: int = 0

    def __str__(self) -> str:
        return f"{self.kind} {self.n}" if self.n else self.kind

    @property
    def makes_text(self) -> bool:
        """Whether what is shown is a text, whatever the value was."""
        return self.kind in ("first", "last", "hash")


_RANKS = {"month": 1, "year": 2, "first": 3, "last": 3, "hash": 4, "redact": 5, "null": 6}


def parse_mask(value: Any) -> Any:
    """`hash`, `last 4`, … as a Mask. Raises ValueError with the list of masks."""
    if isinstance(value, Mask):
        return value
    text = "null" if value is None else str(value)
    match = re.fullmatch(r"(month|year|hash|redact|null)|(first|last) ([1-9]\d?)", text)
    if not match:
        raise ValueError("a mask is one of: year, month, first N, last N, hash, redact, null")
    kind, n = match[1] or match[2], int(match[3] or 0)
    return Mask(_RANKS[kind], -n, kind, n)


Verdict = Mask | Literal["deny"] | None
"""What a group says of a name; None for as it is."""


def _said(value: Any) -> Any:
    """An empty value would be a right that nobody wrote down: `rows:` is not all rows."""
    if value is None or (isinstance(value, str) and not value.strip()):
        raise ValueError("it is empty; write it out, or leave the key out")
    return value


Said = BeforeValidator(_said)


class GroupRule(Frozen):
    """What one group sees of a model."""

    rows: Annotated[str | None, Said] = None
    mask: Annotated[dict[str, Annotated[Mask, BeforeValidator(parse_mask)]], Said] = {}
    deny: Annotated[Words, Said] = ()
    allow: Annotated[Words | None, Said] = None
    at_least: Annotated[int, Said, Field(ge=1, strict=True)] = 1

    @cached_property
    def attributes(self) -> tuple[str, ...]:
        """The attributes of the asker that `rows` names."""
        return bind_user(self.rows)[1] if self.rows else ()

    def verdict(self, name: str) -> Verdict:
        """`deny`, a mask, or None for as it is."""
        if name in self.deny or (self.allow is not None and name not in self.allow):
            return "deny"
        return self.mask.get(name)


class Policy(Frozen):
    """The policy of one model; closed to everybody whom no group names."""

    model: str
    groups: dict[str, GroupRule]
    existence: Literal["known", "secret"] = "known"
    where: Where = Where("?")
    lines: dict[tuple[str, ...], int] = {}
    """The line of each group, of each of its keys, and of each name in them."""

    def at(self, *path: str) -> Where:
        """The place of a group, of a key of it, or of a name there; of the nearest thing around it that has one."""
        while path and path not in self.lines:
            path = path[:-1]
        return Where(self.where.file, self.lines.get(path, self.where.line))


@dataclass(frozen=True)
class Access:
    """What one asker sees of one model. `rows` None means all of them, else conditions that are OR-ed."""

    model: str
    open: bool
    reasons: tuple[str, ...]
    rows: tuple[str, ...] | None = None
    masks: Mapping[str, Mask] = field(default_factory=dict)
    denied: frozenset[str] = frozenset()
    secret: bool = False
    missing: tuple[str, ...] = ()
    at_least: int = 1
    listed: bool = False
    """Whether only what a list names exists: no key beside it."""

    @property
    def whole(self) -> bool:
        """Whether nothing is filtered, masked, denied or withheld."""
        return self.open and self.rows is None and not self.masks and not self.denied and self.at_least == 1


def access(policy: Policy | None, model: str, names: Iterable[str], principal: Principal) -> Access:
    """The union of rights of the asker's groups over the model's `names` (dimensions and metrics); of an audience, what all see."""
    if policy is None:
        return Access(model, True, (f"{model} has no policy: open to everybody who may use the project",))
    if principal.audience:
        return strictest([_access(policy, model, tuple(names), replace(reader, audience=True)) for reader in principal.readers])
    return _access(policy, model, names, principal)


def strictest(seen: Sequence[Access]) -> Access:
    """What several readers all see: the rows that each has, and for each column the most hidden verdict."""
    if closed := next((each for each in seen if not each.open), None):
        return closed
    denied = frozenset[str]().union(*(each.denied for each in seen))
    masks: dict[str, Mask] = {}
    for each in seen:
        masks |= {name: _both(mask, masks.get(name, mask)) for name, mask in each.masks.items() if name not in denied}
    filters = dict.fromkeys(f"({' or '.join(f'({row})' for row in each.rows)})" for each in seen if each.rows is not None)
    return replace(
        seen[0], reasons=tuple(dict.fromkeys(reason for each in seen for reason in each.reasons)), masks=masks, denied=denied,
        rows=(" and ".join(filters),) if filters else None,
        at_least=max(each.at_least for each in seen), listed=any(each.listed for each in seen),
    )  # fmt: skip


def _both(one: Mask, other: Mask) -> Mask:
    """A mask that shows nothing which one of two hides: the more hidden, where that can be made of the other."""
    kinds = {one.kind, other.kind}
    if len(kinds) == 1 or kinds == {"month", "year"} or kinds & {"redact", "null"}:
        return max(one, other)
    return Mask(_RANKS["redact"], 0, "redact")  # of a name's first letter the last can't be made


def _access(policy: Policy, model: str, names: Iterable[str], principal: Principal) -> Access:
    secret = policy.existence == "secret"
    mine = {group: rule for group, rule in policy.groups.items() if group in principal.all_groups}
    missing = {group: lacking for group, rule in mine.items() if (lacking := _missing(rule, principal))}
    rules = {group: rule for group, rule in mine.items() if group not in missing}
    if not rules:
        lacks = tuple(dict.fromkeys(name for lacking in missing.values() for name in lacking))
        reason = f"needs the attribute {', '.join(lacks)}" if lacks else "names none of your groups"
        return Access(model, False, (f"{policy.where}: {reason}",), secret=secret, missing=lacks)
    rows = None if any(rule.rows is None for rule in rules.values()) else tuple(rule.rows or "" for rule in rules.values())
    masks, denied = dict[str, Mask](), set[str]()
    for name in names:
        verdicts = [rule.verdict(name) for rule in rules.values()]
        if all(v == "deny" for v in verdicts):
            denied.add(name)
        elif None not in verdicts:
            masks[name] = min(v for v in verdicts if isinstance(v, Mask))
    reasons = tuple(f"{policy.at(group)}: group {group}" for group in rules)
    at_least, listed = min(r.at_least for r in rules.values()), all(r.allow is not None for r in rules.values())
    return Access(model, True, reasons, rows, masks, frozenset(denied), secret, at_least=at_least, listed=listed)


def _missing(rule: GroupRule, principal: Principal) -> tuple[str, ...]:
    return tuple(name for name in rule.attributes if principal.attribute(name) is None)


def signature(policies: Mapping[str, Policy], principal: Principal) -> str:
    """Sixteen hex digits, equal for askers who see the same: whatever is cached is keyed by it."""
    named = {name for policy in policies.values() for rule in policy.groups.values() for name in rule.attributes}
    used = {group for policy in policies.values() for group in policy.groups}
    groups = sorted(principal.all_groups if principal.audience else principal.all_groups & used)  # a reader of no group sees less
    data: list[Any] = [groups, principal.audience, {name: principal.attribute(name) for name in sorted(named)}]
    whole = [[p.model, p.model_dump(mode="json", exclude={"where", "lines"})] for _, p in sorted(policies.items())]
    return hashlib.sha256(json.dumps([data, whole], sort_keys=True, default=str).encode()).hexdigest()[:16]
