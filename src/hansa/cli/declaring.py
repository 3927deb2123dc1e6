"""A source's record on the command line: an empty one to fill in, and one asked for question by question."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import orjson
import typer

from hansa.cli.algorithm import read_record
from hansa.cli.console import Screen
from hansa.cli.learning import learned
from hansa.cli.work import in_node
from hansa.kernel.errors import BadRequest, HansaError, InvalidRequest

if TYPE_CHECKING:
    from hansa.spokes.runner import Request

__all__ = ["ask_for", "declare_first", "is_terminal", "record_from", "template_lines"]

_TEXTS: Final = {
    "accountable": "Who answers for the source: the body that decided to have it",
    "contact": "Whom people can write to or ring up about it",
    "lawful_basis": "Lawful basis; 'none_personal' where the data concern no person",
    "retention_period": "How long data are kept: a duration such as P30D or P1Y, or 'unlimited' "
    "where they concern no person",
}
_PARTS: Final = ("purpose", "tech", "data", "process", "access", "storage")
_POINT: Final = '{ type = "Point", coordinates = [LONGITUDE, LATITUDE] }'
_STEPS: Final = """\
# Steps before anything is stored; needed where `data` says "personal". The guide 'Anonymise a source' has all of them.
# What is personal by its name (owner, driver, telephone ...) comes in by a step only.""".splitlines()
_SOME_STEPS: Final = """\
# anonymise = [
#   {step = "drop", attributes = ["name", "telephone"]},                 # leaves these out
#   {step = "time", attributes = ["observedAt"], period = "PT1H"},       # moments become the beginning of their hour
#   {step = "place", attributes = ["location"], resolution = 8},         # places become cells of some 0.74 km2
#   {step = "pseudonymise", attributes = ["owner"], rotate = "P1D"},     # names under a key that ends after a day
# ]""".splitlines()


def template_lines(known: Mapping[str, Any]) -> Iterator[str]:
    """A record as TOML: what is known filled in, what is missing empty, each explained."""
    from hansa.trust.sources.record import BASES, REFUSED
    from hansa.trust.sources.words import words

    said = words("en")
    for name, text in _TEXTS.items():
        yield f"# {text}."
        if name == "lawful_basis":
            yield f"#   one of: {', '.join(BASES)}"
        yield f'{name} = ""'
    for part in _PARTS:
        yield ""
        yield f"# {said['chain'][part].name}: {said['chain'][part].meaning}"
        for element, word in said[part].items():
            if element not in REFUSED.get(part, ()):
                yield f"#   {element}: {word.name}. {word.meaning}"
        yield f"{part} = {orjson.dumps(known.get(part, [])).decode()}"
    yield from _place_and_steps(known)
    yield ""
    yield "# What people call it, and what it does, in your own words (not required)."
    yield '# name = ""'
    yield '# description = ""'
    if "adapter" in known:
        yield f"adapter = {orjson.dumps(known['adapter']).decode()}"


def _place_and_steps(known: Mapping[str, Any]) -> Iterator[str]:
    from hansa.trust.anonymise.remedy import as_toml

    yield ""
    yield "# Whether people meet it in the street, such as a sensor: true or false, without quotation marks."
    public = known.get("public_space")
    yield 'public_space = ""' if public is None else f"public_space = {str(public).lower()}"
    yield "# If true, where: two numbers in the place of the words."
    yield f"# place = {_POINT}"
    yield ""
    yield from _STEPS
    if not known.get("anonymise"):
        yield from _SOME_STEPS
        return
    yield "anonymise = ["
    for step in known["anonymise"]:
        yield f"  {as_toml(step)},"
    yield "]"


def record_from(file: Path, adapter: str) -> Any:
    """The record in a file of TOML or JSON, of a source of the kind `adapter`."""
    record = read_record(file)
    return {"adapter": adapter, **record} if adapter and isinstance(record, dict) else record


def is_terminal() -> bool:
    """Whether somebody is there to be asked."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def declare_first(
    screen: Screen,
    folder: Path,
    request: Request,
    adapter: str,
    file: Path | None,
) -> None:
    """Before an import: declare its source by the file, or, on a terminal, by what is asked for.

    Without either, and for a source that is declared, nothing happens: the import itself refuses.
    """
    id, title, options = request.slug, request.title, request.options
    if file is not None:
        record = record_from(file, adapter)
    elif not is_terminal():
        return
    else:
        state = in_node(folder, "sources", "state", {"id": id, "adapter": adapter})
        found = state["record"]
        if found is not None and found["status"] == "declared":
            return
        screen.note(f"The source '{id}' is not declared yet: who answers for it, and what for?")
        known = dict(state["known"])
        if adapter == "table" and options.get("mapping"):
            known = learned(known, Path(str(options["mapping"])))
        record = ask_for(known)
    if title and isinstance(record, dict):
        record.setdefault("name", title)
    made = in_node(folder, "sources", "declare", {"id": id, "record": record})
    screen.note(f"Declared {made['id']}; the log has an entry of it.")


def ask_for(known: Mapping[str, Any]) -> dict[str, Any]:
    """A record, by asking for what `known` lacks; each answer is asked for again until it is one."""
    from hansa.trust.sources.record import BASES, REFUSED
    from hansa.trust.sources.words import words

    said, record = words("en"), dict(known)
    if steps := record.get("anonymise"):
        typer.echo(f"Personal by name, so these steps are declared: {_plainly(steps)}", err=True)
    for name, text in _TEXTS.items():
        record[name] = _asked(text, _basis(BASES) if name == "lawful_basis" else str)
    for part in _PARTS:
        if not record.get(part):
            listed = ", ".join(each for each in said[part] if each not in REFUSED.get(part, ()))
            typer.echo(f"{said['chain'][part].meaning} One or more of: {listed}", err=True)
            record[part] = _asked(said["chain"][part].name, _several(frozenset(said[part])))
    if "public_space" not in record:
        record["public_space"] = typer.confirm("Does it stand in public space?", err=True)
    if record["public_space"]:
        where = _asked("Where (longitude, latitude)", _two_numbers)
        record["place"] = {"type": "Point", "coordinates": where}
    return record


def _plainly(steps: list[Mapping[str, Any]]) -> str:
    from hansa.trust.anonymise.remedy import as_toml

    return ", ".join(map(as_toml, steps))


def _asked(text: str, read: Callable[[str], Any]) -> Any:
    while True:
        answer = typer.prompt(text, err=True).strip()
        try:
            return read(answer)
        except HansaError as fault:
            typer.echo(fault.fact, err=True)


def _basis(bases: tuple[str, ...]) -> Callable[[str], str]:
    def read(answer: str) -> str:
        if answer not in bases:
            raise InvalidRequest("the basis", f"It is one of: {', '.join(bases)}")
        return answer

    return read


def _several(allowed: frozenset[str]) -> Callable[[str], list[str]]:
    def read(answer: str) -> list[str]:
        found = [each for each in answer.replace(",", " ").split() if each]
        if not found or (odd := [each for each in found if each not in allowed]):
            raise InvalidRequest(
                "the answer", f"'{odd[0]}' is none of them" if found else "Name one"
            )
        return found

    return read


def _two_numbers(answer: str) -> list[float]:
    try:
        longitude, latitude = (float(each) for each in answer.replace(",", " ").split())
    except ValueError:
        raise BadRequest("the place", "Give two numbers, such as: 18.29, 57.64") from None
    return [longitude, latitude]
