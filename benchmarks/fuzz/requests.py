"""Hostile requests: well-formed ones of every operation, with something in them made wrong.

Each begins as a request that the operation would take (its verb, path, parameters and a body of the
right kind), so that it gets past the first check; then a few of its parts are replaced, cut, repeated
or nested. The same seed gives the same requests.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from random import Random
from typing import Any, Final
from urllib.parse import quote

from hansa.web.api.routes import OPERATIONS, Operation

__all__ = ["IDS", "TEXTS", "Request", "Requests"]

IDS: Final = [f"urn:ngsi-ld:T:{n}" for n in range(12)]
_ATTRIBUTES: Final = ("speed", "name", "location", "isIn", "colour", "label", "days", "raw")
TEXTS: Final = (
    "", " ", "null", "\x00", "\ud7ff\ue000", "𝔘𝔫𝔦", "a" * 3000, "%", "%00", "%ff", "../..", "'", '"', "*",
    "{", "}", "[", "]", "(", ")", ";", "|", ",", "..", "==", "!=", "~=", "(a+)+$", "(?P<x>a)", "[", "\\",
    "-1", "0", "1e400", "-0", "NaN", "Infinity", "99999999999999999999", "0x10", "1_000", "٣", "true",
    "@none", "@id", "@type", "@context", "id", "type", "urn:ngsi-ld:null", "http://[", "http://127.0.0.1:1/",
    "file:///etc/passwd", "2026-11-24T00:00:00Z", "2026-13-99T99:99:99Z", "9999-12-31T23:59:59Z",
    "0001-01-01T00:00:00Z", "P1D", "PT0S", "P99999999999Y", "near;maxDistance==1e400", "near;maxDistance==-1",
    "within", "Point", "Polygon", "[0,0]", "[[[0,0],[1,0],[1,1],[0,0]]]", "[[[[", "[1e400,NaN]", "[181,91]",
    "speed>5;name==\"a\"|colour", "speed==1..2,3", "a[b.c]==1", "isIn{T:name}==\"x\"", "(((((((((", "!a",
    "name~=^.*$", "speed;asc,name;desc", "speed;dist-asc", "/a/#", "/+/b", "#", "a" * 300 + "=" * 300,
)  # fmt: skip
_PARAMETERS: Final[dict[str, tuple[str, ...]]] = {
    "type": ("T", "T,U", "(T;U)|V", "*"),
    "id": tuple(IDS[:3]),
    "idPattern": ("urn:.*", "^urn:ngsi-ld:T:[0-5]$"),
    "q": ("speed>5", 'name=="a"', "speed;colour", "isIn", "days==1,2", "speed.observedAt>2020-01-01T00:00:00Z"),
    "attrs": ("speed", "speed,name"),
    "pick": ("id,speed", "speed,isIn{name}"),
    "omit": ("speed", "name,type"),
    "georel": ("near;maxDistance==1000", "within", "intersects", "near;minDistance==5"),
    "geometry": ("Point", "Polygon"),
    "coordinates": ("[1,2]", "[[[0,0],[1,0],[1,1],[0,0]]]"),
    "options": ("keyValues", "concise", "sysAttrs", "count", "noOverwrite", "update", "temporalValues",
                "aggregatedValues"),
    "format": ("simplified", "normalized", "concise"),
    "limit": ("1", "1000"), "offset": ("0", "5"), "lastN": ("1", "3"), "joinLevel": ("1", "3"),
    "join": ("inline", "flat"), "scopeQ": ("/a/#", "/a"), "orderBy": ("speed", "name;desc"),
    "timerel": ("after", "before", "between"), "timeAt": ("2020-01-01T00:00:00Z",),
    "endTimeAt": ("2027-01-01T00:00:00Z",), "timeproperty": ("observedAt", "modifiedAt"),
    "aggrMethods": ("avg,max", "totalCount", "sum,sumsq,stddev"), "aggrPeriodDuration": ("PT1H", "P1D", "PT0S"),
    "kind": ("Hosted", "Cached"), "lang": ("en", "*"), "datasetId": ("@none", "urn:d:1"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Request:
    """One request: what goes on the wire."""

    what: str
    verb: str
    path: bytes
    query: bytes
    headers: list[tuple[bytes, bytes]]
    body: bytes


class Requests:
    """An endless stream of hostile requests: some are wrong in many places, others nearly right."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._boldness = 1.0

    def one(self) -> Request:
        """The next request."""
        random = self._random
        self._boldness = random.choice((0.0, 0.2, 0.5, 1.0, 1.0))
        operation = random.choice(OPERATIONS)
        path = re.sub(r"{(\w+)}", lambda m: self._part(m[1]), operation.path)
        body = self._body(operation)
        raw = b"" if body is None else self._raw(body)
        kind = random.choice(["application/json"] * 12 + ["application/ld+json"] * 4 + ["a/b", ""])
        if kind == "application/ld+json" and isinstance(body, dict):
            raw = self._raw({**body, "@context": self._context()})
        headers = [(b"host", b"127.0.0.1:1356")]
        if raw and kind:
            headers.append((b"content-type", kind.encode()))
        verb = operation.verb
        if random.random() < 0.03:
            verb = random.choice(["HEAD", "OPTIONS", "PUT", "TRACE", "get", "QUERY"])
        return Request(
            f"{verb} {operation.path}",
            verb,
            f"/ngsi-ld/v1{path}".encode("utf-8", "surrogatepass"),
            self._query(operation),
            headers + self._headers(),
            raw,
        )

    def learn(self, request: Request, answer: object) -> None:
        """Nothing is learnt from answers."""

    # -- parts ------------------------------------------------------------------------------------

    def _maybe(self, value: Any, chance: float = 0.12) -> Any:
        """`value`, or now and then something hostile."""
        return self._hostile() if self._random.random() < chance * self._boldness else value

    def _hostile(self) -> Any:
        random = self._random
        return random.choice(
            (
                random.choice(TEXTS),
                random.choice(TEXTS),
                random.choice([0, -1, 1e308, 2**63, 2**64 - 1, 1e-320, 0.1]),
                None,
                True,
                [],
                {},
                [random.choice(TEXTS), 1, None],
                {random.choice(TEXTS): random.choice(TEXTS)},
            )
        )

    def _text(self, value: str) -> str:
        return self._maybe_text(value, 0.15)

    def _maybe_text(self, value: str, chance: float) -> str:
        bold = self._random.random() < chance * self._boldness
        return self._random.choice(TEXTS) if bold else value

    def _part(self, name: str) -> str:
        random = self._random
        good = {"entityId": random.choice(IDS), "attrName": random.choice(_ATTRIBUTES), "type": "T"}
        return quote(self._text(good.get(name, random.choice(IDS))), safe="")

    def _query(self, operation: Operation) -> bytes:
        random = self._random
        names = sorted(operation.parameters)
        chosen = random.sample(names, min(len(names), random.choice([0, 0, 1, 1, 2, 3, 5])))
        if operation.verb in ("GET", "DELETE") and "type" in names and random.random() < 0.6:
            chosen = [*{*chosen, "type"}]
        pairs = [
            (n, self._text(random.choice(_PARAMETERS.get(n, ("true", "false"))))) for n in chosen
        ]
        if random.random() < 0.05:
            pairs.append((self._text("q"), self._text("a")))
        text = "&".join(f"{quote(n)}={quote(v, safe='')}" for n, v in pairs)
        return (text if random.random() > 0.02 else text + "&%zz=%").encode()

    def _headers(self) -> list[tuple[bytes, bytes]]:
        random = self._random
        found = []
        if random.random() < 0.2:
            accept = random.choice(
                ["application/ld+json", "application/geo+json", "*/*;q=0", "a", ";;,"]
            )
            found.append((b"accept", accept.encode()))
        if random.random() < 0.1:
            found.append((b"ngsild-tenant", self._text("harbour").encode("utf-8", "replace")))
        if random.random() < 0.05:
            found.append((b"ngsild-snapshot", self._text(IDS[0]).encode("utf-8", "replace")))
        for name in (b"link", b"prefer", b"if-match", b"if-none-match", b"via", b"authorization"):
            if random.random() < 0.03:
                found.append(
                    (name, self._text("<http://127.0.0.1:1/c>;rel=x").encode("utf-8", "replace"))
                )
        return found

    def _context(self) -> Any:
        core = "https://uri.etsi.org/ngsi-ld/v1/ngsi-ld-core-context.jsonld"
        terms = {"speed": "https://example.org/speed", self._text("x"): self._maybe("urn:x:x")}
        return self._maybe(self._random.choice([core, terms, [terms, core]]))

    # -- bodies -----------------------------------------------------------------------------------

    def _body(self, operation: Operation) -> Any:
        random = self._random
        if operation.verb not in ("POST", "PATCH", "PUT"):
            return None
        place = operation.path.split("/")[1]
        if operation.path.endswith(("query", "/entityMaps")):
            return self._maybe(self._find())
        if place == "entityOperations":
            items = [self._maybe(self._entity()) for _ in range(random.choice([0, 1, 2, 5]))]
            return (
                [random.choice(IDS) for _ in items] if operation.path.endswith("delete") else items
            )
        if place in ("entities", "temporal"):
            whole = self._entity()
            return self._maybe(self._attribute() if "attrName" in operation.path else whole)
        return self._maybe(self._document(place))

    def _entity(self) -> dict[str, Any]:
        random = self._random
        made = {"id": self._maybe(random.choice(IDS), 0.05), "type": self._maybe("T", 0.05)}
        names = random.sample(_ATTRIBUTES, random.randint(0, 4))
        made |= {self._text(name): self._maybe(self._attribute()) for name in names}
        if random.random() < 0.1:
            made[random.choice(["scope", "expiresAt", "createdAt", "@id"])] = self._hostile()
        return made

    def _attribute(self, depth: int = 0) -> Any:
        random = self._random
        kind, member, value = random.choice(
            (
                ("Property", "value", random.choice([1, 2.5, "a", True, [1, 2], {"b": {"c": 1}}])),
                ("Relationship", "object", random.choice(IDS)),
                ("GeoProperty", "value", {"type": "Point", "coordinates": [1, 2]}),
                ("LanguageProperty", "languageMap", {"en": "a", "fr": ["b"]}),
                ("VocabProperty", "vocab", "x"),
                ("JsonProperty", "json", {"@type": 1}),
                ("ListProperty", "valueList", [1, "a"]),
                ("ListRelationship", "objectList", [{"object": IDS[0]}]),
            )
        )
        made: dict[str, Any] = {"type": self._maybe(kind, 0.05), member: self._maybe(value)}
        for name in (
            "observedAt",
            "unitCode",
            "datasetId",
            "expiresAt",
            "valueType",
            "ngsildproof",
        ):
            if random.random() < 0.08:
                made[name] = self._maybe("2026-11-24T00:00:00Z", 0.5)
        if depth < 3 and random.random() < 0.15:
            made[self._text("more")] = self._attribute(depth + 1)
        return [made, self._maybe(made)] if random.random() < 0.08 else made

    def _find(self) -> dict[str, Any]:
        random = self._random
        entities = [{"type": self._text("T"), "idPattern": self._text("urn:.*")}]
        made: dict[str, Any] = {"type": "Query", "entities": self._maybe(entities)}
        for name in (
            "q",
            "scopeQ",
            "csf",
            "join",
            "attrs",
            "pick",
            "omit",
            "geoQ",
            "temporalQ",
            "ordering",
        ):
            if random.random() < 0.15:
                good = {
                    "attrs": ["speed"], "pick": ["speed"], "omit": ["name"],
                    "geoQ": {"georel": "within", "geometry": "Point", "coordinates": self._maybe([1, 2])},
                    "temporalQ": {"timerel": "after", "timeAt": self._text("2020-01-01T00:00:00Z")},
                    "ordering": {"orderBy": [self._text("speed")]},
                }.get(name, random.choice(_PARAMETERS.get(name, ("speed>1",))))  # fmt: skip
                made[name] = self._maybe(good)
        return made

    def _document(self, place: str) -> dict[str, Any]:
        random = self._random
        endpoint = {
            "uri": self._text("http://127.0.0.1:1/n"),
            "accept": self._text("application/json"),
        }
        common = {
            "id": self._maybe(random.choice(IDS), 0.05),
            "entities": [{"type": self._text("T")}],
        }
        made: dict[str, Any] = {
            "subscriptions": {
                "type": "Subscription", **common, "notification": {"endpoint": self._maybe(endpoint)},
                "watchedAttributes": self._maybe(["speed"]), "q": self._text("speed>1"),
                "throttling": self._maybe(5), "isActive": self._maybe(True),
            },
            "csourceRegistrations": {
                "type": "ContextSourceRegistration", "information": self._maybe([{"entities": common["entities"]}]),
                "endpoint": self._text("http://127.0.0.1:1"), "mode": self._text("inclusive"),
                "operations": self._maybe(["retrieveOps"]),
            },
            "snapshots": {
                "type": "Snapshot", "snapshotQueries": self._maybe([self._find()]),
                "snapshotLifetime": self._text("PT1S"), "snapshotPriority": self._maybe(5),
            },
            "jsonldContexts": {"@context": self._context()},
        }.get(place, {"type": "Subscription", **common, "notification": {"endpoint": endpoint}})  # fmt: skip
        for name in random.sample(sorted(made), random.choice([0, 0, 0, 1])):
            made[name] = self._hostile()
        return made

    def _raw(self, body: Any) -> bytes:
        random = self._random
        raw = json.dumps(body, ensure_ascii=random.random() < 0.5).encode("utf-8", "surrogatepass")
        chance = random.random()
        if chance < 0.02:
            return raw[: random.randint(0, len(raw))]
        if chance < 0.03:
            return b"[" * random.choice([70, 5000]) + raw
        if chance < 0.04:
            return raw.replace(b'"', random.choice([b"'", b'"\xff', b'\\"']), 1)
        return raw
