/* Open book: the sources in public space on the map of the city; each leads to its page. */
import { buildStyle, readColours } from "./map-style.js";
import { t } from "./language.js";

const { places, bounds, tiles, maxZoom } = JSON.parse(document.getElementById("places").textContent);
const missing = document.getElementById("map-missing");

function hasWebGL() {
  return Boolean(window.WebGL2RenderingContext && document.createElement("canvas").getContext("webgl2"));
}

function collection() {
  const features = places.map(({ id, name, at }) => ({
    type: "Feature", properties: { id, name }, geometry: { type: "Point", coordinates: at },
  }));
  return { type: "FeatureCollection", features };
}

function style() {
  const c = readColours();
  const address = new URL(tiles, location.href).href.replaceAll("%7B", "{").replaceAll("%7D", "}");
  const made = buildStyle(c, { tiles: address, maxZoom, breaks: [], beyond: false });
  made.sources.places = { type: "geojson", data: collection() };
  made.layers = made.layers.filter((layer) => !["vehicles", "selected"].includes(layer.source) && !["stops", "transit", "places"].includes(layer["source-layer"]));
  made.layers.push(
    { id: "signs", type: "circle", source: "places", paint: { "circle-radius": 9, "circle-color": c.brick, "circle-stroke-color": c.ground, "circle-stroke-width": 2 } },
    { id: "sign-names", type: "symbol", source: "places", layout: { "text-field": ["get", "name"], "text-font": ["Atlas Semibold", "sans-serif"], "text-size": 13, "text-offset": [0, 1.1], "text-anchor": "top", "text-max-width": 12 }, paint: { "text-color": c.ink, "text-halo-color": c.ground, "text-halo-width": 2 } },
  );
  return made;
}

function extent() {
  const east = places.map(({ at }) => at[0]);
  const north = places.map(({ at }) => at[1]);
  const box = [Math.min(...east), Math.min(...north), Math.max(...east), Math.max(...north)];
  return places.length > 1 || !bounds ? [[box[0], box[1]], [box[2], box[3]]] : [[bounds[0], bounds[1]], [bounds[2], bounds[3]]];
}

async function start() {
  await Promise.all([document.fonts.load("400 16px Atlas"), document.fonts.load('600 16px "Atlas Semibold"')]);
  const map = new maplibregl.Map({
    container: "map", style: style(), attributionControl: false, cooperativeGestures: true,
    bounds: extent(), fitBoundsOptions: { padding: 60, maxZoom: 15 },
    locale: { "Map.Title": t("Map: drag to move, + and − to zoom, arrow keys to pan"), "NavigationControl.ZoomIn": t("Zoom in"), "NavigationControl.ZoomOut": t("Zoom out"), "CooperativeGesturesHandler.WindowsHelpText": t("Hold Ctrl and scroll to zoom the map"), "CooperativeGesturesHandler.MacHelpText": t("Hold ⌘ and scroll to zoom the map"), "CooperativeGesturesHandler.MobileHelpText": t("Move the map with two fingers") },
  });
  map.addControl(new maplibregl.NavigationControl({ showCompass: false }), "top-right");
  map.on("click", "signs", ({ features }) => { location.assign(`/open-book/sources/${encodeURIComponent(features[0].properties.id)}`); });
  map.on("mouseenter", "signs", () => { map.getCanvas().style.cursor = "pointer"; });
  map.on("mouseleave", "signs", () => { map.getCanvas().style.cursor = ""; });
  map.on("error", (event) => console.warn(event.error));
  map.once("idle", () => document.documentElement.setAttribute("data-map", "ready"));
  document.addEventListener("themechange", () => map.setStyle(style(), { diff: false }));
}

if (hasWebGL() && typeof maplibregl !== "undefined") {
  missing.hidden = true;
  start();
} else {
  missing.textContent = t("This browser cannot draw the map. All sources are in the list.");
}
