"""Header fields of every answer: each route is asked in every way, so that no route can forget one."""

from __future__ import annotations

import re

import pytest

from hansa.node import Node

from .asking import Reply, addresses, ask

VERBS = ("GET", "HEAD", "POST", "OPTIONS", "TRACE", "DELETE", "BREW")


def walked(node: Node) -> list[tuple[str, Reply]]:
    """Every address asked by every verb, as the public; and addresses where nothing is."""
    places = [address.path for address in addresses(node)]
    assert len(places) > 90
    places += ["/no-such-page", "/.git/config", "/static/x/none.css", "/ngsi-ld/v1/nothing", "/%00"]
    return [
        (f"{verb} {place}", ask(node, verb, place))
        for place in dict.fromkeys(places)
        for verb in VERBS
    ]


def policy(reply: Reply) -> dict[str, str]:
    """The directives of the content security policy."""
    parts = [
        part.strip().partition(" ") for part in reply.one("content-security-policy").split(";")
    ]
    return {name: value for name, _, value in parts}


def test_every_answer_has_what_keeps_browsers_safe(city: Node) -> None:
    for what, reply in walked(city):
        assert reply.status < 500, what
        assert reply.every("x-content-type-options") == ["nosniff"], what
        assert reply.every("referrer-policy") == ["same-origin"], what
        assert reply.every("strict-transport-security") == [
            "max-age=31536000; includeSubDomains"
        ], what
        directives = policy(reply)
        assert directives["default-src"] == "'none'", what
        assert directives["base-uri"] == "'none'", what
        assert directives["frame-ancestors"] == "'none'", what
        assert "unsafe" not in reply.one("content-security-policy"), what
        if "text/html" not in "".join(reply.every("content-type")):
            assert "script-src" not in directives, what


def test_a_body_says_what_it_is_and_in_which_characters(city: Node) -> None:
    """JSON needs no charset (RFC 8259 knows one encoding); texts do."""
    for what, reply in walked(city):
        if not reply.body:
            continue
        kind = reply.one("content-type")
        if kind.startswith("text/"):
            assert kind.endswith("charset=utf-8"), what
        else:
            assert re.match(
                r"(application/((\w+\+)*json|[\w.-]+\+json|octet-stream|vnd\.mapbox-vector-tile)"
                r"|image/svg\+xml|font/woff2)$",
                kind.replace("ld+json", "json"),
            ), (what, kind)
        if kind.startswith("text/html"):
            assert reply.body.lstrip().startswith(b"<"), what
        elif "json" in kind:
            assert reply.body.lstrip()[:1] in (b"{", b"[", b'"'), what


def test_what_is_answered_to_somebody_is_kept_by_no_cache(city: Node) -> None:
    """Whether the proof holds or not; the pages' files, tiles and the log's files are the same for all."""
    desk = city.trust.desk
    desk.accounts.add("cached", roles=["administrator"])
    proofs = (
        {"authorization": f"Bearer {desk.tokens.add('cached', 't')[1]}"},
        {"authorization": "Bearer nothing"},
        {"cookie": f"a=b; hansa_session={desk.enter('cached', '', '')}"},
        {"cookie": "__Host-hansa=nothing"},
    )
    for address in addresses(city):
        for proof in proofs:
            reply = ask(city, "GET", address.path, proof)
            shared = address.path.startswith(("/static/", "/tiles/", "/log/"))
            assert shared or reply.every("cache-control") == ["no-store"], (address, proof)
    plain = ask(city, "GET", "/data", {"cookie": "hansa_language=fr"})
    assert plain.every("cache-control") == ["no-cache"]


def test_https_alone_is_asked_for_only_where_there_is_https(lab: Node) -> None:
    assert ask(lab, "GET", "/data").every("strict-transport-security") == []


def test_other_sites_may_read_only_what_is_published_and_never_with_credentials(city: Node) -> None:
    origin = {"origin": "https://evil.example", "access-control-request-method": "PUT"}
    for address in addresses(city):
        for verb in ("GET", "OPTIONS"):
            reply = ask(city, verb, address.path, origin)
            assert reply.every("access-control-allow-credentials") == []
            assert reply.every("access-control-allow-methods") == []
            assert reply.every("access-control-allow-origin") in ([], ["*"])
            if reply.every("access-control-allow-origin"):
                assert address.pattern.startswith(("/log/", "/hansa/v1/", "/.well-known/")), address


def test_what_reads_changes_nothing(city: Node) -> None:
    """No GET, HEAD or OPTIONS of any address leaves a trace in the city's data."""

    def newest() -> int:
        return city.public_store().last_change()

    before = newest()
    for address in addresses(city):
        for verb in ("GET", "HEAD", "OPTIONS"):
            ask(city, verb, address.path)
    assert newest() == before


def test_trace_is_answered_nowhere(city: Node) -> None:
    for address in addresses(city):
        reply = ask(city, "TRACE", address.path, {"x-secret": "canary"})
        assert reply.status in (400, 401, 404, 405), address
        assert b"canary" not in reply.body


def test_cookies_are_kept_from_scripts_and_other_sites(city: Node) -> None:
    for address in addresses(city):
        for cookie in ask(city, "GET", address.path + "?lang=fr").every("set-cookie"):
            words = cookie.lower()
            assert "httponly" in words
            assert "samesite=lax" in words or "samesite=strict" in words
            assert "domain=" not in words


def test_the_language_cookie_travels_by_https_alone_where_there_is_https(
    city: Node, lab: Node
) -> None:
    (cookie,) = ask(city, "GET", "/data?lang=fr").every("set-cookie")
    assert cookie.startswith("__Host-lang=fr;")
    assert "; Secure" in cookie
    assert "; Path=/" in cookie
    spoken = ask(city, "GET", "/data", {"cookie": "__Host-lang=ko"})
    assert b'<html lang="ko"' in spoken.body
    (cookie,) = ask(lab, "GET", "/data?lang=fr").every("set-cookie")
    assert cookie.startswith("lang=fr;")


def test_no_answer_says_what_software_serves_it(city: Node) -> None:
    for what, reply in walked(city)[:200]:
        assert reply.every("server") == [], what
        assert reply.every("x-powered-by") == [], what


@pytest.mark.parametrize("header", [None, "Bearer guess", "Basic YWRtaW46YWRtaW4="])
def test_nobody_changes_anything_without_a_token_that_counts(
    city: Node, header: str | None
) -> None:
    """Function-level authorisation: every address by every verb that writes, with bodies that would do."""
    entity = b'{"id": "urn:x:intruder", "type": "Car", "speed": {"value": 1}}'
    before = city.public_store().last_change()
    for address in addresses(city):
        for verb in address.verbs - {"GET", "HEAD", "OPTIONS"}:
            for body in (b"{}", entity, b"[" + entity + b"]", b'["urn:x:intruder"]'):
                fields = {"content-type": "application/json", "content-length": str(len(body))}
                fields |= {"authorization": header} if header else {}
                reply = ask(city, verb, address.path, fields, body)
                harmless = address.pattern.endswith("/query")
                harmless |= address.pattern in ("/logout", "/login/passkey/options")
                refused = reply.status in (400, 401, 403, 404, 405, 415, 422)
                refused = refused or (reply.status == 207 and b'"success":[]' in reply.body)
                assert refused or harmless, (verb, address)
    assert city.public_store().last_change() == before
    assert ask(city, "GET", "/ngsi-ld/v1/entities/urn:x:intruder").status == 404
