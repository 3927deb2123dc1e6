"""``/ngsi-ld/ex/remote-notify``: where sources tell of the subscriptions that were passed on to them (5.8.6).

The specification names no resource for it. Whoever knows the identifier of a copy may notify: it is made
by chance, and told to the source alone.
"""

from __future__ import annotations

from typing import Final

from hansa.hub.federation.copies import PATH
from hansa.ngsild.context import CORE
from hansa.trust.principals import LOCAL
from hansa.web.api.answer import Answer
from hansa.web.api.call import Call
from hansa.web.api.distribution import asker_of
from hansa.web.api.operation import Operation

__all__ = ["NOTIFIED"]


async def _take(call: Call) -> Answer:
    payload = await call.json()
    store = call.service.gate.writer(LOCAL, call.tenant)
    await call.service.relay.take(asker_of(call, CORE), store, payload)
    return Answer(200)


NOTIFIED: Final = Operation(
    "POST", PATH, "Notification of a Context Source", "5.8.6", _take, open=True
)
