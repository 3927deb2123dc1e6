/* Vehicles that move: live ones from the node's change feed, or those of any hour of a timetable day.
   Between two positions of a live vehicle it is drawn on the straight line from one to the other. */

const FRAME = 1000 / 24;

/** Milliseconds between two drawings: a bus needs that long to be seen to move. */
function pause(zoom) {
  return Math.max(FRAME, 40 * 2 ** (15 - zoom));
}

export class Fleet extends EventTarget {
  constructor(calm) {
    super();
    this.calm = calm;
    this.vehicles = new Map();
    this.hour = null;
    this.map = null;
    this.drawn = 0;
    this.pace = 5000;
  }

  /** Follow the change feed; the browser takes the connection up again by itself. */
  connect() {
    const source = new EventSource("/live/vehicles");
    source.addEventListener("all", (event) => {
      const present = JSON.parse(event.data);
      const ids = new Set(present.map((vehicle) => vehicle.id));
      for (const id of this.vehicles.keys()) if (!ids.has(id)) this.vehicles.delete(id);
      for (const vehicle of present) this.#place(vehicle);
      this.#told();
    });
    source.addEventListener("some", (event) => {
      this.#keepPace();
      for (const vehicle of JSON.parse(event.data)) {
        if (vehicle.gone) this.vehicles.delete(vehicle.id);
        else this.#place(vehicle);
      }
      this.#told();
    });
  }

  /** Number of vehicles on the way now. */
  get size() {
    return this.vehicles.size;
  }

  /** How the positions were made: "scheduled", "reported", or both. */
  get how() {
    return [...new Set([...this.vehicles.values()].map((vehicle) => vehicle.how ?? "scheduled"))].sort();
  }

  /** Show the positions that `positions()` gives instead of the live ones; null goes back. */
  watch(positions) {
    this.hour = positions;
    this.redraw();
  }

  show(map) {
    this.map = map;
    map.on("load", () => this.#frame(performance.now()));
  }

  redraw() {
    this.drawn = 0;
  }

  #told() {
    this.dispatchEvent(new Event("change"));
    if (this.calm) this.redraw();
  }

  #place(vehicle) {
    const now = performance.now();
    const old = this.vehicles.get(vehicle.id);
    const from = old ? this.#at(old, now) : vehicle.at;
    const far = Math.abs(from[0] - vehicle.at[0]) + Math.abs(from[1] - vehicle.at[1]) > 0.02;
    // A change names only what changed: the heading stands until it does.
    this.vehicles.set(vehicle.id, { ...old, ...vehicle, from: far || this.calm ? vehicle.at : from, since: now });
  }

  /** Learn from the updates how far apart they are: a vehicle is on its way until the next is due. */
  #keepPace() {
    const now = performance.now();
    if (this.last) this.pace += 0.3 * (Math.min(Math.max(now - this.last, 500), 15000) * 1.05 - this.pace);
    this.last = now;
  }

  #at(vehicle, now) {
    const share = Math.min((now - vehicle.since) / this.pace, 1);
    return [
      vehicle.from[0] + (vehicle.at[0] - vehicle.from[0]) * share,
      vehicle.from[1] + (vehicle.at[1] - vehicle.from[1]) * share,
    ];
  }

  #frame(now) {
    requestAnimationFrame((next) => this.#frame(next));
    const due = this.calm && !this.hour ? this.drawn === 0 : now - this.drawn >= (this.hour ? FRAME : pause(this.map.getZoom()));
    if (!due || document.hidden) return;
    const source = this.map.getSource("vehicles");
    if (!source) return;
    const list = this.hour ? this.hour() : [...this.vehicles.values()].map((v) => ({ ...v, at: this.#at(v, now) }));
    // Nothing was and nothing is on the way: leave the map at rest.
    if (!list.length && this.empty) return;
    this.empty = !list.length;
    this.drawn = now;
    source.setData({
      type: "FeatureCollection",
      features: list.map((v) => ({
        type: "Feature",
        properties: { id: v.id, heading: v.heading ?? 0, how: v.how ?? "scheduled" },
        geometry: { type: "Point", coordinates: v.at },
      })),
    });
  }
}
