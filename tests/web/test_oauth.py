"""Tokens for machines over HTTP: what RFC 6749, 7523 and 8414 ask, and a client library of others."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from authlib.integrations.httpx_client import OAuth2Client
from authlib.oauth2.rfc7523 import PrivateKeyJWT
from starlette.testclient import TestClient

from hansa.kernel.egress import Response as Fetched
from hansa.kernel.settings import Settings
from hansa.node import Node
from tests.trust.identity.machines import KEYS, assertion, jwks

HOME = "http://127.0.0.1:1356"
KIND = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Node]:
    made = Node.open(tmp_path / "node", Settings(city="Visby"))
    made.trust.desk.clients.add(
        "parking", jwks=jwks(), scopes=["read", "admin"], purposes=["parking"]
    )
    yield made
    made.close()


@pytest.fixture
def client(node: Node) -> TestClient:
    return TestClient(node.app, base_url=HOME, follow_redirects=False)


def ask(client: TestClient, **form: Any) -> Any:
    """The token endpoint's answer to a request that is right but for `form`; None leaves a part away."""
    whole = {
        "grant_type": "client_credentials",
        "client_assertion_type": KIND,
        "client_assertion": assertion(),
        **form,
    }
    return client.post("/oauth/token", data={k: v for k, v in whole.items() if v is not None})


def test_the_metadata_lead_to_the_token(client: TestClient) -> None:
    about = client.get("/.well-known/oauth-authorization-server").json()
    assert about["issuer"] == HOME
    assert about["token_endpoint_auth_methods_supported"] == ["private_key_jwt"]
    assert "none" not in about["token_endpoint_auth_signing_alg_values_supported"]
    assert about["grant_types_supported"] == ["client_credentials"]
    keys = client.get(about["jwks_uri"]).json()["keys"]
    assert [sorted(key) for key in keys] == [["crv", "kid", "kty", "x"]]
    answer = ask(client)
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    assert answer.json()["token_type"] == "Bearer"
    assert answer.json()["expires_in"] == 600
    assert answer.json()["scope"] == "read admin purpose:parking"


def test_the_token_opens_what_it_says(client: TestClient) -> None:
    token = ask(client, scope="read").json()["access_token"]
    bearer = {"Authorization": f"Bearer {token}"}
    me = client.get("/hansa/v1/me", headers=bearer).json()
    assert (me["name"], me["kind"], me["scopes"]) == ("client:parking", "service", ["read"])
    assert client.get("/ngsi-ld/v1/types", headers=bearer).status_code == 200
    made = client.post("/ngsi-ld/v1/entities", json={"id": "urn:x:1", "type": "T"}, headers=bearer)
    assert made.status_code == 403
    assert client.get("/hansa/v1/clients", headers=bearer).status_code == 403
    broken = {"Authorization": f"Bearer {token[:-4]}AAAA"}
    assert client.get("/ngsi-ld/v1/types", headers=broken).status_code == 401


@pytest.mark.parametrize(
    ("form", "status", "error"),
    [
        ({"grant_type": None}, 400, "invalid_request"),
        ({"grant_type": "password"}, 400, "unsupported_grant_type"),
        ({"client_assertion": None}, 401, "invalid_client"),
        ({"client_assertion": "a.b.c"}, 401, "invalid_client"),
        ({"client_assertion_type": "urn:other"}, 401, "invalid_client"),
        ({"client_id": "another"}, 401, "invalid_client"),
        ({"client_secret": "guess"}, 401, "invalid_client"),
        ({"scope": "write"}, 400, "invalid_scope"),
        ({"scope": '"\\é'}, 400, "invalid_scope"),
    ],
    ids="no-grant password no-assertion garbage other-type other-id secret scope signs".split(),
)
def test_faults_are_those_of_oauth(
    client: TestClient, form: dict[str, Any], status: int, error: str
) -> None:
    answer = ask(client, **form)
    assert (answer.status_code, answer.json()["error"]) == (status, error)
    words = answer.json()["error_description"]
    assert words.isascii()
    assert not set(words) & set('"\\')
    assert answer.headers["cache-control"] == "no-store"


def test_an_assertion_is_taken_once(client: TestClient) -> None:
    text = assertion(aud=f"{HOME}/oauth/token")
    assert ask(client, client_assertion=text).status_code == 200
    again = ask(client, client_assertion=text)
    assert (again.status_code, again.json()["error"]) == (401, "invalid_client")


@pytest.mark.parametrize("kind", ["application/json", "multipart/form-data; boundary=x", ""])
def test_other_bodies_are_refused(client: TestClient, kind: str) -> None:
    answer = client.post("/oauth/token", content=b"{}", headers={"Content-Type": kind})
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


def test_a_parameter_twice_and_a_long_body_are_refused(client: TestClient) -> None:
    head = {"Content-Type": "application/x-www-form-urlencoded"}
    for body, status in ((b"grant_type=a&grant_type=b", 400), (b"a=" + b"x" * 40_000, 413)):
        answer = client.post("/oauth/token", content=body, headers=head)
        assert (answer.status_code, answer.json()["error"]) == (status, "invalid_request")


def test_keys_by_url_are_fetched_through_the_guard(
    node: Node, client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    held = [jwks("ES256")]

    async def fetch(url: str, **_: Any) -> Fetched:
        asked.append(url)
        return Fetched(url, 200, {}, json.dumps(held[0]).encode())

    url = "https://keys.example/jwks"
    node.trust.desk.clients.add("visby", jwks_uri=url, kind="city")
    refused = ask(client, client_assertion=assertion("visby"))
    assert (refused.status_code, refused.json()["error"]) == (401, "invalid_client")
    monkeypatch.setattr(node.trust.keysets._egress, "fetch", fetch)
    assert ask(client, client_assertion=assertion("visby", alg="ES256")).status_code == 200
    assert ask(client, client_assertion=assertion("visby", alg="ES256")).status_code == 200
    assert asked == [url], "kept for ten minutes"
    held[0] = jwks("ES256", "Ed25519")
    assert ask(client, client_assertion=assertion("visby")).status_code == 401, "asked just now"
    node.trust.keysets._kept[url] = (
        node.trust.keysets._kept[url][0] - 61,
        node.trust.keysets._kept[url][1],
    )
    assert ask(client, client_assertion=assertion("visby")).status_code == 200, "a new key"
    assert asked == [url, url]


def test_an_address_within_is_never_asked_for_keys(node: Node, client: TestClient) -> None:
    node.trust.desk.clients.add("inside", jwks_uri="http://169.254.169.254/jwks")
    answer = ask(client, client_assertion=assertion("inside"))
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
    assert "not public" in answer.json()["error_description"]


def test_grants_and_refusals_are_logged(node: Node, client: TestClient) -> None:
    ask(client)
    ask(client, client_assertion=assertion(key=KEYS["ES256"], alg="ES256"))
    node.trust.log.close()
    reasons = [each.entry.reason for each in node.trust.log.entries(0, 10)]
    assert reasons == ["client.added", "token.granted", "token.refused"]


@pytest.mark.filterwarnings("ignore:EdDSA is deprecated")
def test_a_client_library_of_others_gets_a_token(client: TestClient) -> None:
    """Authlib's own client, over the application."""

    class Through(httpx2.BaseTransport):
        def handle_request(self, request: httpx2.Request) -> httpx2.Response:
            answer = client.request(
                request.method,
                str(request.url),
                content=request.read(),
                headers=dict(request.headers),
            )
            return httpx2.Response(
                answer.status_code, headers=answer.headers, content=answer.content
            )

    address = f"{HOME}/oauth/token"
    with OAuth2Client(
        "parking",
        KEYS["Ed25519"],
        token_endpoint_auth_method=PrivateKeyJWT(address, alg="EdDSA"),
        transport=Through(),
    ) as theirs:
        token = theirs.fetch_token(address, grant_type="client_credentials", scope="read")
        assert token["expires_in"] == 600
        me = theirs.get(f"{HOME}/hansa/v1/me").json()
        assert me["name"] == "client:parking"


def test_claims_that_are_nested_too_deeply(client: TestClient) -> None:
    """1,020 lists in each other, signed as they should be."""
    head = jwt_part({"alg": "EdDSA", "kid": KEYS["Ed25519"].kid})
    text = '{"iss":"parking","sub":"parking","a":' + "[" * 1020 + "]" * 1020 + "}"
    signed = f"{head}.{b64(text.encode())}"
    key = KEYS["Ed25519"].private_key
    assert key is not None
    assertion = f"{signed}.{b64(key.sign(signed.encode()))}"
    quiet = TestClient(client.app, base_url=HOME, raise_server_exceptions=False)
    answer = ask(quiet, client_assertion=assertion)
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")


def b64(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def jwt_part(value: Any) -> str:
    return b64(json.dumps(value).encode())


def test_an_assertion_for_another_node_is_not_taken(client: TestClient, tmp_path: Path) -> None:
    """Whoever was given one shall not send it here under the name of where it was for."""
    for host in ("10.0.0.5", "city", "[2001:db8::1]", "192.0.2.1:1356"):
        for audience in (f"http://{host}", f"http://{host}/oauth/token"):
            form = {
                "grant_type": "client_credentials",
                "client_assertion_type": KIND,
                "client_assertion": assertion(aud=audience),
            }
            answer = client.post("/oauth/token", data=form, headers={"Host": host})
            assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
        path = "/.well-known/oauth-authorization-server"
        assert client.get(path, headers={"Host": host}).status_code == 421
    for host in ("localhost:1356", "[::1]:1356"):
        sent = assertion(aud=f"http://{host}/oauth/token")
        assert ask(
            TestClient(client.app, base_url=f"http://{host}"), client_assertion=sent
        ).is_success


def test_the_names_that_are_set_are_its_own(tmp_path: Path) -> None:
    node = Node.open(tmp_path / "node", Settings(hosts=("node.city.example",)))
    node.trust.desk.clients.add("parking", jwks=jwks())
    client = TestClient(node.app, base_url="http://node.city.example")
    sent = assertion(aud="http://node.city.example/oauth/token")
    assert ask(client, client_assertion=sent).is_success
    node.close()
