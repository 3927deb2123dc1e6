"""A log as plain files over HTTP, as any web server could serve them; each can be changed."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from hansa.trust.log.book import LogBook
from hansa.trust.log.notes import Checkpoint
from hansa.trust.log.tiles import Tile, width


def files_of(book: LogBook) -> dict[str, bytes]:
    """All that a log publishes, by path."""
    note = book.shown
    assert note is not None
    size = Checkpoint.parse(note.text).size
    found = {"checkpoint": note.to_bytes(), "key": book.keys.log.verifier.vkey.encode()}
    for level in (None, 0, 1, 2, 3):
        index = 0
        while there := width(level, index, size):
            tile = Tile(level, index, there)
            content = book.tile(tile)
            assert content is not None
            found[f"tile/{tile.path}"] = content
            index += 1
    return found


@contextmanager
def serving(files: dict[str, bytes]) -> Iterator[str]:
    """Serve `files`; yields the address."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1

        def do_GET(self) -> None:
            content = files.get(self.path.removeprefix("/log/"))
            self.send_response(404 if content is None else 200)
            self.send_header("Content-Length", str(len(content or b"")))
            self.end_headers()
            self.wfile.write(content or b"")

        def log_message(self, format: str, *args: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = False
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/log"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
