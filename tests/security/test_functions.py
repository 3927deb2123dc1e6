"""Function-level authorisation (API5): every function of the node, asked as everybody who might.

What the table of :mod:`.functions` grants is let through (whatever it then lacks), everything else is refused
before anything of it happens. The rooms within the data are walked elsewhere; here it is the doors.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest

from hansa.kernel.settings import Settings
from hansa.node import Node
from hansa.trust.identity.sessions import form_secret
from hansa.trust.principals import SCOPES, new_token, token_hash
from hansa.trust.sources.register import OPERATOR_SOURCE
from tests.trust.identity.machines import ISSUER, assertion, jwks

from .asking import BODIES, QUERIES, VALUES, Reply, ask, filled
from .functions import BAD, DEPENDS, ELSEWHERE, EVERYBODY, MAY, SESSIONS, table

Headers = dict[str, str]
LONG_AGO = "2020-01-01T00:00:00.000000Z"


class Cast:
    """A node, and the header fields with which each of those who might ask comes."""

    def __init__(self, folder: Path) -> None:
        operator = new_token()
        settings = Settings(city="Town", operator_token_hash=token_hash(operator))
        self.node = Node.open(folder, settings)
        self.headers: dict[str, Headers] = {"public": {}, "operator": _bearer(operator)}
        self.forms: dict[str, str] = {}
        self._entity()
        self._people()
        self._narrow()
        self._machines()
        self._bad()

    def _entity(self) -> None:
        """What the pages of an entity and of a type have something to show."""
        zone = {"id": VALUES["id"], "type": "TransportZone", "name": {"value": "Here"}}
        sent = orjson.dumps(zone)
        head = {"content-type": "application/json", "content-length": str(len(sent))}
        reply = ask(
            self.node, "POST", "/ngsi-ld/v1/entities", head | self.headers["operator"], sent
        )
        assert reply.status == 201, reply.body

    def _people(self) -> None:
        desk = self.node.trust.desk
        self.node.trust.sources.operators()
        desk.accounts.add("rosa", kind="resident", roles=())
        desk.accounts.add("gone", roles=("administrator",))
        roles = ("data_officer", "strategy", "diplomat", "planner", "auditor", "administrator")
        for role in roles:
            desk.accounts.add(role.replace("_", "-"), roles=(role,))
            self.headers[role.replace("_", "-")] = self._token(role.replace("_", "-"))
        self.headers["resident"] = self._token("rosa")
        for who in ("data-officer", "auditor", "administrator"):
            self._session(f"{who}-session", who)
        self._session("resident-session", "rosa")
        self._session("session-of-disabled", "gone")
        ended = self._session("ended-session", "administrator")
        desk.sessions.end("administrator", token_hash(ended))
        idle = self._session("idle-session", "administrator")
        self._age("session", token_hash(idle), seen=LONG_AGO)

    def _narrow(self) -> None:
        one = {"reads": "read", "writes": "write", "administers": "admin"}
        for name, scope in one.items():
            self.headers[f"administrator-{name}"] = self._token("administrator", scopes=(scope,))
        for name, tenant in (("elsewhere", "other"), ("here", "")):
            self.headers[f"administrator-{name}"] = self._token("administrator", tenant=tenant)
        self.headers["administrator-of-cars"] = self._token(
            "administrator", types=("https://x/Car",)
        )

    def _machines(self) -> None:
        """A program, a partner city, a program that was shut out with a token in its hands."""
        clients = self.node.trust.desk.clients
        for name in ("service", "city", "service-shut"):
            kind = "city" if name == "city" else "service"
            clients.add(name, jwks=jwks(), scopes=SCOPES, kind=kind, source=OPERATOR_SOURCE)
            self.headers[name] = _bearer(self._granted(name))
        clients.disable("service-shut")
        head, claims, _ = self.headers["service"]["authorization"].split(".")
        self.headers["forged"] = {"authorization": f"{head}.{claims}.{'A' * 86}"}

    def _granted(self, client: str) -> str:
        grants = self.node.trust.desk.grants
        proof = assertion(client)
        return grants.grant(grants.holder(proof), proof, {ISSUER}, ISSUER, "").token

    def _bad(self) -> None:
        desk = self.node.trust.desk
        self.headers["guess"] = _bearer(new_token("hansat_0123456789ab_"))
        self.headers["of-disabled"] = self._token("gone")
        for name in ("expired", "revoked"):
            self.headers[name] = self._token("administrator")
            id = self.headers[name]["authorization"].split("_")[1]
            if name == "revoked":
                desk.tokens.revoke(id)
            else:
                self._age("token", id, expires=LONG_AGO)
        desk.accounts.disable("gone")

    def _token(self, account: str, **more: object) -> Headers:
        given = {"scopes": SCOPES, "source": OPERATOR_SOURCE, **more}
        return _bearer(self.node.trust.desk.tokens.add(account, "walk", **given)[1])  # type: ignore[arg-type]

    def _session(self, name: str, account: str) -> str:
        secret = self.node.trust.desk.sessions.begin(account, "", "", "passkey")
        self.headers[name] = {"cookie": f"hansa_session={secret}", "sec-fetch-site": "same-origin"}
        self.forms[name] = form_secret(secret)
        return secret

    def _age(self, kind: str, id: str, **changed: str) -> None:
        self.node.trust.vault.edit(kind, id, lambda old: ({**(old or {}), **changed}, None))

    def asks(self, who: str, verb: str, path: str, **more: str) -> Reply:
        """What `who` is answered."""
        form = b"form=" + self.forms.get(who, "").encode()
        body = BODIES.get(path, b"{}") if "/ngsi-ld/" in path else form
        if verb in ("GET", "HEAD") and path in QUERIES:
            path += "?" + QUERIES[path]
        kind = "application/json" if "/v1/" in path else "application/x-www-form-urlencoded"
        head = {"content-type": kind, "content-length": str(len(body))} if verb != "GET" else {}
        sent = body if verb != "GET" else b""
        return ask(self.node, verb, path, head | self.headers[who] | more, sent)

    def state(self) -> list[object]:
        """What nobody who is refused may change."""
        trust = self.node.trust
        return [
            self.node.public_store().last_change(),
            trust.desk.accounts.all(),
            [(each.id, each.expires) for each in trust.desk.tokens.all()],
            trust.algorithms.all(),
            self.node.public_store().records("subscription"),
        ]


def _bearer(token: str) -> Headers:
    return {"authorization": f"Bearer {token}"}


@pytest.fixture(scope="module")
def cast(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cast]:
    """Everybody who might ask."""
    made = Cast(tmp_path_factory.mktemp("functions"))
    yield made
    made.node.close()


def refused(reply: Reply) -> bool:
    """Whether somebody was turned away at the door."""
    to_login = reply.status == 303 and reply.one("location").startswith("/login")
    return reply.status in (401, 403) or to_login


def test_everybody_of_the_table_is_there(cast: Cast) -> None:
    assert cast.headers.keys() == EVERYBODY


def test_each_function_is_let_through_for_those_of_the_table_and_for_nobody_else(
    cast: Cast,
) -> None:
    before = cast.state()
    wrong = []
    for (verb, pattern), group in table().items():
        for who in sorted(EVERYBODY - MAY[group] - DEPENDS.get(group, set())):
            reply = cast.asks(who, verb, filled(pattern))
            headed = verb == "GET" and not refused(cast.asks(who, "HEAD", filled(pattern)))
            if headed or not refused(reply):
                wrong.append((who, verb, pattern, reply.status))
    assert wrong == []
    assert cast.state() == before
    for (verb, pattern), group in table().items():
        for who in sorted(MAY[group] - (SESSIONS if pattern == "/logout" else set())):
            reply = cast.asks(who, verb, filled(pattern))
            assert reply.status < 500, (who, verb, pattern)
            if group != "door" and refused(reply):
                wrong.append((who, verb, pattern, reply.status))
    assert wrong == []


def test_the_same_for_a_tenant_that_nobody_published(cast: Cast) -> None:
    wrong = []
    for (verb, pattern), group in table().items():
        if group not in ELSEWHERE or not pattern.startswith("/ngsi-ld/"):
            continue
        for who in sorted(EVERYBODY - DEPENDS.get(group, set())):
            reply = cast.asks(who, verb, filled(pattern), **{"ngsild-tenant": "other"})
            if group == "read-write" and who == "administrator-writes" and reply.status == 404:
                continue  # there is no such tenant: said before that it could not be read
            if refused(reply) is (who in ELSEWHERE[group]):
                wrong.append((who, verb, pattern, reply.status))
    assert wrong == []


def test_who_proves_nothing_is_told_so_and_who_may_not_is_told_that(cast: Cast) -> None:
    """401 asks for a proof (and says which), 403 says that this one is not enough."""
    for (verb, pattern), group in table().items():
        if not pattern.startswith("/ngsi-ld/") or group == "page":
            continue
        for who in sorted(EVERYBODY - MAY[group] - DEPENDS.get(group, set())):
            reply = cast.asks(who, verb, filled(pattern))
            nobody = who in BAD or who in SESSIONS or "session" in who or who == "public"
            assert reply.status == (401 if nobody else 403), (who, verb, pattern)
            assert reply.every("www-authenticate") == (["Bearer"] if nobody else [])


def test_a_token_that_proves_nothing_is_told_so_at_every_address(cast: Cast) -> None:
    """Also where everybody gets the same: nobody takes a public answer for what their token shows."""
    foreign = ("/oauth/token", "/hansa/v1/told/{secret}")  # where others prove something else
    wrong = []
    for verb, pattern in table():
        for who in sorted(BAD):
            reply = cast.asks(who, verb, filled(pattern))
            if pattern in foreign:
                assert reply.status in (400, 401, 404)
            elif reply.status != 401 or reply.every("www-authenticate") != ["Bearer"]:
                wrong.append((who, verb, pattern, reply.status))
    assert wrong == []


def test_a_cookie_changes_nothing_without_the_page_that_it_belongs_to(cast: Cast) -> None:
    """No foreign page can make the browser of an administrator act, and no lost cookie does so alone."""
    changing = [
        (verb, pattern)
        for (verb, pattern), group in table().items()
        if verb != "GET" and group in ("admin", "own", "data-officer", "page-write")
    ]
    assert len(changing) > 4
    before = cast.state()
    for verb, pattern in changing:
        for headers in (
            {"sec-fetch-site": "cross-site"},
            {"sec-fetch-site": "same-site"},
            {"sec-fetch-site": "none"},
            {"origin": "https://evil.example", "sec-fetch-site": "same-origin"},
            {"origin": "null", "sec-fetch-site": "same-origin"},
        ):
            reply = cast.asks("administrator-session", verb, filled(pattern), **headers)
            assert reply.status == 403, (verb, pattern, headers)
        form = cast.forms.pop("administrator-session")
        try:
            if "/v1/" not in pattern:
                assert cast.asks("administrator-session", verb, filled(pattern)).status == 403
        finally:
            cast.forms["administrator-session"] = form
    assert cast.state() == before


def test_a_stranger_s_body_is_not_even_read(cast: Cast) -> None:
    """Nobody makes the node parse what they may not send (16 MB of it, or what is no JSON at all)."""
    for verb, pattern in (
        (v, p) for (v, p), group in table().items() if group in ("write", "bring", "subscribe")
    ):
        if verb == "GET":
            continue
        head = {"content-type": "text/plain", "content-length": "99999999"}
        assert ask(cast.node, verb, filled(pattern), head, b"\xff").status == 401, (verb, pattern)


def test_another_verb_by_a_header_or_a_parameter_is_none(cast: Cast) -> None:
    path = "/ngsi-ld/v1/entities/urn:x:1"
    for name in ("x-http-method-override", "x-method-override", "x-http-method"):
        reply = ask(cast.node, "GET", path, {name: "DELETE", **cast.headers["operator"]})
        assert reply.status == 404
    assert ask(cast.node, "POST", path + "?_method=DELETE").status in (400, 401, 405)
