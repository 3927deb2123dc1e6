"""A spoke that reads a list of benches: one a line, ``number;seats;longitude;latitude``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from hansa.kernel.errors import BadRequest
from hansa.spokes.manifest import Manifest, load_manifest
from hansa.spokes.port import About, Item, Options, Place, Refusal
from hansa.spokes.source import SourceFile, open_file


class Benches:
    """An opened list."""

    def __init__(self, file: SourceFile, namespace: str) -> None:
        self._file = file
        self._namespace = namespace
        try:
            text = file.path.read_text(encoding="utf-8")
        except UnicodeDecodeError as fault:
            raise BadRequest(file.label, "is not text in UTF-8", "save it as UTF-8") from fault
        self._lines = text.splitlines()
        self.total: int | None = len(self._lines)
        self.about = About(title="Benches", file=file.label, digest=file.digest())

    def items(self) -> Iterator[Item]:
        """A bench a line; a line that is none is refused with its number."""
        for number, line in enumerate(self._lines, 1):
            try:
                bench, seats, longitude, latitude = line.split(";")
                point = [float(longitude), float(latitude)]
                yield {
                    "id": f"urn:ngsi-ld:Bench:{self._namespace}:{bench}",
                    "type": "Bench",
                    "seats": {"type": "Property", "value": int(seats)},
                    "location": {
                        "type": "GeoProperty",
                        "value": {"type": "Point", "coordinates": point},
                    },
                }
            except ValueError as fault:
                yield Refusal(Place(self._file.label, number), str(fault))

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()


class BenchSpoke:
    """Reads lists of benches."""

    manifest: Manifest = load_manifest(__name__)

    def open(self, source: str, namespace: str, options: Options) -> Benches:
        """The list in the file `source`."""
        file = open_file(source)
        try:
            return Benches(file, namespace)
        except BaseException:
            file.close()
            raise


SPOKE: Final = BenchSpoke()
