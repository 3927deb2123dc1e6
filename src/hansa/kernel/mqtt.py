"""MQTT through the egress guard: one connection to a broker, for sources and for notifications.

In this order: the broker's host passes :meth:`hansa.kernel.egress.Egress.pin`; its checked addresses are
tried in turn, each by number, so that no second look-up can lead elsewhere; TLS verifies the certificate
against the host's *name*; the broker accepts or refuses the credentials. What arrives waits in a queue of
bounded length, whose oldest message goes when a new one finds it full.

Errors name host and port, never the user's name or password. Needs the extra ``mqtt`` (aiomqtt).
"""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Final, Literal, cast
from urllib.parse import unquote, urlsplit

from hansa.kernel.egress import Egress
from hansa.kernel.errors import BadRequest, HansaError, MissingExtra

if TYPE_CHECKING:
    import aiomqtt

__all__ = ["Broker", "MqttFailed", "acknowledge", "connected", "parse_endpoint"]

Version = Literal["3.1.1", "5"]

_PORTS: Final = {"mqtt": 1883, "mqtts": 8883}
_MAX_TOPIC: Final = 65_535
_WAITING: Final = 10_000
_log: Final = logging.getLogger("hansa.mqtt")
_of_library: Final = logging.getLogger("hansa.mqtt.library")
# Below that it names the topic of every message, and topics name people's things.
_of_library.setLevel(logging.WARNING)


class MqttFailed(HansaError):
    """The broker may be contacted, but gave no connection or broke it."""

    code: ClassVar[str] = "InternalError"
    status: ClassVar[int] = 502


@dataclass(frozen=True, slots=True)
class Broker:
    """A broker, and how to speak to it.

    Attributes:
        host, port: where it is.
        tls: whether the connection is encrypted and its certificate verified.
        username, password: empty when it asks for none; never shown.
        version: of the protocol.
        client_id: who we say we are; empty for a name that the library makes up.
        keep_session: whether the broker keeps messages for us (QoS 1 and 2) while we are away; needs a
            `client_id` that stays the same.
        keepalive: seconds of silence after which both sides make sure that the other is there.
    """

    host: str
    port: int = 1883
    tls: bool = False
    username: str = field(default="", repr=False)
    password: str = field(default="", repr=False)
    version: Version = "3.1.1"
    client_id: str = ""
    keep_session: bool = False
    keepalive: int = 60

    @property
    def label(self) -> str:
        """What messages call it."""
        return f"MQTT broker {self.host}:{self.port}"


def parse_endpoint(uri: str, version: Version = "3.1.1") -> tuple[Broker, str]:
    """Broker and topic of ``mqtt[s]://[user[:password]@]host[:port]/topic`` (clause 7.2).

    The topic is empty when the URI names none.

    Raises:
        BadRequest: it is not such a URI, or the topic holds a wildcard.
    """
    shown = _without_user(uri)
    subject, form = f"MQTT endpoint '{shown[:200]}'", "write it like mqtt://host:1883/topic"
    try:
        parts = urlsplit(uri)
        port = parts.port
    except ValueError:
        raise BadRequest(subject, "is not a URI with a valid port", form) from None
    if parts.scheme not in _PORTS or not parts.hostname or parts.query or "#" in uri:
        raise BadRequest(subject, "is not an MQTT address", form)
    topic = unquote(parts.path[1:])
    if any(sign in topic for sign in "+#\0") or len(topic.encode()) > _MAX_TOPIC:
        raise BadRequest(subject, "its topic is not one that can be written to", form)
    broker = Broker(
        host=parts.hostname,
        port=_PORTS[parts.scheme] if port is None else port,
        tls=parts.scheme == "mqtts",
        username=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        version=version,
    )
    return broker, topic


def _without_user(uri: str) -> str:
    scheme, mark, rest = uri.partition("://")
    place, slash, path = rest.partition("/")
    return f"{scheme}{mark}{place.rpartition('@')[2]}{slash}{path}"


@asynccontextmanager
async def connected(
    egress: Egress,
    broker: Broker,
    *,
    timeout: float = 10.0,  # noqa: ASYNC109 - also for each answer of the broker afterwards
    trust: ssl.SSLContext | None = None,
    waiting: int = _WAITING,
    dropped: Callable[[], None] = lambda: None,
    manual_ack: bool = False,
) -> AsyncIterator[aiomqtt.Client]:
    """A connection to `broker` for as long as the block runs; there is no silent reconnecting.

    Args:
        timeout: seconds for connecting, and for each acknowledgement.
        trust: certificate authorities, where they are not the well-known ones.
        waiting: messages received that may wait to be read.
        dropped: called when the oldest of them was dropped for a new one.
        manual_ack: messages of QoS 1 and 2 are acknowledged by :func:`acknowledge` alone.

    Raises:
        EgressRefused: the broker may not be contacted.
        MqttFailed: it cannot be reached, refuses us, or the connection broke (also inside the block).
        MissingExtra: the package for MQTT is not installed.
    """
    try:
        import aiomqtt
        from aiomqtt.exceptions import MqttConnectError
    except ImportError:
        raise MissingExtra(broker.label, "aiomqtt", "mqtt") from None
    place = await egress.pin(broker.host, broker.port, plain=not broker.tls)
    tls = _Named(trust or egress.trust, place.host) if broker.tls else None
    options = _options(broker, timeout, tls, _queue(dropped), waiting)
    last: Exception | None = None
    for address in place.addresses:
        client = aiomqtt.Client(address, broker.port, **options)
        _hold_back(client._client, manual_ack)  # before a message can come
        try:
            await client.__aenter__()
        except MqttConnectError as fault:
            _drop(client, tls)
            raise MqttFailed(broker.label, f"refused us ({_reason(fault)})") from None
        except (aiomqtt.MqttError, OSError, ValueError) as fault:
            _drop(client, tls)
            last = fault
        except BaseException:
            _drop(client, tls)
            raise
        else:
            break
    else:
        raise MqttFailed(broker.label, f"cannot be reached ({_reason(last)})") from None
    try:
        yield client
    except aiomqtt.MqttError as fault:
        raise MqttFailed(broker.label, f"the connection broke ({_reason(fault)})") from None
    finally:
        try:
            await client.__aexit__(None, None, None)
        except aiomqtt.MqttError as fault:
            _log.debug("%s: no clean end (%s)", broker.label, fault)


def acknowledge(client: aiomqtt.Client, number: int, qos: int) -> None:
    """Tell the broker that a message is safe; only from the loop that the client lives in."""
    client._client.ack(number, qos)


def _hold_back(paho: Any, wanted: bool) -> None:
    """Have a client acknowledge messages only when it is told to, if that is wanted.

    For QoS 1 the library can do so. For QoS 2 it would confirm the receipt (PUBREC) at once and hand the
    message over when the broker has let go of it (PUBREL): what is not written by then is lost if the
    program ends. Here a message is handed over when it comes, and :func:`acknowledge` confirms it; until
    then the broker sends it again with every new connection.
    """
    if not wanted:
        return
    paho.manual_ack_set(True)
    confirm, received, let_go = paho._send_pubrec, paho._handle_publish, paho._handle_pubrel
    once = paho.ack

    def receive() -> Any:
        code = received()
        with paho._in_message_mutex:
            waiting = list(paho._in_messages.values())
            paho._in_messages.clear()
        for message in waiting:
            paho._handle_on_message(message)
        return code

    def finish() -> Any:
        paho.manual_ack_set(False)
        try:
            return let_go()  # of nothing that is here: it is answered with PUBCOMP
        finally:
            paho.manual_ack_set(True)

    paho._send_pubrec = lambda _number: 0
    paho._handle_publish, paho._handle_pubrel = receive, finish
    paho.ack = lambda number, qos: confirm(number) if qos == 2 else once(number, qos)


def _options(
    broker: Broker, timeout: float, tls: _Named | None, queue: type[Any], waiting: int
) -> dict[str, Any]:
    """What the library calls them. The session is kept by 3.1.1 and 5 in different ways."""
    import aiomqtt

    five = broker.version == "5"
    options: dict[str, Any] = {
        "username": broker.username or None,
        "password": broker.password or None,
        "identifier": broker.client_id or None,
        "protocol": aiomqtt.ProtocolVersion.V5 if five else aiomqtt.ProtocolVersion.V311,
        "timeout": timeout,
        "keepalive": broker.keepalive,
        "tls_context": cast(ssl.SSLContext, tls) if tls else None,
        "queue_type": queue,
        "max_queued_incoming_messages": waiting,
        "logger": _of_library,
    }
    if not five:
        options["clean_session"] = not (broker.keep_session and broker.client_id)
    elif broker.keep_session and broker.client_id:
        options |= {"clean_start": False, "properties": _session_of_five()}
    return options


def _session_of_five() -> Any:
    from paho.mqtt.packettypes import PacketTypes
    from paho.mqtt.properties import Properties

    properties: Any = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call,unused-ignore]
    properties.SessionExpiryInterval = 24 * 3600
    return properties


def _drop(client: Any, tls: _Named | None) -> None:
    """Close the sockets of a connection that never came about; the library leaves them open."""
    client._client._sock_close()
    if tls is not None and tls.latest is not None:
        tls.latest.close()


class _Named:
    """A TLS context that verifies the broker's name although the connection goes to a number."""

    def __init__(self, trust: ssl.SSLContext, name: str) -> None:
        self._trust = trust
        self._name = name
        self.check_hostname = trust.check_hostname
        self.latest: ssl.SSLSocket | None = None

    def wrap_socket(self, sock: Any, server_hostname: str = "", **options: Any) -> ssl.SSLSocket:
        """As the library asks for it, with the right name."""
        self.latest = self._trust.wrap_socket(sock, server_hostname=self._name, **options)
        return self.latest


def _queue(dropped: Callable[[], None]) -> type[asyncio.Queue[Any]]:
    """A queue that makes room for what is new."""

    class Latest(asyncio.Queue[Any]):
        def put_nowait(self, item: Any) -> None:
            if self.full():
                self.get_nowait()
                dropped()
            super().put_nowait(item)

    return Latest


def _reason(fault: Exception | None) -> str:
    """A fault in words that are safe to show."""
    match fault:
        case ssl.SSLCertVerificationError():
            return "its certificate is not trusted"
        case TimeoutError():
            return "no answer in time"
    cause = getattr(fault, "__cause__", None)
    if isinstance(cause, Exception) and cause is not fault:
        return _reason(cause)
    return str(fault)[:200] or type(fault).__name__
