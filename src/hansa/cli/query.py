"""``hansa query``: ask a node for entities."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from difflib import get_close_matches
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote

import orjson
import typer

from hansa.cli.console import Json, Screen
from hansa.cli.reach import (
    Ask,
    FolderOption,
    TenantOption,
    TokenOption,
    UrlOption,
    is_public,
    reached,
)

__all__ = ["register"]

_ENTITIES = "/ngsi-ld/v1/entities"
_PAGE = 500
_MOST = 8
"""Columns of a table at most; and types whose attributes are looked at for a hint."""

_OF_ALL = ("id", "type", "scope", "createdAt", "modifiedAt", "observedAt")
_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"')


class Form(StrEnum):
    """How entities are written."""

    normalized = "normalized"
    concise = "concise"
    simplified = "simplified"
    geojson = "geojson"
    table = "table"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(query)


def query(
    type: Annotated[str | None, typer.Option(help="Type selection: Building, or (A|B),C")] = None,
    q: Annotated[str | None, typer.Option(help='Filter by value: speed>50;name=="Main"')] = None,
    scope: Annotated[str | None, typer.Option(help="Filter by scope: /Madrid/#")] = None,
    id: Annotated[str | None, typer.Option(help="These identifiers, by commas.")] = None,
    georel: Annotated[
        str | None, typer.Option(help="Relation in space: near;maxDistance==500, within, ...")
    ] = None,
    geometry: Annotated[str | None, typer.Option(help="Its geometry's type: Point, ...")] = None,
    coordinates: Annotated[str | None, typer.Option(help="Its coordinates: [10.7,53.9]")] = None,
    attrs: Annotated[str | None, typer.Option(help="Only those with such an attribute.")] = None,
    pick: Annotated[str | None, typer.Option(help="Only these members of each: id,name")] = None,
    omit: Annotated[str | None, typer.Option(help="All members but these.")] = None,
    order: Annotated[str | None, typer.Option(help="Sort by: name, or length;desc")] = None,
    limit: Annotated[int, typer.Option(min=0, help="At most this many; 0 with --count.")] = 20,
    offset: Annotated[int, typer.Option(min=0, help="Leave out this many.")] = 0,
    count: Annotated[bool, typer.Option("--count", help="Say how many match in all.")] = False,
    format: Annotated[Form, typer.Option(help="How entities are written.")] = Form.table,
    tenant: TenantOption = None,
    folder: FolderOption = Path("node"),
    url: UrlOption = None,
    token: TokenOption = None,
    json: Json = False,
) -> None:
    """Ask a node for entities: the words are those of the NGSI-LD API.

    Asks the node in a folder (whether it is being served or not), or the one at `--url`.

    Example: `hansa query --type GtfsStop --q 'name~="Plaza"' --folder my-city`

    Example: `hansa query --type TransportZone --count --limit 0 --url http://127.0.0.1:1356`
    """
    screen = Screen(json)
    form = Form.simplified if json and format is Form.table else format
    asked = {
        "type": type,
        "q": q,
        "scopeQ": scope,
        "id": id,
        "georel": georel,
        "geometry": geometry,
        "coordinates": coordinates,
        "attrs": attrs,
        "pick": pick,
        "omit": omit,
        "orderBy": order,
        "format": (Form.simplified if form in {Form.table, Form.geojson} else form).value,
    }
    words = {name: value for name, value in asked.items() if value is not None}
    if not {"type", "q", "attrs", "georel"} & words.keys():
        words["local"] = "true"  # what this node holds: the API wants one of the five
    with reached(folder, url, token, _headers(tenant, form)) as ask:
        total = _total(ask, words) if count else None
        rows = list(_entities(ask, words, offset, limit, form))
        here = _types(ask) if not rows and limit else []
        hints = _hints(ask, type or "", q or "", here) if here and form is Form.table else []
    if not rows and limit and form is Form.table:
        _nothing(screen, here, hints, is_public(folder, url, token))
        return
    _show(screen, rows, form, total)


def _headers(tenant: str | None, form: Form) -> dict[str, str]:
    headers = {"NGSILD-Tenant": tenant} if tenant else {}
    return headers | ({"Accept": "application/geo+json"} if form is Form.geojson else {})


def _types(ask: Ask) -> list[str]:
    return [str(name) for name in orjson.loads(ask("/ngsi-ld/v1/types", {}).content)["typeList"]]


def _hints(ask: Ask, type: str, q: str, here: list[str]) -> list[str]:
    """Names in the question that nothing here has, each with the nearest; never a reason to fail.

    Only plain names are looked at: of a selection of types, and where each term of `q` begins.
    """
    types = [name for name in re.split(r"[(),|;]", type) if re.fullmatch(r"\w+", name)]
    found = [_unknown("type", name, here) for name in types if name not in here]
    terms = (re.match(r"\w+", term) for term in re.split(r"[();|]", _QUOTED.sub("", q)))
    names = list(dict.fromkeys(term[0] for term in terms if term))
    if not names or found:
        return found
    known = _attributes(ask, types or here[:_MOST])
    where = f"entity of type {' or '.join(types)}" if types else "entity here"
    if types or len(here) <= _MOST:
        found += [_unknown("attribute", name, known, where) for name in names if name not in known]
    return found


def _attributes(ask: Ask, types: list[str]) -> list[str]:
    found: set[str] = set(_OF_ALL)
    for name in types:
        about = orjson.loads(ask(f"/ngsi-ld/v1/types/{quote(name, safe='')}", {}).content)
        found |= {str(each["attributeName"]) for each in about["attributeDetails"]}
    return sorted(found)


def _unknown(kind: str, name: str, known: list[str], where: str = "entity here") -> str:
    near = get_close_matches(name, known, 3)
    meant = f" Did you mean {' or '.join(near)}?" if near else ""
    return f"No {where} has the {kind} '{name}'.{meant}"


def _nothing(screen: Screen, here: list[str], hints: list[str], public: bool) -> None:
    """That nothing matches, and what there is to ask for."""
    if here:
        screen.note(f"Nothing matches. Types here: {', '.join(here)}.")
    else:
        screen.note("Nothing matches: the node is empty.")
    for hint in hints:
        screen.note(hint)
    if public:
        screen.note(
            "The node is being served, so it was asked as the public; --token asks as somebody."
        )


def _total(ask: Ask, words: dict[str, str]) -> int:
    answer = ask(_ENTITIES, {**words, "count": "true", "limit": "0"})
    return int(answer.headers["NGSILD-Results-Count"])


def _entities(
    ask: Ask, words: dict[str, str], offset: int, limit: int, form: Form
) -> Iterator[dict[str, Any]]:
    """The entities, fetched page by page until there are `limit` or no more."""
    while limit > 0:
        wanted = min(limit, _PAGE)
        page = {**words, "limit": str(wanted), "offset": str(offset)}
        document = orjson.loads(ask(_ENTITIES, page).content)
        rows = document["features"] if form is Form.geojson else document
        yield from rows
        if len(rows) < wanted:
            return
        offset += wanted
        limit -= wanted


def _show(screen: Screen, rows: list[dict[str, Any]], form: Form, total: int | None) -> None:
    if screen.json:
        screen.data(rows if total is None else {"count": total, "entities": rows})
        return
    if form is Form.geojson:
        screen_text({"type": "FeatureCollection", "features": rows})
    elif form is Form.table:
        _table(screen, rows)
    else:
        screen_text(rows)
    if total is not None:
        screen.note(f"{total:,} match.")


def screen_text(value: Any) -> None:
    """Write `value` as JSON to standard output."""
    sys.stdout.write(orjson.dumps(value, option=orjson.OPT_INDENT_2).decode() + "\n")


def _table(screen: Screen, rows: list[dict[str, Any]]) -> None:
    """One row an entity: identifier, type, and the plain values that are short enough to read."""
    heads = [name for name in ("id", "type") if any(name in row for row in rows)] or ["id"]
    for row in rows:
        heads += [k for k, v in row.items() if k not in heads and _is_short(v) and k != "@context"]
    heads, left = _fitting(heads, rows, screen.width)
    screen.table(heads, [[_cell(row.get(head)) for head in heads] for row in rows])
    if left:
        screen.note(f"Not shown: {', '.join(left)}. Choose with --pick, or see --format.")


def _fitting(
    heads: list[str], rows: list[dict[str, Any]], width: int | None
) -> tuple[list[str], list[str]]:
    """The columns that stand side by side without a break in a cell, two at least; and the others."""
    shown: list[str] = []
    used = 0
    for head in heads[:_MOST]:
        wide = max(len(head), *(len(str(_cell(row.get(head)) or "")) for row in rows), 1)
        used += wide + 2
        if width is not None and len(shown) >= 2 and used > width:
            break
        shown.append(head)
    return shown, heads[len(shown) :]


def _is_short(value: Any) -> bool:
    return isinstance(value, str | int | float | bool)


def _cell(value: Any) -> Any:
    if isinstance(value, list) and all(map(_is_short, value)):
        return ", ".join(map(str, value))
    return value if value is None or _is_short(value) else "..."
