"""From a request to what it asks of the past (clauses 4.11, 4.5.19, 5.2.21, 5.2.44 and 6.3.12).

``format`` goes before ``options``, as for entities. The parameters come from the URL or, for
``temporal/entityOperations/query``, from the members of the body.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal, get_args

from hansa.hub.temporal import Ask
from hansa.hub.temporal_sums import Aggregation
from hansa.kernel.errors import BadRequest, InvalidRequest
from hansa.ngsild.model import ENTITY_MEMBERS
from hansa.ngsild.represent import View
from hansa.ngsild.temporal import (
    Duration,
    TemporalFilter,
    TimeProperty,
    parse_duration,
    parse_temporal,
)
from hansa.ngsild.temporal_tally import METHODS
from hansa.web.api.call import Call
from hansa.web.api.params import names, number

__all__ = ["FORMS", "Form", "read_aggregation", "read_ask", "read_form"]

Form = Literal["instances", "temporalValues", "aggregatedValues"]

FORMS: Final = frozenset({"temporalValues", "aggregatedValues"})
_MOST_LAST: Final = 2**31


def read_form(call: Call, given: Mapping[str, str]) -> Form:
    """Which representation is wanted (clause 6.3.12); methods of aggregation alone say it, too.

    Raises:
        InvalidRequest: two are named.
    """
    first = FORMS.intersection(names(call.query, "format"))
    named = first or ({} if "format" in call.query else FORMS & call.options)
    if len(named) > 1:
        raise InvalidRequest(
            "the options", "name temporalValues and aggregatedValues", "name one of them"
        )
    if "temporalValues" in named:
        return "temporalValues"
    return "aggregatedValues" if named or "aggrMethods" in given else "instances"


def read_ask(call: Call, given: Mapping[str, str], view: View) -> Ask:
    """What of the past is asked for.

    Raises:
        BadRequest: the temporal query is malformed.
        InvalidRequest: lastN is.
    """
    property = given.get("timeproperty")
    known: tuple[TimeProperty, ...] = get_args(TimeProperty)
    found: TemporalFilter | None = parse_temporal(
        given.get("timerel"), given.get("timeAt"), given.get("endTimeAt"), property
    )
    chosen: TimeProperty = next((each for each in known if each == property), "observedAt")
    if property is not None and property not in known:
        raise BadRequest(
            "timeproperty",
            f"{property!r:.40} is not a temporal property",
            f"use one of {', '.join(known)}",
        )
    return Ask(
        along=chosen,
        filter=found,
        timed=property is not None,
        last=number(given, "lastN", 0, 1, _MOST_LAST) or None,
        attributes=view.pick,
        datasets=view.datasets,
        most=call.service.settings.history_limit,
        now=call.now,
    )


def read_aggregation(given: Mapping[str, Any], view: View) -> Aggregation:
    """By which methods and periods to sum up (clause 4.5.19.1).

    Raises:
        BadRequest: a method is unknown, none is named, or the duration is malformed.
    """
    methods = names(given, "aggrMethods")
    if not methods:
        raise BadRequest("aggrMethods", "is missing", f"name some of {', '.join(sorted(METHODS))}")
    for method in methods:
        if method not in METHODS:
            raise BadRequest(
                "aggrMethods",
                f"'{method[:40]}' is not an aggregation method",
                f"use some of {', '.join(sorted(METHODS))}",
            )
    text = given.get("aggrPeriodDuration")
    duration = Duration() if text is None else parse_duration(text, "aggrPeriodDuration")
    named = frozenset() if view.pick is None else view.pick - ENTITY_MEMBERS
    return Aggregation(tuple(dict.fromkeys(methods)), duration, named)
