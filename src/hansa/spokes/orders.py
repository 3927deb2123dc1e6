"""What an import orders for the time after it: the live job's address, options and facts.

They stand on the DataSource entity too, for people; but a job goes by the order, which only an import can
write. Whoever may write entities could otherwise send the node to an address of theirs with a secret of
the node in a header.
"""

from __future__ import annotations

from typing import Any, Final

import orjson

from hansa.kernel.errors import BadRequest, HansaError
from hansa.spokes.manifest import Manifest
from hansa.spokes.port import Plain, Task
from hansa.store.port import Edited, Reader, Store, Write

__all__ = ["give", "task_for"]

_KIND: Final = "live-source"


def give(store: Store, task: Task) -> None:
    """Keep what a live job will need, in place of what an earlier import of the source ordered.

    Raises:
        HansaError: the store cannot keep it.
    """
    order = {
        "id": task.source_id,
        "namespace": task.namespace,
        "options": dict(task.options),
        "source": task.source,
        "facts": task.facts,
    }
    write = Write(task.source_id, lambda _: Edited(order))
    (outcome,) = store.write_records(_KIND, [write]).result()
    if isinstance(outcome, HansaError):
        raise outcome


def task_for(store: Reader, manifest: Manifest, source: Plain) -> Task:
    """What the import of `source` (its entity, simplified) ordered.

    An import of an earlier version of Hansa left no order. A file's live job then goes by the entity, but
    without what would lead to a secret.

    Raises:
        BadRequest: there is no order, and the source is one on the network.
    """
    stored = store.record(_KIND, source["id"])
    if stored is not None:
        order: dict[str, Any] = orjson.loads(stored)
        return Task(
            order["id"], order["namespace"], order["options"], order["source"], order["facts"]
        )
    if manifest.remote:
        raise BadRequest(source["id"], "was not made by an import on this node", "import it")
    options = source.get("options", {}).get("json", {})
    harmless = {
        n: v for n, v in options.items() if not isinstance(v, str) or not {"$", "@"} & set(v)
    }
    return Task(source["id"], source["namespace"], harmless)
