"""``python -m benchmarks.fuzz.parsers SEED COUNT FOLDER``: the process that the fuzzer of :mod:`.guided` runs in.

It imports nothing of the house before the fuzzer can see it, and ends with the process. What an input says
first is which parser it is for.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

SECONDS: Final = 900
_LONGEST_INPUT: Final = 2_000
_NOW: Final = datetime(2026, 1, 1, tzinfo=UTC)
_SEEDS: Final = (
    b'\x00speed>3;colour~="red|blue",(a.b[c]=="x"|d==1..2)',
    b"\x01/Madrid/+/Gardens/#,(/a;/b)",
    b"\x02(Car|Bus);Vehicle,https://example.org/T",
    b'\x03{"type":"Polygon","coordinates":[[[0,0],[1,0],[1,1],[0,0]]]}',
    b"\x042026-01-01T00:00:00.5Z|P1Y2M3DT4H5M6.7S|after",
    b'\x05{"id":"urn:x:1","type":"Car","speed":{"type":"Property","value":3,"observedAt":"2026-01-01T00:00:00Z"}}',
    b'\x06{"id":"urn:x:1","type":"Car","speed":[{"type":"Property","value":3}]}',
    b'\x07[{"a":"https://x.example/a","b":{"@id":"a:b","@type":"@id"}},"https://x.example"]',
    b'\x08<https://x.example/entities?offset=3&a=%20>; rel="next", <y>; rel=prev',
    b'\x09{"id":"R","type":"Room","t":{"type":"geo:box","value":["1,2","3,4"],"metadata":{"unitCode":{"type":"Text","value":"CEL"}}}}',
    b'\x0a{"@type":"Set","profile":"urn:hansa:odrl-profile:1","target":"urn:hansa:city","permission":[{"action":["read"],'
    b'"assignee":"role:planner","constraint":[{"leftOperand":"entityType","operator":"isAnyOf","rightOperand":["Tree"]},'
    b'{"leftOperand":"area","operator":"isPartOf","rightOperand":{"type":"Polygon","coordinates":[[[0,0],[1,0],[1,1],[0,0]]]}}],'
    b'"duty":[{"action":"log"}]}],"prohibition":[{"action":"read","assignee":"everyone","constraint":'
    b'[{"leftOperand":"idPattern","operator":"eq","rightOperand":"^urn:x"}]}]}',
    b"\x0bcity.example/log\n5\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n\n\xe2\x80\x94 city.example/log AAAAAAAA\n",
    b"\x0cold 3\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n\ncity.example/log\n5\n"
    b"47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n\n\xe2\x80\x94 city.example/log AAAAAAAA\n",
    b"\x0dtile/entries/x001/234.p/5|city.example/log+8bd0b7d1+AUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFB",
    b'\x0e\x00\x05{"a":{"kind":"login","reason":"login.done","rules":[],"things":1,"time":"2026","what":"AA==","who":"AA=="}',
    b"\x0feyJhbGciOiJFZDI1NTE5In0.eyJzdWIiOiJwYXJraW5nIn0.AAAA|hansat_0123456789ab_secret",
)


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace")


def _targets() -> list[Callable[[bytes], Any]]:
    """The parsers, in the order of the first byte of an input."""
    query, scopes, types, times = _languages()
    return [query, scopes, types, _geometry, times, *_documents(), *_signed()]


def _geometry(data: bytes) -> None:
    import orjson

    from hansa.ngsild import geojson

    geojson.check_geojson(orjson.loads(data), "the geometry")


def _languages() -> list[Callable[[bytes], Any]]:
    """What reads the query languages."""
    from hansa.ngsild import q, scope, selection, temporal

    def query(data: bytes) -> None:
        tree = q.parse_q(_text(data))
        assert q.parse_q(q.print_q(tree)) == tree, "printed, it is another query"

    def scopes(data: bytes) -> None:
        tree = scope.parse_scope_query(_text(data))
        assert scope.parse_scope_query(scope.print_scope_query(tree)) == tree

    def types(data: bytes) -> None:
        tree = selection.parse_types(_text(data))
        assert selection.parse_types(selection.print_types(tree)) == tree

    def times(data: bytes) -> None:
        moment, _, rest = _text(data).partition("|")
        duration, _, relation = rest.partition("|")
        for parse, given in (
            (temporal.parse_datetime, moment),
            (temporal.parse_duration, duration),
        ):
            _refusable(parse, given)
        temporal.parse_temporal(relation, moment, duration)

    return [query, scopes, types, times]


def _documents() -> list[Callable[[bytes], Any]]:
    """What reads JSON documents and headers."""
    import orjson

    from hansa.hub.federation.paging import next_page
    from hansa.hub.own_contexts import check_source, inside
    from hansa.ngsild.context import CORE
    from hansa.ngsild.expand import Rules, expand_entity
    from hansa.ngsild.represent import View, represent
    from hansa.ngsild.temporal_input import expand_evolution
    from hansa.spokes.ngsiv2.map import entity_of
    from hansa.trust.policy.compile import compiled
    from hansa.trust.policy.parse import decoded, parse_policy

    rules = Rules(CORE)

    def entity(data: bytes) -> None:
        represent(expand_entity(orjson.loads(data), rules), View(CORE))

    def policy(data: bytes) -> None:
        rules = parse_policy("p", decoded(data), CORE.expand).rules
        assert compiled("read", rules).nothing or any(rule.permits for rule in rules)

    return [
        entity,
        lambda data: expand_evolution(orjson.loads(data), rules),
        lambda data: check_source(inside(orjson.loads(data), "https://x.example", None)),
        lambda data: next_page({"link": _text(data)}, "/entities"),
        lambda data: entity_of(orjson.loads(data), _NOW, timedelta(hours=1)),
        policy,
    ]


def _signed() -> list[Callable[[bytes], Any]]:
    """What reads formats that are signed, or prove something."""
    from hansa.trust.identity.grants import client_of
    from hansa.trust.log.commitments import Entry
    from hansa.trust.log.notes import Checkpoint, Note, NoteFault, Verifier
    from hansa.trust.log.tiles import Tile, entries_of, hashes_of
    from hansa.trust.log.witness import parsed

    def note(data: bytes) -> None:
        with suppress(NoteFault):
            found = Note.parse(data)
            assert found.to_bytes() == data, "written, it is another note"
            assert Checkpoint.parse(found.text).size >= 0

    def witnessed(data: bytes) -> None:
        with suppress(NoteFault):
            parsed(data)

    def named(data: bytes) -> None:
        path, _, key = data.decode("utf-8", "replace").partition("|")
        Tile.parse(path)
        with suppress(NoteFault):
            assert Verifier.parse(key).vkey == key, "written, it is another key"

    def bundle(data: bytes) -> None:
        with suppress(ValueError):
            hashes_of(data)
        with suppress(ValueError):
            for each in [data, *entries_of(data)]:
                found = Entry.parse(each)
                assert Entry.parse(found.to_bytes()) == found

    def assertion(data: bytes) -> None:
        assert isinstance(client_of(data.decode("utf-8", "replace").partition("|")[0]), str)

    return [note, witnessed, named, bundle, assertion]


def _refusable(work: Callable[[Any], Any], given: Any) -> None:
    """Do something that may be refused, and must not fail in another way."""
    from hansa.kernel.errors import HansaError

    try:
        work(given)
    except (HansaError, ValueError) as fault:
        if isinstance(fault, ValueError) and not _says_so(fault):
            raise


def _says_so(fault: ValueError) -> bool:
    """Whether it is JSON that is none, or a refusal of an entity of NGSIv2."""
    import traceback

    import orjson

    if isinstance(fault, orjson.JSONDecodeError):
        return True
    last = traceback.extract_tb(fault.__traceback__)[-1]
    return "raise ValueError" in (last.line or "")


def main() -> None:
    """The command; it ends with the process."""
    seed, count, place = sys.argv[1], sys.argv[2], Path(sys.argv[3])
    for number, content in enumerate(_SEEDS):
        (place / f"seed-{number}").write_bytes(content)
    atheris: Any = importlib.import_module("atheris")
    with atheris.instrument_imports(include=["hansa"]):
        targets = _targets()

    def test_one(data: bytes) -> None:
        if data:
            _refusable(targets[data[0] % len(targets)], data[1:])

    limits = [f"-max_len={_LONGEST_INPUT}", "-timeout=20", f"-max_total_time={SECONDS}"]
    options = [f"-runs={count}", f"-seed={seed}", *limits, f"-artifact_prefix={place}/"]
    atheris.Setup([sys.argv[0], *options, str(place)], test_one)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
