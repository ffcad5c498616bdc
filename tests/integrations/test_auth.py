"""Who asks over the network is proven, or nobody: keys, tokens of one issuer, a trusted proxy."""

from __future__ import annotations

import datetime as dt
import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import jwt
import pytest
from answerable.context.catalog import Catalog
from answerable.context.loader import load
from answerable.context.settings import Identity
from answerable.integrations.auth import Gatekeeper, NotLetIn, Proven, Unproven
from answerable.integrations.cli import main
from answerable.integrations.doors import Doors
from click.testing import CliRunner
from cryptography.hazmat.primitives.asymmetric import rsa

NOW = dt.datetime(2026, 3, 31, 12, tzinfo=dt.UTC)
ANA = "ana@alder.example"


@pytest.fixture(scope="module")
def key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


class Issuer(ThreadingHTTPServer):
    """Gives the public keys of an issuer, and counts how often."""

    def __init__(self, key: rsa.RSAPrivateKey) -> None:
        super().__init__(("127.0.0.1", 0), _Keys)
        jwk = jwt.algorithms.RSAAlgorithm.to_jwk(key.public_key(), as_dict=True)
        self.body, self.fetched = json.dumps({"keys": [{**jwk, "kid": "one", "use": "sig", "alg": "RS256"}]}).encode(), 0
        self.url = f"http://127.0.0.1:{self.server_port}"


class _Keys(BaseHTTPRequestHandler):
    server: Issuer

    def do_GET(self) -> None:
        self.server.fetched += 1
        self.send_response(200)
        self.end_headers()
        self.wfile.write(self.server.body)

    def log_message(self, format: str, *args: Any) -> None: ...


@pytest.fixture
def issuer(key: rsa.RSAPrivateKey) -> Iterator[Issuer]:
    server = Issuer(key)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def doors(tmp_path: Path) -> Iterator[Doors]:
    made = Doors(tmp_path / "doors.db")
    yield made
    made.close()


Let = Callable[..., Proven]


def gate(demo: Path, doors: Doors, identity: Identity | None = None, **settings: Any) -> Gatekeeper:
    catalog = load(demo)
    changed = catalog.settings.model_copy(update={"identity": identity or Identity(), **settings})
    made = Catalog(changed, catalog.models, catalog.metrics, catalog.policies, catalog.users)
    return Gatekeeper(lambda: made, doors, lambda: NOW)


def bearer(said: str) -> dict[str, str]:
    return {"authorization": f"Bearer {said}"}


def test_a_key_is_somebody_until_it_is_revoked_or_over(demo: Path, doors: Doors) -> None:
    let = gate(demo, doors)
    made = doors.create_key(ANA, NOW, days=1)
    assert let.proven(bearer(made), None).principal.id == ANA
    assert made.split("_", 2)[2] not in (doors.database.file or Path()).read_bytes().decode("latin-1")
    for other in (made[:-1] + ("a" if made[-1] != "a" else "b"), "ak_", "ak_none_x", "x", ""):
        with pytest.raises(Unproven):
            let.proven(bearer(other), None)
    assert doors.key(made, NOW + dt.timedelta(days=1)) is None
    assert doors.revoke_key(made.split("_")[1], NOW)
    with pytest.raises(Unproven):
        let.proven(bearer(made), None)


def test_a_key_of_somebody_who_is_gone_lets_nobody_in(demo: Path, doors: Doors) -> None:
    with pytest.raises(NotLetIn):
        gate(demo, doors).proven(bearer(doors.create_key("gone@alder.example", NOW)), None)
    open_ = gate(demo, doors, open_to="everyone")
    assert open_.proven(bearer(doors.create_key("new@alder.example", NOW)), None).principal.groups == frozenset()


def test_only_a_marked_key_says_for_whom_it_asks(demo: Path, doors: Doors) -> None:
    let = gate(demo, doors)
    plain, marked = (let.proven(bearer(doors.create_key(ANA, NOW, delegates=d)), None) for d in (False, True))
    with pytest.raises(NotLetIn):
        let.delegated(plain, "finn@alder.example")
    assert let.delegated(marked, "finn@alder.example").principal.id == "finn@alder.example"
    with pytest.raises(NotLetIn):
        let.delegated(marked, "stranger@elsewhere.example")


def token(key: Any, issuer: Issuer, algorithm: str = "RS256", kid: str = "one", **claims: Any) -> str:
    said = {
        "iss": issuer.url, "aud": "answerable", "sub": "1", "email": ANA,
        "exp": dt.datetime.now(dt.UTC) + dt.timedelta(minutes=5), **claims,
    }  # fmt: skip
    return jwt.encode({k: v for k, v in said.items() if v is not None}, key, algorithm=algorithm, headers={"kid": kid})


def test_a_token_of_the_issuer_is_its_user(demo: Path, doors: Doors, issuer: Issuer, key: rsa.RSAPrivateKey) -> None:
    identity = Identity(issuer=issuer.url, audience="answerable", groups="groups", attributes={"region": "region"})
    let = gate(demo, doors, identity)
    person = let.proven(bearer(token(key, issuer, groups=["finance", "everyone"], region="EU")), None).principal
    assert person.id == ANA
    assert {"finance"} < person.groups
    assert person.attributes["region"] == "EU"
    for _ in range(20):
        let.proven(bearer(token(key, issuer)), None)
    assert issuer.fetched == 1


def test_a_token_that_is_not_whole_is_nobody(demo: Path, doors: Doors, issuer: Issuer, key: rsa.RSAPrivateKey) -> None:
    let = gate(demo, doors, Identity(issuer=issuer.url, audience="answerable"))
    other = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    old = dt.datetime.now(dt.UTC) - dt.timedelta(minutes=2)
    bad = [
        token(key, issuer, iss="https://elsewhere.example"), token(key, issuer, aud="another"), token(key, issuer, exp=old),
        token(key, issuer, exp=None), token(key, issuer, sub=None), token(key, issuer, aud=None), token(other, issuer),
        token(None, issuer, algorithm="none"), token("a secret that is shared and long enough", issuer, algorithm="HS256"),
        "not.a.token", token(key, issuer)[:-4] + "AAAA",
    ]  # fmt: skip
    for said in bad:
        with pytest.raises(Unproven):
            let.proven(bearer(said), None)
    fetched = issuer.fetched
    for n in range(20):
        with pytest.raises(Unproven):
            let.proven(bearer(token(key, issuer, kid=f"unknown {n}")), None)
    assert issuer.fetched <= fetched + 1
    with pytest.raises(NotLetIn):
        let.proven(bearer(token(key, issuer, email="stranger@elsewhere.example")), None)


def test_a_header_is_believed_from_the_proxy_alone(demo: Path, doors: Doors) -> None:
    said = {"x-forwarded-email": ANA}
    let = gate(demo, doors, Identity.model_validate({"proxy": {"trust": ["10.0.0.0/8", "127.0.0.1"]}}))
    assert let.proven(said, "10.1.2.3").principal.id == ANA
    for peer in ("192.168.0.1", None, "testclient"):
        with pytest.raises(Unproven):
            let.proven(said, peer)
    with pytest.raises(Unproven):
        gate(demo, doors).proven(said, "127.0.0.1")


def test_what_was_seen_is_seen_by_every_process(tmp_path: Path) -> None:
    one, other = Doors(tmp_path / "doors.db"), Doors(tmp_path / "doors.db")
    assert one.is_first(NOW, "event 1", "message 1")
    assert not other.is_first(NOW, "event 2", "message 1")
    assert not other.is_first(NOW, "event 1")
    assert other.is_first(NOW + dt.timedelta(days=2), "event 1")
    one.close()
    other.close()


def test_keys_are_made_listed_and_revoked_on_the_command_line(demo: Path, tmp_path: Path) -> None:
    where = ["--project", str(demo), "--state", str(tmp_path)]
    run = CliRunner().invoke
    made = run(main, ["keys", "create", "--user", ANA, *where])
    assert (made.exit_code, made.stdout.count("\n")) == (0, 1)
    assert made.stdout.startswith("ak_")
    id = made.stdout.split("_")[1]
    assert f"{id}  {ANA}  until" in run(main, ["keys", "list", *where]).output
    assert run(main, ["keys", "revoke", id, *where]).exit_code == 0
    assert "revoked" in run(main, ["keys", "list", *where]).output
    assert run(main, ["keys", "create", "--user", "nobody@x.example", *where]).exit_code == 2
    assert run(main, ["keys", "revoke", "none", *where]).exit_code == 2
