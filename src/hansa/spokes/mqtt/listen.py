"""A connection to a broker that is held: what comes goes into a box of bounded size.

The box has room for a number of messages and of bytes. While it is full nothing more is read from the
connection, so the broker must wait (and keeps what it has promised to keep); only when nobody empties the
box for long does its oldest message go, and is counted. Where the broker keeps a session for us (QoS 1 and
a name of our own), a message is acknowledged only when it is written, so that none is lost if we die. A connection that breaks, or does not come about, is
tried again after a pause that doubles up to a minute, with some chance in it so that many nodes do not come
back at once.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import ssl
import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from hansa.kernel.errors import BadRequest, HansaError
from hansa.kernel.mqtt import Broker, MqttFailed, acknowledge, parse_endpoint
from hansa.spokes.mqtt.map import Message
from hansa.spokes.port import Options, WayOut
from hansa.spokes.secrets import reveal

__all__ = ["Box", "Line", "Listener", "broker_for", "collect", "trust_for"]

LARGEST: Final = 1_000_000
"""Bytes of the largest message that is taken in."""

_MESSAGES: Final = 5_000
_BYTES: Final = 64_000_000
_PATIENCE: Final = 20.0
_FIRST_PAUSE: Final = 1.0
_LONGEST_PAUSE: Final = 60.0


def broker_for(source: str, options: Options) -> Broker:
    """The broker at the address `source`, with what the options say.

    Raises:
        BadRequest: the address is none, or a secret is not where the options say.
    """
    broker, topic = parse_endpoint(source)
    if topic:
        raise BadRequest(
            "the address of the source", "names a topic", "topics stand in the mapping file"
        )
    user = str(options.get("username", ""))
    return Broker(
        host=broker.host,
        port=broker.port,
        tls=broker.tls,
        username=reveal(user, "username") if user.startswith(("$", "@")) else user,
        password=reveal(str(options.get("password", "")), "password"),
        version="5" if options.get("version") == "5" else "3.1.1",
        client_id=str(options.get("client_id", "")),
        keep_session=bool(options.get("client_id")),
    )


def trust_for(options: Options) -> ssl.SSLContext | None:
    """The authority that the options name, if they name one."""
    path = str(options.get("authority", ""))
    if not path:
        return None
    try:
        return ssl.create_default_context(cafile=path)
    except (OSError, ValueError):
        raise BadRequest(
            "option 'authority'", "names no file with certificates (PEM)", "check path and rights"
        ) from None


class Box:
    """Messages that wait to be written. Safe to use from two threads."""

    def __init__(self, messages: int | None = None, size: int = _BYTES) -> None:
        self._most = _MESSAGES if messages is None else messages
        self._largest = size
        self._waiting: deque[Message] = deque()
        self._size = 0
        self._room = threading.Condition()
        self._given_up = False
        self.dropped = 0
        self.shed: list[Message] = []
        """Messages that were dropped, until somebody takes note."""

    def __len__(self) -> int:
        return len(self._waiting)

    def put(self, message: Message, patience: float = _PATIENCE) -> None:
        """Wait for room; after `patience` seconds, and from then on, the oldest messages make it."""
        size = len(message.payload) + len(message.topic)
        with self._room:
            wait = 0.0 if self._given_up else patience
            self._given_up = not self._room.wait_for(lambda: self._has_room(size), wait)
            while not self._has_room(size):
                self.shed.append(self._take())
                self.dropped += 1
            self._waiting.append(message)
            self._size += size

    def empty(self) -> list[Message]:
        """All that waits, oldest first."""
        with self._room:
            found = list(self._waiting)
            self._waiting.clear()
            self._size = 0
            self._given_up = False
            self._room.notify_all()
        return found

    def _has_room(self, size: int) -> bool:
        full = len(self._waiting) >= self._most or self._size + size > self._largest
        return not (full and self._waiting)

    def _take(self) -> Message:
        oldest = self._waiting.popleft()
        self._size -= len(oldest.payload) + len(oldest.topic)
        return oldest


@dataclass(frozen=True, slots=True)
class Line:
    """How to reach a broker, and what to ask it for."""

    out: WayOut
    broker: Broker
    trust: ssl.SSLContext | None
    filters: Sequence[str]
    qos: int

    @property
    def late(self) -> bool:
        """Whether messages are acknowledged only when they are written."""
        return self.qos > 0 and self.broker.keep_session


async def _receive(
    line: Line,
    connected: Callable[[Any], None],
    take: Callable[[Any], None],
    *,
    late: bool = False,
) -> None:
    """Connect, subscribe, and hand every message to `take`, until the connection breaks."""
    async with line.out.mqtt(line.broker, trust=line.trust, manual_ack=late) as client:
        for topic in line.filters:
            granted = await client.subscribe(topic, qos=line.qos)
            if any(int(getattr(code, "value", code)) >= 128 for code in granted):
                raise MqttFailed(line.broker.label, f"does not let us read the topic '{topic}'")
        connected(client)
        async for message in client.messages:
            take(message)


def collect(line: Line, seconds: float, now: datetime) -> list[Message]:
    """What comes within some seconds, up to the size of a box.

    Raises:
        HansaError: the broker cannot be reached or refuses us.
    """
    box = Box()

    async def work() -> None:
        done = asyncio.Event()

        def take(message: Any) -> None:
            if (found := _message(message, now)) is not None:
                box.put(found, patience=0)

        task = asyncio.create_task(_receive(line, lambda client: done.set(), take))
        waiting = asyncio.create_task(done.wait())
        await asyncio.wait({task, waiting}, return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            await asyncio.wait({task}, timeout=seconds)
        waiting.cancel()
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task

    asyncio.run(work())
    return box.empty()


def _message(message: Any, now: datetime, connection: int | None = None) -> Message | None:
    payload = message.payload
    if not isinstance(payload, bytes | bytearray):
        payload = str(payload if payload is not None else "").encode()
    if len(payload) > LARGEST:
        return None
    receipt = (
        None if connection is None or not message.qos else (connection, message.mid, message.qos)
    )
    return Message(str(message.topic), bytes(payload), now, bool(message.retain), receipt)


@dataclass(slots=True)
class _Held:
    """A message of QoS 2 that came once: what it says, the last connection by which it came, and whether
    it is written. The broker gives its number to no other message before we confirm it."""

    said: int
    connection: int
    written: bool = False


class Listener:
    """Holds the connection on a thread of its own.

    Args:
        now: tells the node clock's present time.

    Attributes:
        fault: why there is no connection at present.
    """

    def __init__(self, line: Line, now: Callable[[], datetime]) -> None:
        self._line = line
        self._now = now
        self.box = Box()
        self.fault: HansaError | None = None
        self.connected = False
        self.too_large = 0
        self._client: Any = None
        self._number = 0
        """Of the connection: receipts are good for the one that they came by."""
        self._held: dict[int, _Held] = {}
        """Messages of QoS 2 that the broker has not been told of, by their number."""
        self._stop = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[None] | None = None
        self._thread = threading.Thread(target=self._run, name="mqtt", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End the connection; waits for it a little."""
        self._stop.set()
        self.box.empty()
        loop, task = self._loop, self._task
        if loop is not None and task is not None:
            with contextlib.suppress(RuntimeError):  # it has ended by itself
                loop.call_soon_threadsafe(task.cancel)
        self._thread.join(timeout=5)

    def acknowledge(self, messages: Sequence[Message]) -> None:
        """Tell the broker that these messages are written, or will never be; from any thread."""
        receipts = [each.receipt for each in messages if each.receipt is not None]
        loop = self._loop
        if receipts and loop is not None:
            with contextlib.suppress(RuntimeError):  # it has ended: the broker sends them again
                loop.call_soon_threadsafe(self._acknowledge, receipts)

    def _acknowledge(self, receipts: Sequence[tuple[int, int, int]]) -> None:
        for came_by, number, qos in receipts:
            connection = came_by
            if qos == 2 and (held := self._held.get(number)) is not None:
                held.written = True
                connection = held.connection
            if connection == self._number and self._client is not None:
                acknowledge(self._client, number, qos)
                if qos == 2:
                    self._held.pop(number, None)

    def _run(self) -> None:
        with contextlib.suppress(asyncio.CancelledError):
            asyncio.run(self._hold())

    async def _hold(self) -> None:
        self._loop, self._task = asyncio.get_running_loop(), asyncio.current_task()
        pause = _FIRST_PAUSE
        while not self._stop.is_set():
            try:
                self._number += 1
                await _receive(self._line, self._begin, self._take, late=self._line.late)
            except HansaError as fault:
                self.fault = fault
            except Exception as fault:  # whatever the library does wrong must not end the thread
                self.fault = MqttFailed(
                    self._line.broker.label, f"the connection broke ({type(fault).__name__})"
                )
            pause = _FIRST_PAUSE if self.connected else min(pause * 2, _LONGEST_PAUSE)
            self.connected, self._client = False, None
            await asyncio.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311 - no secret

    def _begin(self, client: Any) -> None:
        self.connected, self.fault, self._client = True, None, client

    def _take(self, message: Any) -> None:
        """One message into the box. It may block: then nothing is read, and the broker waits."""
        connection = self._number if self._line.late else None
        if connection is not None and message.qos == 2 and self._came_before(message, connection):
            return
        found = _message(message, self._now(), connection)
        if found is None:
            self.too_large += 1
            if connection is not None and message.qos:
                self._acknowledge([(connection, message.mid, message.qos)])
        elif not self._stop.is_set():
            self.box.put(found)
            if self.box.shed:
                self.acknowledge(self.box.shed)
                self.box.shed = []

    def _came_before(self, message: Any, connection: int) -> bool:
        """Whether a message of QoS 2 came by an earlier connection already; it is then taken once."""
        said = hash((str(message.topic), bytes(message.payload or b"")))
        held = self._held.get(message.mid)
        if held is None or held.said != said or held.connection == connection:
            self._held[message.mid] = _Held(said, connection)
            return False
        held.connection = connection
        if held.written:
            self._acknowledge([(connection, message.mid, 2)])
        return True
