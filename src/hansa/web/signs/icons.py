"""The pictures in the hexagons: drawn by us, a few strokes each, on a square of 24.

The grammar (one hexagon for each part of a source's chain) is that of DTPR; the pictures are not. An element
without a picture of its own shows that of its part.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Final

from hansa.web.signs.drawing import Command, circle

__all__ = ["SIDE", "hexagon", "icon", "svg_path"]

SIDE: Final = 24.0

_STROKES: Final = {
    "columns": "M3 9 L12 3 L21 9 Z M6 12 L6 18 M10 12 L10 18 M14 12 L14 18 M18 12 L18 18 M3 21 L21 21",
    "person": "O12 8 4 M4 21 C4 16 7 14 12 14 C17 14 20 16 20 21",
    "people": "O8.5 9 3 O16 9 3 M2.5 19 C2.5 15 5 14 8.5 14 C11 14 12.3 14.6 13 16 M13 14.5 C13.8 14.1 14.8 14 16 14 C19.5 14 21.5 15 21.5 19",
    "target": "O12 12 9 O12 12 5 O12 12 1",
    "bus": "M4 4 L20 4 L20 17 L4 17 Z M4 11 L20 11 M12 4 L12 11 O8 18.5 1.7 O16 18.5 1.7",
    "map": "M3 6 L9 4 L15 6 L21 4 L21 18 L15 20 L9 18 L3 20 Z M9 4 L9 18 M15 6 L15 20",
    "info": "O12 12 9 M12 11 L12 17 M12 7 L12 7.6",
    "leaf": "M5 19 C5 9 11 4 20 4 C20 14 15 19 8 19 Z M4 21 C8 14 11 11 15 9",
    "shield": "M12 3 L20 6 C20 13 17 18 12 21 C7 18 4 13 4 6 Z",
    "bolt": "M13 3 L5 14 L11 14 L10 21 L19 10 L13 10 Z",
    "drop": "M12 3 C15 8 18 11 18 15 C18 19 15 21 12 21 C9 21 6 19 6 15 C6 11 9 8 12 3 Z",
    "bin": "M4 6 L20 6 M9 6 L9 3 L15 3 L15 6 M6 6 L7 21 L17 21 L18 6 M10 10 L10 17 M14 10 L14 17",
    "cross": "M9 3 L15 3 L15 9 L21 9 L21 15 L15 15 L15 21 L9 21 L9 15 L3 15 L3 9 L9 9 Z",
    "scales": "M12 3 L12 20 M7 20 L17 20 M5 6 L19 6 M5 6 L2 13 C3 15.5 7 15.5 8 13 Z M19 6 L16 13 C17 15.5 21 15.5 22 13 Z",
    "coin": "O12 12 9 M15 8.5 C13 7 9 7.5 9 10 C9 13 15 11 15 14 C15 16.5 11 17 9 15.5 M12 6 L12 18",
    "waves": "O12 17 1.5 M8 14 C10 11.5 14 11.5 16 14 M5 11 C9 6.5 15 6.5 19 11 M2 8 C8 1.5 16 1.5 22 8",
    "flask": "M9 3 L15 3 M10 3 L10 9 L4 20 L20 20 L14 9 L14 3 M7 15 L17 15",
    "flame": "M12 3 C14 7 18 9 18 14 C18 18 15 21 12 21 C9 21 6 18 6 14 C6 12 7 10 9 9 C9 11 10 12 11 12 C12 9 11 6 12 3 Z",
    "sensor": "O12 12 2 M8 8 C6 10 6 14 8 16 M16 8 C18 10 18 14 16 16 M5 5 C1 9 1 15 5 19 M19 5 C23 9 23 15 19 19",
    "gauge": "M3 18 C3 10 7 6 12 6 C17 6 21 10 21 18 M12 18 L16 11 M3 18 L6 18 M18 18 L21 18 O12 18 1",
    "camera": "M3 7 L15 7 L15 17 L3 17 Z M15 11 L21 8 L21 16 L15 13",
    "picture": "M3 5 L21 5 L21 19 L3 19 Z M3 17 L9 11 L13 15 L16 12 L21 17 O16 9 1.5",
    "microphone": "M12 3 C14 3 15 4 15 6 L15 11 C15 13 14 14 12 14 C10 14 9 13 9 11 L9 6 C9 4 10 3 12 3 Z M5 11 C5 15 8 18 12 18 C16 18 19 15 19 11 M12 18 L12 21",
    "screen": "M3 4 L21 4 L21 16 L3 16 Z M8 20 L16 20 M12 16 L12 20",
    "code": "M8 6 L2.5 12 L8 18 M16 6 L21.5 12 L16 18 M14 4 L10 20",
    "phone": "M7 2.5 L17 2.5 L17 21.5 L7 21.5 Z M11 18.5 L13 18.5",
    "car": "M3 16 L3 12 L5.5 11 L7.5 7 L16.5 7 L18.5 11 L21 12 L21 16 Z O7.5 17 1.8 O16.5 17 1.8 M6 11 L18 11",
    "satellite": "M9 9 L12 6 L18 12 L15 15 Z M9 9 L4 14 M15 15 L10 20 M6 3 L12 6 M18 12 L21 18 M5 18 C5 19 5.5 19.5 6.5 19.5",
    "table": "M3 4 L21 4 L21 20 L3 20 Z M3 9 L21 9 M3 14.5 L21 14.5 M9 4 L9 20",
    "pin": "M12 21 C8 15 5 12 5 9 C5 5 8 3 12 3 C16 3 19 5 19 9 C19 12 16 15 12 21 Z O12 9 2.5",
    "chart": "M3 3 L3 21 L21 21 M6 17 L10 11 L14 14 L20 6",
    "toggle": "M8 7 L16 7 C22 7 22 17 16 17 L8 17 C2 17 2 7 8 7 Z O15.5 12 2.6",
    "file": "M6 2.5 L14 2.5 L19 7.5 L19 21.5 L6 21.5 Z M14 2.5 L14 7.5 L19 7.5",
    "sigma": "M18 5 L6 5 L13 12 L6 19 L18 19",
    "arrow": "M3 12 L20 12 M14 6 L20 12 L14 18",
    "lock": "M5 11 L19 11 L19 21 L5 21 Z M8 11 L8 7 C8 2 16 2 16 7 L16 11 M12 15 L12 17",
    "hidden": "O12 8 4 M4 21 C4 16 7 14 12 14 C17 14 20 16 20 21 M3 3 L21 21",
    "check": "M5 2.5 L19 2.5 L19 21.5 L5 21.5 Z M8.5 12 L11 14.5 L15.5 9",
    "chip": "M6 6 L18 6 L18 18 L6 18 Z M9 9 L15 9 L15 15 L9 15 Z M9 3 L9 6 M15 3 L15 6 M9 18 L9 21 M15 18 L15 21 M3 9 L6 9 M3 15 L6 15 M18 9 L21 9 M18 15 L21 15",
    "eye": "M2 12 C5 7 8.5 5 12 5 C15.5 5 19 7 22 12 C19 17 15.5 19 12 19 C8.5 19 5 17 2 12 Z O12 12 3",
    "shut": "M2 12 C5 7 8.5 5 12 5 C15.5 5 19 7 22 12 C19 17 15.5 19 12 19 C8.5 19 5 17 2 12 Z M4 20 L20 4",
    "download": "M12 3 L12 15 M7 10 L12 15 L17 10 M4 17 L4 21 L20 21 L20 17",
    "disk": "M4 6 C4 2.5 20 2.5 20 6 C20 9.5 4 9.5 4 6 Z M4 6 L4 18 C4 21.5 20 21.5 20 18 L20 6 M4 12 C4 15.5 20 15.5 20 12",
    "cloud": "M7 18 C2 18 2 11 7 11 C7 5 16 4 17 10 C22 10 22 18 17 18 Z",
    "copies": "M8 3 L20 3 L20 16 L8 16 Z M8 7 L4 7 L4 20 L16 20 L16 16",
    "hourglass": "M6 3 L18 3 M6 21 L18 21 M7 3 L7 6 C7 9 11 10 11 12 C11 14 7 15 7 18 L7 21 M17 3 L17 6 C17 9 13 10 13 12 C13 14 17 15 17 18 L17 21",
    "gone": "O12 12 9 M5.6 5.6 L18.4 18.4",
}  # fmt: skip

_OF_PARTS: Final = {
    "accountable": "columns",
    "purpose": "target",
    "tech": "sensor",
    "data": "table",
    "process": "sigma",
    "access": "eye",
    "storage": "disk",
    "retention": "hourglass",
}

_OF: Final = {
    "purpose": {
        "bus": "mobility logistics",
        "map": "planning_decision_making wayfinding_services",
        "info": "inform",
        "leaf": "ecology",
        "shield": "safety_security entry",
        "bolt": "energy_efficiency switch",
        "drop": "water_efficiency",
        "bin": "waste_management",
        "cross": "health",
        "scales": "enforcement",
        "coin": "commerce",
        "waves": "connectivity",
        "flask": "research_development",
        "flame": "fire_emergency",
        "people": "social accessibility",
    },
    "tech": {
        "gauge": "air_quality thermometer weather_station soil_moisture_sensor water_quality "
        "weighing_scale inclinometer piezoelectric_sensor",
        "camera": "video_camera video_camera_infrared identifiable_video de_identified_video "
        "non_identifiable_video person_detection",
        "picture": "image image_infrared identifiable_image de_identified_image",
        "microphone": "microphone voice de_identified_voice sound_level_meter intercom",
        "screen": "system_screen augmented_reality chatbot assistance_station",
        "code": "dtpr_api",
        "phone": "personal_device nfc identifiable_nfc contactless_payments",
        "waves": "cellular wireless_access_point identifiable_wifi_sensor location_beacon",
        "car": "induction_loop electric_vehicle_charger wireless_charging_roadway",
        "satellite": "gps unmanned_aircraft_system",
        "person": "biometrics facial_characterization",
    },
    "data": {
        "pin": "spatial",
        "chart": "values_time",
        "toggle": "boolean",
        "file": "binary",
        "person": "personal",
        "picture": "pixel_based_image",
    },
    "process": {
        "arrow": "raw_data",
        "lock": "encrypted encrypted_at_rest transport_layer_security homomorphic_encryption",
        "hidden": "de_identified k_anonymity differential_privacy",
        "check": "reviewed_internally rdua_approved regulated hardware_audits code_signing",
        "chip": "ai_system computer_vision federated_learning cryptonets",
        "file": "immutable_query_ledger",
        "picture": "bitmap_manipulation",
    },
    "access": {
        "download": "available_to_download",
        "coin": "available_for_resale",
        "people": "available_to_3rd_parties",
        "shut": "not_available_to_me not_available_to_vendor "
        "not_available_to_the_accountable_organization",
    },
    "storage": {
        "cloud": "stored_on_3rd_party_cloud",
        "copies": "backed_up_locally backed_up_internationally",
        "people": "shared_storage_and_governance",
    },
    "retention": {"gone": "no_data_retained"},
}


@cache
def _names() -> dict[tuple[str, str], str]:
    return {
        (part, element): name
        for part, groups in _OF.items()
        for name, elements in groups.items()
        for element in elements.split()
    }


@cache
def icon(part: str, element: str = "") -> tuple[Command, ...]:
    """The strokes of an element's picture, on a square of :data:`SIDE`."""
    return _read(_STROKES[_names().get((part, element), _OF_PARTS[part])])


def _read(strokes: str) -> tuple[Command, ...]:
    found: list[Command] = []
    for name, rest in re.findall(r"([MLCZO])([^MLCZO]*)", strokes):
        numbers = tuple(float(each) for each in rest.split())
        if name == "O":
            found += circle(*numbers)
        else:
            found.append((name, numbers))
    return tuple(found)


def hexagon(x: float, y: float, radius: float) -> tuple[Command, ...]:
    """A hexagon that stands on a corner, around (x, y)."""
    half, side = radius / 2, radius * 3**0.5 / 2
    corners = (
        (0, -radius),
        (side, -half),
        (side, half),
        (0, radius),
        (-side, half),
        (-side, -half),
    )
    points = [(x + right, y + down) for right, down in corners]
    return (("M", points[0]), *(("L", point) for point in points[1:]), ("Z", ()))


def svg_path(path: tuple[Command, ...]) -> str:
    """A path as SVG writes it."""
    return "".join(
        name + " ".join(f"{number:.3f}".rstrip("0").rstrip(".") for number in numbers)
        for name, numbers in path
    )
