"""No secret is logged at any level, or left in a file outside the vault, whatever is done with it.

A node is served by the server that it is served by, every logger at DEBUG. Everything that takes a secret is done
once rightly and once wrongly: then each secret is looked for in the log, on standard output and error, in the answers that
have no business with it, and in the files of the node. What a subscription or registration is to send along must stand in
the tenant's own database, and stands nowhere else.
"""

from __future__ import annotations

import base64
import io
import json
import logging
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from html import unescape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
import uvicorn
from joserfc import jwt

from hansa.cli.control import work_through
from hansa.cli.server import _config, listen
from hansa.kernel.errors import HansaError
from hansa.kernel.settings import Settings
from hansa.node import Node
from hansa.spokes.runner import Request
from hansa.trust.identity.second import _totp
from hansa.trust.principals import LOCAL, new_token, token_hash
from tests.trust.identity.machines import KEYS, assertion, jwks
from tests.trust.sources.test_record import WHOLE

API = "/ngsi-ld/v1"
GOOD = "canary-good-password-1"
WRONG = "canary-wrong-password-2"
KNOWN = {
    "password": GOOD,
    "wrong password": WRONG,
    "provider's secret": "canary-provider-secret-3",
    "code of a provider": "canary-code-4",
    "access token of a provider": "canary-access-5",
    "receiverInfo": "canary-receiver-6",
    "contextSourceInfo": "canary-source-info-7",
    "key of an HTTP source": "canary-http-key-8",
    "header of an HTTP source": "canary-http-header-9",
    "password of a broker": "canary-mqtt-10",
    "guessed token": "hansat_0123456789ab_canary-guess-11",
    "guessed link": "canary-link-12",
}
IN_STORE = ("receiverInfo", "contextSourceInfo")
"""What the node must send along later, and so keeps in the tenant's database."""

SENT = (
    "receiverInfo",
    "contextSourceInfo",
    "code of a provider",
    "provider's secret",
    "key of an HTTP source",
    "header of an HTTP source",
)
"""What reaches those who are meant to have it: otherwise nothing was tested."""

IN_VAULT = ("provider's secret", "key of an app")
"""What the node must send or compute with, and so keeps as it is, in the vault alone."""


class Elsewhere(BaseHTTPRequestHandler):
    """A provider, a receiver of notifications and a source, all of which fail loudly, echoing what they got."""

    nonce = ""
    arrived: ClassVar[list[str]] = []

    def parse_request(self) -> bool:
        """Note what comes."""
        good = super().parse_request()
        if good:
            self.arrived.append(f"{self.path} {self.headers}")
        return good

    def do_GET(self) -> None:
        home = f"http://localhost:{self.server.server_port}"  # type: ignore[attr-defined]
        if self.path.startswith("/.well-known/"):
            self._say(
                200,
                {
                    "issuer": home,
                    "authorization_endpoint": f"{home}/authorize",
                    "token_endpoint": f"{home}/token",
                    "jwks_uri": f"{home}/jwks",
                    "token_endpoint_auth_methods_supported": ["client_secret_post"],
                },
            )
        elif self.path == "/jwks":
            self._say(200, jwks("RS256"))
        else:
            self._echo()

    def do_POST(self) -> None:
        given = self.rfile.read(int(self.headers.get("content-length", 0))).decode()
        self.arrived.append(given)
        if self.path == "/token" and KNOWN["code of a provider"] in given and self.nonce:
            now = int(time.time())
            home = f"http://localhost:{self.server.server_port}"  # type: ignore[attr-defined]
            claims = {"iss": home, "sub": "olga", "aud": "hansa", "iat": now, "exp": now + 300}
            signed = jwt.encode(
                {"alg": "RS256"},
                claims | {"nonce": self.nonce},
                KEYS["RS256"],
                algorithms=["RS256"],
            )
            tokens = {"id_token": signed, "access_token": KNOWN["access token of a provider"]}
            self._say(200, tokens | {"token_type": "Bearer"})
        else:
            self._echo(given)

    def _echo(self, given: str = "") -> None:
        told = {"error": f"{self.path} {given} {dict(self.headers)}"}
        self._say(500, told)

    def _say(self, status: int, body: Any) -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.send_header("X-Echo", re.sub(r"[^ -~]", "", str(self.path)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: Any) -> None:
        """Quietly."""


@pytest.fixture
def elsewhere() -> Iterator[int]:
    """The port of the others."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Elsewhere)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server.server_port
    server.shutdown()
    server.server_close()
    thread.join()


@contextmanager
def everything_logged() -> Iterator[io.StringIO]:
    """All that is logged by anybody, from DEBUG on."""
    heard = io.StringIO()
    handler = logging.StreamHandler(heard)
    root = logging.getLogger()
    before = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    try:
        yield heard
    finally:
        root.setLevel(before)
        root.removeHandler(handler)


@contextmanager
def served(node: Node) -> Iterator[str]:
    """The address of the node, served with the most talkative loggers."""
    config = _config(node)
    config.log_config, config.log_level = None, "debug"
    config.configure_logging()
    server = uvicorn.Server(config)
    with listen("127.0.0.1", 0) as listening:
        thread = threading.Thread(target=server.run, args=([listening],))
        thread.start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join(30)


class Walk:
    """Everything that takes a secret, rightly and wrongly; ``secrets`` grows with what is made on the way."""

    def __init__(
        self, node: Node, home: str, port: int, operator: str, browsers: list[httpx.Client]
    ) -> None:
        self.node, self.home, self.port = node, home, port
        self.secrets = {**KNOWN, "operator's token": operator}
        self.operator = {"Authorization": f"Bearer {operator}"}
        self.told: list[str] = []
        self.browsers = browsers

    def browser(self, **more: Any) -> httpx.Client:
        """Somebody's browser, to be closed at the end."""
        self.browsers.append(httpx.Client(follow_redirects=False, **more))
        return self.browsers[-1]

    def ask(self, verb: str, path: str, client: Any = httpx, **more: Any) -> httpx.Response:
        answer: httpx.Response = client.request(verb, self.home + path, timeout=30, **more)
        assert answer.status_code != 500, (verb, path)
        self.told.append(f"{answer.status_code} {path if '/link/' not in path else ''}")
        return answer

    def accounts(self) -> None:
        """A link, a password, a second factor, a token; guesses of each."""
        desk, origin = self.node.trust.desk, {"Origin": self.home}
        link = desk.first_link()
        self.secrets["link"] = link
        browser = self.browser(headers=origin)
        both = {"password": GOOD, "again": GOOD}
        assert self.ask("GET", f"/link/{link}").status_code == 200
        self.ask("POST", f"/link/{link}", browser, data={"name": "anna", "password": GOOD})
        done = self.ask("POST", f"/link/{link}", browser, data={"name": "anna", **both})
        assert done.status_code == 303, done.text
        self.ask("GET", f"/link/{KNOWN['guessed link']}")
        self.ask("POST", f"/link/{KNOWN['guessed link']}", browser, data={"name": "x", **both})
        self.secrets["session"] = browser.cookies["hansa_session"]
        page = self.ask("GET", "/account", browser).text
        form = re.findall(r'name="form" value="(\w+)"', page)[0]
        self.secrets["form"] = form
        key = re.findall(r'name="key" value="(\w+)"', page)[0]
        self.secrets["key of an app"] = key
        code = _totp(key).generate(time.time()).decode()
        common = {"form": form, "current": GOOD}
        self.ask(
            "POST", "/account", browser, data={**common, "do": "totp", "key": key, "code": "1"}
        )
        told = self.ask(
            "POST", "/account", browser, data={**common, "do": "totp", "key": key, "code": code}
        ).text
        recovery = re.findall(r"\b(?:[a-z2-7]{4}-){3}[a-z2-7]{4}\b", unescape(told))
        assert len(recovery) == 10
        self.secrets |= {f"recovery code {n}": each for n, each in enumerate(recovery)}
        self.secrets["second session"] = browser.cookies["hansa_session"]
        form = re.findall(r'name="form" value="(\w+)"', told)[0]  # the session was renewed
        self.secrets["second form"] = common["form"] = form
        later = _totp(key).generate(time.time() + 30).decode()  # the present one is used up
        asked = {
            **common,
            "code_now": later,
            "do": "token",
            "label": "meters",
            "scope": ["read"],
            "days": "9",
        }
        made = self.ask("POST", "/account", browser, data=asked).text
        self.secrets["token"] = re.findall(r"hansat_[\w-]{30,}", made)[0]
        self.ask("POST", "/account", browser, data={**asked, "current": WRONG})
        for name in ("anna", "nobody"):
            data = {"name": name, "password": WRONG, "code": recovery[0]}
            self.ask("POST", "/login", data=data, headers=origin)
        options = self.ask("POST", "/account/passkey/options", browser, data={"form": form})
        self.told.append(str(options.status_code))
        bad = {"sealed": "x", "answer": json.dumps({"id": KNOWN["guessed link"]})}
        self.ask("POST", "/login/passkey", data=bad, headers=origin)
        self.secrets["link to reset"] = desk.reset("anna")

    def tokens(self) -> None:
        """In headers and addresses, right, wrong and misplaced."""
        for text in (self.secrets["token"], KNOWN["guessed token"]):
            for path in (f"{API}/entities?type=Car", "/hansa/v1/me", "/data", "/log/checkpoint"):
                self.ask("GET", path, headers={"Authorization": f"Bearer {text}"})
                self.ask("GET", path, headers={"Authorization": f"Basic {text}"})
            refused = self.ask("GET", f"{API}/entities?type=Car&access_token={text}")
            assert text not in refused.text

    def machines(self) -> None:
        """Assertions, right and used twice, and what they are good for."""
        self.node.trust.desk.clients.add("parking", jwks=jwks(), scopes=("read",))
        proof = assertion(aud=self.home)
        self.secrets["assertion"] = proof.rpartition(".")[2]
        form = {
            "grant_type": "client_credentials",
            "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
            "client_assertion": proof,
        }
        given = self.ask("POST", "/oauth/token", data=form)
        assert given.status_code == 200, given.text
        access = given.json()["access_token"]
        self.secrets["access token"] = access.rpartition(".")[2]
        assert self.ask("POST", "/oauth/token", data=form).status_code == 401
        self.ask("POST", "/oauth/token", data={**form, "client_secret": WRONG})
        for text in (access, access[:-8] + "AAAAAAAA"):
            self.ask("GET", "/hansa/v1/me", headers={"Authorization": f"Bearer {text}"})

    def provider(self) -> None:
        """A login elsewhere: one that succeeds, one whose provider echoes all it was sent."""
        issuer = f"http://localhost:{self.port}"
        self.node.trust.desk.providers.add(
            "visby", issuer=issuer, client_id="hansa", secret=KNOWN["provider's secret"]
        )
        for good in (True, False):
            browser = self.browser()
            away = self.ask("GET", "/login/with/visby", browser)
            assert away.status_code == 303, away.text
            asked = {k: v[0] for k, v in parse_qs(urlsplit(away.headers["location"]).query).items()}
            self.secrets[f"state {good}"] = asked["state"]
            Elsewhere.nonce = asked["nonce"] if good else ""
            back = {"state": asked["state"], "code": KNOWN["code of a provider"], "iss": issuer}
            done = self.ask("GET", "/login/from/visby", browser, params=back)
            assert (done.status_code == 303) is good, done.text
            if good:
                self.secrets["session from elsewhere"] = browser.cookies["hansa_session"]
            else:
                assert KNOWN["provider's secret"] not in done.text

    def subscriptions(self) -> None:
        """What is to be sent along with notifications and to sources; both fail."""
        url = f"http://localhost:{self.port}/told"
        info = [{"key": "Authorization", "value": f"Bearer {KNOWN['receiverInfo']}"}]
        endpoint = {"endpoint": {"uri": url, "receiverInfo": info}}
        cars = [{"type": "Car"}]
        body = {"type": "Subscription", "entities": cars, "notification": endpoint}
        made = self.ask("POST", f"{API}/subscriptions", json=body, headers=self.operator)
        assert made.status_code == 201, made.text
        source = {
            "type": "ContextSourceRegistration",
            "information": [{"entities": [{"type": "Ferry"}]}],
            "endpoint": f"http://localhost:{self.port}/broker",
            "contextSourceInfo": [{"key": "Authorization", "value": KNOWN["contextSourceInfo"]}],
        }
        sent = self.ask("POST", f"{API}/csourceRegistrations", json=source, headers=self.operator)
        assert sent.status_code == 201, sent.text
        found = self.ask("GET", f"{API}/entities?type=Ferry")
        assert KNOWN["contextSourceInfo"] not in found.text + str(found.headers)
        car = {"id": "urn:x:1", "type": "Car", "speed": {"type": "Property", "value": 1}}
        assert self.ask("POST", f"{API}/entities", json=car, headers=self.operator).is_success
        for _ in range(500):
            place = made.headers["location"]
            now = self.ask("GET", place, headers=self.operator).json()["notification"]
            if now.get("timesFailed"):
                return
            time.sleep(0.02)
        raise AssertionError("the notification was not sent")

    def sources(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Services that ask for a key in the address or a header, and a broker that is not there."""
        monkeypatch.setenv("CANARY_KEY", KNOWN["key of an HTTP source"])
        monkeypatch.setenv("CANARY_HEADER", KNOWN["header of an HTTP source"])
        monkeypatch.setenv("CANARY_BROKER", KNOWN["password of a broker"])
        self.node.trust.sources.declare(LOCAL, "air", {**WHOLE, "name": "air"})
        web = f"http://localhost:{self.port}/v1.1"
        header = {"header": "Authorization: Bearer $CANARY_HEADER"}
        broker = {"password": "$CANARY_BROKER", "user": "hansa"}
        for spoke, address, options in (
            ("sensorthings", web, header),
            ("gbfs", f"http://localhost:{self.port}/gbfs.json?api_key=$CANARY_KEY", header),
            ("ngsiv2", web, header),
            ("mqtt", "mqtt://localhost:9/meters/#", broker),
            ("sensorthings", f"http://hansa:{KNOWN['password of a broker']}@localhost/", {}),
        ):
            with suppress(HansaError):
                request = Request(address, name="air", options=options)
                work_through(self.node, spoke, request, False, lambda _: None)
                self.told.append(f"{spoke} read {address}")


def test_no_secret_is_logged_or_left(
    tmp_path: Path,
    elsewhere: int,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    operator, browsers = new_token(), list[httpx.Client]()
    settings = Settings(
        city="Visby", operator_token_hash=token_hash(operator), egress_allow=("localhost",)
    )
    with everything_logged() as heard:
        node = Node.open(tmp_path / "node", settings)
        try:
            with served(node) as home:
                walk = Walk(node, home, elsewhere, operator, browsers)
                walk.accounts()
                walk.tokens()
                walk.machines()
                walk.provider()
                walk.subscriptions()
                walk.sources(monkeypatch)
        finally:
            node.close()
            for browser in browsers:
                browser.close()
    logged = heard.getvalue()
    assert "a notification endpoint fails" in logged and "selector" in logged
    arrived = "\n".join(Elsewhere.arrived)
    for name in SENT:
        assert KNOWN[name] in arrived, f"the {name} was not sent at all"
    out, err = capfd.readouterr()
    files = {path: path.read_bytes() for path in (tmp_path / "node").rglob("*") if path.is_file()}
    wrong = []
    for name, secret in walk.secrets.items():
        assert len(secret) >= 12, name
        hidden = base64.b64encode(secret.encode()).decode().rstrip("=")[:-1]
        for place, text in (("log", logged), ("output", out + err)):
            wrong += [(name, place)] if secret in text or hidden in text else []
        for path, content in files.items():
            kept = path.relative_to(tmp_path / "node")
            allowed = kept.parts[0] == "store" and name in IN_STORE
            allowed |= kept.parts == ("trust", kept.name) and name in IN_VAULT
            if secret.encode() in content and not allowed:
                wrong.append((name, str(kept)))
    assert wrong == []
