"""Who keeps the registers of the gate (sources, algorithms, policies): data officers and administrators."""

from __future__ import annotations

from hansa.kernel.errors import Forbidden, Unauthorized
from hansa.trust.log.recorder import Recorder
from hansa.trust.principals import Principal

__all__ = ["brings", "check_keeper", "is_keeper", "keeps_registers"]


def keeps_registers(who: Principal) -> bool:
    """Whether `who` is one of those who keep the registers, whatever a token leaves of it."""
    return who.has("data_officer") or who.has("administrator")


def is_keeper(who: Principal) -> bool:
    """Whether `who` may change the registers."""
    return keeps_registers(who) and who.may("admin")


def brings(who: Principal) -> bool:
    """Whether `who` is one whose hands may bring the data of the source that its token names."""
    return bool(who.source) and (who.kind == "service" or keeps_registers(who))


def check_keeper(who: Principal, recorder: Recorder, kind: str, name: str, register: str) -> None:
    """See that `who` may change a register.

    Args:
        recorder: what logs a refusal.
        kind, name: what would be changed, as the log names it.
        register: what it is called in the refusal.

    Raises:
        Forbidden, Unauthorized: `who` may not; that is logged.
    """
    if is_keeper(who):
        return
    recorder.refused(who, (f"{kind}:{name[:100]}",), f"{kind}.not-allowed")
    refusal = Unauthorized if who.kind == "public" else Forbidden
    raise refusal(
        register,
        "is changed by data officers and administrators",
        "send a token of one of them, with the scope admin, as 'Bearer …'",
    )
