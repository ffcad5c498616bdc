"""Who asks at a network door: proven by a key, a token or a trusted proxy, or nobody. Nobody is ever taken for somebody else."""

from __future__ import annotations

import datetime as dt
import ipaddress
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import jwt
from answerable.context.catalog import Catalog
from answerable.context.errors import UsageError
from answerable.context.policy import EVERYONE, Principal
from answerable.context.settings import Identity
from answerable.integrations.doors import Doors

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "ES256", "ES384", "EdDSA")
"""Of public keys only: a token signed with a shared secret, or with nothing, is none."""
LEEWAY = 30
REFRESH = 300
"""Seconds between two fetches of an issuer's keys, whatever unknown keys tokens name."""


class Unproven(Exception):
    """Nobody has proven who asks (401)."""


class NotLetIn(Exception):
    """It is proven who asks, and the project lets nobody of this name in (403)."""


@dataclass(frozen=True)
class Proven:
    """Who asks. `delegates`: a key that may say for whom it asks; `by`: key, token or proxy, with the key's id."""

    principal: Principal
    by: str
    delegates: bool = False


class Gatekeeper:
    """Proves who asks, for one project."""

    def __init__(self, catalog: Callable[[], Catalog], doors: Doors, clock: Callable[[], dt.datetime]) -> None:
        self.catalog, self.doors, self.clock = catalog, doors, clock
        self.tokens: dict[str, _Tokens] = {}

    def proven(self, headers: Mapping[str, str], peer: str | None) -> Proven:
        """Who a request's headers prove. Raises Unproven, or NotLetIn."""
        identity = self.catalog().settings.identity
        scheme, _, said = headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer" and said.strip():
            return self._bearer(said.strip(), identity)
        if identity.proxy and (user := headers.get(identity.proxy.header.lower())):
            if not _is_trusted(peer, identity.proxy.trust):
                raise Unproven
            return Proven(self.known(user.strip()), "proxy")
        raise Unproven

    def delegated(self, key: Proven, user: str) -> Proven:
        """For whom a key asks, where it may say so. Raises NotLetIn."""
        if not key.delegates:
            raise NotLetIn
        return Proven(self.known(user), key.by)

    def known(self, user: str) -> Principal:
        """Somebody by their id. Raises NotLetIn for whom the project does not know, unless it's open to everyone."""
        catalog = self.catalog()
        try:
            return catalog.principal(user)
        except UsageError:
            if catalog.settings.open_to == "everyone" and user:
                return Principal(id=user)
            raise NotLetIn from None

    def _bearer(self, said: str, identity: Identity) -> Proven:
        now = self.clock()
        if said.startswith("ak_"):
            key = self.doors.key(said, now)
            if key is None:
                raise Unproven
            return Proven(self.known(key.user), f"key {key.id}", key.delegates)
        if identity.issuer is None:
            raise Unproven
        tokens = self.tokens.setdefault(identity.issuer, _Tokens(identity))
        return Proven(self._claimed(tokens.claims(said), identity), "token")

    def _claimed(self, claims: Mapping[str, Any], identity: Identity) -> Principal:
        """The person of a token: as policies/users.yml has them, with the groups and attributes that the project takes from claims."""
        user = claims.get(identity.user)
        if not isinstance(user, str) or not user:
            raise NotLetIn
        said = claims.get(identity.groups, ()) if identity.groups else ()
        groups = frozenset(g for g in ([said] if isinstance(said, str) else said) if isinstance(g, str) and g != EVERYONE)
        attributes = {name: claims[claim] for name, claim in identity.attributes.items() if claim in claims}
        catalog = self.catalog()
        if user in catalog.users:
            person = catalog.users[user]
        elif groups & {group for policy in catalog.policies.values() for group in policy.groups} or catalog.settings.open_to == "everyone":
            person = Principal(id=user)
        else:
            raise NotLetIn
        return replace(person, groups=person.groups | groups, attributes={**person.attributes, **attributes})


class _Tokens:
    """The tokens of one issuer, checked against its keys."""

    def __init__(self, identity: Identity) -> None:
        self.identity = identity
        assert identity.issuer is not None
        url = identity.jwks or f"{identity.issuer.rstrip('/')}/.well-known/jwks.json"
        self.client = jwt.PyJWKClient(url, cache_jwk_set=True, lifespan=REFRESH, timeout=5)
        self.fetched, self.lock = 0.0, threading.Lock()

    def claims(self, token: str) -> Mapping[str, Any]:
        """The claims of a token. Raises Unproven for all that is not whole, current, and meant for this project."""
        try:
            key = self._key(token)
            return jwt.decode(
                token, key, algorithms=[*ALGORITHMS], audience=self.identity.audience, issuer=self.identity.issuer, leeway=LEEWAY,
                options={"require": ["exp", "iss", "aud", "sub"]},
            )  # fmt: skip
        except (jwt.PyJWTError, ValueError, TypeError, OSError):
            raise Unproven from None

    def _key(self, token: str) -> Any:
        """The issuer's key that a token names. Unknown ones make it look again only now and then."""
        header = jwt.get_unverified_header(token)
        if header.get("alg") not in ALGORITHMS:
            raise Unproven
        with self.lock:
            known = {key.key_id: key for key in self.client.get_signing_keys()}
            if header.get("kid") not in known and time.monotonic() - self.fetched > REFRESH:
                self.fetched = time.monotonic()
                known = {key.key_id: key for key in self.client.get_signing_keys(refresh=True)}
        if header.get("kid") not in known:
            raise Unproven
        return known[header["kid"]].key


def _is_trusted(peer: str | None, trust: tuple[str, ...]) -> bool:
    try:
        address = ipaddress.ip_address(peer or "")
        return any(address in ipaddress.ip_network(net, strict=False) for net in trust)
    except ValueError:
        return False
