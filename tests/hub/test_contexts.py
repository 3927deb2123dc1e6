"""The @context registry: where documents come from, how faults are told apart, what is shared."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from pathlib import Path
from typing import Any, TypeVar

import orjson
import pytest

from hansa.hub import context_fetch, contexts
from hansa.hub.contexts import ContextRegistry
from hansa.hub.recent import ENTRY
from hansa.kernel.egress import Egress, EgressRefused, FetchFailed, Response
from hansa.kernel.errors import BadRequest, ContextUnavailable, HansaError, NotFound
from hansa.kernel.folder import Folder
from hansa.kernel.settings import Settings
from hansa.ngsild.city import CITY_PATH, city_context
from hansa.ngsild.context import CORE
from hansa.ngsild.core import CORE_URL, CORE_URLS

T = TypeVar("T")
URL = "https://example.org/context.jsonld"


def run(work: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(work)


class Source(Egress):
    """A network of documents in memory, which counts what is asked of it."""

    def __init__(self, documents: Mapping[str, Any], **headers: str) -> None:
        super().__init__()
        self.documents = dict(documents)
        self.headers = headers
        self.asked: list[str] = []

    async def fetch(self, url: str, **_: Any) -> Response:
        self.asked.append(url)
        await asyncio.sleep(0)
        found = self.documents.get(url)
        if isinstance(found, Exception):
            raise found
        if found is None:
            raise FetchFailed(f"address {url}", "answered with status 404")
        content = found if isinstance(found, bytes) else orjson.dumps({"@context": found})
        return Response(url, 200, self.headers, content)


class Time:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.seconds = 1_000_000.0

    def __call__(self) -> float:
        return self.seconds


def registry(documents: Mapping[str, Any] | None = None, **options: Any) -> ContextRegistry:
    return ContextRegistry(Source(documents or {}), **options)


# -- where documents come from ---------------------------------------------------------------------


@pytest.mark.parametrize("url", sorted(CORE_URLS))
def test_every_version_of_the_core_context_is_built_in(url: str) -> None:
    egress = Source({})
    found = run(ContextRegistry(egress).get(url))
    assert found == CORE
    assert found.source == url
    assert egress.asked == []


def test_a_core_url_that_does_not_exist_is_not_built_in() -> None:
    with pytest.raises(ContextUnavailable, match="status 404"):
        run(registry().get("https://uri.etsi.org/ngsi-ld/v1/ngsi-ld-core-context-none.jsonld"))


def test_the_node_s_own_context_is_built_in() -> None:
    assert run(registry().get(CITY_PATH)) == city_context()


def test_a_url_is_fetched_once_and_found_again() -> None:
    egress = Source({URL: {"speed": "https://x/speed"}})
    held = ContextRegistry(egress)
    first = run(held.get(URL))
    assert first.expand("speed") == "https://x/speed"
    assert first.source == URL
    assert run(held.get(URL)) is first
    assert run(held.get([URL])).expand("speed") == "https://x/speed"
    assert egress.asked == [URL]


def test_a_list_is_joined_in_order_and_core_terms_win() -> None:
    documents = {URL: {"speed": "https://x/1", "heading": "https://x/2", "location": "https://x/3"}}
    source: list[Any] = [URL, {"speed": "https://x/later"}, CORE_URL]
    found = run(registry(documents).get(source))
    assert found.expand("speed") == "https://x/later"
    assert found.expand("heading") == "https://x/2"
    assert found.expand("location") == "https://uri.etsi.org/ngsi-ld/location"
    assert found.source == source


def test_documents_may_name_others_also_relatively() -> None:
    documents = {
        "https://example.org/a/top.jsonld": ["../b/next.jsonld", {"one": "https://x/1"}],
        "https://example.org/b/next.jsonld": {"@import": "last.jsonld", "two": "https://x/2"},
        "https://example.org/b/last.jsonld": {"three": "https://x/3", "two": "https://x/hidden"},
    }
    found = run(registry(documents).get("https://example.org/a/top.jsonld"))
    assert [found.expand(term) for term in ("one", "two", "three")] == [
        "https://x/1",
        "https://x/2",
        "https://x/3",
    ]


@pytest.mark.parametrize("part", ["http://[", {"@import": "https://[[0,0"}])
def test_documents_that_name_what_is_no_url(part: object) -> None:
    documents = {"https://example.org/top.jsonld": [part]}
    with pytest.raises(BadRequest, match="is not a URL"):
        run(registry(documents).get("https://example.org/top.jsonld"))


def test_null_forgets_what_came_before() -> None:
    found = run(registry().get([{"speed": "https://x/1"}, None, {"a": "https://x/2"}]))
    assert found.expand("speed") == CORE.expand("speed")
    assert found.expand("a") == "https://x/2"


def test_preloaded_documents_are_never_fetched() -> None:
    held = ContextRegistry(None, preloaded={URL: {"speed": "https://x/speed"}})
    assert run(held.get(URL)).expand("speed") == "https://x/speed"


def test_without_a_way_out_nothing_is_fetched() -> None:
    with pytest.raises(ContextUnavailable, match="cannot be fetched by this node"):
        run(ContextRegistry(None).get(URL))


def test_what_a_client_sent_is_served_and_understood_again() -> None:
    held = registry()
    path = held.host({"speed": "https://x/speed"})
    assert held.document(path) == {"@context": {"speed": "https://x/speed"}}
    assert run(held.get(path)).expand("speed") == "https://x/speed"
    assert held.host({"speed": "https://x/speed"}) == path
    assert held.document("/contexts/none.jsonld") is None


# -- age -------------------------------------------------------------------------------------------


def test_an_old_document_is_fetched_again() -> None:
    egress, now = Source({URL: {"speed": "https://x/1"}}), Time()
    held = ContextRegistry(egress, now=now)
    run(held.get(URL))
    egress.documents[URL] = {"speed": "https://x/2"}
    now.seconds += 86_000
    assert run(held.get(URL)).expand("speed") == "https://x/1"
    now.seconds += 1_000
    assert run(held.get(URL)).expand("speed") == "https://x/2"


@pytest.mark.parametrize(
    ("control", "seconds"),
    [("max-age=600", 600), ("max-age=1", 60), ("no-store", 60), ("public", 86_400)],
)
def test_the_source_says_how_long_it_is_good(control: str, seconds: int) -> None:
    egress, now = Source({URL: {}}, **{"cache-control": control}), Time()
    held = ContextRegistry(egress, now=now)
    run(held.get(URL))
    now.seconds += seconds - 1
    run(held.get(URL))
    assert len(egress.asked) == 1
    now.seconds += 2
    run(held.get(URL))
    assert len(egress.asked) == 2


def test_an_old_copy_is_used_while_the_source_is_down(tmp_path: Path) -> None:
    egress, now = Source({URL: {"speed": "https://x/1"}}), Time()
    run(ContextRegistry(egress, copies=tmp_path / "c", now=now).get(URL))
    egress.documents.clear()
    now.seconds += 90_000
    again = ContextRegistry(egress, copies=tmp_path / "c", now=now)
    assert run(again.get(URL)).expand("speed") == "https://x/1"
    assert len(egress.asked) == 2


def test_a_fresh_copy_survives_a_restart_without_a_fetch(tmp_path: Path) -> None:
    egress = Source({URL: {"speed": "https://x/1"}})
    run(ContextRegistry(egress, copies=tmp_path).get(URL))
    run(ContextRegistry(egress, copies=tmp_path).get(URL))
    assert egress.asked == [URL]


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"url": "https://other/"}'])
def test_a_damaged_copy_is_as_good_as_none(tmp_path: Path, content: bytes) -> None:
    egress = Source({URL: {"speed": "https://x/1"}})
    run(ContextRegistry(egress, copies=tmp_path).get(URL))
    for file in tmp_path.iterdir():
        file.write_bytes(content)
    assert run(ContextRegistry(egress, copies=tmp_path).get(URL)).expand("speed") == "https://x/1"
    assert len(egress.asked) == 2


def test_a_copy_that_cannot_be_written_is_done_without(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("in the way")
    held = registry({URL: {"speed": "https://x/1"}}, copies=tmp_path / "file")
    assert run(held.get(URL)).expand("speed") == "https://x/1"
    assert "no copy of @context" in caplog.text


def test_copies_do_not_pile_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hansa.hub.context_files._MOST_COPIES", 3)
    urls = [f"https://example.org/{n}" for n in range(6)]
    held = registry({url: {"a": "https://x/a"} for url in urls}, copies=tmp_path)
    for url in urls:
        run(held.get(url))
    assert len(list(tmp_path.iterdir())) == 3


def test_memory_forgets_what_was_used_longest_ago(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contexts, "_KEPT", 3 * ENTRY)
    urls = [f"https://example.org/{n}" for n in range(4)]
    held = registry({url: {"a": "https://x/a"} for url in urls})
    first = run(held.get(urls[0]))
    run(held.get(urls[1]))
    assert run(held.get(urls[0])) is first
    run(held.get(urls[2]))
    run(held.get(urls[3]))
    assert len(held._resolved) < 4
    assert urls[1] not in held._resolved


# -- sharing and failing ---------------------------------------------------------------------------


def test_requests_at_the_same_moment_share_one_fetch() -> None:
    egress = Source({URL: {"speed": "https://x/1"}})
    held = ContextRegistry(egress)

    async def work() -> list[str]:
        found = await asyncio.gather(*(held.get(URL) for _ in range(20)))
        return [context.expand("speed") for context in found]

    assert run(work()) == ["https://x/1"] * 20
    assert egress.asked == [URL]


def test_one_that_leaves_does_not_spoil_it_for_the_others() -> None:
    held = registry({URL: {"speed": "https://x/1"}})

    async def work() -> str:
        leaving = asyncio.create_task(held.get(URL))
        staying = asyncio.create_task(held.get(URL))
        await asyncio.sleep(0)
        leaving.cancel()
        return (await staying).expand("speed")

    assert run(work()) == "https://x/1"


def test_a_failure_is_remembered_for_a_while() -> None:
    egress, now = Source({}), Time()
    held = ContextRegistry(egress, now=now)
    for _ in range(3):
        with pytest.raises(ContextUnavailable, match="status 404"):
            run(held.get(URL))
    assert egress.asked == [URL]
    now.seconds += 31
    egress.documents[URL] = {"speed": "https://x/1"}
    assert run(held.get(URL)).expand("speed") == "https://x/1"


def test_too_many_fetches_at_once_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(context_fetch, "_FETCHES", 2)
    urls = [f"https://example.org/{n}" for n in range(5)]
    held = registry({url: {"a": "https://x/a"} for url in urls})

    async def work() -> list[Any]:
        return await asyncio.gather(*map(held.get, urls), return_exceptions=True)

    refused = [found for found in run(work()) if isinstance(found, ContextUnavailable)]
    assert len(refused) == 3
    assert "too many others" in refused[0].fact


@pytest.mark.parametrize(
    ("document", "error", "words"),
    [
        (FetchFailed("address x", "gave no whole answer"), ContextUnavailable, "no whole answer"),
        (EgressRefused("address x", "leads to loopback"), ContextUnavailable, "leads to loopback"),
        (b"this is { not json", BadRequest, "is not JSON"),
        (b'{"note": "nothing here"}', BadRequest, "has no member @context"),
        (b"[]", BadRequest, "has no member @context"),
        (5, BadRequest, "5 is not a @context"),
        ({"a": 5}, BadRequest, "term 'a'"),
        (URL, BadRequest, "names itself"),
        ({"@import": 5}, BadRequest, "@import"),
        ({"@import": URL}, BadRequest, "names itself"),
        ({"@context": {}}, BadRequest, "holds another @context"),
        ([f"https://example.org/{n}" for n in range(50)], BadRequest, "more than 32 documents"),
    ],
)
def test_what_is_unavailable_and_what_is_wrong(document: Any, error: Any, words: str) -> None:
    documents = {f"https://example.org/{n}": {} for n in range(50)} | {URL: document}
    with pytest.raises(error, match=words) as caught:
        run(registry(documents).get(URL))
    assert caught.value.status == (504 if error is ContextUnavailable else 400)


def nested(levels: int) -> Any:
    found: Any = {}
    for _ in range(levels):
        found = [found]
    return found


@pytest.mark.parametrize(
    ("source", "error", "words"),
    [
        (5, BadRequest, "5 is not a @context"),
        ([5], BadRequest, "5 is not a @context"),
        ("", BadRequest, "is not a URL"),
        ("context.jsonld", BadRequest, "is not a URL"),
        ("file:///etc/passwd", ContextUnavailable, "cannot be fetched"),
        ("urn:x:y", ContextUnavailable, "cannot be fetched"),
        ("/contexts/none.jsonld", ContextUnavailable, "cannot be fetched"),
        ({"@context": URL}, BadRequest, "holds another @context"),
        ({"a": {"@id": "https://x/a", "@context": {}}}, BadRequest, "scoped context"),
        (nested(20), BadRequest, "nested deeper than"),
        (nested(2000), BadRequest, "nested too deeply"),
    ],
)
def test_sources_that_are_no_context(source: Any, error: type[HansaError], words: str) -> None:
    with pytest.raises(error, match=words):
        run(registry().get(source))


def test_a_loopback_address_is_refused_by_the_real_guard() -> None:
    with pytest.raises(ContextUnavailable, match="not public"):
        run(ContextRegistry(Egress()).get("http://127.0.0.1:1/context.jsonld"))


# -- a node's registry -----------------------------------------------------------------------------


def node(root: Path, **settings: Any) -> ContextRegistry:
    (root / "contexts").mkdir(exist_ok=True)
    return ContextRegistry.for_node(Settings(**settings), Folder(root))


def written(path: Path, context: Any) -> str:
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(orjson.dumps({"@context": context}))
    return str(path)


def test_the_default_context_of_a_node(tmp_path: Path) -> None:
    assert node(tmp_path).default == city_context()
    assert node(tmp_path, context="core").default is CORE
    assert node(tmp_path, dev=True).default is CORE


def test_another_default_context_may_be_preloaded(tmp_path: Path) -> None:
    written(tmp_path / "mine.jsonld", {"speed": "https://x/1"})
    held = node(tmp_path, context=URL, contexts={URL: "mine.jsonld"})
    assert held.default.expand("speed") == "https://x/1"
    assert held.default.source == URL


def test_a_default_context_that_cannot_be_had_stops_the_start(tmp_path: Path) -> None:
    with pytest.raises(ContextUnavailable, match="not public"):
        node(tmp_path, context="http://127.0.0.1:1/c.jsonld")


def test_files_are_preloaded_by_settings_and_by_index(tmp_path: Path) -> None:
    written(tmp_path / "contexts" / "a.jsonld", {"speed": "https://x/1"})
    (tmp_path / "contexts" / "index.json").write_bytes(orjson.dumps({URL: "a.jsonld"}))
    absolute = written(tmp_path / "b.jsonld", [URL, {"heading": "https://x/2"}])
    held = node(tmp_path, contexts={"https://example.org/b": absolute})
    found = run(held.get("https://example.org/b"))
    assert (found.expand("speed"), found.expand("heading")) == ("https://x/1", "https://x/2")


@pytest.mark.parametrize(
    ("prepare", "error", "words"),
    [
        (lambda root: None, NotFound, "its file a.jsonld cannot be read"),
        (lambda root: (root / "a.jsonld").write_text("{"), BadRequest, "a.jsonld: is not JSON"),
        (lambda root: (root / "a.jsonld").write_text("{}"), BadRequest, "no member @context"),
    ],
)
def test_a_faulty_preloaded_file_stops_the_start(
    tmp_path: Path, prepare: Callable[[Path], Any], error: type[HansaError], words: str
) -> None:
    prepare(tmp_path)
    with pytest.raises(error, match=words):
        node(tmp_path, contexts={URL: "a.jsonld"})


@pytest.mark.parametrize("index", ["{", "[]", '{"https://x/": 5}'])
def test_a_faulty_index_stops_the_start(tmp_path: Path, index: str) -> None:
    (tmp_path / "contexts").mkdir()
    (tmp_path / "contexts" / "index.json").write_text(index)
    with pytest.raises(BadRequest, match=r"contexts/index\.json"):
        node(tmp_path)


# -- what is held ----------------------------------------------------------------------------------


def cached(held: ContextRegistry) -> list[str]:
    return [entry.url for entry in run(held.held(None)) if entry.kind == "Cached"][1:]


def test_what_was_fetched_is_held_with_its_times_also_after_a_restart(tmp_path: Path) -> None:
    egress, now = Source({URL: {"speed": "https://x/1"}}), Time()
    held = ContextRegistry(egress, copies=tmp_path, now=now)
    run(held.get(URL))
    for registry in (held, ContextRegistry(egress, copies=tmp_path, now=now)):
        entry = run(registry.held(None))[-1]
        assert (entry.url, entry.created, entry.expires) == (URL, 1_000_000.0, 1_086_400.0)
    assert held.usage(URL) == (1, 1_000_000.0)
    assert held.usage("https://example.org/never") == (0, None)


def test_a_forgotten_copy_is_fetched_when_it_is_needed_again(tmp_path: Path) -> None:
    egress = Source({URL: {"speed": "https://x/1"}})
    held = ContextRegistry(egress, copies=tmp_path)
    run(held.get([URL, {"a": "https://x/a"}]))
    run(held.forget(URL))
    assert cached(held) == []
    assert list(tmp_path.iterdir()) == []
    run(held.get([URL, {"a": "https://x/a"}]))
    assert egress.asked == [URL, URL]


def test_reading_again_replaces_the_copy_or_leaves_it(tmp_path: Path) -> None:
    egress = Source({URL: {"speed": "https://x/1"}})
    held = ContextRegistry(egress, copies=tmp_path)
    run(held.get(URL))
    egress.documents[URL] = {"speed": "https://x/2"}
    run(held.reload(URL))
    assert run(held.get(URL)).expand("speed") == "https://x/2"
    for fault in (FetchFailed("address x", "is silent"), b"{", 5, {"a": 5}):
        egress.documents[URL] = fault
        with pytest.raises(ContextUnavailable):
            run(held.reload(URL))
        assert run(held.get(URL)).expand("speed") == "https://x/2"
    assert run(ContextRegistry(None, copies=tmp_path).get(URL)).expand("speed") == "https://x/2"


def test_an_own_context_without_a_record_is_not_available() -> None:
    with pytest.raises(ContextUnavailable, match="is not held here"):
        run(registry().get("/ngsi-ld/v1/jsonldContexts/none"))
