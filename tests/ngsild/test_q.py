"""The query language: what each form means as a tree, where faults are said to be, round trips."""

from __future__ import annotations

import string
from datetime import UTC, date, datetime, time
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from hansa.kernel.errors import BadRequest
from hansa.ngsild.q import expand_q, parse_q, print_q
from hansa.ngsild.query import And, AttributePath, Compare, Exists, Filter, Or, Range, Uri
from hansa.ngsild.reader import MAX_DEPTH, MAX_LENGTH, MAX_TERMS


def path(*names: str, trail: tuple[str, ...] = ()) -> AttributePath:
    return AttributePath(names, trail)


def compare(name: str, operator: Any, *values: Any) -> Compare:
    return Compare(path(name), operator, values)


def value(text: str) -> Any:
    """The value of ``a==<text>``."""
    term = parse_q(f"a=={text}")
    assert isinstance(term, Compare)
    return term.values[0] if len(term.values) == 1 else term.values


# -- the examples of clause 4.9 --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("temperature", Exists(path("temperature"))),
        ("temperature==20", compare("temperature", "==", 20)),
        ('brandName!="Mercedes"', compare("brandName", "!=", "Mercedes")),
        (
            'speed>50;brandName!="Mercedes"',
            And((compare("speed", ">", 50), compare("brandName", "!=", "Mercedes"))),
        ),
        (
            '((speed>50|rpm>3000);brandName=="Mercedes")',
            And(
                (
                    Or((compare("speed", ">", 50), compare("rpm", ">", 3000))),
                    compare("brandName", "==", "Mercedes"),
                )
            ),
        ),
        (
            "(temperature>=20;temperature<=25)|capacity<=10",
            Or(
                (
                    And((compare("temperature", ">=", 20), compare("temperature", "<=", 25))),
                    compare("capacity", "<=", 10),
                )
            ),
        ),
        (
            "temperature.observedAt>=2017-12-24T12:00:00Z",
            Compare(
                path("temperature", "observedAt"), ">=", (datetime(2017, 12, 24, 12, tzinfo=UTC),)
            ),
        ),
        ('address[city]=="Berlin"', Compare(path("address", trail=("city",)), "==", ("Berlin",))),
        (
            "sensor.rawdata[airquality.particulate]==40",
            Compare(path("sensor", "rawdata", trail=("airquality", "particulate")), "==", (40,)),
        ),
        ("gender==Male", compare("gender", "==", "Male")),
        (
            "sensor{humidity}==40",
            Compare(AttributePath(("sensor",), (), path("humidity")), "==", (40,)),
        ),
        (
            "sensor{Device:humidity}==40",
            Compare(AttributePath(("sensor",), (), path("humidity"), ("Device",)), "==", (40,)),
        ),
        ('color=="black", "red"', compare("color", "==", "black", "red")),
        ("temperature==10..20", compare("temperature", "==", Range(10, 20))),
        ("temperature!=10..20", compare("temperature", "!=", Range(10, 20))),
        ('color[*]=="red"', Compare(path("color", trail=("*",)), "==", ("red",))),
    ],
)
def test_the_clause_s_examples(text: str, tree: Filter) -> None:
    assert parse_q(text) == tree


def test_and_binds_tighter_than_or() -> None:
    a, b, c = (Exists(path(name)) for name in "abc")
    assert parse_q("a|b;c") == Or((a, And((b, c))))
    assert parse_q("a;b|c") == Or((And((a, b)), c))
    assert parse_q("(a|b);c") == And((Or((a, b)), c))


def test_spaces_between_signs_mean_nothing() -> None:
    assert parse_q(" ( a == 1 | b ) ; c != 2 , 3 ") == parse_q("(a==1|b);c!=2,3")


# -- what real clients write -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("my-attr", ("my-attr",)),
        ("ex:speed.observedAt", ("ex:speed", "observedAt")),
        ("größe.maß", ("größe", "maß")),
        ("https://schema.org/name", ("https://schema.org/name",)),
        ("https://x.org/v1.2/speed.unitCode", ("https://x.org/v1.2/speed", "unitCode")),
        ("https://x.org/a#speed.b.c", ("https://x.org/a#speed", "b", "c")),
        ("https://x.org/a.https://y.org/b", ("https://x.org/a", "https://y.org/b")),
        ("a.https://y.org/b.c", ("a", "https://y.org/b", "c")),
        ("urn:x:speed.accuracy", ("urn:x:speed", "accuracy")),
    ],
)
def test_names(text: str, names: tuple[str, ...]) -> None:
    assert parse_q(text) == Exists(AttributePath(names))
    assert parse_q(f"{text}>=5") == Compare(AttributePath(names), ">=", (5,))


@pytest.mark.parametrize(
    ("text", "types", "linked"),
    [
        ("a{A,B:c}", ("A", "B"), path("c")),
        ("a{https://x.org/d.T/A:c}", ("https://x.org/d.T/A",), path("c")),
        ("a{https://x.org/c}", (), path("https://x.org/c")),
        ("a{A:https://x.org/c}", ("A",), path("https://x.org/c")),
        ("a{c.d[e]}", (), path("c", "d", trail=("e",))),
        ("a{b{c}}", (), AttributePath(("b",), (), path("c"))),
        ("a{T:b{U:c}}", ("T",), AttributePath(("b",), (), path("c"), ("U",))),
    ],
)
def test_linked_entities(text: str, types: tuple[str, ...], linked: AttributePath) -> None:
    assert parse_q(text) == Exists(AttributePath(("a",), (), linked, types))


@pytest.mark.parametrize(
    ("text", "trail"),
    [("[en-GB]", ("en-GB",)), ("[street name]", ("street name",)), ('["a.b".c]', ("a.b", "c"))],
)
def test_members_of_values(text: str, trail: tuple[str, ...]) -> None:
    assert parse_q(f"a{text}") == Exists(AttributePath(("a",), trail))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0", 0),
        ("-12", -12),
        ("9223372036854775807", 9223372036854775807),
        ("9223372036854775808", 9223372036854775808.0),
        ("0.5", 0.5),
        ("1e3", 1000.0),
        ("true", True),
        ("false", False),
        ("2017-12-24", date(2017, 12, 24)),
        ("12:00:00Z", time(12, tzinfo=UTC)),
        ("2017-12-24T12:00:00,5Z", datetime(2017, 12, 24, 12, 0, 0, 500_000, UTC)),
        ("urn:ngsi-ld:City:Pisa", Uri("urn:ngsi-ld:City:Pisa")),
        ("http://x.org/a(b)?c=d&e..f", Uri("http://x.org/a(b)?c=d&e..f")),
        ("urn:a,urn:b", (Uri("urn:a"), Uri("urn:b"))),
        ('"a;b|c,(d)"', "a;b|c,(d)"),
        (r'"say \"hi\" \u00e9\\"', 'say "hi" é\\'),
        ('""', ""),
        ("commercial", "commercial"),
        ("true-ish", "true-ish"),
        ("1.5..2.5", Range(1.5, 2.5)),
        ("1..2.5", Range(1, 2.5)),
        ('"a".."b"', Range("a", "b")),
        ("2017-01-01..2018-01-01", Range(date(2017, 1, 1), date(2018, 1, 1))),
    ],
)
def test_values(text: str, expected: Any) -> None:
    found = value(text)
    assert found == expected
    assert type(found) is type(expected)


@pytest.mark.parametrize(
    ("text", "pattern"),
    [
        ('"^m"', "^m"),
        ("^Merc.*", "^Merc.*"),
        ("(a|b);c", "(a|b)"),
        (r"\(a\);c", r"\(a\)"),
        (r'"\d+;|\."', r"\d+;|\."),
        (r'"say \"hi\""', 'say "hi"'),
        ("(?i)merc", "(?i)merc"),
    ],
)
def test_patterns(text: str, pattern: str) -> None:
    tree = parse_q(f"a~={text}")
    term = tree.parts[0] if isinstance(tree, And) else tree
    assert term == compare("a", "~=", pattern)
    assert parse_q(f"(b|a!~={text})") is not None


# -- faults ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "q: is empty"),
        ("   ", "q: is empty"),
        (5, "q: is empty or not a text"),
        (None, "q: is empty or not a text"),
        ("speed>", "character 7: expected a number"),
        ("speed>;a", "character 7: expected a number"),
        ("speed=5", "character 6: expected an operator"),
        ("speed 5", "character 7: expected an operator"),
        (">5", "character 1: expected the name of an attribute"),
        ("5>3", "character 1: expected the name of an attribute"),
        ("a..b", "character 1: expected the name of an attribute"),
        ("a.", "character 1: expected the name of an attribute"),
        ("(a==1", "character 6: expected ';', '|' or ')', found the end"),
        ("a==1)", "character 5: expected ';' or '|' or the end, found ')'"),
        ("a;;b", "character 3: expected the name"),
        ("a;", "character 3: expected the name of an attribute, found the end"),
        ("()", "character 2: expected the name"),
        ('a=="x', "character 4: expected a closing '\"'"),
        (r'a=="\x"', "character 5: expected a JSON escape"),
        (r'a=="\ud800"', "character 4: expected whole Unicode characters"),
        ('a=="x"y', "character 7: expected ';' or '|' or the end"),
        ("a==1e999", "character 4: expected a number that fits"),
        ("a==007", "character 4: expected a number"),
        ("a==2017-02-30", "character 4: expected a moment that exists"),
        ("a==2017-12-24T12:00:00", "such as 2017-12-24T12:00:00Z"),
        ("a>true", "after >, found 'true'"),
        ("a>word", "character 3: expected a number, a quoted text or a moment"),
        ("a>urn:x:y", "character 3: expected a number, a quoted text or a moment"),
        ("a>1..2", "character 4: expected ';' or '|' or the end, found '..2'"),
        ("a>1,2", "character 4: expected ';'"),
        ('a==1.."x"', "character 7: expected two numbers, texts"),
        ("a==true..false", "expected a number, a quoted text or a moment"),
        ("a==1..2,3", "character 8: expected ';'"),
        ("a==1,", "character 6: expected a number"),
        ("a==http://x y", "character 13: expected ';'"),
        ("a==http://<x>", "character 4: expected a URI without"),
        ("a~=", "character 4: expected a regular expression"),
        ('a~="("', "character 4: expected a regular expression in RE2 syntax (missing"),
        (r'a~="(a)\1"', "expected a regular expression in RE2 syntax"),
        ('a~="x', "character 4: expected a closing '\"'"),
        ("a[", "character 3: expected the name of a member"),
        ("a[]", "character 2: expected an operator"),
        ("a[b", "character 4: expected '.' or ']'"),
        ("a[b].c", "character 5: expected an operator"),
        ("a[b][c]", "character 5: expected an operator"),
        ("a{b", "character 4: expected '}'"),
        ("a{}", "character 3: expected the name of an attribute"),
        ("a.b{c}", "character 1: expected a single name before '{'"),
        ("a{A,b}", "character 4: expected '}'"),
        ("a{5:b}", "character 3: expected entity types"),
        ("a=='x'", "character 4: expected a number"),
        ("a==\ud800", "q: is not valid Unicode"),
    ],
)
def test_faults_state_place_and_expectation(text: Any, words: str) -> None:
    with pytest.raises(BadRequest) as caught:
        parse_q(text)
    assert words in caught.value.sentence


def test_another_language_can_be_named() -> None:
    with pytest.raises(BadRequest, match="csf, character 3"):
        parse_q("a>", "csf")


@pytest.mark.parametrize(
    "text",
    [
        "(" * (MAX_DEPTH + 1) + "a" + ")" * (MAX_DEPTH + 1),
        "(" * 50_000,
        "a{" * (MAX_DEPTH + 1) + "b" + "}" * (MAX_DEPTH + 1),
        "a{" * 20_000,
        ";".join(["a"] * (MAX_TERMS + 1)),
        "a==" + ",".join(["1"] * (MAX_TERMS + 1)),
        "a==" + "x" * MAX_LENGTH,
    ],
)
def test_limits(text: str) -> None:
    with pytest.raises(BadRequest, match=r"at most|is longer than"):
        parse_q(text)


def test_the_deepest_allowed_query_survives_printing() -> None:
    text = "(a;" * MAX_DEPTH + "b" + ")" * MAX_DEPTH
    assert parse_q(print_q(parse_q(text))) == parse_q(text)


# -- properties ------------------------------------------------------------------------------------

letters = st.sampled_from("abcXYZäßλ日")
plain_names = st.builds(str.__add__, letters, st.text("abc_9-ß", max_size=5))
iri_names = plain_names.map(lambda name: f"https://example.org/ns.v1/{name}")
prefixed_names = st.builds("{}:{}".format, plain_names, plain_names)
names = plain_names | iri_names
trails = st.lists(
    st.text(max_size=5).filter(lambda s: s.isprintable()) | plain_names, max_size=3
).map(tuple)


def _linked(inner: st.SearchStrategy[AttributePath]) -> st.SearchStrategy[AttributePath]:
    return st.builds(
        AttributePath,
        st.tuples(names | prefixed_names),
        st.just(()),
        inner,
        st.lists(names | prefixed_names, max_size=2).map(tuple),
    )


inner_paths = st.recursive(
    st.builds(AttributePath, st.lists(names, min_size=1, max_size=3).map(tuple), trails),
    lambda inner: _linked(inner).filter(
        lambda found: ":" not in found.names[0].partition("://")[0]
    ),
    max_leaves=2,
).filter(lambda found: ":" not in found.names[0].replace("://", ""))
paths = _linked(inner_paths) | st.builds(
    AttributePath, st.lists(names | prefixed_names, min_size=1, max_size=3).map(tuple), trails
)

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=10)
numbers = st.integers(-(2**63) + 1, 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False)
comparables = st.one_of(
    texts,
    numbers,
    st.datetimes(timezones=st.just(UTC)).map(lambda moment: moment.replace(fold=0)),
    st.dates(),
    st.times(timezones=st.just(UTC)).map(lambda moment: moment.replace(fold=0)),
)
uris = st.builds(
    Uri,
    st.builds(
        "urn:{}:{}".format, plain_names, st.text(string.ascii_letters + "-.:_/?=&", max_size=8)
    ),
)
equal_values = st.one_of(
    st.lists(comparables | st.booleans() | uris, min_size=1, max_size=3).map(tuple),
    st.tuples(st.builds(Range, texts, texts)),
    st.tuples(st.builds(Range, numbers, numbers)),
    st.tuples(st.builds(Range, st.dates(), st.dates())),
)
patterns = st.lists(
    st.sampled_from(["a", "^", ".*", r"\d", r"\\", '"', r"\.", "(b|c)", "[;|)]", "é", ";", " "]),
    min_size=1,
    max_size=5,
).map("".join)
terms = st.one_of(
    st.builds(Exists, paths),
    st.builds(Compare, paths, st.sampled_from(["==", "!="]), equal_values),
    st.builds(Compare, paths, st.sampled_from([">", ">=", "<", "<="]), st.tuples(comparables)),
    st.builds(Compare, paths, st.sampled_from(["~=", "!~="]), st.tuples(patterns)),
)
trees = st.recursive(
    terms,
    lambda inner: (
        st.lists(inner, min_size=2, max_size=3)
        .map(tuple)
        .flatmap(lambda parts: st.sampled_from([And(parts), Or(parts)]))
    ),
    max_leaves=8,
)


def _exact(tree: Any) -> str:
    """A form that tells 1 from 1.0 and True."""
    return repr(tree)


@given(trees)
def test_parsing_what_was_printed_is_the_identity(tree: Filter) -> None:
    assert _exact(parse_q(print_q(tree))) == _exact(tree)


signs = """a b.c [d] {e:f} { } [ ] ( ) ; | , .. . == != > >= < ~= !~= ! = "x" " \\ 5 1.5e3 true urn:x:y
    http://x/y 2017-12-24 12:00:00Z 2017-12-24T12:00:00Z word * é""".split()
sign_soup = st.lists(st.sampled_from([*signs, " ", "\0"]), max_size=12).map("".join)


@given(st.text(max_size=30) | sign_soup)
@example('a=="\\')
@example("a~=\\")
@example("a~=(")
def test_any_text_is_a_tree_or_a_bad_request(text: str) -> None:
    try:
        tree = parse_q(text)
    except BadRequest as refusal:
        assert refusal.fact
        return
    assert _exact(parse_q(print_q(tree))) == _exact(tree)


# -- expansion -------------------------------------------------------------------------------------


def expand(term: str) -> str:
    return term if ":" in term else f"https://x/{term}"


def test_names_become_iris_and_core_members_stay() -> None:
    tree = expand_q(parse_q("a.b[c]>1;createdAt;a.observedAt;urn:n;s{T:h.unitCode}"), expand)
    assert isinstance(tree, And)
    assert [part.path for part in tree.parts if isinstance(part, Exists | Compare)] == [
        AttributePath(("https://x/a", "https://x/b"), ("c",)),
        AttributePath(("createdAt",)),
        AttributePath(("https://x/a", "observedAt")),
        AttributePath(("urn:n",)),
        AttributePath(
            ("https://x/s",), (), AttributePath(("https://x/h", "unitCode")), ("https://x/T",)
        ),
    ]


def test_values_of_named_attributes_become_iris() -> None:
    def found(q: str, **options: frozenset[str]) -> Any:
        tree = expand_q(parse_q(q), expand, **options)
        assert isinstance(tree, Compare)
        return tree.values

    gender = frozenset({"gender"})
    assert found("gender==Male,urn:x", expand_values=gender) == (
        Uri("https://x/Male"),
        Uri("urn:x"),
    )
    assert found('gender=="Male"', expand_values=gender) == (Uri("https://x/Male"),)
    assert found("gender==5", expand_values=gender) == (5,)
    assert found("gender==Male") == ("Male",)
    assert found("gender==Male", expand_values=gender, json_keys=gender) == ("Male",)
    assert found("gender~=Male", expand_values=gender) == ("Male",)
    assert found("type==Building") == (Uri("https://x/Building"),)


def test_quoted_moments_compare_as_moments_with_core_members() -> None:
    moment = datetime(2020, 1, 1, tzinfo=UTC)
    assert expand_q(parse_q('modifiedAt>"2020-01-01T00:00:00Z"'), expand) == compare(
        "modifiedAt", ">", moment
    )
    tree = expand_q(parse_q('a.observedAt=="2020-01-01T00:00:00Z".."2020-01-01T00:00:00Z"'), expand)
    assert tree == Compare(path("https://x/a", "observedAt"), "==", (Range(moment, moment),))
    assert expand_q(parse_q('createdAt=="2020-99-01T00:00:00Z"'), expand) == compare(
        "createdAt", "==", "2020-99-01T00:00:00Z"
    )
