"""Sources for the tests of Open book: one in the street that keeps its word, one that does not, one from a desk."""

from __future__ import annotations

from typing import Any

from hansa.kernel.clock import iso
from hansa.node import Node
from hansa.trust.principals import LOCAL
from tests.web import town

AIR: dict[str, Any] = {
    "name": "Air at the harbour",
    "description": "Dust and gases in the air, measured on two lamp posts at the harbour.",
    "accountable": "City of Town, Department of the Environment",
    "contact": "data@town.example",
    "lawful_basis": "none_personal",
    "purpose": ["ecology", "health"],
    "tech": ["air_quality", "cellular"],
    "data": ["values_time", "spatial"],
    "process": ["de_identified"],
    "access": ["available_to_download"],
    "storage": ["stored_locally"],
    "retention": ["data_retained"],
    "retention_period": "P2Y",
    "public_space": True,
    "place": {"type": "Point", "coordinates": [-70.99, -29.99]},
}
COUNT: dict[str, Any] = AIR | {
    "name": "Pedestrians on the promenade",
    "description": "",
    "lawful_basis": "public_task",
    "purpose": ["mobility", "planning_decision_making"],
    "tech": ["identifiable_wifi_sensor"],
    "data": ["personal", "spatial"],
    "anonymise": [{"step": "drop", "attributes": ["deviceId"]}],
    "access": ["available_to_the_accountable_organization"],
    "retention_period": "P30D",
    "place": {"type": "Point", "coordinates": [-70.975, -29.975]},
}
TIMES: dict[str, Any] = {
    name: value for name, value in AIR.items() if name not in {"place", "description"}
} | {
    "name": "Timetable of the buses",
    "purpose": ["mobility"],
    "tech": ["dtpr_api"],
    "data": ["tabular", "spatial"],
    "retention_period": "unlimited",
    "public_space": False,
}


def declare(node: Node) -> None:
    """Declare the three sources, let two of them bring something, and look at it."""
    for id, record in (("air", AIR), ("count", COUNT), ("times", TIMES)):
        node.trust.sources.declare(LOCAL, id, record)
    at = iso(node.clock.now())
    town.write(
        node,
        [
            sensor("air", 1, at),
            sensor("air", 2, at),
            sensor("count", 1, "2019-05-01T12:00:00Z", type="CrowdFlowObserved"),
        ],
    )
    node.trust.surveyor.look()


def sensor(source: str, number: int, at: str, type: str = "AirQualityObserved") -> dict[str, Any]:
    """Something that a source measured."""
    place = {"type": "Point", "coordinates": [-70.99, -29.99]}
    return {
        "id": f"urn:ngsi-ld:{type}:{source}:{number}",
        "type": type,
        "level": {"type": "Property", "value": number, "observedAt": at},
        "location": {"type": "GeoProperty", "value": place},
        "importedFrom": {"type": "Relationship", "object": f"urn:ngsi-ld:DataSource:{source}"},
    }
