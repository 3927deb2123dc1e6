"""A tiny GTFS feed: a straight street along the equator, two services, an overnight trip.

Stops A, B and C lie at longitudes 0.00, 0.01 and 0.03 on latitude 0, so that lengths are easy: a degree
of longitude there is 111,319.491 m.
"""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from pathlib import Path

DEGREE = 111_319.490793

FILES: Mapping[str, str] = {
    "agency.txt": "agency_id,agency_name,agency_url,agency_timezone\nX,Tiny Buses,https://tiny.example,America/Santiago\n",
    "stops.txt": (
        "stop_id,stop_name,stop_lat,stop_lon,location_type,parent_station\n"
        "A,Ash,0,0,,S\nB,Birch,0,0.01,0,\nC,Cedar,0,0.03,,\nS,Station,0,0.0001,1,\n"
    ),
    "routes.txt": (
        "route_id,agency_id,route_short_name,route_long_name,route_type,route_color\n"
        "R,X,1,Coast,3,f40606\n"
    ),
    "calendar.txt": (
        "service_id,monday,tuesday,wednesday,thursday,friday,saturday,sunday,start_date,end_date\n"
        "WEEK,1,1,1,1,1,0,0,20260101,20261231\nEND,0,0,0,0,0,1,1,20260101,20261231\n"
    ),
    "calendar_dates.txt": "service_id,date,exception_type\nWEEK,20261225,2\nEND,20261225,1\n",
    "shapes.txt": (
        "shape_id,shape_pt_lat,shape_pt_lon,shape_pt_sequence\n"
        "L,0,0.03,30\nL,0,0,10\nL,0,0.02,20\nL,0,0.02,21\n"
    ),
    "trips.txt": (
        "route_id,service_id,trip_id,trip_headsign,direction_id,shape_id\n"
        "R,WEEK,T1,Cedar,0,L\nR,WEEK,T2,Ash,1,\nR,END,N,Cedar,0,L\n"
    ),
    "stop_times.txt": (
        "trip_id,arrival_time,departure_time,stop_id,stop_sequence\n"
        "T1,08:00:00,08:00:00,A,1\nT1,08:10:00,08:12:00,B,2\nT1,08:32:00,08:32:00,C,3\n"
        "T2,09:00:00,09:00:00,C,5\nT2,09:30:00,09:30:00,A,9\n"
        "N,23:50:00,23:50:00,A,1\nN,24:30:00,24:30:00,C,2\n"
    ),
}


def write_feed(folder: Path, **changes: str | bytes | None) -> Path:
    """The feed with other contents for some files (``stops="..."``), or without them (``None``)."""
    folder.mkdir(parents=True, exist_ok=True)
    contents: dict[str, str | bytes | None] = dict(FILES)
    contents |= {f"{name}.txt": text for name, text in changes.items()}
    for name, text in contents.items():
        if text is not None:
            (folder / name).write_bytes(text.encode() if isinstance(text, str) else text)
    return folder


def zip_feed(target: Path, **changes: str | bytes | None) -> Path:
    folder = write_feed(target.parent / f"{target.stem}-files", **changes)
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(folder.iterdir()):
            archive.write(file, file.name)
    return target


def lines(*rows: str) -> str:
    return "\n".join(rows) + "\n"
