"""What never goes in, by name and by content; and what only looks like it, and does."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hansa.kernel.errors import RedLine
from hansa.ngsild.city import city_context
from hansa.ngsild.expand import Rules, expand_entity
from hansa.trust.redlines import check, rule_of
from hansa.trust.screen import Screening

JPEG = base64.b64encode(b"\xff\xd8\xff\xe0\x00\x10JFIF" + bytes(300)).decode()
PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(300)).decode()
MP4 = base64.b64encode(b"\x00\x00\x00\x18ftypmp42" + bytes(300)).decode()
VECTOR = [0.1] * 128


def entity(type: str = "Device", **attributes: Any) -> dict[str, Any]:
    made: dict[str, Any] = {"id": "urn:ngsi-ld:X:1", "type": type}
    for name, value in attributes.items():
        is_attribute = isinstance(value, dict) and "type" in value
        made[name] = value if is_attribute else {"type": "Property", "value": value}
    return expand_entity(made, Rules(city_context()))


CROSSING = {
    "biometric type": (entity("FaceDetection"), "biometrics"),
    "face template": (entity(faceTemplate="abc"), "biometrics"),
    "snake case": (entity(face_embedding=VECTOR), "biometrics"),
    "one word": (entity(faceembedding=VECTOR), "biometrics"),
    "capitals": (entity(FACE_ID="7"), "biometrics"),
    "iris": (entity(personIrisCodeV2="7"), "biometrics"),
    "face": (entity(faceImage="https://x.example/1.jpg"), "faces"),
    "score": (entity(socialScore=700), "social-score"),
    "score type": (entity("CitizenScore"), "social-score"),
    "profile": (entity("Person", marketingSegment="B"), "profiles"),
    "advertising": (entity(advertisingId="38400000-8cf0-11bd-b23e-10b96e40000d"), "profiles"),
    "plate": (entity(licensePlate="ABC 123"), "plates"),
    "plate of the models": (entity("Vehicle", vehiclePlateIdentifier="3456ABC"), "plates"),
    "plate in capitals": (entity(LICENCE_PLATE="B-MW 1234"), "plates"),
    "plate, accented": (entity(matrícula="1234 BCD"), "plates"),
    "registration": (entity(registrationNumber="AB12 CDE"), "plates"),
    "plate in a list": (entity(plateNumber=["none", "AA-123-BB"]), "plates"),
    "plate in a list property": (
        entity(plateNumber={"type": "ListProperty", "valueList": ["AA-123-BB"]}), "plates"
    ),
    "plate within": (entity(report={"vehicles": [{"licensePlate": "XY 12345"}]}), "plates"),
    "plate of a language": (
        entity(licensePlate={"type": "LanguageProperty", "languageMap": {"es": "1234BCD"}}), "plates"
    ),
    "plate as a word": (entity(licensePlate={"type": "VocabProperty", "vocab": "1234BCD"}), "plates"),
    "plate beneath": (
        entity(speed={"type": "Property", "value": 5, "licensePlate": {"type": "Property", "value": "1234BCD"}}),
        "plates",
    ),
    "template beneath": (
        entity(speed={"type": "Property", "value": 5, "faceTemplate": {"type": "Property", "value": 1}}),
        "biometrics",
    ),
    "json": (entity(seen={"type": "JsonProperty", "json": {"a": [{"faceTemplate": 1}]}}), "biometrics"),
    "data address": (entity(note=f"data:image/jpeg;base64,{JPEG}"), "pictures"),
    "jpeg": (entity(blob=JPEG), "pictures"),
    "png": (entity(blob=PNG), "pictures"),
    "film": (entity(blob=MP4), "pictures"),
    "hexadecimal": (entity(blob=(b"\xff\xd8\xff\xe0" + bytes(200)).hex()), "pictures"),
    "picture in a text": (entity(html=f"<p>x</p><img src='data:image/png;base64,{PNG}'>"), "pictures"),
    "picture in json": (entity(seen={"type": "JsonProperty", "json": [{"a": JPEG}]}), "pictures"),
    "vector": (entity("Person", embedding=VECTOR), "vectors"),
    "plural": (entity(licensePlates=["1234 BCD"]), "plates"),
    "plural of a name": (entity(faceTemplates=1), "biometrics"),
    "small letters": (entity(facehash="x"), "biometrics"),
    "small letters, eye": (entity(irisscan="x"), "biometrics"),
    "small letters, long": (entity(personfacedescriptors="x"), "biometrics"),
    "small letters, score": (entity(socialscoring=1), "social-score"),
    "small letters, rating": (entity(citizenrating=1), "social-score"),
    "a number at the end": (entity(face2="x"), "faces"),
    "a name of resources": (entity(**{"urn:x:face": "x"}), "faces"),
    "a plate by a name of resources": (entity(**{"urn:x:plate": "ABC 123"}), "plates"),
    "an address with more": (entity(**{"https://x.example/face/1": "x"}), "faces"),
    "Cyrillic": (entity(**{"pl\u0430te": "ABC 123"}), "plates"),
    "Cyrillic within": (entity(seen={"f\u0430ce": "x"}), "faces"),
    "Greek": (entity(seen={"fac\u03b5_t\u03b5mplat\u03b5": "x"}), "biometrics"),
    "a sign that is not seen": (entity(seen={"fa\u200bce": "x"}), "faces"),
}  # fmt: skip

PLATES: dict[str, Any] = {
    "not seen": "AB\u200bC-123",
    "dash": "ABC\u2013123",
    "slash": "ABC/123",
    "star": "*ABC123",
    "Cyrillic": "\u0410\u0412\u0421 123",
    "one by one": ["A", "B", "C", "1", "2", "3"],
    "by name": {"a": "ABC", "b": 123},
    "name of a member": {"ABC-123": 1},
    "small name of a member": {"abc123": 1},
    "number": 123456,
    "number in a list": [123456],
    "number within": {"read": 123456.0},
    "in a text": "the blue car had ABC-123 on it",
    "in a text, parted": "the blue car had ABC 123 on it, I am sure",
    "in a text, run in": "blue car,plate:ABC123, moving north",
    "end of an identifier": "https://cars.example/by-plate/ABC-123",
}
POINT = {"type": "Point", "coordinates": [1.5, 2.5]}
PNG_PIECES = [PNG[at : at + 90] for at in range(0, len(PNG), 90)]
PICTURES: dict[str, Any] = {
    "a letter before": "x" + JPEG,
    "a quote before": '"' + PNG,
    "name of a member": {PNG: 1},
    "names of members": dict.fromkeys(PNG_PIECES, 1),
    "pieces": PNG_PIECES,
    "pieces by name": {f"p{n}": piece for n, piece in enumerate(PNG_PIECES)},
    "pieces in lists": [[piece] for piece in PNG_PIECES],
    "bytes": list(base64.b64decode(JPEG)),
    "bytes with a sign": [b - 256 if b > 127 else b for b in base64.b64decode(JPEG)],
    "bytes as floats": {"a": [float(b) for b in base64.b64decode(PNG)]},
    "capitals": f"DATA:IMAGE/PNG;BASE64,{PNG}",
    "for addresses": JPEG.replace("/", "_"),
    "hexadecimal in capitals": "0x" + base64.b64decode(PNG).hex().upper(),
}


@pytest.mark.parametrize("how", PLATES)
def test_a_plate_is_one_in_every_dress(how: str) -> None:
    for attribute in (PLATES[how], {"type": "JsonProperty", "json": {"plate": PLATES[how]}}):
        with pytest.raises(RedLine) as refused:
            check(entity(plate=attribute))
        assert refused.value.extra["rule"] == "plates"


@pytest.mark.parametrize("how", PICTURES)
def test_a_picture_is_one_in_every_dress(how: str) -> None:
    with pytest.raises(RedLine) as refused:
        Screening().check(entity(note=PICTURES[how]))
    assert refused.value.extra["rule"] == "pictures"


@pytest.mark.parametrize("scope", ["/" + PNG.rstrip("="), ["/a", "/" + PNG.replace("=", "")]])
def test_no_scope_holds_a_picture(scope: Any) -> None:
    with pytest.raises(RedLine):
        Screening().check(entity(speed=5) | {"scope": [scope] if isinstance(scope, str) else scope})
    Screening().check(entity(speed=5) | {"scope": ["/Madrid/Gardens", "/Company"]})


@pytest.mark.parametrize(
    "name, more, rule",
    [
        ("plate", {"note": "ABC-123"}, "plates"),
        ("seat", {"face": "x"}, "faces"),
        ("seat", {"note": JPEG}, "pictures"),
        ("seat", {"a": {"licensePlate": "ABC-123"}}, "plates"),
        ("plate", {"bbox": ["ABC-123"]}, "plates"),
    ],
    ids=["plate", "face", "picture", "within", "box"],
)
def test_members_of_a_geometry_are_looked_at(name: str, more: Any, rule: str) -> None:
    place = {"type": "GeoProperty", "value": POINT | more}
    for found in (
        entity(**{name: place}),
        entity(speed={"type": "Property", "value": 1, name: place}),
    ):
        with pytest.raises(RedLine) as refused:
            Screening().check(found)
        assert refused.value.extra["rule"] == rule
    Screening().check(
        entity(seat={"type": "GeoProperty", "value": POINT | {"bbox": [1, 2, 1, 2], "note": "x"}})
    )


@pytest.mark.parametrize("name", CROSSING)
def test_what_crosses_a_line_is_refused_with_the_law(name: str) -> None:
    found, rule = CROSSING[name]
    with pytest.raises(RedLine, match="Regulation") as refused:
        check(found)
    assert refused.value.extra["rule"] == rule
    with pytest.raises(RedLine):  # and again: nothing is learnt wrongly
        check(found)


@pytest.mark.parametrize(
    "fine",
    [
        entity("GtfsStop", name="Plaza de Armas", platformCode="2"),
        entity(surfaceTemplate="asphalt", interfaceId="eth0", surfaceId="7"),
        entity("Vehicle", licensePlate="3f9a1c77e0b24d55a6f0c1d2e3f4a5b6"),  # a pseudonym
        entity("Vehicle", license_plate="unknown", vehicleType="bus"),
        entity(registrationNumber="HRB 12345 Amtsgericht Lübeck"),
        entity("Building", facade="north", floors=5),
        entity(
            note="x" * 5000, description="data:image/png is how pictures are embedded" + " " * 300
        ),
        entity(hash="ab" * 200),
        entity("AirQualityObserved", embedding=[0.5] * 64),
        entity(url="https://city.example/" + "a/9j/" * 80),
        entity(plateThickness=3, temperatureOfPlate=50, tectonicPlate="Nazca"),
        entity(image="https://city.example/facade.jpg"),
        entity(surface=7, surfaces=["x"], interface="x", interfaces="x", plateau=3, plateaus=[3]),
        entity(facet="x", facets=["x"], facade="x", template="x", score=3, scores=[3, 2]),
        entity(surfacetemplate="x", surfacehash="x", interfaceid="x", invoicetemplate="x"),
        entity(
            templatenumber="A12", certificateFingerprint="ab:cd", loadprofile=[1, 2], typeface="x"
        ),
        entity(matriculas=1250, plates=3, patentes=120),
        entity("SurfaceDetection", clockFace="x", faceValue=5),
        entity(licensePlate="4f1c2d3e-7e0b-24d5-5a6f-0c1d2e3f4a5b"),
        entity(licensePlate="urn:ngsi-ld:Vehicle:p-abcdefghijklmnopqrstuvwxyz"),
        entity(licensePlate={"type": "LanguageProperty", "languageMap": {"es-419": "sin placa"}}),
        entity(licensePlate="could not be read, the car was too far away"),
        entity(**{"https://x.example/plate/thickness": 12, "urn:x:surface": 345}),
        entity(поверхность="x", 표면="x", seen={"лицо": "x", "επιφάνεια": 1}),
        entity(series=list(range(256)), temperatures=[20.5] * 100),
        entity(words=["a text of some length that is one of several"] * 20),
    ],
    ids=range(26),
)
def test_what_only_looks_like_it_goes_in(fine: dict[str, Any]) -> None:
    check(fine)
    check(fine)


def test_what_stands_there_already_does_not_stop_other_changes() -> None:
    old = entity(faceTemplate="abc")
    check({**old, **{n: v for n, v in entity(speed=5).items() if n.startswith("http")}}, old)
    with pytest.raises(RedLine):
        check(entity(faceTemplate="abc"), old)


@pytest.mark.parametrize(
    "name", ["https://x.example/ns#faceTemplate", "urn:x/face-template/", "ＦaceTemplate"]
)
def test_names_are_read_in_every_dress(name: str) -> None:
    assert rule_of(name, "attributes") == "biometrics"


_NAMES = st.text(max_size=12) | st.sampled_from(
    ["type", "value", "licensePlate", "faceId", "speed"]
)
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_NAMES, inner, max_size=3),
    max_leaves=12,
)


@given(
    _NAMES, st.lists(st.dictionaries(_NAMES, _JSON, max_size=4), max_size=3), st.text(max_size=9)
)
def test_whatever_comes_is_taken_or_refused(name: str, instances: Any, type: str) -> None:
    found = {"id": "urn:x:1", "type": [type], name: instances}
    if name == "type":
        return
    verdicts = []
    for _ in range(2):
        try:
            check(found)
            verdicts.append("")
        except RedLine as refused:
            verdicts.append(refused.extra["rule"])
    assert verdicts[0] == verdicts[1]


@given(st.text(max_size=6), st.text(max_size=6), st.sampled_from(["licensePlate", "plateNumber"]))
def test_a_plate_is_refused_wherever_it_hides(before: str, after: str, name: str) -> None:
    hidden: Any = {before or "a": [{after or "b": {name: "AB 123 CD"}}]}
    with pytest.raises(RedLine):
        check(entity(found={"type": "JsonProperty", "json": hidden}))
