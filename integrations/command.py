"""What commands share: options, days, and errors as sentences with their exit code."""

from __future__ import annotations

import datetime as dt
import functools
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
from answerable.context.errors import AnswerableError, DefinitionError, DeniedError, GuardError, PlanError, UsageError
from answerable.integrations.printing import say

FIRST_YEAR, LAST_YEAR = 1900, 2200
EXIT = {"answered": 0, "declined": 3, "denied": 3, "clarify": 4, "error": 1}


class DayType(click.ParamType[dt.date]):
    """A day as YYYY-MM-DD."""

    name = "day"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> dt.date:
        try:
            day: dt.date = value if isinstance(value, dt.date) else dt.date.fromisoformat(value)
        except ValueError:
            self.fail(f"{value} is no day; write it as 2026-03-31.", param, ctx)
        if not FIRST_YEAR <= day.year <= LAST_YEAR:
            self.fail(f"{value} is not between the years {FIRST_YEAR} and {LAST_YEAR}.", param, ctx)
        return day


DAY = DayType()
Command = Callable[..., Any]


def told(work: Command) -> Command:
    """Errors as sentences with their exit code; never a traceback."""

    @functools.wraps(work)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        try:
            return work(*args, **kwargs)
        except DefinitionError as error:
            complain(error.complaints)
            sys.exit(1)
        except (DeniedError, GuardError, PlanError) as error:
            whom = f" Ask {error.owner} for it." if isinstance(error, DeniedError) and error.owner else ""
            say(f"{error}{whom}", err=True)
            sys.exit(3)
        except UsageError as error:
            say(str(error), err=True)
            sys.exit(2)
        except AnswerableError as error:
            say(str(error), err=True)
            sys.exit(1)
        except OSError as error:
            say(f"{error.filename or 'A file'}: {error.strerror or 'it can not be read or written'}.", err=True)
            sys.exit(1)

    return wrapper


def project_options(work: Command) -> Command:
    """`--project`, `--state` and `--as`, for every command that opens a project."""
    for option in (
        click.option("--project", "folder", default=".", type=click.Path(path_type=Path), help="The project folder (default: this one)."),
        click.option("--state", type=click.Path(path_type=Path), help="Where journal and caches live (default: PROJECT/.answerable)."),
        click.option("--as", "user", help="The user who asks (default: nobody, the group everyone)."),
    ):
        work = option(work)
    return work


def output_options(work: Command) -> Command:
    """`--json`, `--sql`, `--csv`, `--all` and `--explain`, for every command that gives an answer."""
    for option in (
        click.option("--json", "as_json", is_flag=True, help="The answer as JSON."),
        click.option("--sql", "with_sql", is_flag=True, help="Show the SQL that ran."),
        click.option("--csv", "csv_file", type=click.Path(path_type=Path), help="Write the rows to a file."),
        click.option("--all", "every", is_flag=True, help="Print every row."),
        click.option("--explain", is_flag=True, help="Show the grounding, the plan and the definitions."),
    ):
        work = option(work)
    return work


def complain(complaints: tuple[Any, ...]) -> None:
    """Complaints as people read them: kind, place, what, mend."""
    for complaint in complaints:
        mark, level = ("!", "warning") if complaint.warning else ("✗", "error")
        say(
            f"{mark} {level:<8} {complaint.kind:<15} {complaint.where}\n           {complaint.what}\n  mend     {complaint.mend}\n",
            err=True,
        )
