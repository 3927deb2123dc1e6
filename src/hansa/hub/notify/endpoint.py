"""Where notifications go: the data type Endpoint (clauses 5.2.15, 5.2.22 and 7.2).

``http(s)`` and ``mqtt(s)`` are spoken. What can be seen to be wrong without contacting anybody is refused
at once: the address, headers that would break a request apart, a QoS that does not exist. Whether the
address may be contacted is decided by the guard of the way out each time something is sent.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import SplitResult, unquote, urlsplit

from hansa.hub.fields import Fields
from hansa.kernel.addresses import host_fault

__all__ = ["GEO_JSON", "JSON", "LD_JSON", "Endpoint", "read_endpoint"]

JSON: Final = "application/json"
LD_JSON: Final = "application/ld+json"
GEO_JSON: Final = "application/geo+json"

_ACCEPTS: Final = (JSON, LD_JSON, GEO_JSON)
_MEMBERS: Final = ("uri", "accept", "cooldown", "timeout", "receiverInfo", "notifierInfo")
_SCHEMES: Final = ("http", "https", "mqtt", "mqtts")
_PORTS: Final = {"http": 80, "https": 443, "mqtt": 1883, "mqtts": 8883}
_TOKEN: Final = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,200}", re.ASCII)
_HEADER_VALUE: Final = re.compile(r"[\x20-\x7e\xa0-\xff]{0,8000}")
_OURS: Final = frozenset(
    "connection content-length content-type expect host keep-alive ngsild-tenant te trailer"
    " transfer-encoding upgrade".split()
)
"""Headers that belong to the request itself; a receiver cannot set them."""
_MOST_PAIRS: Final = 100
_LONGEST_PAIRS: Final = 8_000
_LONGEST_KEY: Final = 200
"""What goes with every message: servers take heads of 8 to 16 KiB, and each notification bears them."""
_LONGEST_TIMEOUT: Final = 60_000.0
_DEFAULT_TIMEOUT: Final = 10_000.0
_LONGEST_COOLDOWN: Final = 86_400_000.0
_URI_CHARACTERS: Final = re.compile(r"[!-~\xa1-\U0010ffff]{1,2048}")
_WORDS: Final = {
    "mqtt-qos": ("MQTT-QoS", ("0", "1", "2")),
    "mqtt-version": ("MQTT-Version", ("mqtt3.1.1", "mqtt5.0")),
}


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One endpoint, checked.

    Attributes:
        uri: as the subscriber gave it.
        scheme, host, port: parts of it, the port filled in.
        accept: media type of the body.
        timeout: seconds after which a sending counts as failed.
        cooldown: seconds to wait at least after a failure.
        receiver: what is told to the receiver (headers, or metadata of an MQTT message).
        topic, user, password, qos, version: for MQTT.
    """

    uri: str
    scheme: str
    host: str
    port: int
    accept: str = JSON
    timeout: float = _DEFAULT_TIMEOUT / 1000
    cooldown: float = 0.0
    receiver: tuple[tuple[str, str], ...] = ()
    topic: str = ""
    user: str | None = None
    password: str | None = None
    qos: int = 0
    version: str = "mqtt5.0"

    @property
    def is_mqtt(self) -> bool:
        """Whether messages are published to a broker."""
        return self.scheme in ("mqtt", "mqtts")

    @property
    def shown(self) -> str:
        """The address without a password and without its query, which may be a key: for lists and logs."""
        address, mark, _ = self.uri.partition("?")
        if self.password is not None:
            address = address.replace(f":{urlsplit(self.uri).password}@", ":…@", 1)
        return f"{address}?…" if mark else address


def read_endpoint(fields: Fields) -> Endpoint:
    """The endpoint that a JSON object describes.

    Raises:
        BadRequest: it breaks a rule of the data type.
    """
    fields.only(_MEMBERS)
    fields.need("uri")
    parts = _address(fields)
    mqtt = parts.scheme in ("mqtt", "mqtts")
    accept = fields.one_of("accept", _ACCEPTS) or JSON
    notifier = dict(_pairs(fields, "notifierInfo"))
    settings = _mqtt_settings(fields, notifier) if mqtt else {}
    timeout = fields.positive("timeout") or _DEFAULT_TIMEOUT
    return Endpoint(
        uri=str(fields.text("uri")),
        scheme=parts.scheme,
        host=str(parts.hostname),
        port=parts.port or _PORTS[parts.scheme],
        accept=accept,
        timeout=min(timeout, _LONGEST_TIMEOUT) / 1000,
        cooldown=(fields.positive("cooldown", _LONGEST_COOLDOWN) or 0.0) / 1000,
        receiver=_receiver(fields, mqtt=mqtt),
        topic=_topic(fields) if mqtt else "",
        user=unquote(parts.username) if mqtt and parts.username else None,
        password=unquote(parts.password) if mqtt and parts.password else None,
        **settings,
    )


def _address(fields: Fields) -> SplitResult:
    uri = str(fields.text("uri"))
    remedy = (
        "write for example http://receiver.example.org/notify or mqtt://broker.example.org/topic"
    )
    if not _URI_CHARACTERS.fullmatch(uri):
        raise fields.wrong("uri", "is not a URI of at most 2,048 characters", remedy)
    try:
        parts = urlsplit(uri)
        port = parts.port
    except ValueError:
        raise fields.wrong("uri", f"{uri[:80]!r} is not a URI", remedy) from None
    if parts.scheme not in _SCHEMES:
        raise fields.wrong("uri", f"{uri[:80]!r} has no scheme that is spoken here", remedy)
    if port == 0:
        raise fields.wrong("uri", "has the port 0", remedy)
    fault = host_fault(parts.hostname or "")
    if fault:
        raise fields.wrong("uri", fault, remedy)
    if parts.scheme in ("http", "https") and "@" in parts.netloc:
        raise fields.wrong(
            "uri", "carries a user name or password", "send an Authorization header (receiverInfo)"
        )
    return parts


def _topic(fields: Fields) -> str:
    topic = unquote(str(fields.text("uri")).partition("://")[2].partition("/")[2])
    if not topic or any(sign in topic for sign in "#+\0") or len(topic.encode()) > 60_000:
        raise fields.wrong(
            "uri", "names no MQTT topic to publish to", "write mqtt://host/topic, without # and +"
        )
    return topic


def _mqtt_settings(fields: Fields, notifier: dict[str, str]) -> dict[str, Any]:
    """QoS and version of MQTT (table 7.2-1)."""
    found = {}
    for key, value in notifier.items():
        known = _WORDS.get(key.lower().replace(" ", "-"))
        if known is None:
            continue
        name, allowed = known
        if value not in allowed:
            raise fields.wrong(
                "notifierInfo", f"{name} is {value[:20]!r}", f"use {', '.join(allowed)}"
            )
        found[name] = value
    return {
        "qos": int(found.get("MQTT-QoS", "0")),
        "version": found.get("MQTT-Version", "mqtt5.0"),
    }


def _receiver(fields: Fields, *, mqtt: bool) -> tuple[tuple[str, str], ...]:
    pairs = _pairs(fields, "receiverInfo")
    if not mqtt:
        for key, value in pairs:
            if not _TOKEN.fullmatch(key) or not _HEADER_VALUE.fullmatch(value):
                raise fields.wrong(
                    "receiverInfo", f"{key[:40]!r} makes no HTTP header", "use plain ASCII"
                )
            if key.lower() in _OURS:
                raise fields.wrong(
                    "receiverInfo", f"the header {key!r} is set by the node itself", "leave it out"
                )
    return pairs


def _pairs(fields: Fields, name: str) -> tuple[tuple[str, str], ...]:
    """An array of KeyValuePair (clause 5.2.22)."""
    found = []
    if fields.members.get(name) == []:
        return ()
    for pair in fields.list_of_fields(name) or ():
        pair.only(("key", "value"))
        pair.need("key")
        pair.need("value")
        key, value = str(pair.text("key", _LONGEST_KEY)), pair.members["value"]
        if not isinstance(value, str):
            raise pair.wrong("value", "is not a text")
        found.append((key, value))
    size = sum(len(key) + len(value) for key, value in found)
    if len(found) > _MOST_PAIRS or size > _LONGEST_PAIRS:
        raise fields.wrong(
            name,
            f"has {len(found)} pairs of {size:,} characters together",
            f"send at most {_MOST_PAIRS} pairs and {_LONGEST_PAIRS:,} characters",
        )
    return tuple(found)
