/* Small charts of a value's history. The numbers are in the page; without scripts a table shows them. */

const DAY = 86400;
const MINUTE = 60;

function colour(name) {
  const probe = document.createElement("span");
  probe.style.color = `var(--${name})`;
  document.body.append(probe);
  const value = getComputedStyle(probe).color;
  probe.remove();
  return value;
}

function axis(slate, rule, more) {
  return {
    stroke: slate, font: '13px "Source Sans 3", sans-serif', ticks: { stroke: rule, width: 1, size: 4 },
    grid: { show: false }, gap: 4, ...more,
  };
}

/** Draw every chart below `root` that is not drawn yet. */
export function drawHistories(root) {
  if (typeof uPlot === "undefined") return;
  const [slate, rule, ink] = [colour("slate"), colour("rule"), colour("ink")];
  const faint = slate.replace("rgb(", "rgba(").replace(")", ", 0.22)");
  for (const place of root.querySelectorAll(".plot[data-times]:empty")) {
    const times = JSON.parse(place.dataset.times);
    const columns = JSON.parse(place.dataset.columns);
    const width = place.clientWidth || 320;
    const single = times.length === 1;
    const parts = single ? { day: "numeric", month: "short", year: "numeric" } : precision(times.at(-1) - times[0]);
    const line = {
      stroke: ink, width: 1.5, points: { show: times.length < 24, size: 5, fill: ink },
      paths: columns.length > 1 ? uPlot.paths.linear() : uPlot.paths.stepped({ align: 1 }),
    };
    const edge = { stroke: "transparent", width: 0, points: { show: false } };
    new uPlot({
      width, height: 96, legend: { show: false }, cursor: { show: false },
      padding: [8, 18, 0, 0],
      // A single moment stands in the middle, with one label.
      scales: { x: { time: true, ...(single && { range: () => [times[0] - 1, times[0] + 1] }) } },
      series: [{}, line, ...columns.slice(1).map(() => edge)],
      // Between the lowest and the highest of each period.
      bands: columns.length > 1 ? [{ series: [3, 2], fill: faint }] : [],
      axes: [
        axis(slate, rule, { size: 24, space: 80, ...(single && { splits: () => [times[0]] }), values: (_, splits) => splits.map((at) => label(at, parts)) }),
        axis(slate, rule, { size: 48, space: 32, ...(single && { splits: () => [columns[0][0]] }) }),
      ],
    }, [times, ...columns], place);
  }
}

/** What tells the marks of an axis over `seconds` apart: days, minutes or seconds. */
function precision(seconds) {
  if (seconds > 2 * DAY) return { day: "numeric", month: "short" };
  const clock = { hour: "2-digit", minute: "2-digit" };
  return seconds > 10 * MINUTE ? clock : { ...clock, second: "2-digit" };
}

function label(seconds, parts) {
  const moment = new Date(seconds * 1000);
  const timeZone = document.documentElement.dataset.zone;
  return new Intl.DateTimeFormat(document.documentElement.lang, { ...parts, timeZone, hourCycle: "h23" }).format(moment);
}

drawHistories(document);
