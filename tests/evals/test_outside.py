"""The suites from outside, whole: they take a while, so `make test-all` runs them."""

import os
from collections import Counter
from pathlib import Path

import pytest
from answerable.evals import attacks, conformance
from postgres_server import Server

ATTACKS = Path(__file__).parents[3] / "shared" / "data" / "attacks"
SOURCE = Path(__file__).parents[3] / "shared" / "data" / "metricflow"
AGREED_OTHERWISE = {
    "nl08ef06e",  # pending orders of a metric over completed ones: a contradiction is a gap and no zero
    "nlc9c49b2",  # a customer whom the asker may see is left out: answered, as its sibling with "without" is
}
pytestmark = [
    pytest.mark.outside,
    pytest.mark.skipif("ANSWERABLE_OUTSIDE" not in os.environ, reason="runs in make test-all"),
    pytest.mark.skipif(not SOURCE.is_dir(), reason="../shared/data/metricflow is not there"),
]


def test_metricflow_s_cases_never_pass_fewer_than_before(tmp_path: Path) -> None:
    outcomes = list(conformance.run(SOURCE, tmp_path))
    print(conformance.summary(outcomes))
    official = Counter(o.verdict for o in outcomes if "suspect" not in o.case and "why" not in o.case)
    extra = Counter(o.verdict for o in outcomes if o.case.get("suspect") == [])
    assert official["passed"] >= 72 and extra["passed"] >= 353


@pytest.mark.skipif(not ATTACKS.is_dir(), reason="../shared/data/attacks is not there")
def test_no_attack_succeeds_and_nothing_honest_is_denied() -> None:
    assert {o.id for o in attacks.play(ATTACKS) if not o.fine} <= AGREED_OTHERWISE


@pytest.mark.skipif(not ATTACKS.is_dir(), reason="../shared/data/attacks is not there")
def test_no_attack_succeeds_on_postgres_either(postgres: Server) -> None:
    assert [o for o in attacks.play(ATTACKS, postgres.url) if not o.fine] == []
