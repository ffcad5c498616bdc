"""Searching a catalogue by words: what is found, what is not, and for whom."""

from pathlib import Path

import pytest
from answerable.context.catalog import Catalog, visible
from answerable.context.documents import documents_of
from answerable.context.loader import load
from answerable.context.policy import Principal
from answerable.context.search import Search

FILES = {
    "answerable.yml": "name: Library\nwarehouse: duckdb:none.duckdb\n",
    "models/loans.yml": """
        model: loans
        table: desk.loans
        description: One row per book lent to a member.
        endorsed: true
        primary_key: loan_id
        time: lent_on
        joins:
          member: {model: members, on: member_id}
        dimensions:
          lent_on: {type: time, grain: day}
          state: {description: Where the loan stands, values: {open: [], overdue: [late], returned: []}}
          fine_amt: {type: number, description: Owed for lateness}
        metrics:
          lent_books: {label: Books lent, expr: count(*), synonyms: [loans made]}
          fines: {label: Fines owed, expr: sum(fine_amt), unit: EUR}
    """,
    "models/members.yml": """
        model: members
        table: desk.members
        description: People who may borrow.
        endorsed: true
        primary_key: member_id
        dimensions:
          phoneNum: {expr: phoneNum}
          illness: {description: What a doctor wrote, values: {asthma: []}}
          branch: {values: [Harbour, Hill]}
    """,
    "models/drafts.yml": """
        model: shelving
        table: desk.shelving
        description: Where each book stands.
        primary_key: shelf_id
        dimensions:
          aisle: {}
    """,
    "policies/members.yml": """
        model: members
        groups:
          desk: {deny: [illness]}
          doctors: {}
    """,
    "policies/users.yml": """
        users:
          ada: {groups: [desk]}
          dora: {groups: [doctors]}
    """,
    "verified/all.yml": """
        - question: how much do Hill readers owe us
          plan: {metrics: [fines], where: ["member.branch = 'Hill'"]}
        - question: books lent to asthma patients
          plan: {metrics: [lent_books], where: ["member.illness = 'asthma'"]}
        - question: outstanding late charges
          plan: {metrics: [fines]}
    """,
}


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    folder = tmp_path_factory.mktemp("library")
    for name, text in FILES.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text("\n".join(line.removeprefix("        ") for line in text.split("\n")))
    return load(folder)


def seen_by(library: Catalog, user: str | None) -> Search:
    return Search(visible(library, library.principal(user)))


def ids(search: Search, text: str, *kinds: str) -> list[str]:
    return [hit.id for hit in search.find(text, kinds=frozenset(kinds) or None).hits]


@pytest.mark.parametrize(
    ("text", "kind", "first"),
    [
        ("how many books were lent", "metric", "metric:lent_books"),
        ("fine amount", "dimension", "dimension:loans.fine_amt"),
        ("telephone number of people who borrow", "model", "model:members"),
        ("phone numbers", "dimension", "dimension:members.phoneNum"),
        ("late ones", "values", "values:loans.state"),
    ],
)
def test_names_are_found_by_what_people_call_them(library: Catalog, text: str, kind: str, first: str) -> None:
    assert ids(seen_by(library, "dora"), text, kind)[0] == first


def test_words_of_dimensions_lead_to_their_model_and_to_what_it_is_joined_with(library: Catalog) -> None:
    found = seen_by(library, "ada").find("phone", kinds=frozenset({"model"}))
    assert [(hit.id, hit.matched) for hit in found.hits] == [("model:members", ("phone",)), ("model:loans", ())]


def test_a_verified_question_lifts_what_its_plan_names(library: Catalog) -> None:
    fines = seen_by(library, None).find("outstanding charges on books", kinds=frozenset({"metric"})).hits
    assert fines[0].id == "metric:lent_books"
    first = seen_by(library, None).find("outstanding late charges, fines", kinds=frozenset({"metric"})).hits[0]
    assert first.id == "metric:fines"
    assert first.parts["example"] > 0


def test_words_that_nothing_covers_are_told(library: Catalog) -> None:
    assert seen_by(library, "ada").find("fines of the zeppelin branch").uncovered == ("zeppelin",)
    assert seen_by(library, "ada").find("zeppelin").hits == ()


def test_what_an_asker_may_not_see_is_not_there(library: Catalog) -> None:
    assert "dimension:members.illness" in ids(seen_by(library, "dora"), "illness")
    assert ids(seen_by(library, "ada"), "illness doctor") == []
    assert not any("member" in id for id in ids(seen_by(library, None), "members phone branch Hill"))


def test_hidden_things_change_no_score(library: Catalog) -> None:
    whole, without = (seen_by(library, "ada").find("members of the branch", limit=50) for _ in range(2))
    assert whole == without
    bare = load_without(library, "illness")
    assert [(h.id, h.score) for h in Search(bare).find("members of the branch", limit=50).hits] == [(h.id, h.score) for h in whole.hits]


def load_without(library: Catalog, name: str) -> Catalog:
    """What the desk sees, of a project that never had a dimension."""
    seen = visible(library, library.principal("ada"))
    members = seen.models["members"]
    kept = {n: d for n, d in members.dimensions.items() if n != name}
    return Catalog(seen.settings, {**seen.models, "members": members.model_copy(update={"dimensions": kept})}, seen.metrics,
                   seen.policies, seen.users, seen.rules, seen.verified, version="another")  # fmt: skip


def test_no_document_has_a_value_that_a_policy_keeps_from_anybody(library: Catalog) -> None:
    texts = [document.text for document in documents_of(library)]
    assert not [text for text in texts if "asthma" in text]
    assert [text for text in texts if "overdue" in text]
    assert "values:members.branch" in {document.id for document in documents_of(library)}


def test_a_draft_is_a_document_and_never_found(library: Catalog) -> None:
    assert [d.endorsed for d in documents_of(library) if d.id == "model:shelving"] == [False]
    assert "model:shelving" not in ids(Search(library), "shelving aisle")
    assert "model:shelving" not in ids(Search(visible(library, Principal())), "shelving aisle")


def test_documents_have_stable_ids_and_a_hash_of_their_texts(library: Catalog, tmp_path: Path) -> None:
    one, other = documents_of(library), documents_of(library)
    assert [(d.id, d.hash) for d in one] == [(d.id, d.hash) for d in other]
    assert len({d.id for d in one}) == len(one)
    assert {d.kind for d in one} <= {"model", "dimension", "metric", "values", "rule", "verified"}
