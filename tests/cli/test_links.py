"""What counts as a reference to the same node."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from hansa.cli.links import references

HERE = "http://127.0.0.1:1356/city/map"


def test_a_page() -> None:
    html = """
      <a href="/data">x</a> <a href="entity?id=1#top">x</a> <a href="https://elsewhere/x">x</a>
      <a href="mailto:a@b">x</a> <a href="#here">x</a> <link href="../s.css" rel="stylesheet">
      <script src='/a.js'></script> <img src="p.png" srcset="p.png 1x, q.png 2x">
      <form action="/search"></form> <form method="POST" action="/delete"></form>
    """
    found = {a.removeprefix("http://127.0.0.1:1356") for a in references(HERE, "text/html", html)}
    assert found == {
        "/data",
        "/city/entity?id=1",
        "/city/map",
        "/s.css",
        "/a.js",
        "/city/p.png",
        "/city/q.png",
        "/search",
    }


def test_a_style_sheet() -> None:
    css = "@import \"b.css\"; a { background: url( 'c.svg' ) } @font-face { src: url(/d.woff2) }"
    found = [a.rpartition("1356")[2] for a in references(HERE, "text/css", css)]
    assert found == ["/city/b.css", "/city/c.svg", "/d.woff2"]


def test_a_script() -> None:
    script = """
import { t } from "./language.js";
import "../shell.js";
export * from './x.js'
const later = await import("./y.js"); import z from "elsewhere";
"""
    found = [a.rpartition("1356")[2] for a in references(HERE, "text/javascript", script)]
    assert found == ["/city/language.js", "/shell.js", "/city/x.js", "/city/y.js"]


@given(st.text(), st.sampled_from(["text/html", "text/css", "text/javascript", "image/png"]))
def test_any_text_is_survived(text: str, media_type: str) -> None:
    for address in references(HERE, media_type, text):
        assert address.startswith("http://127.0.0.1:1356") or address in text


def test_a_broken_address_is_not_hidden() -> None:
    assert list(references(HERE, "text/html", '<a href="http://[x">')) == ["http://[x"]
