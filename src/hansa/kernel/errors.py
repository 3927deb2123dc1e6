"""What can go wrong, named once.

Every refusal or failure that a person or a program may meet is a :class:`HansaError`. It says three
things: the *subject* (what was being handled), the *fact* (what is wrong with it) and the *remedy*
(what to do now). The texts are safe to show to anyone: no path, secret or stack trace of the server's.

``status`` is the number a web edge would use and ``code`` the NGSI-LD error name (ETSI GS CIM 009,
clause 5.5.2); nothing here knows HTTP itself.
"""

from __future__ import annotations

from typing import Any, ClassVar

__all__ = [
    "AlreadyExists",
    "BadRequest",
    "Conflict",
    "ContextUnavailable",
    "Forbidden",
    "HansaError",
    "InternalError",
    "InvalidRequest",
    "LengthRequired",
    "LoopDetected",
    "MethodNotAllowed",
    "Misdirected",
    "MissingExtra",
    "NonexistentTenant",
    "NotAcceptable",
    "NotFound",
    "OperationNotSupported",
    "PersonalData",
    "PreconditionFailed",
    "RedLine",
    "SourceFailed",
    "TooComplexQuery",
    "TooLarge",
    "TooManyRequests",
    "TooManyResults",
    "TooSlow",
    "Unauthorized",
    "Unavailable",
    "UndeclaredSource",
    "UnsupportedMediaType",
]


class HansaError(Exception):
    """Root of every error that Hansa raises on purpose.

    Args:
        subject: what was being handled, for example ``"entity urn:ngsi-ld:Stop:1"``.
        fact: what is wrong, one sentence without a full stop.
        remedy: what to do now; may be empty when the fact says it already.
        extra: further machine-readable members for a problem document.
    """

    code: ClassVar[str] = "InternalError"
    status: ClassVar[int] = 500

    def __init__(self, subject: str, fact: str, remedy: str = "", **extra: Any) -> None:
        self.subject = subject
        self.fact = fact
        self.remedy = remedy
        self.extra = extra
        super().__init__(self.sentence)

    @property
    def sentence(self) -> str:
        """The whole message as one line of prose."""
        tail = f"; {self.remedy}" if self.remedy else ""
        return f"{self.subject}: {self.fact}{tail}."


class InternalError(HansaError):
    """Something failed that the caller cannot mend."""


class BadRequest(HansaError):
    """The content of the request breaks a rule of the information model or of a query language."""

    code = "BadRequestData"
    status = 400


class InvalidRequest(HansaError):
    """The request itself cannot be understood (malformed JSON, unknown option)."""

    code = "InvalidRequest"
    status = 400


class Unauthorized(HansaError):
    """The caller must say who they are first."""

    code = "Unauthorized"
    status = 401


class Forbidden(HansaError):
    """The gate says no, with its reason."""

    code = "Forbidden"
    status = 403


class UndeclaredSource(Forbidden):
    """Data of a source that is not in the register; ``missing`` lists what its record must say."""

    code = "UndeclaredSource"


class RedLine(Forbidden):
    """What never goes in, whoever brings it; ``rule`` names the rule, and the fact cites the law."""

    code = "RedLine"


class PersonalData(Forbidden):
    """Something is personal by its name, and no step was declared for it; ``personal`` lists the names."""

    code = "PersonalData"


class TooComplexQuery(HansaError):
    """The query would cost more than this node is willing to spend."""

    code = "TooComplexQuery"
    status = 403


class TooManyResults(HansaError):
    """The answer would be larger than this node is willing to give at once."""

    code = "TooManyResults"
    status = 403


class NotFound(HansaError):
    """There is no such thing here."""

    code = "ResourceNotFound"
    status = 404


class NonexistentTenant(HansaError):
    """No tenant of that name has been created here."""

    code = "NonexistentTenant"
    status = 404


class MethodNotAllowed(HansaError):
    """The resource exists but does not offer this verb."""

    code = "OperationNotSupported"
    status = 405


class NotAcceptable(HansaError):
    """None of the media types that the caller accepts can be produced."""

    code = "InvalidRequest"
    status = 406


class TooSlow(HansaError):
    """The body did not come in the time that a body is given."""

    code = "InvalidRequest"
    status = 408


class AlreadyExists(HansaError):
    """Something with this identifier is here already."""

    code = "AlreadyExists"
    status = 409


class Conflict(HansaError):
    """The state of the thing forbids the action (two nodes on one folder, a port in use)."""

    code = "Conflict"
    status = 409


class TooManyRequests(HansaError):
    """The caller asks, or guesses, too often; ``after`` says in how many seconds to come back."""

    code = "TooManyRequests"
    status = 429

    def __init__(self, subject: str, fact: str, remedy: str = "", *, after: int = 1) -> None:
        super().__init__(subject, fact, remedy)
        self.after = after


class LengthRequired(HansaError):
    """The request has a body whose length it does not declare."""

    code = "InvalidRequest"
    status = 411


class PreconditionFailed(HansaError):
    """The thing is not, or no longer, as the caller took for granted (If-Match)."""

    code = "InvalidRequest"
    status = 412


class TooLarge(HansaError):
    """The body, or its nesting, exceeds what this node accepts."""

    code = "InvalidRequest"
    status = 413


class UnsupportedMediaType(HansaError):
    """The body's media type is not one that this resource reads."""

    code = "InvalidRequest"
    status = 415


class Misdirected(HansaError):
    """The request is meant for another host."""

    code = "InvalidRequest"
    status = 421


class OperationNotSupported(HansaError):
    """A part of the specification that this node does not offer, said plainly."""

    code = "OperationNotSupported"
    status = 422


class ContextUnavailable(HansaError):
    """A JSON-LD @context could not be had, or may not be fetched."""

    code = "LdContextNotAvailable"
    status = 504


class SourceFailed(HansaError):
    """Another broker, to which this node passed a request on, did not do what was asked."""

    code = "InternalError"
    status = 502

    def __init__(
        self, subject: str, fact: str, remedy: str = "", *, status: int = 502, **extra: Any
    ) -> None:
        super().__init__(subject, fact, remedy, **extra)
        self.status = status  # type: ignore[misc]
        self.code = _CODES.get(status, "InternalError")  # type: ignore[misc]


class LoopDetected(HansaError):
    """A request that this node passed on has come back to it."""

    code = "LoopDetected"
    status = 508


_CODES = {
    400: "BadRequestData",
    403: "Forbidden",
    404: "ResourceNotFound",
    409: "Conflict",
    422: "OperationNotSupported",
}


class Unavailable(HansaError):
    """The node cannot do this now (disk full, database locked); nothing was half written."""

    code = "InternalError"
    status = 503


class MissingExtra(HansaError):
    """An optional part of Hansa is not installed; the remedy names the command that installs it."""

    code = "InternalError"
    status = 501

    def __init__(self, subject: str, package: str, extra: str) -> None:
        super().__init__(
            subject,
            f"needs the package '{package}', which is not installed",
            f"install it with: pip install 'hansa[{extra}]'",
        )
