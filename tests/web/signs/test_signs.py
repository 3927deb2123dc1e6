"""Signs: what stands on them in each language, that everything fits, that the code leads to the page."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from io import BytesIO
from typing import Any

import numpy as np
import pytest
import zxingcpp
from hypothesis import given, settings
from hypothesis import strategies as st
from pypdf import PdfReader

from hansa.kernel.errors import BadRequest
from hansa.trust.sources.record import CHAIN, elements
from hansa.web.shell.language import LANGUAGES, language
from hansa.web.signs import embedding
from hansa.web.signs.chain import chain_of, period_words
from hansa.web.signs.drawing import Drawing, Shape, Text
from hansa.web.signs.embedding import can_embed
from hansa.web.signs.icons import SIDE, icon
from hansa.web.signs.lettering import lines, width
from hansa.web.signs.pdf import pdf_of
from hansa.web.signs.sign import Place, compose
from hansa.web.signs.svg import svg_of

PLACE = Place("Coquimbo", "https://city.example/open-book/sources/air-quality")
RECORD: dict[str, Any] = {
    "id": "air-quality",
    "name": "Air quality at the harbour",
    "accountable": "City of Coquimbo",
    "contact": "data@city.example",
    "lawful_basis": "public_task",
    "purpose": ["ecology", "health"],
    "tech": ["air_quality"],
    "data": ["values_time"],
    "process": ["aggregated"],
    "access": ["available_to_download"],
    "storage": ["stored_locally"],
    "retention": ["data_retained"],
    "retention_period": "P2Y",
    "public_space": True,
}


def sign(tongue: str = "en", size: str = "a5", **changes: Any) -> Drawing:
    return compose(RECORD | changes, PLACE, language(tongue), size)


def texts(drawing: Drawing) -> str:
    return " ".join(each.text for each in drawing.items if isinstance(each, Text))


def read(drawing: Drawing) -> str:
    return PdfReader(BytesIO(pdf_of(drawing))).pages[0].extract_text().replace("\n", " ")


SAID = {
    "en": ("Data are collected here", "Nature and climate", "2 years", "Public task"),
    "es": ("Aquí se recogen datos", "Naturaleza y clima", "2 años", "Misión pública"),
    "fr": ("Ici, des données sont recueillies", "Nature et climat", "2 ans", "Mission publique"),
    "ko": ("이곳에서 데이터를 수집합니다", "자연과 기후", "2년", "공공 업무"),
}


@pytest.mark.parametrize("tongue", LANGUAGES)
def test_both_forms_say_what_matters_in_the_language(tongue: str) -> None:
    drawing = sign(tongue)
    svg = " ".join(node.text or "" for node in ET.fromstring(svg_of(drawing)).iter())
    pdf = read(drawing)
    for wanted in (*SAID[tongue], "City of Coquimbo", "data@city.example", PLACE.address):
        for found in (svg, pdf):
            assert re.sub(r"\s", "", wanted) in re.sub(r"\s", "", found), wanted


def test_a_source_that_nobody_meets_in_the_street_says_so() -> None:
    assert "Data that the city uses" in texts(sign(public_space=False))


@pytest.mark.parametrize("size", ["a5", "a4"])
def test_the_code_leads_to_the_page(size: str) -> None:
    drawing = sign(size=size)
    assert decoded(drawing) == PLACE.address
    links = PdfReader(BytesIO(pdf_of(drawing))).pages[0]["/Annots"]
    assert links[0].get_object()["/A"]["/URI"] == PLACE.address


def decoded(drawing: Drawing) -> str:
    """What the black boxes of a sheet say to a reader of codes, eight dots to the millimetre."""
    dots = np.full((int(drawing.height * 8), int(drawing.width * 8)), 255, np.uint8)
    for each in drawing.items:
        if isinstance(each, Shape) and each.fill == "#000000":
            corners = [numbers for name, numbers in each.path if name != "Z"]
            for start in range(0, len(corners), 4):
                (left, top), (right, bottom) = corners[start], corners[start + 2]
                dots[round(top * 8) : round(bottom * 8), round(left * 8) : round(right * 8)] = 0
    (found,) = zxingcpp.read_barcodes(dots)
    return str(found.text)


def test_the_sizes_are_those_of_paper() -> None:
    assert (round(sign().width), round(sign().height)) == (148, 210)
    assert (round(sign(size="a4").width), round(sign(size="a4").height)) == (209, 297)
    with pytest.raises(BadRequest, match="a5, a4"):
        sign(size="a0")


def test_the_same_sign_is_the_same_file() -> None:
    assert pdf_of(sign()) == pdf_of(sign())
    assert svg_of(sign()) == svg_of(sign())


def test_data_about_people_fill_their_hexagon() -> None:
    def filled(drawing: Drawing) -> int:
        shapes = [each for each in drawing.items if isinstance(each, Shape)]
        return sum(1 for each in shapes if each.fill and each.stroke)

    assert filled(sign()) == 0
    assert filled(sign(data=["values_time", "personal"])) == 1


WORDS = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), max_size=400)


@settings(max_examples=40, deadline=None)
@given(name=WORDS, contact=WORDS, accountable=WORDS, description=WORDS)
def test_whatever_the_texts_are_nothing_leaves_the_sheet(
    name: str, contact: str, accountable: str, description: str
) -> None:
    drawing = sign(name=name, contact=contact, accountable=accountable, description=description)
    for each in drawing.items:
        if isinstance(each, Text):
            assert each.x >= 0
            assert each.x + width(each.text, each.size, each.bold) <= drawing.width
            assert 0 < each.y < drawing.height
    ET.fromstring(svg_of(drawing))
    assert pdf_of(drawing).startswith(b"%PDF")


@pytest.mark.parametrize("tongue", LANGUAGES)
def test_the_longest_record_fits(tongue: str) -> None:
    whole = {part: sorted(elements()[part]) for part in CHAIN}
    drawing = sign(tongue, name="A long name of a source " * 8, description="", **whole)
    lowest = max(each.y for each in drawing.items if isinstance(each, Text) and each.y < 160)
    assert lowest < 210 - 34 - 11 - 6
    assert "…" in texts(drawing)


def test_markup_stays_text() -> None:
    svg = svg_of(sign(name="<script>alert(1)</script>", contact='"&'))
    assert "<script" not in svg


def test_long_words_break_after_a_mark_where_there_is_one() -> None:
    assert lines("https://city.example/open-book", 38, 4) == ["https://city.example/", "open-book"]
    assert "".join(lines("x" * 200, 30, 4)) == "x" * 200
    assert all(width(line, 4) <= 30 for line in lines("x" * 200, 30, 4))


def test_every_element_has_a_picture_within_its_square() -> None:
    for part, names in elements().items():
        for name in ("", *names):
            numbers = [n for _, step in icon(part, name) for n in step]
            assert numbers, (part, name)
            assert min(numbers) >= 0 and max(numbers) <= SIDE, (part, name)


@pytest.mark.parametrize(
    ("period", "words"),
    [
        ("P30D", "30 days"),
        ("P1Y", "1 year"),
        ("P14M", "1 year 2 months"),
        ("PT15M", "15 minutes"),
        ("PT0S", "Not at all"),
        ("unlimited", "Without a limit"),
        ("soon", "soon"),
        ("", ""),
    ],
)
def test_how_long_in_words(period: str, words: str) -> None:
    assert period_words({"retention_period": period}, language("en")) == words


def test_an_element_that_is_new_to_us_is_named_as_it_is() -> None:
    link = next(
        x for x in chain_of(RECORD | {"tech": ["new_thing"]}, language("fr")) if x.part == "tech"
    )
    assert link.names == "new thing"


def fonts(content: bytes) -> dict[str, bool]:
    """The fonts of the first page, and whether each is in the file."""
    found = {}
    for each in PdfReader(BytesIO(content)).pages[0]["/Resources"]["/Font"].values():
        font = each.get_object()
        font = font["/DescendantFonts"][0].get_object() if "/DescendantFonts" in font else font
        about = font.get("/FontDescriptor", {})
        about = about.get_object() if hasattr(about, "get_object") else about
        found[str(font["/BaseFont"])] = "/FontFile2" in about
    return found


@pytest.mark.skipif(not can_embed(), reason="no free font with Korean letters on this machine")
def test_korean_letters_are_in_the_file_and_only_those_that_it_shows() -> None:
    drawing = compose(RECORD, PLACE, language("ko"))
    content = pdf_of(drawing)
    inside = fonts(content)
    assert "HYGothic-Medium" not in str(inside)
    assert any("HansaLetters" in name and there for name, there in inside.items())
    assert pdf_of(drawing) == content
    assert len(content) < 150_000
    assert "책임 기관" in PdfReader(BytesIO(content)).pages[0].extract_text()


def test_without_such_a_font_the_reader_brings_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedding, "_face", lambda: None)
    embedding.embedded.cache_clear()
    try:
        content = pdf_of(compose(RECORD, PLACE, language("ko")))
    finally:
        embedding.embedded.cache_clear()
    assert "HYGothic-Medium" in str(fonts(content))
