/* The map's own style, built from the colours of the page. Data stands out from the base. */

const TOKENS = [
  "ink", "ground", "brick", "copper", "amber", "slate", "rule",
  "ramp-1", "ramp-2", "ramp-3", "ramp-4", "ramp-5", "ramp-6",
  "map-ground", "map-beyond", "map-water", "map-green", "map-built", "map-road", "map-casing", "map-minor", "map-building",
];

/** The colours of the page as they are now, light or dark. */
export function readColours() {
  const probe = document.createElement("span");
  probe.hidden = true;
  document.body.append(probe);
  const colours = {};
  for (const token of TOKENS) {
    probe.style.color = `var(--${token})`;
    colours[token] = getComputedStyle(probe).color;
  }
  probe.remove();
  return colours;
}

/** Which layers a switch of the panel shows and hides. */
export const GROUPS = {
  land: ["land", "built"],
  water: ["water", "waterway"],
  zones: ["zones", "zone-edges"],
  roads: ["roads-minor", "roads-casing", "roads", "road-names"],
  buildings: ["buildings-flat", "buildings"],
  transit: ["transit-casing", "transit"],
  stops: ["stops", "stop-names"],
  places: ["places", "place-names"],
  others: ["other-areas", "other-edges", "other-lines", "other-points", "other-names"],
  vehicles: ["vehicles"],
};

/** Layers that answer a click, topmost first. */
export const CLICKABLE = ["vehicles", "stops", "places", "other-points", "buildings", "buildings-flat", "transit", "other-lines", "roads", "roads-minor", "other-areas", "zones"];

const FONT = ["Atlas", "sans-serif"];
const FONT_STRONG = ["Atlas Semibold", "sans-serif"];
const MAJOR = ["motorway", "trunk", "primary", "secondary", "tertiary"];
const IS_MAJOR = ["in", ["get", "class"], ["literal", MAJOR]];
const FOOT = ["in", ["get", "class"], ["literal", ["footway", "path", "steps", "cycleway", "track", "pedestrian"]]];

function byZoom(...stops) {
  return ["interpolate", ["exponential", 1.5], ["zoom"], ...stops];
}

function byClass(motorway, primary, tertiary) {
  return ["match", ["get", "class"], ["motorway", "trunk"], motorway, ["primary", "secondary"], primary, tertiary];
}

/** Density classes: a step expression over people per square kilometre. */
function densityColour(breaks, c) {
  if (!breaks.length) return c["ramp-2"];
  const density = ["/", ["coalesce", ["get", "people"], 0], ["max", ["coalesce", ["get", "area"], 1], 0.000001]];
  const steps = breaks.slice(1).flatMap((low, index) => [low, c[`ramp-${index + 2}`]]);
  return steps.length ? ["step", density, c["ramp-1"], ...steps] : c["ramp-1"];
}

/**
 * @param {object} c colours, see readColours
 * @param {{tiles: string, maxZoom: number, breaks: number[], beyond: boolean}} city with `beyond`,
 *   nothing is known of what lies outside the zones, be it land or sea: it has a colour of its own
 */
export function buildStyle(c, city) {
  return {
    version: 8,
    name: "Hansa",
    // No glyphs address: labels are drawn from the page's own font.
    sources: {
      city: { type: "vector", tiles: [city.tiles], minzoom: 0, maxzoom: city.maxZoom },
      vehicles: { type: "geojson", data: { type: "FeatureCollection", features: [] } },
      selected: { type: "geojson", data: { type: "FeatureCollection", features: [] } },
    },
    light: { anchor: "viewport", color: "white", intensity: 0.25, position: [1.2, 200, 35] },
    layers: [...ground(c, city.beyond), ...zones(c, city.breaks), ...otherAreas(c), ...roads(c), ...otherLines(c), ...built(c), ...transit(c), ...otherPoints(c), ...labels(c), ...live(c)],
  };
}

function ground(c, beyond) {
  const city = { source: "city" };
  return [
    { id: "ground", type: "background", paint: { "background-color": beyond ? c["map-beyond"] : c["map-ground"] } },
    {
      ...city, id: "built", type: "fill", "source-layer": "land",
      filter: ["in", ["get", "class"], ["literal", ["residential", "commercial", "industrial", "retail"]]],
      paint: { "fill-color": c["map-built"], "fill-opacity": 0.6 },
    },
    {
      ...city, id: "land", type: "fill", "source-layer": "land",
      filter: ["!", ["in", ["get", "class"], ["literal", ["residential", "commercial", "industrial", "retail"]]]],
      paint: { "fill-color": c["map-green"] },
    },
    { ...city, id: "water", type: "fill", "source-layer": "water", paint: { "fill-color": c["map-water"] } },
    {
      ...city, id: "waterway", type: "line", "source-layer": "waterway",
      paint: { "line-color": c["map-water"], "line-width": byZoom(11, 0.8, 16, 4) },
    },
  ];
}

function zones(c, breaks) {
  const base = { source: "city", "source-layer": "zones" };
  return [
    {
      ...base, id: "zones", type: "fill",
      paint: { "fill-color": densityColour(breaks, c), "fill-opacity": ["interpolate", ["linear"], ["zoom"], 12, 0.95, 15, 0.5, 17, 0.25] },
    },
    { ...base, id: "zone-edges", type: "line", paint: { "line-color": c["map-ground"], "line-width": byZoom(9, 0.5, 13, 1.2, 17, 2.5) } },
  ];
}

function roads(c) {
  const base = { source: "city", "source-layer": "roads" };
  const round = { "line-cap": "round", "line-join": "round" };
  return [
    {
      ...base, id: "roads-minor", type: "line", filter: ["!", IS_MAJOR], layout: round,
      paint: {
        "line-color": ["step", ["zoom"], c["map-minor"], 14.5, ["case", FOOT, c["map-minor"], c["map-road"]]],
        "line-opacity": ["interpolate", ["linear"], ["zoom"], 12, 0.34, 14, 0.5, 14.5, 0.95],
        "line-width": byZoom(12, 0.5, 14, 0.9, 14.5, 1.6, 16, ["case", FOOT, 1.2, 5], 18, ["case", FOOT, 3, 14]),
      },
    },
    {
      ...base, id: "roads-casing", type: "line", filter: IS_MAJOR, layout: round,
      paint: {
        "line-color": c["map-casing"],
        "line-width": byZoom(8, byClass(1.6, 1, 0.6), 11, byClass(3, 2.2, 1.2), 14, byClass(6, 5, 3.6), 18, byClass(24, 20, 17)),
      },
    },
    {
      ...base, id: "roads", type: "line", filter: IS_MAJOR, layout: { ...round, "line-sort-key": byClass(3, 2, 1) },
      paint: {
        "line-color": c["map-road"],
        "line-width": byZoom(8, byClass(0.8, 0.4, 0.1), 11, byClass(1.9, 1.2, 0.5), 14, byClass(4.4, 3.6, 2.4), 18, byClass(21, 17, 14.5)),
      },
    },
  ];
}

function built(c) {
  const base = { source: "city", "source-layer": "buildings" };
  const height = ["coalesce", ["get", "height"], ["*", 3.2, ["coalesce", ["get", "floors"], 0]]];
  return [
    {
      ...base, id: "buildings-flat", type: "fill", minzoom: 13.5,
      paint: { "fill-color": c["map-building"], "fill-opacity": ["interpolate", ["linear"], ["zoom"], 13.5, 0, 14.5, 0.8] },
    },
    {
      ...base, id: "buildings", type: "fill-extrusion", minzoom: 14.5, filter: [">", height, 0],
      paint: {
        "fill-extrusion-color": c["map-building"],
        "fill-extrusion-height": ["interpolate", ["linear"], ["zoom"], 14.5, 0, 15.5, height],
        "fill-extrusion-opacity": 0.9,
      },
    },
  ];
}

function transit(c) {
  const base = { source: "city", "source-layer": "transit" };
  const round = { "line-cap": "round", "line-join": "round" };
  return [
    { ...base, id: "transit-casing", type: "line", layout: round, paint: { "line-color": c.ground, "line-opacity": 0.8, "line-width": byZoom(9, 2.5, 13, 5.5, 17, 9) } },
    { ...base, id: "transit", type: "line", layout: round, paint: { "line-color": c.copper, "line-width": byZoom(9, 1.4, 13, 3, 17, 5) } },
    {
      source: "city", "source-layer": "stops", id: "stops", type: "circle", minzoom: 11,
      paint: {
        "circle-color": c.ground, "circle-stroke-color": c.copper,
        "circle-radius": byZoom(11, 1.6, 13, 3, 16, 5.5), "circle-stroke-width": byZoom(11, 1, 13, 1.6, 16, 2.5),
      },
    },
    {
      source: "city", "source-layer": "places", id: "places", type: "circle", minzoom: 15.5,
      paint: { "circle-color": c.slate, "circle-radius": byZoom(15.5, 1.4, 18, 4), "circle-stroke-color": c.ground, "circle-stroke-width": 1 },
    },
  ];
}

/* Whatever has no layer of its own: calm, in slate, and open where places are full. */
function otherAreas(c) {
  const base = { source: "city", "source-layer": "other-areas" };
  return [
    { ...base, id: "other-areas", type: "fill", paint: { "fill-color": c.slate, "fill-opacity": 0.16 } },
    { ...base, id: "other-edges", type: "line", paint: { "line-color": c.slate, "line-width": byZoom(9, 0.6, 16, 1.6) } },
  ];
}

function otherLines(c) {
  return [{
    source: "city", "source-layer": "other-lines", id: "other-lines", type: "line",
    layout: { "line-cap": "round", "line-join": "round" },
    paint: { "line-color": c.slate, "line-width": byZoom(9, 1, 13, 2, 17, 4) },
  }];
}

function otherPoints(c) {
  return [{
    source: "city", "source-layer": "other-points", id: "other-points", type: "circle",
    paint: {
      "circle-color": c.ground, "circle-stroke-color": c.slate,
      "circle-radius": byZoom(9, 1.2, 13, 2.4, 16, 4.5), "circle-stroke-width": byZoom(9, 0.8, 13, 1.6, 16, 2.2),
    },
  }];
}

function labels(c) {
  const halo = { "text-halo-color": c["map-ground"], "text-halo-width": 1.8 };
  const name = ["coalesce", ["get", "name"], ""];
  return [
    {
      source: "city", "source-layer": "roads", id: "road-names", type: "symbol", minzoom: 13.5,
      filter: ["step", ["zoom"], IS_MAJOR, 15.5, true],
      layout: { "symbol-placement": "line", "text-field": name, "text-font": FONT, "text-size": byZoom(13.5, 11, 18, 15), "text-padding": 12, "symbol-spacing": 340 },
      paint: { "text-color": c.ink, "text-opacity": 0.78, ...halo },
    },
    {
      source: "city", "source-layer": "places", id: "place-names", type: "symbol", minzoom: 16.5,
      layout: { "text-field": name, "text-font": FONT, "text-size": 13, "text-anchor": "left", "text-offset": [0.7, 0], "text-max-width": 9, "text-optional": true, "text-padding": 10 },
      paint: { "text-color": c.slate, ...halo },
    },
    {
      source: "city", "source-layer": "other-points", id: "other-names", type: "symbol", minzoom: 15,
      layout: { "text-field": name, "text-font": FONT, "text-size": 13, "text-anchor": "left", "text-offset": [0.8, 0], "text-max-width": 9, "text-optional": true, "text-padding": 10 },
      paint: { "text-color": c.slate, ...halo },
    },
    {
      source: "city", "source-layer": "stops", id: "stop-names", type: "symbol", minzoom: 14,
      layout: { "text-field": name, "text-font": FONT_STRONG, "text-size": 13, "text-variable-anchor": ["left", "right", "top", "bottom"], "text-radial-offset": 0.8, "text-max-width": 9 },
      paint: { "text-color": c.copper, ...halo },
    },
    {
      source: "city", "source-layer": "settlements", id: "settlements", type: "symbol", maxzoom: 15,
      layout: { "text-field": name, "text-font": FONT_STRONG, "text-size": byZoom(9, 13, 14, 18), "text-max-width": 8 },
      paint: { "text-color": c.ink, ...halo },
    },
  ];
}

function live(c) {
  return [
    {
      id: "selected-fill", type: "fill", source: "selected", filter: ["==", ["geometry-type"], "Polygon"],
      paint: { "fill-color": c.brick, "fill-opacity": 0.12 },
    },
    {
      id: "selected-casing", type: "line", source: "selected", filter: ["!=", ["geometry-type"], "Point"],
      layout: { "line-join": "round", "line-cap": "round" },
      paint: { "line-color": c.ground, "line-width": 6 },
    },
    {
      id: "selected-line", type: "line", source: "selected", filter: ["!=", ["geometry-type"], "Point"],
      layout: { "line-join": "round", "line-cap": "round" },
      paint: { "line-color": c.brick, "line-width": 3 },
    },
    {
      id: "selected-point", type: "circle", source: "selected", filter: ["==", ["geometry-type"], "Point"],
      paint: { "circle-color": c.ground, "circle-opacity": 0, "circle-stroke-color": c.brick, "circle-stroke-width": 3, "circle-radius": 11 },
    },
    {
      id: "vehicles", type: "symbol", source: "vehicles",
      layout: {
        "icon-image": ["match", ["get", "how"], "reported", "vehicle-reported", "vehicle"], "icon-rotate": ["coalesce", ["get", "heading"], 0], "icon-rotation-alignment": "map",
        "icon-allow-overlap": true, "icon-ignore-placement": true, "icon-size": byZoom(9, 0.3, 12, 0.5, 14, 0.75, 16, 1.05),
      },
    },
  ];
}

/** A vehicle seen from above: a disc with a bow, ringed in ink; amber by the timetable, copper by report. */
export function vehicleImage(c, reported) {
  const size = 64;
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = size;
  const pen = canvas.getContext("2d");
  pen.translate(size / 2, size / 2);
  pen.beginPath();
  pen.arc(0, 3, 16, -Math.PI * 0.2, Math.PI * 1.2);
  pen.lineTo(0, -24);
  pen.closePath();
  pen.lineJoin = "round";
  pen.lineWidth = 12;
  pen.strokeStyle = c.ground;
  pen.stroke();
  pen.lineWidth = 6;
  pen.strokeStyle = c.ink;
  pen.stroke();
  pen.fillStyle = reported ? c.copper : c.amber;
  pen.fill();
  return pen.getImageData(0, 0, size, size);
}
