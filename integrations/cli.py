"""The command line: each command is a few lines over the project.

Exit codes: 0 answered, 1 fault, 2 usage, 3 declined or denied, 4 clarify.
"""

from __future__ import annotations

import datetime as dt
import json
import sys
from pathlib import Path
from typing import Any

import click
from answerable.agent.answer import Answer
from answerable.agent.ask import Project
from answerable.context.catalog import VerifiedQuestion
from answerable.context.errors import AnswerableError, UsageError
from answerable.integrations.app import STATE, definitions, open_journal, open_project, seen_from
from answerable.integrations.command import DAY, EXIT, complain, output_options, project_options, told
from answerable.integrations.evaluating import evaluate
from answerable.integrations.keying import keys
from answerable.integrations.printing import printable, say, say_json, write_csv
from answerable.integrations.progress import watching


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="answerable")
def main() -> None:
    """Answers questions about a company's data from endorsed definitions, and is answerable for every answer."""


# -- asking -----------------------------------------------------------------------------------------------------------------------


@main.command()
@click.argument("question", nargs=-1, required=True)
@click.option("--today", type=DAY, help="The day that time words count from.")
@click.option("--thread", help="The thread that the question belongs to, for follow-ups.")
@project_options
@output_options
@told
def ask(
    question: tuple[str, ...], today: dt.date | None, thread: str | None, folder: Path, state: Path | None, user: str | None, **output: Any
) -> None:
    """Answer a question in plain words."""
    with open_project(folder, state, surface="cli") as project:
        words = " ".join(question).encode(errors="replace").decode()  # an argument that is no UTF-8 holds what no file can
        with watching() as watch:
            answer = project.ask(words, user=user, thread=thread, today=today, watch=watch)
        _deliver(answer, project, **output)


@main.command()
@click.option("--today", type=DAY, help="The day that time words count from.")
@click.option("--explain", is_flag=True, help="Show the grounding, the plan and the definitions of each answer.")
@click.option("--sql", "with_sql", is_flag=True, help="Show the SQL of each answer.")
@project_options
@told
def chat(today: dt.date | None, explain: bool, with_sql: bool, folder: Path, state: Path | None, user: str | None) -> None:
    """Ask one question after another; follow-ups inherit from those before.

    Type help for what else one can type; exit or an empty line ends it. From a file, each line is a question, and the exit code is that
    of the last.
    """
    from answerable.integrations.chat import converse

    with open_project(folder, state, surface="cli") as project:
        sys.exit(converse(project, project.principal(user), today, explain, with_sql))


@main.command()
@click.option("--metric", "metrics", multiple=True, help="A metric; may be given several times.")
@click.option("--by", multiple=True, help="A dimension to group by, such as customer.region or time:month.")
@click.option("--where", multiple=True, help="A condition over dimensions.")
@click.option("--having", multiple=True, help="A condition over metrics.")
@click.option("--from", "start", help="The first day of the window.")
@click.option("--to", "end", help="The day after the window's last.")
@click.option("--order", multiple=True, help="A column to order by; -name descends.")
@click.option("--limit", type=int, help="At most so many rows.")
@click.option(
    "--plan", "plan_file", type=click.Path(path_type=Path), help="A plan as a JSON file, instead of the options; - for standard input."
)
@project_options
@output_options
@told
def query(
    metrics: tuple[str, ...], by: tuple[str, ...], where: tuple[str, ...], having: tuple[str, ...], start: str | None, end: str | None,
    order: tuple[str, ...], limit: int | None, plan_file: Path | None, folder: Path, state: Path | None, user: str | None, **output: Any,
) -> None:  # fmt: skip
    """Answer a plan: metrics, dimensions and a window by name, no language."""
    if plan_file and (metrics or by or where or having or order or start or end or limit is not None):
        raise UsageError("--plan is the whole plan: put what the other options say into it.")
    plan: dict[str, Any] = _plan_of(plan_file) if plan_file else {
        "metrics": metrics, "by": by, "where": where, "having": having, "order": order,
        **({"limit": limit} if limit is not None else {}), **({"window": {"start": start, "end": end}} if start or end else {}),
    }  # fmt: skip
    with open_project(folder, state, surface="cli") as project:
        _deliver(project.query(plan, user=user), project, **output)


def _plan_of(file: Path) -> dict[str, Any]:
    try:
        data = json.loads(sys.stdin.read() if str(file) == "-" else file.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        raise UsageError(f"{file} is no plan: it must be a readable file with one JSON object.") from None
    if not isinstance(data, dict):
        raise UsageError(f"{file} is no plan: it must hold one JSON object.")
    return data


@main.command()
@click.argument("text")
@project_options
@output_options
@told
def sql(text: str, folder: Path, state: Path | None, user: str | None, **output: Any) -> None:
    """Answer SQL over models or their tables, through the same gate. TEXT - reads standard input."""
    with open_project(folder, state, surface="sql") as project:
        _deliver(project.sql(sys.stdin.read() if text == "-" else text, user=user), project, **output)


def _deliver(answer: Answer, project: Project, as_json: bool, with_sql: bool, csv_file: Path | None, every: bool, explain: bool) -> None:
    """Print an answer and leave with its exit code."""
    if csv_file and answer.status == "answered":
        write_csv(csv_file, [column["name"] for column in answer.columns], answer.rows)
    if as_json:
        say_json(answer.model_dump(mode="json"))
    else:
        from answerable.integrations import terminal

        view = terminal.View(project.catalog, None if every else terminal.SHOWN, explain, with_sql)
        terminal.show(answer, terminal.console(), view)
    sys.exit(EXIT[answer.status])


# -- the data team ------------------------------------------------------------------------------------------------------------------


@main.command()
@click.argument("name", required=False)
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@project_options
@told
def catalog(name: str | None, as_json: bool, folder: Path, state: Path | None, user: str | None) -> None:
    """What this asker may ask about; with NAME, one metric or model whole."""
    from answerable.integrations import listing

    with open_project(folder, state, surface="cli") as project:
        listing.catalog(project, user, name, as_json)


@main.command()
@click.option("--project", "folder", default=".", type=click.Path(path_type=Path), help="The project folder (default: this one).")
@click.option("--json", "as_json", is_flag=True, help="One complaint a line, as JSON.")
@told
def check(folder: Path, as_json: bool) -> None:
    """Check the definitions, and the warehouse that they name: every mistake at once, with its mend."""
    from answerable.integrations import checking

    sys.exit(checking.check(folder, as_json, complain))


@main.command()
@click.option("--warehouse", required=True, help="Where the data is: duckdb:FILE or postgresql://ROLE@HOST/DATABASE.")
@click.option("--out", default=".", type=click.Path(path_type=Path), help="The folder to start the project in.")
@click.option("--name", default="My company", help="What the project is called.")
@told
def init(warehouse: str, out: Path, name: str) -> None:
    """Start a project from a warehouse's tables, with nothing endorsed."""
    from answerable.integrations import checking

    for path in checking.init(warehouse, out, name):
        say(path)
    if "//" in warehouse and seen_from(out, warehouse) != warehouse:
        say("\nThe password is not kept in answerable.yml: set PGPASSWORD, or write it to ~/.pgpass.")
    say("\nNothing is endorsed yet, so nothing answers. Read each model, mend it, and set endorsed: true.")


@main.command()
@click.option("--last", default="30d", help="How far back, such as 30d.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@project_options
@told
def gaps(last: str, as_json: bool, folder: Path, state: Path | None, user: str | None) -> None:
    """The missing words, by how many people asked, with example questions."""
    from answerable.integrations import listing

    days = last.removesuffix("d")
    if not (days.isdecimal() and 1 <= int(days) <= 36_500):
        raise UsageError(f"--last {last} is no number of days; write 30d.")
    with open_project(folder, state, surface="cli") as project:
        project.principal(user)
        listing.gaps(project, user, int(days), as_json)


@main.command()
@click.option("--as", "users", multiple=True, help="A user whose values are read ahead too; may be given several times.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@click.option("--project", "folder", default=".", type=click.Path(path_type=Path), help="The project folder (default: this one).")
@click.option("--state", type=click.Path(path_type=Path), help="Where journal and caches live (default: PROJECT/.answerable).")
@told
def index(users: tuple[str, ...], as_json: bool, folder: Path, state: Path | None) -> None:
    """Build the index of the definitions; what was there before serves until it is whole."""
    from answerable.integrations import indexing

    indexing.run(folder, state, users, as_json)


@main.command()
@click.argument("id")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@project_options
@told
def verify(id: str, as_json: bool, folder: Path, state: Path | None, user: str | None) -> None:
    """Run the certificate of an answer again: same, data moved, or definition moved."""
    with open_project(folder, state, surface="cli") as project:
        found = project.verify(id, user=user)
    if as_json:
        say_json({"id": id, "kind": found.kind, "text": found.text})
    else:
        say(f"{found.kind}: {found.text}")
    sys.exit(0 if found.kind == "same" else 3)


@main.command()
@click.option("--user", "whom", help="The user whose questions are shown (default: everybody's).")
@click.option("--since", type=DAY, help="The first day.")
@click.option("--until", type=DAY, help="The last day.")
@click.option("--json", "as_json", is_flag=True, help="One record a line, as JSON.")
@click.option("--export", metavar="USER", help="All that is kept of one person, as JSON lines.")
@click.option("--erase", metavar="USER", help="Take away what one person asked and got.")
@click.option("--project", "folder", default=".", type=click.Path(path_type=Path), help="The project folder (default: this one).")
@click.option("--state", type=click.Path(path_type=Path), help="Where journal and caches live (default: PROJECT/.answerable).")
@told
def audit(
    whom: str | None, since: dt.date | None, until: dt.date | None, as_json: bool, export: str | None, erase: str | None, folder: Path,
    state: Path | None,
) -> None:  # fmt: skip
    """Who asked what, by which door, what came of it, and which policy lines decided."""
    from answerable.integrations import auditing

    with open_journal(folder, state) as journal:
        if export:
            return auditing.export(journal, export)
        if erase:
            return auditing.erase(journal, erase)
        auditing.audit(journal, whom, since, until, as_json)


@main.group()
def policy() -> None:
    """Who sees what, and why."""


@policy.command("show")
@click.argument("model", required=False)
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@project_options
@told
def policy_show(model: str | None, as_json: bool, folder: Path, state: Path | None, user: str | None) -> None:
    """What a user sees of MODEL, with the line of YAML behind each verdict; without MODEL, a line for each."""
    from answerable.integrations import policies

    policies.show(definitions(folder, state or folder / STATE), user, model, as_json)


@main.group()
def verified() -> None:
    """The questions that the team stands behind."""


@verified.command("list")
@project_options
@told
def verified_list(folder: Path, state: Path | None, user: str | None) -> None:
    """Each with how its mark stands: confirmed, pending or fallen."""
    from answerable.evals.verified import mark_of

    with open_project(folder, state, surface="cli") as project:
        project.principal(user)
        for question in project.catalog.verified:
            if user is None or _may_see(question, project, user):
                say(f"{mark_of(question, project.catalog):<10} {printable(question.question)}  [{question.where}]")


def _may_see(question: VerifiedQuestion, project: Project, user: str) -> bool:
    """Whether a user's own catalogue has all that a verified question names."""
    if question.plan is None:
        return False
    try:
        project.compile(question.plan, user)
    except AnswerableError:
        return False
    return True


@verified.command("add")
@click.argument("question")
@click.option("--by", required=True, help="Who confirms it.")
@project_options
@told
def verified_add(question: str, by: str, folder: Path, state: Path | None, user: str | None) -> None:
    """Confirm that QUESTION means the plan that it is read as, and write it to verified/added.yml."""
    from answerable.evals.verified import add

    with open_project(folder, state, surface="cli", run="verified") as project:
        plan = add(folder, project, question, by, user)
    say(f"confirmed: {json.dumps(plan.as_data())}")


@verified.command("run")
@project_options
@told
def verified_run(folder: Path, state: Path | None, user: str | None) -> None:
    """Compute each and compare it with its trusted value."""
    _verified(folder, state, user, confirm=False)


@verified.command("confirm")
@project_options
@told
def verified_confirm(folder: Path, state: Path | None, user: str | None) -> None:
    """Compute each, and write the mark on those that are right."""
    _verified(folder, state, user, confirm=True)


def _verified(folder: Path, state: Path | None, user: str | None, confirm: bool) -> None:
    from answerable.evals import verified as checks

    with open_project(folder, state, surface="cli", run="verified") as project:
        project.principal(user)
        outcomes = checks.run(project)
        for outcome in outcomes:
            if outcome.verdict != "right":
                say(f"✗ {outcome.verdict}  {outcome.question.where}  {outcome.question.question}: {outcome.says}")
        marked = checks.confirm(folder, project.catalog, outcomes) if confirm else []
    right = sum(o.verdict == "right" for o in outcomes)
    fallen = sum(o.mark == "fallen" for o in outcomes)
    say(f"{right} of {len(outcomes)} right, {fallen} with a fallen mark" + (f", {len(marked)} newly confirmed" if confirm else ""))
    sys.exit(0 if not any(o.verdict in ("differs", "failed") for o in outcomes) else 1)


# -- doors ----------------------------------------------------------------------------------------------------------------------------


@main.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option("--port", default=8000, show_default=True, type=click.IntRange(0, 65535))
@click.option("--at-once", default=8, show_default=True, type=click.IntRange(1, 64), help="Questions that run at a time; others wait.")
@click.option("--project", "folder", default=".", type=click.Path(path_type=Path), help="The project folder (default: this one).")
@click.option("--state", type=click.Path(path_type=Path), help="Where journal and caches live (default: PROJECT/.answerable).")
@told
def serve(host: str, port: int, at_once: int, folder: Path, state: Path | None) -> None:
    """Serve the chat API until the process is told to stop."""
    try:
        from answerable.integrations import serving
    except ImportError:
        raise UsageError("Serving needs more packages: pip install 'answerable[serve]'.") from None
    serving.serve(folder, state, host, port, at_once)


@main.command()
@project_options
@told
def mcp(folder: Path, state: Path | None, user: str | None) -> None:
    """Serve MCP on standard input and output, for the user that --as names."""
    try:
        from answerable.integrations.mcp import on_stdio
    except ImportError:
        raise UsageError("MCP needs more packages: pip install 'answerable[mcp]'.") from None
    from answerable.integrations.live import Live

    live = Live(folder, lambda: open_project(folder, state, surface="mcp"))
    on_stdio(live, live.now.project.principal(user))


# -- suites and imports -------------------------------------------------------------------------------------------------------------


main.add_command(evaluate)
main.add_command(keys)


@main.command("import")
@click.argument("format", type=click.Choice(["dbt"]))
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--out", required=True, type=click.Path(path_type=Path), help="The project folder to write.")
@click.option("--warehouse", required=True, help="Where its data is: duckdb:FILE or postgresql://ROLE@HOST/DATABASE.")
@click.option("--name", default="Imported", help="What the project is called.")
@click.option("--schema", default="main", show_default=True, help="Where dbt builds its models, for YAML that doesn't say it.")
@told
def import_(format: str, path: Path, out: Path, warehouse: str, name: str, schema: str) -> None:
    """Turn somebody else's semantic layer into a project folder; what can't be carried over is listed.

    PATH is dbt's semantic_manifest.json, one of its YAML files, or a folder of them: a dbt project, say.
    """
    from answerable.integrations import importing

    importing.run(format, path, out, warehouse, name, schema)


if __name__ == "__main__":
    main()
