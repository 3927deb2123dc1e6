"""The words: every term that a spoke writes stands in the city @context, and manifests keep their word."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hansa.kernel.errors import BadRequest, InternalError, InvalidRequest, NotFound
from hansa.ngsild.city import CITY_PATH, VOCABULARY, city_context, city_document, city_iri
from hansa.ngsild.core import CORE_CONTEXT
from hansa.ngsild.model import DEFAULT_VOCABULARY
from hansa.spokes.manifest import load_manifest, resolve
from hansa.spokes.plain import identifier, number, quoted
from hansa.spokes.port import Plain, Spoke
from hansa.spokes.registry import all_spokes, faults, find_spoke
from tests.spokes.extracts import write_extract
from tests.spokes.feeds import write_feed
from tests.spokes.helpers import read
from tests.spokes.projects import write_project

TERMS = city_document()["@context"]
MEMBERS = {"type", "value", "object", "objectList", "valueList", "json", "languageMap", "unitCode", "observedAt"}  # fmt: skip


def test_terms_are_plain_and_leave_the_core_alone() -> None:
    assert not TERMS.keys() & CORE_CONTEXT["@context"].keys()
    assert all(isinstance(iri, str) and iri.startswith("https://") for iri in TERMS.values())
    assert len(set(TERMS.values())) == len(TERMS)
    assert city_context().source == CITY_PATH


@given(st.sampled_from(sorted(TERMS)))
def test_terms_come_back(term: str) -> None:
    assert city_context().expand(term) == TERMS[term]
    assert city_context().compact(TERMS[term]) == term


def test_smart_data_models_are_used_where_they_fit() -> None:
    models = "https://smartdatamodels.org/"
    assert city_iri("RoadSegment") == f"{models}dataModel.Transportation/RoadSegment"
    assert city_iri("GtfsStop") == f"{models}dataModel.UrbanMobility/GtfsStop"
    assert city_iri("TransportZone") == f"{VOCABULARY}TransportZone"


def written(folder: Path) -> Iterable[tuple[Spoke, Plain]]:
    for name, source in (
        ("aequilibrae", write_project(folder / "project")),
        ("gtfs", write_feed(folder / "feed")),
        ("osm", write_extract(folder / "town.osm.pbf")),
    ):
        spoke = find_spoke(name)
        for entity in read(spoke, source)[0].values():
            yield spoke, entity


def names(entity: Plain) -> Iterable[str]:
    yield entity["type"]
    for name, attribute in entity.items():
        if isinstance(attribute, dict):
            yield name
            yield from attribute.keys() - MEMBERS


def test_everything_that_spokes_write_is_in_the_vocabulary(tmp_path: Path) -> None:
    core = CORE_CONTEXT["@context"]
    for spoke, entity in written(tmp_path):
        assert entity["type"] in spoke.manifest.produces
        for name in names(entity):
            assert name in TERMS or name in core, f"{spoke.manifest.name} writes {name}"


# -- manifests


@pytest.mark.parametrize("spoke", all_spokes(), ids=lambda spoke: spoke.manifest.name)
def test_manifests_are_complete(spoke: Spoke) -> None:
    manifest = spoke.manifest
    assert manifest.title
    assert manifest.reads.strip()
    assert all(city_iri(t) != DEFAULT_VOCABULARY + t for t in manifest.produces + manifest.live)
    for option in manifest.options:
        assert option.help.strip(), option.name
        assert option.example, option.name
        assert not option.choices or option.default in option.choices
    assert set(resolve(manifest, {})) == {option.name for option in manifest.options}


def test_the_built_in_spokes_come_by_the_public_road() -> None:
    assert [spoke.manifest.name for spoke in all_spokes()] == [
        "aequilibrae",
        "ckan",
        "gbfs",
        "gtfs",
        "mqtt",
        "ngsiv2",
        "osm",
        "sensorthings",
        "table",
    ]
    assert faults() == {}
    with pytest.raises(
        NotFound,
        match=r"there are: aequilibrae, ckan, gbfs, gtfs, mqtt, ngsiv2, osm, sensorthings, table",
    ):
        find_spoke("fax")


@pytest.mark.parametrize(
    ("name", "given", "value"),
    [
        ("storey_height", "3.2", 3.2),
        ("storey_height", None, 3.0),
        ("furniture", "Yes", True),
        ("furniture", True, True),
        ("furniture", "off", False),
    ],
)
def test_options_are_of_their_kind(name: str, given: Any, value: Any) -> None:
    assert resolve(find_spoke("osm").manifest, {name: given})[name] == value


@pytest.mark.parametrize(
    ("name", "given", "reason"),
    [
        ("storey_height", "tall", r"'tall' is not a number; for example: 3.2"),
        ("furniture", "some", r"'some' is not yes or no"),
    ],
)
def test_wrong_options_are_refused(name: str, given: Any, reason: str) -> None:
    with pytest.raises(BadRequest, match=reason):
        resolve(find_spoke("osm").manifest, {name: given})
    with pytest.raises(InvalidRequest, match=r"it has: storey_height, furniture"):
        resolve(find_spoke("osm").manifest, {"colour": given})
    with pytest.raises(BadRequest, match=r"is not one of km/h, mph, m/s"):
        resolve(find_spoke("aequilibrae").manifest, {"speed_unit": given})


@pytest.mark.parametrize("text", ["name = ", "name = 'x'", "produces = []\nname = 'x'\ncolour = 1"])
def test_a_broken_manifest_is_the_spokes_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    package = tmp_path / f"broken{abs(hash(text))}"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "manifest.toml").write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(InternalError, match=r"cannot be understood"):
        load_manifest(package.name)


# -- short words


@given(st.text(max_size=20), st.text(max_size=20))
def test_identifiers_are_uris_and_tell_things_apart(one: str, other: str) -> None:
    first, second = (identifier("T", "town", text) for text in (one, other))
    assert first.isascii()
    assert (first == second) == (one == other)
    assert ":" not in quoted(one)


@given(st.floats() | st.integers(-(10**20), 10**20) | st.text(max_size=5))
def test_numbers_are_finite_or_refused(value: object) -> None:
    try:
        found = number(value)
    except ValueError as fault:
        assert repr(value) in str(fault)
    else:
        assert found is None or abs(found) < float("inf")


def test_whole_numbers_are_whole() -> None:
    found = [number(v) for v in (2.0, "2", "2.5", None, "")]
    assert found == [2, 2, 2.5, None, None]
    assert [type(v) for v in itertools.islice(found, 2)] == [int, int]
