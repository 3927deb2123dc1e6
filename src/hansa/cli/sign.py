"""``hansa source sign``: the sign of a source, to print, as the node's page of it offers it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Final

import typer

from hansa.cli.console import Json, Screen
from hansa.cli.reach import FolderOption, TokenOption, UrlOption, reached
from hansa.kernel.errors import BadRequest, Conflict

__all__ = ["sign"]

_FORMS: Final = ("pdf", "svg")
_LINK: Final = re.compile(r'<([^>]+)>; rel="describes"')


def sign(
    name: Annotated[str, typer.Argument(help="The source's name in the register.")],
    form: Annotated[str, typer.Option("--format", help="pdf or svg.")] = "pdf",
    language: Annotated[str, typer.Option(help="en, es, fr or ko.")] = "en",
    size: Annotated[str, typer.Option(help="a5 or a4.")] = "a5",
    out: Annotated[
        Path | None, typer.Option(help="Where to write it; default: named after the source.")
    ] = None,
    folder: FolderOption = Path("node"),
    url: UrlOption = None,
    token: TokenOption = None,
    json: Json = False,
) -> None:
    """Write the sign of a source to a file: what is collected, why, and who answers for it.

    Its code leads to the source's page, at the address that the setting `base_url` says.

    Example: `hansa source sign air-quality --language es --size a4`
    """
    from hansa.web.shell.language import LANGUAGES
    from hansa.web.signs.sign import SIZES

    _one_of("the format", form, _FORMS)
    _one_of("the language", language, tuple(LANGUAGES))
    _one_of("the size", size, tuple(SIZES))
    target = out or Path(f"{name}-{language}-{size}.{form}")
    if target.exists():
        raise Conflict(f"file {target}", "is there already", "choose another with --out")
    with reached(folder, url, token) as ask:
        ask(f"/hansa/v1/open-book/sources/{name}", {})
        answer = ask(f"/open-book/sources/{name}/sign.{form}", {"lang": language, "size": size})
    target.write_bytes(answer.content)
    found = _LINK.search(answer.headers.get("link", ""))
    leads = found[1] if found else ""
    screen = Screen(json)
    if json:
        screen.data({"file": str(target), "leadsTo": leads})
    screen.say(f"{target} is written; its code leads to {leads}")
    if "127.0.0.1" in leads or "localhost" in leads:
        screen.note("That address is of this machine alone: set base_url before you print it.")


def _one_of(what: str, given: str, known: tuple[str, ...]) -> None:
    if given not in known:
        raise BadRequest(what, f"'{given[:20]}' is none", f"choose one of {', '.join(known)}")
