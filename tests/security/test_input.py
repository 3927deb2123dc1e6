"""What comes in: parameters twice, members that only the node sets, archives that are traps, hostile texts."""

from __future__ import annotations

import io
import re
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import orjson
import pytest
from starlette.testclient import TestClient

from hansa.kernel.errors import BadRequest, HansaError, TooLarge, Unavailable
from hansa.node import Node
from hansa.spokes import source
from hansa.spokes.source import open_bundle
from hansa.upkeep.archive import restore
from hansa.upkeep.manifest import Item, Manifest

from .asking import ask

API = "/ngsi-ld/v1"
LONG_AGO = "2001-01-01T00:00:00Z"


def send(node: Node, verb: str, path: str, body: Any) -> tuple[int, bytes]:
    """Status and body of a request with JSON."""
    raw = orjson.dumps(body)
    headers = {"content-type": "application/json", "content-length": str(len(raw))}
    reply = ask(node, verb, API + path, headers, raw)
    return reply.status, reply.body


# -- parameters ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "query",
    [
        "type=Car&type=Person",
        "id=urn:x:1&id=urn:x:2",
        "q=a==1&q=b==2",
        "limit=1&limit=1000",
        "type=Car&limit=1&l%69mit=2",
    ],
)
def test_a_parameter_given_twice_is_refused(lab: Node, query: str) -> None:
    reply = ask(lab, "GET", f"{API}/entities?{query}")
    assert reply.status == 400
    assert b"is given twice" in reply.body


def test_a_parameter_in_a_body_is_none(lab: Node) -> None:
    """Where a parameter stands decides: a form's fields never become parameters of a query."""
    form = {"content-type": "application/x-www-form-urlencoded", "content-length": "8"}
    assert ask(lab, "POST", f"{API}/entities", form, b"type=Car").status == 415
    unknown = ask(lab, "GET", f"{API}/entities?type=Car&admin=true")
    assert unknown.status == 400
    assert b"admin" in unknown.body


# -- members that only the node sets ---------------------------------------------------------------


def test_an_entity_cannot_say_when_it_was_made(lab: Node) -> None:
    entity = {
        "id": "urn:x:1",
        "type": "Car",
        "createdAt": LONG_AGO,
        "modifiedAt": LONG_AGO,
        "deletedAt": LONG_AGO,
        "speed": {"type": "Property", "value": 1, "createdAt": LONG_AGO, "modifiedAt": LONG_AGO},
    }
    status, body = send(lab, "POST", "/entities", entity)
    assert status in (201, 400), body
    if status == 201:
        found = ask(lab, "GET", f"{API}/entities/urn:x:1?options=sysAttrs").body
        assert b"2001-01-01" not in found
    send(lab, "POST", "/entities", {"id": "urn:x:2", "type": "Car"})
    send(lab, "PATCH", "/entities/urn:x:2", {"createdAt": LONG_AGO, "modifiedAt": LONG_AGO})
    assert b"2001-01-01" not in ask(lab, "GET", f"{API}/entities/urn:x:2?options=sysAttrs").body


def test_a_change_cannot_give_an_entity_another_identifier(lab: Node) -> None:
    send(lab, "POST", "/entities", {"id": "urn:x:1", "type": "Car"})
    send(lab, "PATCH", "/entities/urn:x:1", {"id": "urn:x:9", "speed": {"value": 1}})
    assert ask(lab, "GET", f"{API}/entities/urn:x:9").status == 404


def test_a_registration_cannot_say_how_it_fares(lab: Node) -> None:
    registration = {
        "id": "urn:x:source",
        "type": "ContextSourceRegistration",
        "information": [{"entities": [{"type": "Car"}]}],
        "endpoint": "https://broker.example",
        "timesSent": 4_000_042,
        "timesFailed": 4_000_042,
        "status": "failed",
        "createdAt": LONG_AGO,
    }
    status, _ = send(lab, "POST", "/csourceRegistrations", registration)
    assert status in (201, 400)
    found = ask(lab, "GET", f"{API}/csourceRegistrations/urn:x:source?options=sysAttrs").body
    assert b"2001-01-01" not in found
    assert b"4000042" not in found


@pytest.mark.parametrize("name", ["__proto__", "constructor", "__class__", "toString"])
def test_names_that_mean_something_elsewhere_mean_nothing_here(lab: Node, name: str) -> None:
    status, body = send(
        lab, "POST", "/entities", {"id": "urn:x:1", "type": "T", name: {"value": 1}}
    )
    assert status in (201, 400), body
    assert ask(lab, "GET", f"{API}/entities?type=T&q={name}==1").status in (200, 400)


# -- types that are juggled ------------------------------------------------------------------------


@pytest.mark.parametrize("value", [1, True, None, [], {}, 1.5])
def test_an_identifier_of_another_type_is_refused(lab: Node, value: object) -> None:
    assert send(lab, "POST", "/entities", {"id": value, "type": "Car"})[0] == 400
    assert send(lab, "POST", "/entityOperations/delete", [value])[0] in (400, 404, 207)


def test_a_number_is_not_its_text_and_true_is_not_one(lab: Node) -> None:
    for number, value in enumerate((1, "1", True)):
        send(
            lab, "POST", "/entities", {"id": f"urn:x:{number}", "type": "T", "v": {"value": value}}
        )
    for query, wanted in (("v==1", 0), ('v=="1"', 1), ("v==true", 2)):
        reply = ask(lab, "GET", f"{API}/entities?type=T&q={query.replace(chr(34), '%22')}")
        assert [each["id"] for each in orjson.loads(reply.body)] == [f"urn:x:{wanted}"]


@pytest.mark.parametrize("number", ["9" * 400, "-9" * 30, "1e999", "0x10", "٣", "1_0", "NaN"])
def test_numbers_out_of_all_bounds_are_refused(lab: Node, number: str) -> None:
    from urllib.parse import quote

    for name in ("limit", "offset"):
        reply = ask(lab, "GET", f"{API}/entities?type=T&{name}={quote(number)}")
        assert reply.status == 400


# -- queries that want to be more ------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "' OR '1'='1",
        '"; DROP TABLE entity; --',
        "x') UNION SELECT body FROM record --",
        "1; ATTACH DATABASE '/tmp/x' AS y",
        "%",
        "_",
        "${7*7}{{7*7}}<%= 7*7 %>",
        "%s%n{0.__class__}{self}",
    ],
)
def test_texts_are_values_and_never_part_of_a_statement_or_template(lab: Node, text: str) -> None:
    from urllib.parse import quote

    send(lab, "POST", "/entities", {"id": "urn:x:1", "type": "T", "v": {"value": text}})
    send(lab, "POST", "/entities", {"id": "urn:x:2", "type": "T", "v": {"value": "harmless"}})
    for path in (
        f"/entities?type=T&q=v=={quote(orjson.dumps(text).decode())}",
        f"/entities?type=T&idPattern={quote(text)}",
        f"/entities?type={quote(text)}",
        f"/entities/{quote(text, safe='')}",
        f"/temporal/entities?type=T&timerel=before&timeAt={quote(text)}",
    ):
        reply = ask(lab, "GET", API + path)
        assert reply.status in (200, 400, 404), path
        assert b"harmless" not in reply.body or "idPattern" in path
        assert b"49" not in reply.body
    assert ask(lab, "GET", f"{API}/entities/urn:x:2").status == 200
    page = ask(lab, "GET", f"/city/search?q={quote(text)}")
    assert page.status == 200
    assert b"49" not in re.sub(rb"/static/\w+/", b"", page.body)


@pytest.mark.parametrize("pattern", ["(a+)+$", "(.*)*" * 20, "(?:x{1,1000}){1,1000}", "(?=a)", "("])
def test_a_pattern_cannot_hold_the_node_up(lab: Node, pattern: str) -> None:
    """RE2 answers in linear time, and what it does not know is refused."""
    from urllib.parse import quote

    send(lab, "POST", "/entities", {"id": "urn:x:" + "a" * 5000 + "!", "type": "T"})
    reply = ask(lab, "GET", f"{API}/entities?type=T&idPattern={quote(pattern)}")
    assert reply.status in (200, 400)


def test_a_query_cannot_nest_without_end(lab: Node) -> None:
    for depth in (100, 50_000):
        query = "%28" * depth + "a==1" + "%29" * depth
        assert ask(lab, "GET", f"{API}/entities?type=T&q={query}").status in (200, 400, 414)


# -- what pages do with it -------------------------------------------------------------------------

HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(2)>\"'`"


def test_json_in_a_page_cannot_end_its_script(lab: Node) -> None:
    entity = {
        "id": "urn:x:1",
        "type": "Tree",
        "name": {"value": HOSTILE},
        "location": {"value": {"type": "Point", "coordinates": [1, 2]}},
    }
    assert send(lab, "POST", "/entities", entity)[0] == 201
    for path in ("/", "/entity/urn:x:1", "/data", "/live", "/city/search?q=%3C%2Fscript%3E"):
        text = ask(lab, "GET", path).body.decode()
        assert "alert(1)</script>" not in text, path
        assert "<img src=x" not in text, path
        for inner in re.findall(r'<script type="application/json"[^>]*>(.*?)</script>', text, re.S):
            orjson.loads(inner)
            assert "<" not in inner


def test_nothing_is_redirected_to_another_host(city: Node) -> None:
    pages = TestClient(city.app, base_url="https://town.example", follow_redirects=False)
    for path in (
        "//evil.example/",
        "//evil.example/data/",
        "/data//evil.example/",
        "/%2f%2fevil.example/",
        "/\\evil.example/",
        "/live/letters/?next=//evil.example",
        "/?lang=en&next=https://evil.example&url=https://evil.example",
        "/log/key/",
    ):
        answer = pages.get(path)
        place = answer.headers.get("location", "")
        assert re.match(r"^$|/(?![/\\])|https://town\.example(:443)?/(?![/\\])", place), (
            path,
            place,
        )


def test_names_of_downloads_cannot_break_the_header(city: Node) -> None:
    reply = ask(city, "GET", "/data/TransportZone.geojson")
    assert reply.one("content-disposition").startswith("attachment; filename*=UTF-8''TransportZone")
    for name in ('a"b', "a%0d%0aX-Evil:%201", "..%2f..%2fetc%2fpasswd"):
        reply = ask(city, "GET", f"/data/{name}.geojson")
        assert reply.status == 404
        assert reply.every("x-evil") == []


@pytest.mark.parametrize(
    "path",
    [
        "/static/x/../../../node.py",
        "/static/x/..%2f..%2fapp.py",
        "/static/x//etc/passwd",
        "/static/x/css/../../templates/base.html",
        "/static/x/%00css/base.css",
        "/static/",
        "/static/x/",
        "/static/x/css/",
        "/contexts/..%2f..%2fhansa.toml",
        "/contexts/",
        "/log/tile/../../keys",
        "/log/tile/..%2f..%2ftrust",
        "/.git/HEAD",
        "/.git/",
        "/.env",
        "/hansa.toml",
        "/store/default.sqlite",
        "/trust/vault.sqlite",
        "/log/",
        "/server-status",
        "/debug",
    ],
)
def test_only_what_is_meant_to_be_served_is(city: Node, path: str) -> None:
    reply = ask(city, "GET", path)
    assert reply.status in (400, 404), path
    assert b"operator_token_hash" not in reply.body
    assert b"Index of" not in reply.body


# -- archives --------------------------------------------------------------------------------------


def packed(path: Path, manifest: Manifest, *members: tuple[tarfile.TarInfo, bytes]) -> Path:
    """A backup that nobody made with ``hansa backup``."""
    with tarfile.open(path, "w:gz") as tar:
        first = tarfile.TarInfo("manifest.json")
        first.size = len(manifest.to_json())
        tar.addfile(first, io.BytesIO(manifest.to_json()))
        for info, content in members:
            tar.addfile(info, io.BytesIO(content) if info.isreg() else None)
    return path


def listed(*items: Item) -> Manifest:
    """A list of contents."""
    return Manifest("x", "2026-01-01", "0.1.0", items)


def member(name: str, content: bytes = b"", kind: bytes = tarfile.REGTYPE) -> tarfile.TarInfo:
    """A member of an archive; links lead out."""
    info = tarfile.TarInfo(name)
    info.size = len(content)
    info.type = kind
    if kind in (tarfile.SYMTYPE, tarfile.LNKTYPE):
        info.linkname = "/etc/passwd"
    return info


@pytest.mark.parametrize(
    "kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE, tarfile.DIRTYPE]
)
def test_a_backup_cannot_hold_links_or_devices(kind: bytes, tmp_path: Path) -> None:
    archive = packed(
        tmp_path / "b.tgz", listed(Item("store/x", 0, "")), (member("store/x", kind=kind), b"")
    )
    with pytest.raises(BadRequest, match="not on its list"):
        restore(archive, tmp_path / "again", lambda *_: None)
    assert [path.name for path in tmp_path.iterdir()] == ["b.tgz"]


@pytest.mark.parametrize(
    "name", ["../evil", "/etc/cron.d/x", "store/../../x", "store/..", "cache/x"]
)
def test_a_backup_cannot_write_outside_its_folder(name: str, tmp_path: Path) -> None:
    archive = packed(tmp_path / "b.tgz", listed(Item(name, 1, "")), (member(name, b"x"), b"x"))
    with pytest.raises(BadRequest, match="no part of a node"):
        restore(archive, tmp_path / "again", lambda *_: None)


def test_a_backup_that_unpacks_to_more_than_it_says_is_refused_before_it_does(
    tmp_path: Path,
) -> None:
    content = b"\0" * 5_000_000
    archive = packed(
        tmp_path / "b.tgz",
        listed(Item("store/default.sqlite", 10, "")),
        (member("store/default.sqlite", content), content),
    )
    assert archive.stat().st_size < 20_000
    with pytest.raises(BadRequest, match="not of the size on its list"):
        restore(archive, tmp_path / "again", lambda *_: None)


def test_a_backup_that_is_larger_than_the_disk_is_refused_before_the_first_byte(
    tmp_path: Path,
) -> None:
    archive = packed(tmp_path / "b.tgz", listed(Item("store/default.sqlite", 2**60, "")))
    with pytest.raises(Unavailable, match="unpacks to"):
        restore(archive, tmp_path / "again", lambda *_: None)


@pytest.mark.parametrize("size", [-1, "1", None, 1.5, True])
def test_a_backup_with_odd_sizes_is_refused(size: Any, tmp_path: Path) -> None:
    archive = packed(tmp_path / "b.tgz", listed(Item("store/x", size, "")))
    with pytest.raises(BadRequest, match="cannot be read"):
        restore(archive, tmp_path / "again", lambda *_: None)


def bomb(path: Path, *sizes: int) -> Path:
    """A zip archive of zeros."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for number, size in enumerate(sizes):
            archive.writestr(f"stops{number}.txt", b"\0" * size)
    return path


def test_a_feed_that_unpacks_to_too_much_is_refused_by_its_list(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(source, "LARGEST", 1_000_000)
    feed = bomb(tmp_path / "feed.zip", 600_000, 600_000)
    assert feed.stat().st_size < 5_000
    with pytest.raises(TooLarge, match="would unpack to 2 members of 1,200,000 bytes"):
        open_bundle(str(feed))


def test_a_feed_of_too_many_members_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(source, "_MOST_MEMBERS", 3)
    with pytest.raises(TooLarge, match="4 members"):
        open_bundle(str(bomb(tmp_path / "feed.zip", 1, 1, 1, 1)))


def test_a_member_that_understates_its_size_yields_no_more(tmp_path: Path) -> None:
    path = bomb(tmp_path / "feed.zip", 500_000)
    data = path.read_bytes().replace((500_000).to_bytes(4, "little"), (10).to_bytes(4, "little"))
    path.write_bytes(data)
    with open_bundle_of(path) as bundle, pytest.raises(HansaError):
        assert len(bundle.read("stops0.txt")) <= 10
        bundle.verify()
        raise BadRequest("the archive", "was read in part")


def open_bundle_of(path: Path) -> Any:
    """An open bundle that closes itself."""
    from contextlib import closing

    return closing(open_bundle(str(path)))
