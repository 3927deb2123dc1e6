"""Who may call which function: a table of every address of a node by every verb, and those who might ask.

A new route needs a row here (``tests/architecture/test_functions.py`` says so); ``test_functions.py`` then asks it as
everybody. What a row means stands in :data:`MAY`.
"""

from __future__ import annotations

BAD = {"guess", "expired", "revoked", "of-disabled", "forged", "service-shut"}
"""They send something that should prove who they are, and does not."""

SESSIONS = {"resident-session", "data-officer-session", "auditor-session", "administrator-session"}
"""They come by the cookie of a session. The NGSI-LD API knows no cookies: there they are the public."""

NOBODYS = {"public", "ended-session", "idle-session", "session-of-disabled"}
"""They are nobody in particular; a cookie that is over is none."""

TOKENS = {
    "service",
    "city",
    "resident",
    "data-officer",
    "strategy",
    "diplomat",
    "planner",
    "auditor",
    "administrator",
    "administrator-here",
}
"""They send a token of an account that reaches as far as the account; the last one only the city's own tenant."""

NARROW = {
    "administrator-reads",
    "administrator-writes",
    "administrator-administers",
    "administrator-of-cars",
    "administrator-elsewhere",
}
"""An administrator's tokens for one scope, for one type, for another tenant."""

OPERATOR = {"operator"}
EVERYBODY = BAD | SESSIONS | NOBODYS | TOKENS | NARROW | OPERATOR

_NO_READ = {"administrator-writes", "administrator-administers", "administrator-elsewhere"}
_WHOLE = OPERATOR | {"administrator", "administrator-here"}
_ADMINS = _WHOLE | {"administrator-administers", "administrator-session"}

_TOLD = TOKENS | OPERATOR | {"administrator-reads", "administrator-of-cars"}
_MINE = TOKENS - {"service", "city"}

MAY = {
    # What is the same for everybody, because it is public; only a token that proves nothing is told so.
    "file": EVERYBODY - BAD,
    # What anybody sees, in their language; the same.
    "page": EVERYBODY - BAD,
    # The city's own data, by the API.
    "read": EVERYBODY - BAD - _NO_READ,
    "write": _WHOLE | {"administrator-writes"},
    # Entities, for those whose token names a source: its own alone.
    "bring": _WHOLE | {"administrator-writes", "data-officer", "service"},
    # What takes reading and writing: what only those read who may change it, what is found before it is changed.
    "read-write": _WHOLE,
    # What tells its owner of changes: for all who say who they are and may read, and for who may write.
    "subscribe": _TOLD | {"administrator-writes"},
    "subscribed": _TOLD,
    # A page that writes.
    "page-write": _WHOLE | {"administrator-writes", "administrator-session"},
    # Staff, programs and cities; their token must read.
    "known": (TOKENS - {"resident"} | OPERATOR | SESSIONS | {"administrator-reads"})
    - {"resident-session"}
    | {"administrator-of-cars"},
    # One's own account.
    "own": SESSIONS,
    # What is held about oneself: by one's session, or a token that may read, or change, everything of one's own.
    "mine": SESSIONS | _MINE | {"administrator-reads"},
    "mine-write": _MINE | {"administrator-writes"},
    "admin": _ADMINS,
    "data-officer": _ADMINS | {"data-officer", "data-officer-session"},
    # Whoever knows a secret, a password or a key: it is asked for there, and nowhere else.
    "door": EVERYBODY,
}

DEPENDS = {"bring": {"administrator-of-cars"}}
"""For whom it depends on what they send, which is looked at elsewhere."""

ELSEWHERE = {
    "read": OPERATOR
    | {"administrator", "administrator-reads", "administrator-elsewhere", "administrator-of-cars"},
    "write": OPERATOR | {"administrator", "administrator-writes", "administrator-elsewhere"},
    "bring": OPERATOR | {"administrator-elsewhere"},
    "read-write": OPERATOR | {"administrator", "administrator-elsewhere"},
    "subscribe": OPERATOR
    | {
        "administrator",
        "administrator-reads",
        "administrator-writes",
        "administrator-elsewhere",
        "administrator-of-cars",
    },
    "subscribed": OPERATOR
    | {"administrator", "administrator-reads", "administrator-elsewhere", "administrator-of-cars"},
}
"""The same for a tenant other than the city's own, which nobody published."""

FUNCTIONS = """
file   GET    /openapi.json
file   GET    /contexts/{name}
file   GET    /.well-known/oauth-authorization-server
file   GET    /.well-known/jwks.json
door   POST   /oauth/token
file   GET    /log/checkpoint
file   GET    /log/key
file   GET    /log/verify_log.py
file   GET    /log/tile/{path:path}
file   GET    /log/volumes/{number:int}/checkpoint
file   GET    /log/volumes/{number:int}/key
file   GET    /log/volumes/{number:int}/tile/{path:path}
door   POST   /log/add-checkpoint
file   GET    /log/{origin}/checkpoint
file   GET    /hansa/v1/log
file   GET    /hansa/v1/log/entries
file   GET    /hansa/v1/algorithms
file   GET    /hansa/v1/algorithms/form
file   GET    /hansa/v1/algorithms/{id}
page   GET    /hansa/v1/policies
file   GET    /hansa/v1/policies/form
page   GET    /hansa/v1/policies/explain
page   GET    /hansa/v1/policies/{name}
page   GET    /hansa/v1/policies/{name}/versions
data-officer PUT    /hansa/v1/policies/{name}
data-officer DELETE /hansa/v1/policies/{name}
data-officer POST   /hansa/v1/policies/{name}/restore
data-officer POST   /hansa/v1/policies/{name}/preview
file   GET    /hansa/v1/sources
file   GET    /hansa/v1/sources/form
file   GET    /hansa/v1/sources/{id}
file   GET    /hansa/v1/sources/{id}/versions
data-officer PUT    /hansa/v1/sources/{id}
data-officer DELETE /hansa/v1/sources/{id}
data-officer PUT    /hansa/v1/algorithms/{id}
data-officer DELETE /hansa/v1/algorithms/{id}
door   POST   /hansa/v1/told/{secret}
page   GET    /
page   GET    /city/search
file   GET    /city/day
file   GET    /live/vehicles
file   GET    /tiles.json
file   GET    /tiles/{z:int}/{x:int}/{y:int}.mvt
page   GET    /entity/{id:path}
page   GET    /data
file   GET    /data/{type:path}.geojson
file   GET    /data/{type:path}.jsonld
page   GET    /data/{type:path}
page   GET    /live
page-write POST /live/letters
page   GET    /open-book
page   GET    /open-book/sources
page   GET    /open-book/sources/{id}
file   GET    /open-book/sources/{id}/sign.{form}
page   GET    /open-book/frugality
page   GET    /open-book/access
file   GET    /hansa/v1/open-book
file   GET    /hansa/v1/open-book/sources
file   GET    /hansa/v1/open-book/sources/{id}
file   GET    /hansa/v1/open-book/frugality
file   GET    /hansa/v1/open-book/access
page   GET    /open-book/log
page   GET    /open-book/privacy
file   GET    /hansa/v1/privacy
file   GET    /hansa/v1/privacy/personal
file   GET    /hansa/v1/privacy/counts
known  POST   /hansa/v1/privacy/counts
file   GET    /hansa/v1/privacy/sources/{id}
page   GET    /open-book/algorithms
page   GET    /open-book/policies
page   GET    /open-book/policies/explain
data-officer GET    /admin/policies
data-officer POST   /admin/policies
page   GET    /api
page   GET    /login
door   POST   /login
door   POST   /login/passkey
door   POST   /login/passkey/options
door   GET    /login/with/{provider}
door   GET    /login/from/{provider}
door   POST   /logout
admin  GET    /hansa/v1/providers
door   GET    /link/{secret}
door   POST   /link/{secret}
own    GET    /my-data
own    POST   /my-data
data-officer GET    /admin/residents
data-officer POST   /admin/residents
mine   GET    /hansa/v1/me/data
mine   GET    /hansa/v1/me/data/export
mine-write POST   /hansa/v1/me/requests
mine-write PUT    /hansa/v1/me/consents/{purpose:path}
mine-write DELETE /hansa/v1/me/consents/{purpose:path}
own    GET    /account
own    POST   /account
own    POST   /account/passkey/options
page   GET    /hansa/v1/me
admin  GET    /admin/accounts
admin  POST   /admin/accounts
admin  GET    /hansa/v1/accounts
data-officer GET    /admin/sources
data-officer POST   /admin/sources
admin  GET    /admin/clients
admin  POST   /admin/clients
admin  GET    /hansa/v1/clients
file   GET    /static/{digest}/{path:path}
file   GET    /favicon.ico
bring  POST   /ngsi-ld/v1/entities
read   GET    /ngsi-ld/v1/entities
bring  DELETE /ngsi-ld/v1/entities
read   GET    /ngsi-ld/v1/entities/{entityId}
bring  PUT    /ngsi-ld/v1/entities/{entityId}
bring  PATCH  /ngsi-ld/v1/entities/{entityId}
bring  DELETE /ngsi-ld/v1/entities/{entityId}
bring  POST   /ngsi-ld/v1/entities/{entityId}/attrs
bring  PATCH  /ngsi-ld/v1/entities/{entityId}/attrs
bring  PATCH  /ngsi-ld/v1/entities/{entityId}/attrs/{attrName}
bring  PUT    /ngsi-ld/v1/entities/{entityId}/attrs/{attrName}
bring  DELETE /ngsi-ld/v1/entities/{entityId}/attrs/{attrName}
bring  POST   /ngsi-ld/v1/entityOperations/create
bring  POST   /ngsi-ld/v1/entityOperations/upsert
bring  POST   /ngsi-ld/v1/entityOperations/update
bring  POST   /ngsi-ld/v1/entityOperations/merge
bring  POST   /ngsi-ld/v1/entityOperations/delete
read   POST   /ngsi-ld/v1/entityOperations/query
read   GET    /ngsi-ld/v1/types
read   GET    /ngsi-ld/v1/types/{type}
read   GET    /ngsi-ld/v1/attributes
read   GET    /ngsi-ld/v1/attributes/{attrName}
bring  POST   /ngsi-ld/v1/temporal/entities
read   GET    /ngsi-ld/v1/temporal/entities
read   GET    /ngsi-ld/v1/temporal/entities/{entityId}
bring  DELETE /ngsi-ld/v1/temporal/entities/{entityId}
bring  POST   /ngsi-ld/v1/temporal/entities/{entityId}/attrs
bring  DELETE /ngsi-ld/v1/temporal/entities/{entityId}/attrs/{attrName}
bring  PATCH  /ngsi-ld/v1/temporal/entities/{entityId}/attrs/{attrName}/{instanceId}
bring  DELETE /ngsi-ld/v1/temporal/entities/{entityId}/attrs/{attrName}/{instanceId}
read   POST   /ngsi-ld/v1/temporal/entityOperations/query
write  POST   /ngsi-ld/v1/jsonldContexts
read   GET    /ngsi-ld/v1/jsonldContexts
read   GET    /ngsi-ld/v1/jsonldContexts/{contextId}
write  DELETE /ngsi-ld/v1/jsonldContexts/{contextId}
write  POST   /ngsi-ld/v1/snapshots
write  DELETE /ngsi-ld/v1/snapshots
read   GET    /ngsi-ld/v1/snapshots/{snapshotId}
read-write PATCH /ngsi-ld/v1/snapshots/{snapshotId}
read-write DELETE /ngsi-ld/v1/snapshots/{snapshotId}
read-write POST /ngsi-ld/v1/snapshots/{snapshotId}/clone
subscribe POST /ngsi-ld/v1/subscriptions
subscribed GET /ngsi-ld/v1/subscriptions
subscribed GET /ngsi-ld/v1/subscriptions/{subscriptionId}
subscribe PATCH /ngsi-ld/v1/subscriptions/{subscriptionId}
subscribe DELETE /ngsi-ld/v1/subscriptions/{subscriptionId}
read   GET    /ngsi-ld/v1/entityMaps
read   POST   /ngsi-ld/v1/entityMaps
read   GET    /ngsi-ld/v1/temporal/entityMaps
read   GET    /ngsi-ld/v1/entityMaps/{entityMapId}
read   PATCH  /ngsi-ld/v1/entityMaps/{entityMapId}
read   DELETE /ngsi-ld/v1/entityMaps/{entityMapId}
write  POST   /ngsi-ld/v1/csourceRegistrations
read   GET    /ngsi-ld/v1/csourceRegistrations
read   GET    /ngsi-ld/v1/csourceRegistrations/{registrationId}
write  PATCH  /ngsi-ld/v1/csourceRegistrations/{registrationId}
write  DELETE /ngsi-ld/v1/csourceRegistrations/{registrationId}
write  POST   /ngsi-ld/v1/csourceSubscriptions
read-write GET /ngsi-ld/v1/csourceSubscriptions
read-write GET /ngsi-ld/v1/csourceSubscriptions/{subscriptionId}
write  PATCH  /ngsi-ld/v1/csourceSubscriptions/{subscriptionId}
write  DELETE /ngsi-ld/v1/csourceSubscriptions/{subscriptionId}
read   GET    /ngsi-ld/v1/info/sourceIdentity
"""


def table() -> dict[tuple[str, str], str]:
    """Verb and pattern of every function, and the group of :data:`MAY` that may call it."""
    rows = [line.split() for line in FUNCTIONS.strip().splitlines()]
    found = {(verb, pattern): group for group, verb, pattern in rows}
    assert len(found) == len(rows), "a row stands in the table twice"
    assert set(found.values()) <= MAY.keys()
    return found
