"""The entities that brokers are loaded with: readings of air sensors, 1,024 bytes each as sent.

Everything is a function of the number of the entity, so that every broker holds the same. Among
100,000 entities, spread evenly over two by two degrees, a hundred share one temperature.
"""

from __future__ import annotations

import http.client
import json
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

__all__ = ["BATCH", "SIZE", "entity", "load"]

SIZE = 1024
BATCH = 100
_CLIENTS = 4
_WEST, _SOUTH, _SPAN = -72.0, -31.0, 2.0
_STEPS = (0.7548776662466927, 0.5698402909980532)  # a sequence that fills the square evenly


def entity(number: int) -> bytes:
    """Entity `number`, normalized, without an @context of its own."""
    east, north = (_SPAN * (number * step % 1.0) for step in _STEPS)
    body = {
        "id": f"urn:ngsi-ld:Reading:{number}",
        "type": "Reading",
        "name": {"type": "Property", "value": f"Station {number}"},
        "temperature": {
            "type": "Property",
            "value": number * 7919 % 1000 / 10,
            "unitCode": "CEL",
            "observedAt": "2026-08-10T12:00:00Z",
            "accuracy": {"type": "Property", "value": 0.5},
        },
        "humidity": {"type": "Property", "value": number % 101, "unitCode": "P1"},
        "speed": {"type": "Property", "value": number % 60},
        "location": {
            "type": "GeoProperty",
            "value": {
                "type": "Point",
                "coordinates": [round(_WEST + east, 6), round(_SOUTH + north, 6)],
            },
        },
        "refDevice": {"type": "Relationship", "object": f"urn:ngsi-ld:Device:{number % 1000}"},
        "note": {"type": "Property", "value": ""},
    }
    short = json.dumps(body, separators=(",", ":"))
    body["note"] = {"type": "Property", "value": "z" * (SIZE - len(short))}
    return json.dumps(body, separators=(",", ":")).encode()


def load(base: str, count: int) -> None:
    """Upsert entities 0 to `count` - 1 at `base`, a few batches at a time.

    Raises:
        RuntimeError: the broker refused a batch.
    """
    where = urlsplit(base)

    def part(first: int) -> None:
        connection = http.client.HTTPConnection(where.netloc, timeout=120)
        for start in range(first * BATCH, count, _CLIENTS * BATCH):
            items = b",".join(entity(n) for n in range(start, min(start + BATCH, count)))
            connection.request(
                "POST",
                f"{where.path}/entityOperations/upsert",
                b"[" + items + b"]",
                {"Content-Type": "application/json"},
            )
            answer = connection.getresponse()
            text = answer.read()
            if answer.status not in (200, 201, 204):
                raise RuntimeError(f"a batch was answered with {answer.status}: {text[:500]!r}")
        connection.close()

    with ThreadPoolExecutor(_CLIENTS) as pool:
        list(pool.map(part, range(_CLIENTS)))
