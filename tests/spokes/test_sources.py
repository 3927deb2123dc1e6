"""Where bytes come from: files, folders, archives in archives; and text tables of every making."""

from __future__ import annotations

import contextlib
import csv
import io
import tempfile
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hansa.kernel.errors import BadRequest, NotFound, TooLarge
from hansa.spokes import source
from hansa.spokes.port import Refusal
from hansa.spokes.source import open_bundle, open_file
from hansa.spokes.tabular import TextTable


def packed(path: Path, **members: bytes) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name.replace("__", "/"), data)
    return path


@pytest.fixture
def nested(tmp_path: Path) -> Path:
    inner = packed(tmp_path / "inner.zip", hello=b"world", deep__hello=b"deeper")
    return packed(tmp_path / "outer.whl", data__inner=inner.read_bytes())


def test_a_file_is_itself(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"x")
    with open_file(str(tmp_path / "a.csv")) as file:
        assert file.path == tmp_path / "a.csv"
        assert file.label == "a.csv"
        assert file.digest() == f"sha256:{'2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881'}"  # fmt: skip
    assert (tmp_path / "a.csv").exists()


def test_members_of_archives_are_unpacked_and_removed_again(nested: Path) -> None:
    with open_file(f"{nested}!data/inner!hello") as file:
        unpacked = file.path
        assert unpacked.read_bytes() == b"world"
        assert file.label == "hello"
    assert not unpacked.exists()


@pytest.mark.parametrize(
    ("tail", "fault", "reason"),
    [
        ("!data/other", NotFound, r"'data/other' in outer.whl: there is no such member"),
        ("!data/inner!other", NotFound, r"'other' in inner: there is no such member"),
        ("!data/inner!hello!x", BadRequest, r"hello: is not a complete zip archive"),
        ("x", NotFound, r"does not exist"),
    ],
)
def test_a_wrong_way_says_where_it_ends(
    nested: Path, tail: str, fault: type[Exception], reason: str
) -> None:
    with pytest.raises(fault, match=reason):
        open_file(f"{nested}{tail}")


def test_a_member_that_unpacks_to_too_much_is_refused(
    nested: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(source, "LARGEST", 10)
    with pytest.raises(TooLarge, match=r"would unpack to \d+ bytes"):
        open_file(f"{nested}!data/inner")


def test_damage_inside_an_archive_is_found(nested: Path) -> None:
    data = bytearray(nested.read_bytes())
    data[60:70] = b"\0" * 10
    nested.write_bytes(data)
    with pytest.raises(BadRequest, match=r"not a complete member of a zip archive"):
        open_file(f"{nested}!data/inner")
    bundle = open_bundle(str(nested))
    with pytest.raises(BadRequest, match=r"outer.whl: is not a complete zip archive"):
        bundle.verify()
    bundle.close()


@given(st.integers(0, 2**32 - 1), st.integers(0, 400))
def test_a_damaged_list_of_contents_is_refused_or_read(number: int, place: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = packed(Path(folder) / "a.zip", hello=b"world", deep__hello=b"deeper")
        data = bytearray(path.read_bytes())
        start = data.index(b"PK\x01\x02") + place % (len(data) - data.index(b"PK\x01\x02") - 4)
        data[start : start + 4] = number.to_bytes(4, "little")
        path.write_bytes(data)
        try:
            bundle = open_bundle(str(path))
        except BadRequest:
            return
        for member in bundle.names:
            with contextlib.suppress(BadRequest):
                bundle.read(member)
        with contextlib.suppress(BadRequest):
            bundle.verify()
        bundle.close()


def test_a_folder_and_an_archive_are_alike(nested: Path, tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    (folder / "deep").mkdir(parents=True)
    (folder / "hello").write_bytes(b"world")
    (folder / "deep" / "hello").write_bytes(b"deeper")
    for place in (f"{nested}!data/inner", str(folder)):
        bundle = open_bundle(place)
        assert bundle.names == ["deep/hello", "hello"]
        assert bundle.find("hello") == "hello"
        assert bundle.find("nothing") is None
        bundle.verify()
        with bundle.open("deep/hello") as stream:
            assert stream.read() == b"deeper"
        assert bundle.extract("hello").path.read_bytes() == b"world"
        assert bundle.digest().startswith("sha256:")
        bundle.close()
    (folder / "hello").unlink()
    bundle = open_bundle(str(folder))
    assert bundle.find("hello") == "deep/hello"
    bundle.close()


def test_a_folder_is_no_archive(tmp_path: Path) -> None:
    with pytest.raises(BadRequest, match=r"is a folder, not a zip archive"):
        open_file(f"{tmp_path}!member")


# -- text tables


def table(data: bytes, *required: str) -> TextTable:
    return TextTable("t.csv", lambda: io.BytesIO(data), required)


def rows(data: bytes) -> tuple[list[tuple[int, list[str]]], list[Refusal]]:
    refusals: list[Refusal] = []
    found = [(line, list(fields)) for line, fields in table(data).rows(refusals.append)]
    return found, refusals


cells = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=8)


@given(st.lists(st.lists(cells, min_size=3, max_size=3), max_size=6))
def test_what_was_written_is_read(content: list[list[str]]) -> None:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(["a", "b", "c"])
    writer.writerows(content)
    found, refusals = rows(text.getvalue().encode())
    assert [fields for _, fields in found] == [row for row in content if any(row)]
    assert refusals == []


def test_lines_are_those_of_the_file() -> None:
    found, _ = rows(b'a,b\n1,"two\nlines"\n\n3,4\n')
    assert found == [(3, ["1", "two\nlines"]), (5, ["3", "4"])]


def test_short_and_long_rows() -> None:
    found, (refusal,) = rows(b"a,b,c\n1\n1,2,3,4\n1,2,3,\n,,\n")
    assert [fields for _, fields in found] == [["1", "", ""], ["1", "2", "3"]]
    assert str(refusal) == "t.csv, line 3: it has 4 fields where the header has 3"


def test_headers_are_checked() -> None:
    with pytest.raises(BadRequest, match=r"t.csv, line 1: the column 'x' is missing; it has: a, b"):
        table(b"a, b \n", "x")
    with pytest.raises(BadRequest, match=r"there is no header line"):
        table(b"\n")
    with pytest.raises(BadRequest, match=r"the column 'a' appears twice"):
        table(b"a,b,a\n")
    assert table(b"\xef\xbb\xbfa,b\n", "a").columns == ["a", "b"]


def test_a_field_without_end_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    endless = b'a,b\n1,"' + b"x" * (17 * 2**20)
    with pytest.raises(BadRequest, match=r"t.csv, line \d+: cannot be read"):
        rows(endless)
