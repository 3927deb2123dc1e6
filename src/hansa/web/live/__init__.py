"""What moves: pages follow the change feed by server-sent events."""

from hansa.web.live.vehicles import VehicleStream

__all__ = ["VehicleStream"]
