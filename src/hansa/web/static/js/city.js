/* City: puts the map, the panel, the search and the vehicles together. */
import { buildStyle, CLICKABLE, GROUPS, readColours, vehicleImage } from "./map-style.js";
import { Panel } from "./panel.js";
import { startSearch } from "./search.js";
import { Fleet } from "./vehicles.js";
import { startDay } from "./day.js";
import { t } from "./language.js";

const city = JSON.parse(document.getElementById("city").textContent);
const calm = matchMedia("(prefers-reduced-motion: reduce)");
const narrow = matchMedia("(max-width: 560px), (max-width: 720px) and (orientation: portrait)");
/** Whether the address says where to look; read before the map writes it. */
const placed = new URLSearchParams(location.hash.slice(1)).has("map");
const missing = document.getElementById("map-missing");

function withoutMap(why) {
  document.body.classList.add("no-map");
  document.getElementById("map-loading").hidden = true;
  missing.textContent = why;
  missing.hidden = false;
}

function hasWebGL() {
  const canvas = document.createElement("canvas");
  return Boolean(window.WebGL2RenderingContext && canvas.getContext("webgl2"));
}

function padding() {
  if (narrow.matches) return { top: document.getElementById("legend") ? 84 : 40, bottom: panel.isOpen ? document.getElementById("panel").offsetHeight : 108, left: 0, right: 0 };
  return { top: 0, bottom: 0, left: panel.isOpen ? 392 : 0, right: 0 };
}

function tileAddress() {
  return new URL(city.tiles, location.href).href.replaceAll("%7B", "{").replaceAll("%7D", "}");
}

async function startMap() {
  // Labels are drawn with the page's font, so it has to be there first.
  await Promise.all([document.fonts.load("400 16px Atlas"), document.fonts.load('600 16px "Atlas Semibold"')]);
  const map = new maplibregl.Map({
    container: "map",
    style: style(),
    hash: "map",
    attributionControl: false,
    maxZoom: 18.5,
    maxPitch: 60,
    fadeDuration: calm.matches ? 0 : 200,
    locale: { "Map.Title": t("Map: drag to move, + and − to zoom, arrow keys to pan"), "NavigationControl.ZoomIn": t("Zoom in"), "NavigationControl.ZoomOut": t("Zoom out"), "NavigationControl.ResetBearing": t("Turn the map to north") },
    center: [0, 20],
    zoom: 1.4,
  });
  map.setPadding(padding());
  if (city.bounds && !placed) {
    const [west, south, east, north] = city.bounds;
    map.fitBounds([[west, south], [east, north]], { padding: 24, maxZoom: 16, animate: false });
  }
  map.addControl(new maplibregl.NavigationControl({ visualizePitch: true }), "top-right");
  map.addControl(new maplibregl.ScaleControl({ maxWidth: 120 }), "bottom-right");
  map.on("styleimagemissing", (event) => {
    if (!event.id.startsWith("vehicle")) return;
    const image = vehicleImage(readColours(), event.id === "vehicle-reported");
    map.addImage(event.id, image, { pixelRatio: 2 });
  });
  map.on("error", (event) => console.warn(event.error));
  missing.hidden = true;
  return map;
}

function style() {
  return buildStyle(readColours(), { tiles: tileAddress(), maxZoom: city.max_zoom, breaks: city.breaks, beyond: city.beyond });
}

function markDark() {
  const chosen = document.documentElement.dataset.theme;
  const dark = chosen ? chosen === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  document.documentElement.toggleAttribute("data-dark", dark);
}

const panel = new Panel(document.getElementById("panel"));

function wireSwitches(map) {
  const inputs = document.querySelectorAll("[data-layer]");
  const legend = document.getElementById("legend");
  const apply = () => {
    for (const input of inputs) {
      for (const id of GROUPS[input.dataset.layer] ?? []) {
        if (map.getLayer(id)) map.setLayoutProperty(id, "visibility", input.checked ? "visible" : "none");
      }
      if (legend && input.dataset.layer === "zones") legend.hidden = !input.checked;
    }
  };
  for (const input of inputs) input.addEventListener("change", apply);
  const section = document.getElementById("layers");
  if (section) section.hidden = false;
  return apply;
}

function wireClicks(map) {
  const around = ({ x, y }) => [[x - 5, y - 5], [x + 5, y + 5]];
  const pick = (point) => {
    const layers = CLICKABLE.filter((id) => map.getLayer(id));
    const exact = map.queryRenderedFeatures(around(point), { layers }).filter((f) => f.properties.id);
    const rank = (feature) => CLICKABLE.indexOf(feature.layer.id);
    return exact.sort((a, b) => rank(a) - rank(b))[0];
  };
  map.on("click", (event) => {
    const feature = pick(event.point);
    if (feature) panel.open(feature.properties.id);
    else panel.close();
  });
  map.on("mousemove", (event) => {
    map.getCanvas().style.cursor = pick(event.point) ? "pointer" : "";
  });
}

function wireSelection(map) {
  const source = () => map.getSource("selected");
  let shown = null;
  const draw = () => source()?.setData(shown ?? { type: "FeatureCollection", features: [] });
  panel.addEventListener("selected", ({ detail }) => {
    shown = detail.geometry ? { type: "Feature", properties: {}, geometry: detail.geometry } : null;
    draw();
    if (detail.fly && detail.box) {
      const [west, south, east, north] = detail.box;
      map.fitBounds([[west, south], [east, north]], {
        padding: 60, maxZoom: 16, animate: !calm.matches, duration: 1200,
      });
    }
  });
  panel.addEventListener("closed", () => { shown = null; draw(); });
  return draw;
}

async function main() {
  markDark();
  startSearch((id, whole) => panel.open(id, { fly: true, whole }));
  const fleet = new Fleet(calm.matches);
  startDay(city, fleet);
  fleet.connect();
  if (!hasWebGL() || typeof maplibregl === "undefined") {
    withoutMap(t("This browser cannot draw the map (WebGL is off or missing). Everything on it is in the lists below: search by name, or choose a kind."));
    panel.start();
    return;
  }
  const map = await startMap();
  const applySwitches = wireSwitches(map);
  const drawSelection = wireSelection(map);
  wireClicks(map);
  fleet.show(map);
  panel.addEventListener("moved", () => map.easeTo({ padding: padding(), animate: !calm.matches, duration: 280 }));
  map.once("load", () => {
    applySwitches();
    panel.start(!placed);
    const ready = () => {
      if (!map.areTilesLoaded()) return;
      map.off("render", ready);
      document.getElementById("map-loading").hidden = true;
      document.documentElement.setAttribute("data-map", "ready");
    };
    map.on("render", ready);
    map.triggerRepaint();
  });
  document.addEventListener("themechange", () => {
    markDark();
    map.setStyle(style(), { diff: false });
    map.once("style.load", () => { applySwitches(); drawSelection(); fleet.redraw(); });
  });
  window.hansaMap = map;
}

main();
