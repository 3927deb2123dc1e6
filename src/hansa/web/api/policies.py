"""``/hansa/v1/policies``: the rules about who may see what, published, explained, tried and changed.

Anyone reads them, without the names of people. ``PUT`` puts a policy in force, ``DELETE`` withdraws it, ``POST …/restore``
brings an earlier version back, ``POST …/preview`` says what a change would change; all need a token, or the session of
a page, of a data officer, an administrator or the operator. ``/hansa/v1/policies/form`` says what a policy is made of.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, Final

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from hansa.kernel.errors import BadRequest, NotFound, TooLarge
from hansa.trust.policy.explain import knows
from hansa.trust.policy.operands import DUTIES, LIMITS, OPERANDS
from hansa.trust.policy.parse import PROFILE, decoded
from hansa.trust.policy.preview import differences
from hansa.trust.policy.published import published
from hansa.trust.policy.view import ACTIONS
from hansa.trust.principals import LOCAL
from hansa.web.api.register import answering
from hansa.web.shell.forms import sender
from hansa.web.shell.site import PageNode

__all__ = ["PolicyRoutes", "preview"]

_PATH: Final = "/hansa/v1/policies"
_OPEN: Final = {"X-Content-Type-Options": "nosniff", "Vary": "Authorization, Cookie"}


class PolicyRoutes:
    """The addresses of the policies."""

    def __init__(self, node: PageNode) -> None:
        self._node = node
        self._policies = node.trust.policies

    def routes(self) -> list[Route]:
        """All of them."""
        one = _PATH + "/{name}"
        return [
            Route(_PATH, answering(self._all)),
            Route(_PATH + "/form", answering(self._form)),
            Route(_PATH + "/explain", answering(self._explain)),
            Route(one, answering(self._one)),
            Route(one, answering(self._put), methods=["PUT"]),
            Route(one, answering(self._withdraw), methods=["DELETE"]),
            Route(one + "/versions", answering(self._versions)),
            Route(one + "/restore", answering(self._restore), methods=["POST"]),
            Route(one + "/preview", answering(self._preview), methods=["POST"]),
        ]

    async def _all(self, request: Request) -> Response:
        whole = knows(sender(self._node, request))
        found = await run_in_threadpool(self._policies.all)
        return JSONResponse([published(each, whole=whole) for each in found], headers=_OPEN)

    async def _form(self, request: Request) -> Response:
        operands = {
            name: {
                "operators": each.operators,
                "rightOperand": each.form,
                "means": each.means,
                **({"refused": each.refused} if each.refused else {}),
            }
            for name, each in OPERANDS.items()
        }
        duties = {
            name: {"constraint": each.form, "means": each.means}
            for name, each in DUTIES.items()
            if not each.refused
        }
        form = {
            "profile": PROFILE,
            "actions": ACTIONS,
            "constraints": operands,
            "duties": duties,
            "limits": dict(LIMITS),
        }
        return JSONResponse(form, headers=_OPEN)

    async def _explain(self, request: Request) -> Response:
        asked = request.query_params
        found = await run_in_threadpool(
            self._node.trust.explainer.explain,
            sender(self._node, request),
            asked.get("who", "public"),
            asked.get("what", ""),
            asked.get("attribute", ""),
            tenant=asked.get("tenant") or None,
            purpose=asked.get("purpose") or None,
        )
        return JSONResponse(asdict(found), headers={**_OPEN, "Cache-Control": "no-store"})

    async def _one(self, request: Request) -> Response:
        """The policy itself, to be kept and compared; what is to be known of it stands in the list."""
        whole = knows(sender(self._node, request))
        name, version = request.path_params["name"], request.query_params.get("version")
        kept = await run_in_threadpool(self._policies.get, name)
        if version is not None:
            number = _number(version)
            versions = await run_in_threadpool(self._policies.versions, name)
            found = next((each for each in versions if each.version == number), None)
            if found is None:
                raise NotFound(f"version {number} of policy {name}", "does not exist")
            kept = found
        shown = published(kept, whole=whole)["policy"]
        if shown is None:
            raise NotFound(f"policy {name}", "is withdrawn", f"see {_PATH}/{name}/versions")
        return JSONResponse(shown, headers=_OPEN, media_type="application/ld+json")

    async def _versions(self, request: Request) -> Response:
        whole = knows(sender(self._node, request))
        found = await run_in_threadpool(self._policies.versions, request.path_params["name"])
        return JSONResponse([published(each, whole=whole) for each in found], headers=_OPEN)

    async def _put(self, request: Request) -> Response:
        who, name = sender(self._node, request), request.path_params["name"]
        await run_in_threadpool(self._policies.check, who, name)
        raw = decoded(await _body(request))
        kept = await run_in_threadpool(self._policies.declare, who, name, raw)
        return JSONResponse(published(kept, whole=True))

    async def _withdraw(self, request: Request) -> Response:
        who, name = sender(self._node, request), request.path_params["name"]
        await run_in_threadpool(self._policies.withdraw, who, name)
        return Response(status_code=204)

    async def _restore(self, request: Request) -> Response:
        who, name = sender(self._node, request), request.path_params["name"]
        await run_in_threadpool(self._policies.check, who, name)
        number = _number(request.query_params.get("version", ""))
        kept = await run_in_threadpool(self._policies.restore, who, name, number)
        return JSONResponse(published(kept, whole=True))

    async def _preview(self, request: Request) -> Response:
        who, name = sender(self._node, request), request.path_params["name"]
        await run_in_threadpool(self._policies.check, who, name)
        body = await _body(request)
        raw = decoded(body) if body else None
        found = await run_in_threadpool(preview, self._node, name, raw)
        return JSONResponse(found, headers={"Cache-Control": "no-store"})


def preview(node: PageNode, name: str, document: object | None) -> list[dict[str, Any]]:
    """What would differ if `document` were put in force under `name` (``None``: if it were withdrawn).

    Raises:
        BadRequest: it is not of the profile.
        NotFound: there is nothing to withdraw; its tenant does not exist.
    """
    policies = node.trust.policies
    after = None if document is None else policies.parsed(name, document)
    book = policies.book()
    before = next((each for each in book.policies if each.name == name), None)
    if after is None and before is None:
        raise NotFound(f"policy {name[:64]}", "is not in force", "look at the list of policies")
    tenant = after.tenant if after is not None else before.tenant if before is not None else None
    reader = node.gate.reader(LOCAL, tenant)
    return [asdict(each) for each in differences(reader, book, name, after, node.clock.now())]


async def _body(request: Request) -> bytes:
    content, most = b"", LIMITS["bytes of a policy"]
    async for chunk in request.stream():
        content += chunk
        if len(content) > most:
            fact = f"is longer than {most:,} bytes"
            raise TooLarge("the policy", fact, "make several policies of it")
    return content


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 8):
        raise BadRequest("version", f"{text[:20]!r} is no number of a version", "write one")
    return int(text)
