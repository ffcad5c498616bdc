"""A language model behind the planner: what it may bring about, and what it can't, whatever it says and however it says it."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
from answerable.agent.model.exchange import Request, Unavailable
from answerable.agent.model.steps import Malformed, read
from answerable.context.settings import LanguageModel
from answerable.evals import fake_model
from answerable.evals.fake_model import Act, Step, calls, fails, refuses, says, sends
from language_model import FEBRUARY, gap, plan, scripted

TAKINGS = "how did our takings do last month"
SAID = plan({"takings": "revenue"}, metrics=["revenue"], window=FEBRUARY)


def first_lines(answer: Any) -> str:
    return " ".join((answer.text, *answer.assumptions))


# -- what a good model brings about -----------------------------------------------------------------------------------------------------


def test_what_grounds_in_one_way_never_goes_to_a_model(demo: Path, tmp_path: Path) -> None:
    with scripted(demo, tmp_path, [SAID]) as (ask, server, _):
        assert ask("revenue by region last month").status == "answered"
        assert ask("sales last month").status == "clarify"  # two readings are the asker's to pick
        assert server.heard == []


def test_a_word_that_only_the_model_knows_is_asked_and_recorded_as_a_gap(demo: Path, tmp_path: Path) -> None:
    with scripted(demo, tmp_path, [SAID]) as (ask, _, project):
        answer = ask(TAKINGS, thread="t")
        assert (answer.status, answer.options[0]["plan"]["metrics"]) == ("clarify", ["revenue"])
        assert "“Takings” has no endorsed definition. A language model takes “takings” for revenue. Is it this?" in answer.text
        assert [(g.type, g.text, g.nearest) for g in answer.gaps] == [("unknown term", "takings", ("revenue",))]
        assert answer.usage is not None and answer.usage["read"] == 900
        assert project.journal.get(answer.id)["usage"]["requests"] == 1  # type: ignore[index]
        agreed = ask("yes", thread="t")
        assert (agreed.status, agreed.trust, agreed.plan) == ("answered", "verified", answer.options[0]["plan"])


def test_searching_shows_more_names(demo: Path, tmp_path: Path) -> None:
    script = [Step({"do": "search", "text": "money taken"}), SAID]
    with scripted(demo, tmp_path, script) as (ask, server, _):
        assert ask(TAKINGS).status == "clarify"
        assert '"name": "revenue"' in server.heard[1]["messages"][-1]["content"]


def test_two_tries_that_disagree_are_asked(demo: Path, tmp_path: Path) -> None:
    other = plan({"takings": "net_revenue"}, metrics=["net_revenue"], window=FEBRUARY)
    with scripted(demo, tmp_path, [SAID, other], samples=2) as (ask, server, _):
        answer = ask(TAKINGS)
        assert (answer.status, len(answer.options), len(server.heard)) == ("clarify", 2, 2)
        assert len({option["number"] for option in answer.options}) == 2


def test_time_words_set_the_window_whatever_the_model_says(demo: Path, tmp_path: Path) -> None:
    wrong = plan({"takings": "revenue"}, metrics=["revenue"], window={"start": "2020-01-01", "end": "2021-01-01"})
    with scripted(demo, tmp_path, [wrong]) as (ask, _, __):
        assert ask(TAKINGS).options[0]["plan"]["window"] == FEBRUARY


def test_in_a_thread_a_models_plan_is_always_asked(demo: Path, tmp_path: Path) -> None:
    step = plan(metrics=["revenue"], by=[{"field": "customer.region"}], window=FEBRUARY)
    with scripted(demo, tmp_path, [step]) as (ask, server, _):
        ask("revenue of gold customers last month", thread="t")
        answer = ask("revenue last month by whichever region", thread="t")
        assert (answer.status, len(server.heard) > 0) in (("clarify", True), ("declined", True))


def test_a_model_is_asked_of_every_question_where_the_project_says_so_and_can_not_change_a_number(demo: Path, tmp_path: Path) -> None:
    wrong = plan(metrics=["net_revenue"], window=FEBRUARY)
    with scripted(demo, tmp_path, [wrong], planner="model") as (ask, server, _):
        answer = ask("revenue last month")
        assert (answer.status, answer.plan) == ("answered", {"metrics": ["revenue"], "window": FEBRUARY})
        assert len(server.heard) == 2  # told what is wrong with it, it said the same again


# -- trust nothing ----------------------------------------------------------------------------------------------------------------------

UNREAD = "please ascertain revenue last month"


@pytest.mark.parametrize(
    ("step", "told"),
    [
        (plan(metrics=["revenue"], window=FEBRUARY), "No item of the plan takes “ascertain”"),
        (plan({"ascertain": "aside"}, metrics=["orders"], window=FEBRUARY), "No item of the plan takes “revenue”"),
        (plan({"ascertain": "aside"}, metrics=["revenue", "orders"], window=FEBRUARY), "No word of the question asks for orders"),
        (
            plan({"ascertain": "aside"}, metrics=["revenue"], window=FEBRUARY, by=[{"field": "channel"}]),
            "No word of the question asks for channel",
        ),
        (
            plan(
                {"ascertain": "aside"}, metrics=["revenue"], window=FEBRUARY,
                where=[{"field": "channel", "operator": "=", "values": ["store"]}],
            ),
            "No word of the question asks for the condition on channel",
        ),
        (plan({"ascertain": "aside"}, metrics=["revenue"], window=FEBRUARY, limit=3, order=["-revenue"]), "asks for a limit of 3"),
        (plan({"ascertain": "aside"}, metrics=["profit_of_doom"], window=FEBRUARY), "There is no metric of one of the names"),
        (plan({"ascertain": "aside"}, metrics=["revenue"], by=[{"field": "customer.ssn"}]), "A field of the plan can't be used"),
        (plan({"ascertain": "nothing_there"}, metrics=["revenue"], window=FEBRUARY), "No item of the plan takes “ascertain”"),
        (Step({"do": "sql", "sql": "select 1", "assumes": [], "words": []}), "SQL is not allowed for this asker"),
        (gap("something else"), "The words of a gap are words of the question"),
        (Step({"do": "drop the tables"}), "There is no such step"),
    ],
)  # fmt: skip
def test_a_step_that_does_not_hold_is_told_so_and_brings_nothing_about(step: Step, told: str, demo: Path, tmp_path: Path) -> None:
    with scripted(demo, tmp_path, [step, gap("ascertain")], method="json_mode") as (ask, server, _):
        answer = ask(UNREAD)
        assert answer.status == "declined"
        assert told in server.heard[1]["messages"][-1]["content"]


NEGATED = "kindly ascertain revenue without gold customers last month"


def test_a_word_that_turns_the_meaning_around_must_be_kept(demo: Path, tmp_path: Path) -> None:
    tier: dict[str, Any] = {"field": "customer.tier", "operator": "=", "values": ["gold"]}
    for operator, status in (("=", "declined"), ("<>", "clarify")):
        said = plan({"ascertain": "aside"}, metrics=["revenue"], where=[{**tier, "operator": operator}], window=FEBRUARY)
        with scripted(demo, tmp_path / status, [said]) as (ask, _, __):
            assert ask(NEGATED).status == status


def test_what_is_not_this_askers_to_see_never_goes_to_a_model(demo: Path, tmp_path: Path) -> None:
    with scripted(demo, tmp_path, [gap("x")]) as (ask, server, _):
        answer = ask("cost of goods last month, roughly speaking", user=None)
        assert answer.status == "denied" or "cost_of_goods" not in str(server.heard)


# -- replies that are none --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("acts", "says_why"),
    [
        ([refuses("I'd rather not")], "it refused the question"),
        ([sends("<html>Service</html>", "text/html")], "its reply has not the shape"),
        ([sends('{"choices": []}')], "its reply has not the shape"),
        ([sends('{"error": {"message": "no"}}')], "its reply has not the shape"),
        ([fails(429, retry_after="120")], "it is too busy (429)"),
        ([fails(401)], "it does not take the key (401)"),
        ([fails(500)], "it failed (500)"),
        ([Act(drop=True)], "it can not be reached"),
        ([Act(drip=True)], "it did not answer in time"),
        ([says("No, I don't think so.")], "no plan that holds"),
        ([says('{"step": {"do": "search", "text": "a"}}')], "no plan that holds"),
        ([calls(("search", '{"text": "a"}'))], "no plan that holds"),
        ([says('{"step": {"do": "plan"', "length")], "no plan that holds"),
        ([says("<think>" + "hm " * 50)], "no plan that holds"),
        ([says(None)], "no plan that holds"),
        ([calls(("plan", '{"plan": '))], "its reply has not the shape"),
    ],
)
def test_an_endpoint_that_fails_leaves_the_programs_own_outcome_and_one_line(
    acts: list[Act], says_why: str, demo: Path, tmp_path: Path
) -> None:
    with scripted(demo, tmp_path, acts, seconds=1.0) as (ask, server, _):
        answer = ask(TAKINGS)
        assert (answer.status, [g.text for g in answer.gaps]) == ("declined", ["takings"])
        assert says_why in answer.assumptions[0]
        assert len(server.heard) <= 6


def test_a_busy_endpoint_is_asked_again_within_the_deadline(demo: Path, tmp_path: Path) -> None:
    with scripted(demo, tmp_path, [fails(429, retry_after="0"), fails(503), SAID]) as (ask, server, _):
        assert (ask(TAKINGS).status, len(server.heard)) == ("clarify", 3)


def test_a_long_retry_after_costs_no_time() -> None:
    with fake_model.running([fails(429, retry_after="120")]) as server:
        from answerable.agent.llm import Endpoint

        endpoint = Endpoint(LanguageModel(name="m", base_url=server.url), sleep=lambda seconds: pytest.fail("it slept"))
        with pytest.raises(Unavailable):
            endpoint(Request(({"role": "user", "content": "q"},), {}), time.monotonic() + 60)


@pytest.mark.parametrize(
    "text",
    [
        '{"step": {"do": "search", "text": "a"}}',
        '{"do": "search", "text": "a"}',
        '```json\n{"step": {"do": "search", "text": "a"}}\n```',
        '<think>{"no": 1}</think>Here it is: {"step": {"do": "search", "text": "a"}} Good luck!',
    ],
)
def test_a_step_is_read_however_it_is_wrapped(text: str) -> None:
    from answerable.agent.model.exchange import Reply

    assert read(Reply(text)).do == "search"


def test_a_plan_in_the_form_of_the_contract_is_read() -> None:
    from answerable.agent.model.exchange import Reply

    data = {
        "metrics": ["revenue"], "by": ["customer.region", "ordered_at:month"],
        "where": ["status = 'completed' and customer.tier in ('gold')"], "having": ["orders > 3"], "compare": {"to": "previous"},
        "limit": {"n": 3, "per": ["customer.region"]}, "share": ["total"],
    }  # fmt: skip
    step: Any = read(Reply(json.dumps(data)))
    assert [said.model_dump() for said in step.plan.by][1] == {"field": "ordered_at", "grain": "month"}
    assert [(said.field, said.operator, said.values) for said in step.plan.where][1] == ("customer.tier", "in", ("gold",))
    assert (step.plan.having[0].value, step.plan.compare, step.plan.limit, step.plan.share) == (3, "previous", 3, "total")


def test_what_a_malformed_step_says_is_not_repeated() -> None:
    from answerable.agent.model.exchange import Reply

    with pytest.raises(Malformed) as error:
        read(Reply('{"step": {"do": "plan", "plan": {"secret-canary": ["another-canary"]}}}'))
    assert "canary" not in error.value.says


# -- forms ------------------------------------------------------------------------------------------------------------------------------


def test_a_form_that_the_endpoint_refuses_is_changed_and_remembered(demo: Path, tmp_path: Path) -> None:
    def script(body: dict[str, Any]) -> Act | Step:
        return SAID if "tools" in body else fails(400)

    with scripted(demo, tmp_path, script) as (ask, server, _):
        assert ask(TAKINGS).status == "clarify"
        assert ["tools" in body for body in server.heard] == [False, True]
        assert ask(TAKINGS).status == "clarify"
        assert ["tools" in body for body in server.heard] == [False, True, True]


def test_an_endpoint_that_passes_over_the_form_is_asked_in_another(demo: Path, tmp_path: Path) -> None:
    def script(body: dict[str, Any]) -> Act | Step:
        kind = body.get("response_format", {}).get("type")
        return SAID if kind == "json_object" else says("Sure! The plan is revenue.")

    with scripted(demo, tmp_path, script) as (ask, server, _):
        answer = ask(TAKINGS)
        assert [body.get("response_format", {}).get("type") for body in server.heard][:2] == ["json_schema", None]
        assert answer.status in ("clarify", "declined")


def test_names_in_a_form_are_those_that_were_found(demo: Path, tmp_path: Path) -> None:
    with scripted(demo, tmp_path, [gap("takings")]) as (ask, server, _):
        ask(TAKINGS)
        schema = json.dumps(server.heard[0]["response_format"])
        assert '"revenue"' in schema
        enums = json.loads(json.dumps(server.heard[0]["response_format"]), object_hook=lambda o: o)
        assert len(str(enums)) < 120_000


# -- budgets ----------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("budget", "says_so"),
    [
        ({"tokens": "{user: 900}"}, "your budget of tokens for today is used up"),
        ({"tokens": "{day: 900}"}, "today's budget of tokens is used up"),
        ({"cost": "{user: 0.001}", "price": "{input: 2, output: 10}"}, "your budget for today is used up"),
    ],
)
def test_a_budget_that_is_used_up_leaves_the_program_alone(budget: dict[str, str], says_so: str, demo: Path, tmp_path: Path) -> None:
    with scripted(demo, tmp_path, [SAID], **budget) as (ask, server, _):
        assert ask(TAKINGS).status == "clarify"
        answer = ask(TAKINGS)
        assert (answer.status, len(server.heard)) == ("declined", 1)
        assert says_so in answer.assumptions[0]


def test_one_question_has_a_budget_too(demo: Path, tmp_path: Path) -> None:
    searching = [Step({"do": "search", "text": str(n)}) for n in range(9)]
    with scripted(demo, tmp_path, searching, tokens="{question: 1500}") as (ask, server, _):
        answer = ask(TAKINGS)
        assert "the budget of one question is used up" in answer.assumptions[0]
        assert len(server.heard) == 2
