"""The settings of a node: each option is declared once, here.

A declaration carries the option's type, default, help, an example and its bounds; the settings file
that ``hansa init`` writes, the command line's checks and the reference page are all made from it. In
order, later wins: the default, ``hansa.toml`` in the node's folder, the environment (``HANSA_PORT``
for ``port``), a flag of the command. Settings are read once, when a node starts.

A name that is not declared, or a value of the wrong type, is refused with the place where it stands.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, dataclass, field, fields
from datetime import datetime
from types import MappingProxyType
from typing import Any, ClassVar, Final
from zoneinfo import ZoneInfo

from hansa.kernel.errors import HansaError

__all__ = ["OPTIONS", "Option", "Settings", "SettingsError"]


class SettingsError(HansaError):
    """A setting that cannot be used; the subject names it and where it stands."""

    code: ClassVar[str] = "InvalidRequest"
    status: ClassVar[int] = 500


@dataclass(frozen=True, slots=True)
class Option:
    """What is to be known about one setting.

    Attributes:
        name: as in ``hansa.toml``; the environment variable is ``HANSA_`` and the name in capitals.
        type: one of "text", "integer", "yes/no", "list", "table".
        default: the value when nothing is set.
        help: one or two sentences.
        example: a TOML value.
        low, high: bounds of an integer, both allowed.
        restart: whether a running node must be started again to see a change.
        secret: whether the value is kept out of listings.
    """

    name: str
    type: str
    default: Any
    help: str
    example: str
    low: int = 0
    high: int = 2**53
    restart: bool = True
    secret: bool = False

    @property
    def environment(self) -> str:
        """The environment variable that sets this option."""
        return f"HANSA_{self.name.upper()}"


def _option(default: Any, help: str, example: str, **more: Any) -> Any:
    """A dataclass field that carries its declaration as metadata."""
    metadata = {"help": help, "example": example, **more}
    if isinstance(default, dict):
        return field(default_factory=lambda: MappingProxyType(dict(default)), metadata=metadata)
    return field(default=default, metadata=metadata)


@dataclass(frozen=True, slots=True)
class Settings:
    """The options of a node, checked and typed. ``origins`` says where each set value came from."""

    city: str = _option("My city", "Name of the city, as pages show it.", '"La Serena – Coquimbo"')
    timezone: str = _option(
        "UTC",
        "Time zone of the city (IANA name). Timetables are read and pages show times in it.",
        '"America/Santiago"',
    )
    host: str = _option(
        "127.0.0.1",
        "Address to listen on. The default is reached from this machine only; put a reverse proxy "
        "with TLS in front of a node that others reach.",
        '"0.0.0.0"',
    )
    port: int = _option(1356, "Port to listen on; 0 takes any free one.", "8080", high=65535)
    base_url: str = _option(
        "",
        "Public address of the node, without a final slash, when it stands behind a proxy. Empty: "
        "as each request names it.",
        '"https://node.example.org"',
    )
    context: str = _option(
        "city",
        "The @context of requests that carry none: 'city' for this node's own vocabulary (its terms "
        "are those of Smart Data Models), 'core' for NGSI-LD's alone, or the URL of another.",
        '"core"',
    )
    contexts: Mapping[str, str] = _option(
        {},
        "@contexts to preload, so that the node never fetches them: URL to file. Relative files are "
        "looked up in the node's folder.",
        '{ "https://example.org/context.jsonld" = "contexts/example.jsonld" }',
    )
    egress_allow: tuple[str, ...] = _option(
        (),
        "Hosts that the node may contact although they resolve to private or loopback addresses. "
        "Public hosts need no entry.",
        '["sensors.internal", "10.1.0.0/16"]',
    )
    egress_encrypted: bool = _option(
        False,
        "Whether the node sends nothing out without TLS: http and mqtt addresses are refused, but for hosts that "
        "egress_allow names. Many public feeds have nothing else, so it is for you to decide.",
        "true",
    )
    hot: tuple[str, ...] = _option(
        (),
        "Attributes that are filtered on often; each gets an index, built at the next start.",
        '["temperature", "highway"]',
    )
    page_limit: int = _option(
        20, "Entities per page when a query names no limit.", "50", low=1, high=10_000
    )
    page_limit_max: int = _option(
        1000, "Largest limit that a query may ask for.", "5000", low=1, high=100_000
    )
    history_limit: int = _option(
        10_000,
        "Most attribute instances in one answer about history. An answer that would hold more is cut "
        "at an instant, which Content-Range tells.",
        "1000",
        low=1,
        high=1_000_000,
    )
    body_limit: int = _option(
        16_000_000, "Largest request body, in bytes.", "64000000", low=1_000, high=2**31
    )
    depth_limit: int = _option(
        64, "Deepest nesting of objects and lists in a request body.", "32", low=8, high=500
    )
    batch_limit: int = _option(
        10_000, "Most entities in one batch operation.", "1000", low=1, high=1_000_000
    )
    snapshot_hours: int = _option(
        168, "Hours that a snapshot lives when its maker does not say.", "24", low=1, high=87_600
    )
    snapshot_limit: int = _option(
        100, "Most snapshots of one tenant; each is a file of its own.", "20", low=0, high=10_000
    )
    source_timeout: int = _option(
        5_000,
        "Milliseconds that another broker, registered as a source, may take to answer. A registration "
        "may say less, and up to six times as much.",
        "2000",
        low=10,
        high=600_000,
    )
    split_entities: bool = _option(
        False,
        "Whether one entity's attributes may be spread over several sources, when a request does not "
        "say (splitEntities). Such queries are filtered here, and cost more.",
        "true",
    )
    history_recent: int = _option(
        7,
        "Days of history that stay in the database; what is older moves to Parquet files, and is "
        "answered from there.",
        "30",
        low=1,
        high=36_500,
    )
    log_witnesses: tuple[str, ...] = _option(
        (),
        "Witnesses that cosign the gate's log: for each its address, a space, and its key, as its "
        "operator tells you. Partner cities are each other's witnesses.",
        '["https://city.example/log city.example/witness+6f0f3a5b+BC…"]',
    )
    witness_logs: tuple[str, ...] = _option(
        (),
        "Logs of other nodes that this node cosigns, each by its key, as its operator tells you.",
        '["city.example/log+8bd0b7d1+AU…"]',
    )
    clock: str = _option(
        "",
        "What timetables take for the present at the start, in the city's time zone, for "
        "demonstrations; pages say so, and what is written bears the real time. Empty: the present.",
        '"2016-04-13T08:30"',
    )
    session_idle_minutes: int = _option(
        60, "Minutes without a request after which a login ends.", "30", low=1, high=43_200
    )
    session_hours: int = _option(
        12, "Hours after which a login ends, however busy it is.", "8", low=1, high=8_760
    )
    second_factor: str = _option(
        "staff",
        "For whom a password alone does not suffice: 'staff', 'everybody' or 'nobody'. They set up a passkey or an "
        "authenticator app at their first login, and may do nothing before.",
        '"everybody"',
    )
    password_words: tuple[str, ...] = _option(
        (),
        "Words that people of the place would try: no password may be made of these, of names of the account "
        "and the city, and of what the software is called.",
        '["gotland", "almedalen"]',
    )
    rate_address: int = _option(
        12_000,
        "Requests a minute from one address; 0: no limit. Programs on this machine are not counted.",
        "3000",
        high=100_000_000,
    )
    rate_token: int = _option(
        60_000, "Requests a minute with one API token; 0: no limit.", "6000", high=100_000_000
    )
    rate_session: int = _option(
        1_200,
        "Pages and answers a minute to one login in a browser; 0: no limit. Tiles and the pages' own "
        "files are not counted.",
        "300",
        high=100_000_000,
    )
    hosts: tuple[str, ...] = _option(
        (),
        "Names under which the node is reached, besides those of base_url and of this machine. "
        "Requests that name another host are refused (421): so no foreign name can be pointed at it.",
        '["node.example.org"]',
    )
    operator_token_hash: str = _option(
        "",
        "SHA-256 of the operator's token, in hexadecimal, as `hansa init` writes it. Empty: nobody "
        "can write over the network.",
        '"9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"',
        secret=True,
    )
    dev: bool = _option(
        False,
        "A node for experiments: no accounts (everyone on this machine is the operator), the core "
        "@context alone, and it listens on loopback only.",
        "true",
    )
    origins: Mapping[str, str] = field(default_factory=dict, compare=False, repr=False)

    def __post_init__(self) -> None:
        for name, check in _CHECKS.items():
            fault = check(getattr(self, name))
            if fault:
                raise self.error(name, *fault)
        if self.page_limit > self.page_limit_max:
            raise self.error("page_limit", "is larger than page_limit_max", "lower one of the two")
        if self.dev and self.host not in {"127.0.0.1", "::1", "localhost"}:
            raise self.error(
                "dev",
                f"a node without accounts may not listen on {self.host}",
                "leave host at 127.0.0.1, or start it without dev",
            )

    def error(self, name: str, fact: str, remedy: str) -> SettingsError:
        """An error about the option `name`, naming where its value was set."""
        place = self.origins.get(name)
        return SettingsError(f"setting '{name}'" + (f" ({place})" if place else ""), fact, remedy)

    @property
    def zone(self) -> ZoneInfo:
        """The city's time zone."""
        return ZoneInfo(self.timezone)

    @property
    def moment(self) -> datetime | None:
        """What timetables take for the present at the start, with its zone; ``None``: the present."""
        if not self.clock:
            return None
        moment = datetime.fromisoformat(self.clock)
        return moment if moment.tzinfo else moment.replace(tzinfo=self.zone)


def _declared(declaration: Field[Any]) -> Option:
    """The declaration behind a field of :class:`Settings`."""
    default = declaration.default
    if default is MISSING:
        default = {}
    kind = {str: "text", int: "integer", bool: "yes/no", tuple: "list", dict: "table"}
    return Option(declaration.name, kind[type(default)], default, **declaration.metadata)


OPTIONS: Final[Mapping[str, Option]] = MappingProxyType(
    {f.name: _declared(f) for f in fields(Settings) if f.metadata}
)
"""Every option by name, in the order of the reference page."""


_Fault = tuple[str, str] | None


def _timezone(value: str) -> _Fault:
    try:
        ZoneInfo(value)
    except (KeyError, ValueError, OSError):
        return f"'{value}' is not a time zone", "use an IANA name such as 'Europe/Berlin'"
    return None


def _address(value: str) -> _Fault:
    if value and not (value.startswith(("http://", "https://")) and not value.endswith("/")):
        return f"'{value}' is not a base address", "write it like 'https://node.example.org'"
    return None


def _context(value: str) -> _Fault:
    if value not in {"city", "core"} and not value.startswith(("http://", "https://")):
        return f"'{value}' is not a @context", "write 'city', 'core' or a URL"
    return None


def _moment(value: str) -> _Fault:
    try:
        if value:
            datetime.fromisoformat(value)
    except ValueError:
        return f"'{value}' is not a date and time", "write it like '2016-04-13T08:30'"
    return None


def _second_factor(value: str) -> _Fault:
    if value not in {"staff", "everybody", "nobody"}:
        return f"'{value}' is none of them", "write 'staff', 'everybody' or 'nobody'"
    return None


def _digest(value: str) -> _Fault:
    if value and not (len(value) == 64 and set(value) <= set("0123456789abcdef")):
        return "is not a SHA-256 in hexadecimal", "make a new token with: hansa init --new-token"
    return None


_CHECKS: Final[dict[str, Callable[[str], _Fault]]] = {
    "timezone": _timezone,
    "base_url": _address,
    "context": _context,
    "clock": _moment,
    "second_factor": _second_factor,
    "operator_token_hash": _digest,
}
