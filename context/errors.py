"""What can be broken, as a tree. What a *question* lacks is no exception but a value on its answer.

AnswerableError
├── UsageError            the caller's mistake: an unknown user, a project folder that is none
├── DefinitionError       the project's files can't be understood; holds every complaint at once
├── PlanError             a plan that can't be compiled; names the thing, what is near it, and the mend
│   ├── UnknownName       no such metric, dimension or model
│   ├── Unreachable       no to-one path leads there (a fan-out), or the metric has no time
│   ├── AmbiguousPath     more than one does
│   ├── WrongType         a filter compares a date with a word
│   └── NotSupported      known, and not compiled yet
├── GuardError            a query that can't be proven safe
├── DeniedError           it exists and the asker may not see it
├── EngineError           the warehouse: missing, locked, too slow, failing
└── IndexFault            the vectors of the index: what searches goes on without them
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches


def nearest(word: str, known: Iterable[str], n: int = 3, cutoff: float = 0.6) -> tuple[str, ...]:
    """The names in `known` that `word` was most likely meant to be, best first."""
    return tuple(get_close_matches(word, sorted(set(known)), n=n, cutoff=cutoff))


class AnswerableError(Exception):
    """The root: whatever answerable raises on purpose."""


class UsageError(AnswerableError):
    """The caller's mistake, told in one sentence with its mend."""


@dataclass(frozen=True)
class Where:
    """A place in the project's files; `line` counts from 1."""

    file: str
    line: int = 1

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


@dataclass(frozen=True)
class Complaint:
    """Something wrong with a definition: what kind, where, what, and the mend.

    `missing` is the name that leads nowhere: where its own definition could not be read, that is told and this is not.
    """

    kind: str
    where: Where
    what: str
    mend: str
    warning: bool = False
    missing: str = ""

    def __str__(self) -> str:
        return f"{self.where}: {self.what}. Mend: {self.mend}"


class DefinitionError(AnswerableError):
    """The project's files can't be understood."""

    def __init__(self, complaints: Iterable[Complaint]) -> None:
        self.complaints = tuple(complaints)
        super().__init__("\n".join(map(str, self.complaints)))


class PlanError(AnswerableError):
    """A plan that can't be compiled. `name` is the thing, `nearest` what exists near it."""

    kind = "plan"

    def __init__(self, text: str, name: str = "", nearest: tuple[str, ...] = ()) -> None:
        self.text, self.name, self.nearest = text, name, nearest
        super().__init__(f"{text} Nearest: {', '.join(nearest)}." if nearest else text)


class UnknownName(PlanError):
    """No such metric, dimension or model among those the asker may see."""

    kind = "unknown"


class Unreachable(PlanError):
    """Nothing to-one leads from the metric's rows to the dimension."""

    kind = "join"


class AmbiguousPath(PlanError):
    """Several paths lead there; `nearest` lists them as a plan would write them."""

    kind = "two paths"


class WrongType(PlanError):
    """A condition that compares what can't be compared."""

    kind = "type"


class NotSupported(PlanError):
    """Known to the definitions, and not compiled by this version."""

    kind = "not supported"


class GuardError(AnswerableError):
    """A query that can't be proven safe; the text is the reason, in the asker's words only."""


class DeniedError(AnswerableError):
    """It exists and the asker may not see it. `owner` is whom to ask; `reason` the policy line behind it."""

    def __init__(self, text: str, name: str = "", owner: str | None = None, reason: str = "") -> None:
        self.text, self.name, self.owner, self.reason = text, name, owner, reason
        super().__init__(text)


class EngineError(AnswerableError):
    """The warehouse failed. `kind`: missing, locked, unreachable, timeout, memory, size, failed; query where the SQL itself is at fault.

    Never holds the engine's own words.
    """

    def __init__(self, text: str, kind: str = "failed") -> None:
        self.kind = kind
        super().__init__(text)

    def __reduce__(self) -> tuple[type[EngineError], tuple[str, str]]:
        return type(self), (str(self), self.kind)


class IndexFault(AnswerableError):
    """An embedder that does not answer, or vectors that can't be read: words find the rest."""
