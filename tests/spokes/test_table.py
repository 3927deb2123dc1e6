"""Tables by mapping: every form of file, every kind of attribute, every way of being wrong."""

from __future__ import annotations

import json
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import shapely
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyarrow import parquet

from hansa.kernel.errors import BadRequest, HansaError, MissingExtra
from hansa.spokes.manifest import resolve
from hansa.spokes.port import Plain, Refusal
from hansa.spokes.table import SPOKE
from tests.spokes.helpers import read, values

MAPPING = """
type = "Tree"
id = "{number}"
missing = ["n/a", "-"]
timezone = "America/Santiago"

[terms]
Tree = "https://smartdatamodels.org/dataModel.ParksAndGardens/FlowerBed"

[location]
longitude = "lon"
latitude = "lat"

[attributes]
species = "species"

[attributes.height]
column = "height_m"
kind = "number"
unit = "MTR"
observed_at = "measured"

[attributes.protected]
column = "protected"
kind = "boolean"

[attributes.inZone]
kind = "relationship"
target = "urn:ngsi-ld:TransportZone:town:{zone}"

[attributes.owner]
value = "City of Tiny"
"""
HEADER = "number,species,height_m,measured,protected,zone,lon,lat\n"
ROWS = "1,Peumo,7.5,2026-03-01T10:00:00,yes,4,-71.3,-29.9\n2,Quillay,n/a,-,no,,,\n"
TREE = "https://smartdatamodels.org/dataModel.ParksAndGardens/FlowerBed"


def bring(folder: Path, name: str, text: str | bytes, mapping: str = MAPPING, **options: Any) -> tuple[dict[str, Plain], list[Refusal]]:  # fmt: skip
    file = folder / name
    file.write_bytes(text.encode() if isinstance(text, str) else text)
    (folder / "map.toml").write_text(mapping)
    return read(SPOKE, file, mapping=str(folder / "map.toml"), **options)


def with_column(kind: str, more: str = "") -> str:
    """A mapping of one attribute, ``x``."""
    return f'type = "Thing"\nid = "{{id}}"\n[attributes.x]\ncolumn = "x"\nkind = "{kind}"\n{more}'


# -- what rows become


def test_a_row_becomes_an_entity(tmp_path: Path) -> None:
    entities, refusals = bring(tmp_path, "trees.csv", HEADER + ROWS)
    assert refusals == []
    tree = entities[f"{TREE} 1"]
    assert tree == {
        "id": "urn:ngsi-ld:Tree:town:1",
        "type": TREE,
        "species": {"type": "Property", "value": "Peumo"},
        "height": {
            "type": "Property",
            "value": 7.5,
            "unitCode": "MTR",
            "observedAt": "2026-03-01T13:00:00.000000Z",  # summer time in Santiago
        },
        "protected": {"type": "Property", "value": True},
        "inZone": {"type": "Relationship", "object": "urn:ngsi-ld:TransportZone:town:4"},
        "owner": {"type": "Property", "value": "City of Tiny"},
        "location": {
            "type": "GeoProperty",
            "value": {"type": "Point", "coordinates": [-71.3, -29.9]},
        },
    }
    assert values(entities[f"{TREE} 2"]) == {
        "species": "Quillay",
        "protected": False,
        "owner": "City of Tiny",
    }


@pytest.mark.parametrize(
    ("kind", "cell", "value"),
    [
        ("text", "007", "007"),
        ("number", "3", 3),
        ("number", "-2.50", -2.5),
        ("number", "1e3", 1000),
        ("boolean", "Y", True),
        ("date", "2026-11-23", "2026-11-23"),
        ("datetime", "2026-11-23T08:30:00+01:00", "2026-11-23T07:30:00.000000Z"),
        ("datetime", "2026-11-23 08:30", "2026-11-23T08:30:00.000000Z"),
        ("json", '"{""a"": [1]}"', {"a": [1]}),
        ("json", "[1]", [1]),
        ("list", "a; b;c", ["a", "b", "c"]),
        ("language", "hola", {"@none": "hola"}),
    ],
)
def test_cells_are_of_their_kind(tmp_path: Path, kind: str, cell: str, value: Any) -> None:
    entities, refusals = bring(tmp_path, "x.csv", f"id,x\n1,{cell}\n", with_column(kind))
    assert refusals == []
    assert values(entities["Thing 1"])["x"] == value


def test_dates_may_be_written_otherwise(tmp_path: Path) -> None:
    mapping = with_column("date", 'format = "%d.%m.%Y"')
    entities, _ = bring(tmp_path, "x.csv", "id,x\n1,23.11.2026\n", mapping)
    assert values(entities["Thing 1"])["x"] == "2026-11-23"


def test_texts_may_be_in_a_language(tmp_path: Path) -> None:
    entities, _ = bring(tmp_path, "x.csv", "id,x\n1,hola\n", with_column("text", 'language = "es"'))
    assert entities["Thing 1"]["x"] == {"type": "LanguageProperty", "languageMap": {"es": "hola"}}


def test_other_delimiters_and_decimals(tmp_path: Path) -> None:
    mapping = 'delimiter = ";"\ndecimal = ","\n' + with_column("number")
    entities, _ = bring(tmp_path, "x.csv", "id;x\n1;1.234,5\n", mapping)
    assert values(entities["Thing 1"])["x"] == 1234.5
    entities, _ = bring(tmp_path, "x.tsv", "id\tx\n1\t4\n", with_column("number"))
    assert values(entities["Thing 1"])["x"] == 4


def test_places_in_another_system_are_converted(tmp_path: Path) -> None:
    mapping = 'type = "T"\nid = "{id}"\n[location]\nlongitude = "e"\nlatitude = "n"\ncrs = "EPSG:32719"\n'  # fmt: skip
    entities, _ = bring(tmp_path, "x.csv", "id,e,n\n1,278000,6690000\n", mapping)
    longitude, latitude = values(entities["T 1"])["location"]["coordinates"]
    assert (longitude, latitude) == pytest.approx((-71.298, -29.901), abs=0.01)


def test_well_known_text_is_a_place(tmp_path: Path) -> None:
    mapping = 'type = "T"\nid = "{id}"\n[location]\nwkt = "g"\n'
    text = 'id,g\n1,"POLYGON ((0 0, 1 0, 1 1, 0 0))"\n2,\n'
    entities, _ = bring(tmp_path, "x.csv", text, mapping)
    ring = [[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 0.0]]
    assert values(entities["T 1"])["location"] == {"type": "Polygon", "coordinates": [ring]}
    assert "location" not in entities["T 2"]


# -- other files

GEO_MAPPING = (
    'type = "T"\nid = "{id}"\n[location]\ngeometry = "geometry"\n[attributes]\nname = "n"\n'
)


def feature(id: int, **more: Any) -> dict[str, Any]:
    point = {"type": "Point", "coordinates": [id, 2.123456789]}
    return {"type": "Feature", "id": id, "properties": {"n": f"no {id}"}, "geometry": point} | more


@pytest.mark.parametrize("whole", [True, False])
def test_geojson_features_are_rows(
    tmp_path: Path, whole: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not whole:
        monkeypatch.setattr("hansa.spokes.table.features.WHOLE", 0)
    features = [feature(1), feature(2, geometry=None), feature(3, properties=None), {"type": "X"}]
    text = json.dumps({"type": "FeatureCollection", "features": features})
    entities, (refusal,) = bring(tmp_path, "x.geojson", text, GEO_MAPPING)
    assert values(entities["T 1"]) == {
        "name": "no 1",
        "location": {"type": "Point", "coordinates": [1.0, 2.1234568]},
    }
    assert "location" not in entities["T 2"]
    assert "name" not in entities["T 3"]
    assert str(refusal) == "x.geojson, feature 4: it is not a GeoJSON Feature"


def test_a_long_collection_is_read_piece_by_piece(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hansa.spokes.table.features.WHOLE", 0)
    text = json.dumps({"features": [feature(n) for n in range(1, 50)], "type": "FeatureCollection"})
    entities, _ = bring(tmp_path, "x.geojson", "\ufeff" + text, GEO_MAPPING)
    assert len(entities) == 49
    with pytest.raises(BadRequest, match=r"x.geojson, after feature \d+: is not JSON"):
        bring(tmp_path, "x.geojson", text[:-200], GEO_MAPPING)
    for other in ("{}", '{"features": 7}', "[1]", "{"):
        with pytest.raises(BadRequest, match=r"x.geojson.*: is not (JSON|a GeoJSON)"):
            bring(tmp_path, "x.geojson", other, GEO_MAPPING)


def test_geojson_may_have_one_feature_a_line(tmp_path: Path) -> None:
    text = "\n".join(json.dumps(feature(n)) for n in (1, 2)) + "\n"
    entities, _ = bring(tmp_path, "x.geojsonl", text, GEO_MAPPING)
    assert set(entities) == {"T 1", "T 2"}
    with pytest.raises(BadRequest, match=r"x.geojsonl, line 3, column 2: is not JSON"):
        bring(tmp_path, "x.geojsonl", text + "{broken\n", GEO_MAPPING)


def test_parquet_rows_with_binary_geometry(tmp_path: Path) -> None:
    columns = {
        "id": [1, 2],
        "n": ["one", None],
        "geometry": [shapely.to_wkb(shapely.Point(1, 2)), None],
    }
    file = tmp_path / "x.parquet"
    parquet.write_table(pa.table(columns), file)
    entities, refusals = bring(tmp_path, "x.parquet", file.read_bytes(), GEO_MAPPING)
    assert refusals == []
    assert values(entities["T 1"])["location"]["coordinates"] == [1.0, 2.0]
    assert values(entities["T 2"]) == {}


def test_parquet_days_and_moments_that_are_taken_as_texts(tmp_path: Path) -> None:
    file = tmp_path / "x.parquet"
    days = [datetime(2019, 5, 1), datetime(2019, 5, 1, 8, 30)]
    parquet.write_table(pa.table({"id": [1, 2], "x": days}), file)
    entities, refusals = bring(tmp_path, "x.parquet", file.read_bytes(), with_column("text"))
    assert refusals == []
    found = [values(entities[f"Thing {n}"])["x"] for n in (1, 2)]
    assert found == ["2019-05-01", "2019-05-01T08:30:00.000000Z"]


def test_parquet_keeps_its_types(tmp_path: Path) -> None:
    file = tmp_path / "x.parquet"
    parquet.write_table(pa.table({"id": [1, 2], "x": [1.5, float("nan")]}), file)
    entities, refusals = bring(tmp_path, "x.parquet", file.read_bytes(), with_column("number"))
    assert refusals == []
    assert values(entities["Thing 1"])["x"] == 1.5
    assert "x" not in entities["Thing 2"]


def test_mappings_may_be_yaml(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("id,x\n1,4\n")
    (tmp_path / "m.yaml").write_text("type: Thing\nid: '{id}'\nattributes: {x: x}\n")
    entities, _ = read(SPOKE, tmp_path / "x.csv", mapping=str(tmp_path / "m.yaml"))
    assert values(entities["Thing 1"])["x"] == "4"


# -- rows that are refused


@pytest.mark.parametrize(
    ("row", "column", "reason"),
    [
        ("1,P,tall,,,,,", "height_m", "'tall' is not a number"),
        ("1,P,inf,,,,,", "height_m", "'inf' is not a finite number"),
        ("1,P,1,yesterday,,,,", "measured", "'yesterday' is not written as"),
        ("1,P,,,perhaps,,,", "protected", "'perhaps' is neither yes nor no"),
        ("1,P,,,,,east,1", "lon, lat", "'east' is not a number"),
        ("1,P,,,,,200,1", "lon, lat", "check 'location.crs'"),
        (",P,,,,,,", "{number}", "the identifier is blank"),
    ],
)
def test_a_bad_cell_names_file_line_and_column(
    tmp_path: Path, row: str, column: str, reason: str
) -> None:
    entities, (refusal,) = bring(tmp_path, "trees.csv", HEADER + ROWS + row + "\n3,Boldo,,,,,,\n")
    assert str(refusal).startswith(f"trees.csv, line 4, column '{column}': ")
    assert reason in refusal.reason
    assert len(entities) == 3


def test_required_cells_must_be_there(tmp_path: Path) -> None:
    mapping = with_column("text", "required = true")
    entities, (refusal,) = bring(tmp_path, "x.csv", "id,x\n1,a\n2,\n", mapping)
    assert str(refusal) == "x.csv, line 3, column 'x': it is blank, but required"
    assert set(entities) == {"Thing 1"}


@pytest.mark.parametrize(
    ("cell", "reason"),
    [("POINT (1", "is not a geometry"), ("nowhere", "is not a geometry")],
)
def test_bad_geometry_is_refused(tmp_path: Path, cell: str, reason: str) -> None:
    mapping = 'type = "T"\nid = "{id}"\n[location]\nwkt = "g"\n'
    _, (refusal,) = bring(tmp_path, "x.csv", f'id,g\n1,"{cell}"\n', mapping)
    assert reason in refusal.reason
    assert refusal.place.line == 2


def test_places_of_rows_without_lines_name_the_row(tmp_path: Path) -> None:
    file = tmp_path / "x.parquet"
    parquet.write_table(pa.table({"id": [1, 2], "x": ["4", "four"]}), file)
    _, (refusal,) = bring(tmp_path, "x.parquet", file.read_bytes(), with_column("number"))
    assert str(refusal) == "x.parquet, row 2, column 'x': 'four' is not a number"


# -- files and mappings that are refused whole


@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        ("x.csv", "", r"x.csv, line 1: there is no header line"),
        ("x.csv", "id,x,x\n", r"the column 'x' appears twice"),
        ("x.csv", "id,y\n1,2\n", r"map.toml, attributes.x.column: x.csv has no column 'x'"),
        ("x.geojson", "{", r"x.geojson, line 1, column 2: is not JSON"),
        ("x.geojson", "[]", r"is not a GeoJSON FeatureCollection"),
        ("x.parquet", "PAR1 but not really", r"x.parquet: is not a complete Parquet file"),
        ("x.bin", "id,x\n", r"its name does not tell its form"),
    ],
)
def test_foreign_tables_are_refused(tmp_path: Path, name: str, text: str, reason: str) -> None:
    with pytest.raises(BadRequest, match=reason):
        bring(tmp_path, name, text, with_column("text"))


def test_a_truncated_parquet_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "x.parquet"
    parquet.write_table(pa.table({"id": list(range(1000)), "x": ["a"] * 1000}), file)
    with pytest.raises(BadRequest, match=r"x.parquet: is not a complete Parquet file"):
        bring(tmp_path, "x.parquet", file.read_bytes()[:-30], with_column("text"))


@pytest.mark.parametrize(
    ("mapping", "reason"),
    [
        ("type = ", r"map.toml: is not valid TOML"),
        ('id = "{id}"', r"'type' is missing"),
        ('type = "T"', r"'id' is missing"),
        ('type = 5\nid = "{id}"', r"'type' is not a text"),
        ('type = "T"\nid = "{id}"\n[attributes.id]\ncolumn = "x"', r"attributes.id: 'id' is a word of every entity"),
        ('type = "T"\nid = "{id}"\n[attributes.x]\ncolumn = "x"\nunit = "metres"', r"'metres' is not a UN/CEFACT code; write MTR"),
        ('type = "T"\nid = "{id}"\n[attributes.x]\ncolumn = "x"\nunit = "smoots"', r"not a UN/CEFACT code; for example"),
        ('type = T', r"is not valid TOML .*; mend the mapping at that place"),
        ('type = "T"\nid = "{id"', r"map.toml, id: is no template"),
        ('type = "T"\nid = "{id!r}"', r"only plain \{column\} is understood"),
        ('type = "T"\nid = "{id}"\ncolour = 1', r"the setting 'colour' is unknown"),
        ('type = "T"\nid = "{id}"\nattributes = 1', r"attributes: is not a table"),
        ('type = "T"\nid = "{id}"\ndelimiter = "ab"', r"delimiter: is not one character"),
        ('type = "T"\nid = "{id}"\ntimezone = "Mars"', r"timezone: 'Mars' is unknown"),
        ('type = "T"\nid = "{id}"\n[attributes]\nx = 1', r"attributes.x: is neither a column"),
        ('type = "T"\nid = "{id}"\n[attributes.x]\n', r"exactly one of 'column'"),
        ('type = "T"\nid = "{id}"\n[attributes.x]\ncolumn = "x"\nkind = "odd"', r"'odd' is no kind"),
        ('type = "T"\nid = "{id}"\n[attributes.x]\ntarget = "u:{x}"', r"nothing else, has a 'target'"),
        ('type = "T"\nid = "{id}"\n[attributes.x]\ncolumn = "x"\nsize = 1', r"'size' is unknown"),
        ('type = "T"\nid = "{id}"\n[attributes.x]\ncolumn = "x"\nobserved_at = []', r"attributes.x.observed_at: is not a text"),
        ('type = "T"\nid = "{id}"\n[attributes.x]\ncolumn = "x"\nkind = {}', r"attributes.x.kind: is not a text"),
        ('type = "T"\nid = "{id}"\n[attributes.x]\ncolumn = "x"\nrequired = "no"', r"required: is not true or false"),
        ('type = "T"\nid = "{id}"\nmissing = 5', r"missing: is not a list"),
        ('type = "T"\nid = "{id}"\n[location]\nlongitude = "x"', r"location: needs one of"),
        ('type = "T"\nid = "{id}"\n[location]\nwkt = "x"\ncrs = "EPSG:0"', r"'EPSG:0' is unknown"),
    ],
)  # fmt: skip
def test_a_wrong_mapping_is_refused(tmp_path: Path, mapping: str, reason: str) -> None:
    with pytest.raises(BadRequest, match=reason):
        bring(tmp_path, "x.csv", "id,x\n1,2\n", mapping)


def test_a_table_is_no_mapping(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("id,x\n1,2\n")
    with pytest.raises(BadRequest, match="which column is what"):
        read(SPOKE, tmp_path / "x.csv", mapping=str(tmp_path / "x.csv"))


@pytest.mark.parametrize(("sign", "written"), [(";", '";"'), ("\t", r'"\\t"'), ("|", r'"\|"')])
def test_another_delimiter_is_hinted_at(tmp_path: Path, sign: str, written: str) -> None:
    with pytest.raises(BadRequest, match=f"write delimiter = {written} first"):
        bring(tmp_path, "x.csv", f"id{sign}x\n1{sign}2\n", 'type = "T"\nid = "{id}"')


def test_rows_that_appear_twice_or_are_short_name_their_line(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("id,x,y\n1,2,3\n2\n1,5,6\n3,1\n")
    (tmp_path / "map.toml").write_text('type = "T"\nid = "{id}"\nattributes = {x = "x"}')
    options = resolve(SPOKE.manifest, {"mapping": str(tmp_path / "map.toml")})
    reading = SPOKE.open(str(tmp_path / "x.csv"), "town", options)
    (refusal,) = [item for item in reading.items() if isinstance(item, Refusal)]
    reading.close()
    assert str(refusal).startswith("x.csv, line 4: the identifier urn:ngsi-ld:T:town:1 appears")
    assert refusal.reason.endswith("first at x.csv, line 2")
    again, short = reading.about.notes
    assert 'id = "{counter}-{hour}"' in again
    assert short.startswith(
        "2 rows have fewer fields than the header of x.csv: the first is line 3"
    )


def test_a_mapping_must_be_given(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("id,x\n")
    with pytest.raises(BadRequest, match="give one with --mapping"):
        read(SPOKE, tmp_path / "x.csv")


@pytest.mark.parametrize(("package", "name"), [("pyarrow", "x.parquet"), ("yaml", "m.yaml")])
def test_missing_packages_name_the_extra(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, package: str, name: str
) -> None:
    table, mapping = (
        tmp_path / "x.parquet",
        tmp_path / ("m.yaml" if package == "yaml" else "m.toml"),
    )
    table.write_bytes(b"PAR1")
    mapping.write_text(with_column("text"))
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MissingExtra, match=r"pip install 'hansa\[table\]'"):
        read(SPOKE, table, mapping=str(mapping))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(st.binary(max_size=200))
def test_any_bytes_are_rows_or_refused(tmp_path: Path, noise: bytes) -> None:
    for name in ("x.csv", "x.geojson", "x.parquet"):
        try:
            entities, refusals = bring(tmp_path, name, b"id,x\n" + noise, with_column("number"))
        except HansaError as fault:
            assert fault.remedy
        except AssertionError:
            continue  # the same identifier twice: the runner's business
        else:
            assert len(entities) + len(refusals) <= noise.count(b"\n") + noise.count(b"\r") + 1
