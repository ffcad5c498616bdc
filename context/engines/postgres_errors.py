"""What is wrong with PostgreSQL or a query of it, in our own words: the server's quote values, and a URL may hold a password."""

from __future__ import annotations

import re

import psycopg
from answerable.context.errors import EngineError
from psycopg import errors as pg
from psycopg.conninfo import conninfo_to_dict

_LACKS = ("The warehouse lacks a function or a type that a definition names; `answerable check` says which", "failed")
_FAILED: dict[str, tuple[str, str]] = {
    "08": ("The connection to the warehouse broke off", "unreachable"),
    "25": ("The warehouse is only read from, and this would change it", "failed"),
    "42883": _LACKS, "42704": _LACKS, "42804": _LACKS, "42846": _LACKS,
    "53": ("The query needs more memory or room than the warehouse has", "memory"),
    "57": ("The warehouse shut the connection down", "unreachable"),
}  # fmt: skip
"""By the server's code (SQLSTATE), or its first two letters."""
_AT_FAULT: dict[str, str] = {
    "22": "a value can not be converted, or a number in it gets too large",
    "42": "a name, a type or an argument in it does not fit",
}
"""What sent SQL itself is to blame for."""


def told(error: psycopg.Error, sent: bool) -> EngineError:
    """What went wrong with a query; `sent` where somebody wrote it."""
    state = error.sqlstate or ""
    if isinstance(error, pg.InsufficientPrivilege):
        return EngineError("The warehouse's role may not read something that the query needs; `answerable check` says what.", "failed")
    if isinstance(error, psycopg.OperationalError) and not state:
        state = "08"
    if sent and (fault := _AT_FAULT.get(state[:2])):
        return EngineError(f"The warehouse can not run this SQL: {fault}.", "query")
    text, kind = _FAILED.get(state) or _FAILED.get(state[:2], ("The warehouse refused the query", "failed"))
    return EngineError(f"{text} ({type(error).__name__}).", kind)


def unreached(url: str, error: psycopg.Error) -> EngineError:
    """Why there is no connection; the host is named, and not who logs in and how."""
    try:
        said = conninfo_to_dict(url)
    except psycopg.Error:
        return EngineError("The URL in `warehouse` can not be read; write it like postgresql://role@host:5432/database.", "unreachable")
    host, port = said.get("host") or "this machine", said.get("port")
    text = str(error)  # a failed login comes without a code
    why = next((why for words, why in _LOGIN.items() if re.search(words, text)), "can not be reached: does it run, at this host and port?")
    return EngineError(f"The warehouse at {host}{f':{port}' if port else ''} {why}", "unreachable")


_LOGIN = {
    r'database ".*" does not exist': "has no database of the name in `warehouse`.",
    r'password|pg_hba|role ".*"': "refuses the login: look at the role in `warehouse` and at its password (PGPASSWORD, or ~/.pgpass).",
    r"connection (slots|limit)|too many": "has no connection left.",
    r"starting up|shutting down|recovery": "is starting up or shutting down.",
}
"""By the server's words; those of another language are told as the last one."""
