"""The parts that commands are made of: reading options, speaking, rehearsing, listening."""

from __future__ import annotations

import io
import socket
from contextlib import closing
from pathlib import Path

import orjson
import pytest
from rich.console import Console

from hansa.cli.console import Screen, moment, program
from hansa.cli.importing import spoke_options
from hansa.cli.query import _fitting
from hansa.cli.reach import _remedy
from hansa.cli.rehearsal import rehearse
from hansa.cli.serve import preloaded
from hansa.kernel.errors import BadRequest, Conflict, InvalidRequest, Unavailable
from hansa.store.port import Edited, Entity, Write, Written
from hansa.store.sqlite import open_store


def test_the_options_of_a_spoke() -> None:
    words = ["--mapping", "m.toml", "--id=a=b", "--strict", "--time-unit", "s", "--empty="]
    assert spoke_options(words) == {
        "mapping": "m.toml",
        "id": "a=b",
        "strict": True,
        "time_unit": "s",
        "empty": "",
    }
    assert spoke_options([]) == {}


@pytest.mark.parametrize("words", [["stray"], ["--a", "1", "2"], ["--"], ["-x", "1"]])
def test_a_word_that_is_no_option(words: list[str]) -> None:
    with pytest.raises(InvalidRequest, match="is not an option"):
        spoke_options(words)


def test_preloaded_contexts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "c.jsonld").write_text("{}")
    monkeypatch.chdir(tmp_path)
    url = "https://example.org/c?v=1"
    assert preloaded([f"{url}=c.jsonld"]) == {url: str(tmp_path / "c.jsonld")}


@pytest.mark.parametrize("pair", ["", "https://a", "c.jsonld", "file:///a=c.jsonld", "https://a="])
def test_what_is_no_preloaded_context(pair: str, tmp_path: Path) -> None:
    (tmp_path / "c.jsonld").write_text("{}")
    with pytest.raises(BadRequest, match="is not a URL and an existing file"):
        preloaded([pair.replace("c.jsonld", str(tmp_path / "c.jsonld"))])


def screen(terminal: bool, json: bool = False) -> tuple[Screen, io.StringIO, io.StringIO]:
    made, out, err = Screen(json), io.StringIO(), io.StringIO()
    made.out = Console(file=out, force_terminal=terminal, width=60, highlight=False)
    made.err = Console(file=err, force_terminal=terminal, width=60, highlight=False)
    return made, out, err


def test_a_table_in_a_pipe_is_aligned_and_never_cut(capsys: pytest.CaptureFixture[str]) -> None:
    made, _, _ = screen(terminal=False)
    made.table(("name", "count"), [("a" * 200, 1), ("b", 12345), ("c", 7)])
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "name".ljust(200) + "   count"
    assert lines[2] == "b".ljust(200) + "  12,345"
    assert lines[3] == "c".ljust(200) + "       7"


def test_a_table_on_a_terminal_shows_brackets_as_they_are() -> None:
    made, out, _ = screen(terminal=True)
    made.table(("name",), [("[bold]x",)])
    assert "[bold]x" in out.getvalue()


def test_what_is_printed_is_neither_a_picture_nor_a_style() -> None:
    name = "urn:ngsi-ld:ParkingTicket:parking:1 [bold]x[/bold]"
    made, out, err = screen(terminal=True)
    made.say(name)
    made.table((name,), [(name,)])
    made.note(name)
    with made.progress(":parking: [bold]x") as advance:
        advance(1, 1)
    wide = Screen()
    assert (wide.out._emoji, wide.out._markup) == (False, False)
    assert out.getvalue().replace("\n", "").replace(" ", "").count(":parking:1[bold]x[/bold]") == 3
    assert name in err.getvalue()
    assert ":parking: [bold]x" in err.getvalue()


def test_a_record_is_written_as_people_write_it(capsys: pytest.CaptureFixture[str]) -> None:
    record = {
        "public_space": True,
        "place": {"type": "Point", "coordinates": [-71.25, -29.9]},
        "data": ["personal", "spatial"],
        "version": 1234,
        "anonymise": [
            {"step": "drop", "attributes": ["driver", "owner"]},
            {"step": "count", "among": {"zone": ["a", "b"]}, "epsilon": 0.1},
        ],
    }
    screen(terminal=False)[0].fields(record)
    lines = [line.split(maxsplit=1) for line in capsys.readouterr().out.splitlines()[1:]]
    assert lines == [
        ["public_space", "yes"],
        ["place", "-71.25, -29.9"],
        ["data", "personal, spatial"],
        ["version", "1234"],
        ["anonymise", "drop (attributes: driver, owner)"],
        ["count", "(among: zone: a, b; epsilon: 0.1)"],
    ]


def test_progress_is_drawn_on_a_terminal_and_told_elsewhere() -> None:
    made, _, err = screen(terminal=False)
    with made.progress("Reading") as advance:
        advance(5, 10)
        advance(1234, 1234)
    assert err.getvalue() == "Reading ...\nReading: 1,234\n"
    made, _, err = screen(terminal=True)
    with made.progress("Reading") as advance:
        advance(5, None)
        advance(10, 10)
    assert "Reading" in err.getvalue()
    assert "10 of 10" in err.getvalue()


def test_moments_are_told_to_the_minute() -> None:
    assert moment("2026-11-23T04:50:02.123456Z") == "2026-11-23 04:50 UTC"
    assert moment("2026-11-23T01:50:02-03:00") == "2026-11-23 04:50 UTC"
    assert moment(None) == ""


def test_a_command_is_suggested_as_this_one_was_called(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = tmp_path / "hansa"
    there.write_text("#!/bin/sh\n")
    there.chmod(0o755)
    monkeypatch.setattr("sys.argv", [str(there)])
    monkeypatch.setenv("PATH", "/nowhere")
    assert program() == str(there)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert program() == "hansa"
    monkeypatch.setattr("sys.argv", ["/usr/lib/python3/hansa/cli/__main__.py"])
    assert program() == "hansa"


def test_a_table_on_a_terminal_has_the_columns_that_fit() -> None:
    rows = [{"id": "urn:x:1", "type": "Tree", "species": "s" * 20, "height": 12}]
    heads = ["id", "type", "species", "height"]
    assert _fitting(heads, rows, None) == (heads, [])
    assert _fitting(heads, rows, 60) == (heads, [])
    assert _fitting(heads, rows, 40) == (heads[:3], ["height"])
    assert _fitting(heads, rows, 5) == (heads[:2], ["species", "height"])
    many = [f"a{n}" for n in range(12)]
    assert _fitting(many, rows, None) == (many[:8], many[8:])


def test_a_remedy_that_only_repeats_the_fault_is_left_out() -> None:
    assert _remedy("type Tree: is not here.", "Is not here.") == ""
    assert _remedy("type Tree: is not here.", "Ask for another.") == "Ask for another."


def test_with_json_nothing_else_is_on_standard_output(capsys: pytest.CaptureFixture[str]) -> None:
    made = Screen(json=True)
    made.say("words")
    made.table(("a",), [(1,)])
    made.data({"a": [1, "é"]})
    assert orjson.loads(capsys.readouterr().out) == {"a": [1, "é"]}


def add(id: str, text: str, current: Entity | None) -> Edited:
    value = [{"type": "Property", "value": text}]
    return Edited({"id": id, "type": ["https://example.org/T"], "https://example.org/x": value})


def test_a_rehearsal_tells_and_writes_nothing(tmp_path: Path) -> None:
    def refuse(current: Entity | None) -> Edited:
        raise BadRequest("x", "no")

    def keep(current: Entity | None) -> Edited:
        return Edited(current, "unchanged")

    with closing(open_store(tmp_path / "s.sqlite")) as store:
        store.write([Write("urn:a", lambda current: add("urn:a", "1", current))]).result()
        trial = rehearse(store)
        trial.declare_hot("https://example.org/x")
        outcomes = trial.write(
            [
                Write("urn:a", lambda current: Edited(None)),
                Write("urn:b", lambda current: add("urn:b", "2", current)),
                Write("urn:b", keep),
                Write("urn:c", refuse),
            ]
        ).result()
        assert outcomes[0] == Written(0, created=False, deleted=True)
        assert outcomes[1] == Written(0, created=True, deleted=False)
        assert outcomes[2] == Written(0, created=False, deleted=False, detail="unchanged")
        assert isinstance(outcomes[3], BadRequest)
        assert trial.get("urn:a") is None
        assert trial.get("urn:b") is not None
        assert trial.last_change() == store.last_change() == 1
        assert store.get("urn:a") is not None
        assert store.get("urn:b") is None


def test_listening() -> None:
    from hansa.cli.server import address_of, listen

    with listen("127.0.0.1", 0) as first:
        port = first.getsockname()[1]
        assert address_of(first) == f"http://127.0.0.1:{port}"
        with pytest.raises(Conflict, match=f"port {port}: is in use by another program"):
            listen("127.0.0.1", port)
    with pytest.raises(Unavailable, match="cannot be listened on"):
        listen("192.0.2.1", 0)
    with listen("0.0.0.0", 0) as every:
        assert address_of(every).startswith("http://127.0.0.1:")
    if socket.has_ipv6:
        with listen("::1", 0) as six:
            assert address_of(six).startswith("http://[::1]:")
