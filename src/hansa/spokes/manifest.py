"""What a spoke says about itself: ``manifest.toml``, read and checked.

Each option is declared once, with default, help and example; the command line, the documentation and
the check of what a user gave all come from that declaration.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from typing import Any, Final, Literal, cast

from hansa.kernel.errors import BadRequest, InternalError, InvalidRequest

__all__ = ["Manifest", "Option", "load_manifest", "resolve"]

Kind = Literal["text", "path", "flag", "number", "choice"]

_TRUE: Final = frozenset({"true", "yes", "on", "1"})
_FALSE: Final = frozenset({"false", "no", "off", "0"})


@dataclass(frozen=True, slots=True)
class Option:
    """One setting of an import.

    Attributes:
        kind: a ``path`` is a text that may name a file of the machine where the command is given.
        default: its value when nobody gives one; ``""`` stands for "not given".
        choices: the values allowed, for the kind ``choice``.
    """

    name: str
    kind: Kind
    default: str | bool | float
    help: str
    example: str
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Manifest:
    """A spoke's description.

    Attributes:
        name: its name on the command line and in provenance.
        version: rises when the same source would make other entities than before.
        title, reads: what it is for, and what it reads, for people.
        produces: types (city terms) of the entities that an import writes.
        options: its settings.
        license, attribution: of the data, where neither the source nor the user says.
        live: types of the fleeting entities that its live job keeps.
        remote: whether its source is a service on the network; it then has a live job too.
        extra: the optional dependencies of Hansa that it may need.
        algorithm: the name, in the register of algorithms, of what its live job computes from entities; "" if it
            computes nothing, and only reads its source.
        algorithm_record: what is known of that algorithm, from ``algorithm.toml`` beside the manifest.
        declaration: what it knows of its sources' records (see :mod:`hansa.trust.sources.record`).
    """

    name: str
    version: str
    title: str
    reads: str
    produces: tuple[str, ...]
    options: tuple[Option, ...]
    license: str = ""
    attribution: str = ""
    live: tuple[str, ...] = ()
    extra: str = ""
    remote: bool = False
    algorithm: str = ""
    algorithm_record: Mapping[str, Any] = field(default_factory=dict)
    declaration: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_live(self) -> bool:
        """Whether its imports are kept up to date while the node is served."""
        return self.remote or bool(self.live)


def load_manifest(package: str) -> Manifest:
    """The manifest of the spoke in `package` (a dotted name).

    Raises:
        InternalError: the manifest breaks a rule; that is a fault of the spoke, not of its user.
    """
    place = files(package)
    try:
        data = tomllib.loads(place.joinpath("manifest.toml").read_text(encoding="utf-8"))
        if data.get("algorithm"):
            record = place.joinpath("algorithm.toml").read_text(encoding="utf-8")
            data["algorithm_record"] = tomllib.loads(record)
        options = tuple(_option(name, member) for name, member in data.pop("options", {}).items())
        produces, live = tuple(data.pop("produces")), tuple(data.pop("live", ()))
        return Manifest(options=options, produces=produces, live=live, **data)
    except (tomllib.TOMLDecodeError, KeyError, TypeError) as fault:
        raise InternalError(
            f"manifest.toml of {package}", f"cannot be understood ({fault})", "mend the manifest"
        ) from fault


def _option(name: str, member: Mapping[str, Any]) -> Option:
    kind = member.get("kind", "text")
    return Option(
        name=name,
        kind=cast(Kind, kind),
        default=member["default"],
        help=member["help"],
        example=member["example"],
        choices=tuple(member.get("choices", ())),
    )


def resolve(manifest: Manifest, given: Mapping[str, Any]) -> dict[str, Any]:
    """Every declared option with its value, of its kind.

    Raises:
        InvalidRequest: an option that the spoke does not have.
        BadRequest: a value that is not of the option's kind.
    """
    known = {option.name: option for option in manifest.options}
    for name in given:
        if name not in known:
            raise InvalidRequest(
                f"option '{name}'",
                f"the spoke '{manifest.name}' has no such option",
                f"it has: {', '.join(known) or 'none'}",
            )
    return {name: _value(option, given.get(name)) for name, option in known.items()}


def _value(option: Option, value: Any) -> Any:
    if value is None:
        return option.default
    if option.kind == "flag":
        return _flag(option, value)
    if option.kind == "number":
        try:
            return float(value)
        except (TypeError, ValueError):
            raise _wrong(option, value, "a number") from None
    text = str(value)
    if option.kind == "choice" and text not in option.choices:
        raise _wrong(option, value, f"one of {', '.join(option.choices)}")
    return text


def _flag(option: Option, value: Any) -> bool:
    if isinstance(value, bool):
        return value
    word = str(value).lower()
    if word in _TRUE or word in _FALSE:
        return word in _TRUE
    raise _wrong(option, value, "yes or no")


def _wrong(option: Option, value: Any, wanted: str) -> BadRequest:
    return BadRequest(
        f"option '{option.name}'", f"{value!r} is not {wanted}", f"for example: {option.example}"
    )
