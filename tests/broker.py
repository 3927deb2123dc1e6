"""A mosquitto for tests: on a free port of loopback, ended by its process at the end.

Where Debian's ``mosquitto`` is not installed, the tests that need it are skipped by name.
"""

from __future__ import annotations

import contextlib
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

MOSQUITTO = shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin")
PASSWD = shutil.which("mosquitto_passwd")

needs_mosquitto = pytest.mark.skipif(MOSQUITTO is None, reason="needs mosquitto (an MQTT broker)")


@dataclass
class Mosquitto:
    """A broker under test."""

    port: int
    config: Path
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        assert MOSQUITTO is not None
        self.process = subprocess.Popen(
            [MOSQUITTO, "-c", str(self.config)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        until = time.monotonic() + 20
        while time.monotonic() < until:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port)):
                return
            assert self.process.poll() is None, "mosquitto ended at once"
            time.sleep(0.02)
        raise AssertionError("mosquitto does not listen")

    def stop(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


@contextlib.contextmanager
def mosquitto(
    folder: Path, *lines: str, users: dict[str, str] | None = None
) -> Iterator[Mosquitto]:
    """A running broker.

    Args:
        folder: for its configuration.
        lines: of its configuration, beyond the listener.
        users: names and passwords, where it asks for them.
    """
    port = free_port()
    text = [f"listener {port} 127.0.0.1", "persistence false", *lines]
    if users:
        passwords = folder / "passwords"
        passwords.touch()
        for name, password in users.items():
            assert PASSWD is not None
            subprocess.run([PASSWD, "-b", str(passwords), name, password], check=True, capture_output=True)  # fmt: skip
        passwords.chmod(0o644)
        text += ["allow_anonymous false", f"password_file {passwords}"]
    else:
        text.append("allow_anonymous true")
    text.append("user root")
    config = folder / "mosquitto.conf"
    config.write_text("\n".join(text) + "\n")
    broker = Mosquitto(port, config)
    try:
        broker.start()
        yield broker
    finally:
        broker.stop()
