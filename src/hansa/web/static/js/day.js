/* A day of the timetable: how many vehicles run at each hour, and where each one is at any minute.

   The node sends runs that share a pattern once: `patterns` give a shape and, for each stop, seconds
   after the start and metres along the shape; `runs` are [pattern, start in seconds, trip]. */
import { clock, t } from "./language.js";

const WIDTH = 288;
const HEIGHT = 40;
const MINUTES_PER_SECOND = 6;

export function startDay(city, fleet) {
  const section = document.getElementById("day");
  if (!section || !city.has_timetable) return;
  section.hidden = false;
  const view = {
    say: document.getElementById("day-say"), mark: section.querySelector(".mark"), shape: document.getElementById("day-shape"),
    time: document.getElementById("day-time"), weekday: document.getElementById("day-weekday"),
    play: document.getElementById("day-play"), live: document.getElementById("day-live"),
    replay: document.getElementById("day-replay"),
  };
  new Day(city, fleet, view).start();
}

class Day {
  constructor(city, fleet, view) {
    Object.assign(this, { city, fleet, view });
    this.loaded = performance.now();
    this.watching = null;
    this.day = null;
    this.played = 0;
  }

  /** The node's time of day in the city, in minutes. */
  get now() {
    return (this.city.minute + (performance.now() - this.loaded) / 60000) % 1440;
  }

  async start() {
    const { time, weekday, play, live } = this.view;
    time.value = Math.floor(this.now);
    time.addEventListener("input", () => this.#watch(Number(time.value)));
    weekday.addEventListener("change", async () => {
      await this.#load(weekday.value);
      this.#watch(Number(time.value));
    });
    play.addEventListener("click", () => this.#play(play.getAttribute("aria-pressed") !== "true"));
    live.addEventListener("click", () => this.#live());
    this.fleet.addEventListener("change", () => this.#say());
    setInterval(() => this.watching === null && this.#tick(), 5000);
    await this.#load(weekday.value);
    this.#tick();
  }

  #tick() {
    this.view.time.value = Math.floor(this.now);
    this.#draw(this.now);
    this.#say();
  }

  async #load(weekday) {
    const answer = await fetch(`/city/day?weekday=${weekday}`).catch(() => null);
    if (!answer?.ok) return;
    this.day = await answer.json();
    this.runs = this.day.runs.map(([pattern, start, trip]) => {
      const { times } = this.day.patterns[pattern];
      return { pattern: this.day.patterns[pattern], start, end: start + times.at(-1), trip };
    });
    this.#curve();
    const { replay } = this.view;
    replay.hidden = !this.day.note;
    replay.textContent = this.day.note ?? "";
  }

  #watch(minute) {
    this.watching = minute;
    this.view.live.hidden = false;
    this.fleet.watch(() => this.#positions());
    this.#draw(minute);
    this.#say();
  }

  #live() {
    this.#play(false);
    this.watching = null;
    this.view.live.hidden = true;
    this.fleet.watch(null);
    const today = String(this.city.weekday);
    if (this.view.weekday.value !== today) {
      this.view.weekday.value = today;
      this.#load(today).then(() => this.#tick());
    }
    this.#tick();
    this.view.play.focus();
  }

  #play(on) {
    const { play } = this.view;
    play.setAttribute("aria-pressed", String(on));
    const label = play.querySelector("[data-on]");
    label.textContent = on ? label.dataset.on : label.dataset.off;
    this.playing = on;
    // A minute every few frames is nothing to read out.
    this.view.say.setAttribute("aria-live", on ? "off" : "polite");
    if (!on) return;
    if (this.watching === null) this.#watch(this.now);
    let before = performance.now();
    const step = (now) => {
      if (!this.playing) return;
      this.watching = (this.watching + ((now - before) / 1000) * MINUTES_PER_SECOND) % 1440;
      before = now;
      if (now - this.played > 120) {
        this.played = now;
        this.view.time.value = Math.floor(this.watching);
        this.#draw(this.watching);
        this.#say();
      }
      requestAnimationFrame(step);
    };
    requestAnimationFrame(step);
  }

  /** Runs on the way at `minute`; those that go on past midnight count from the day before too. */
  #running(minute) {
    const second = minute * 60;
    return (this.runs ?? []).filter((run) => run.start <= second && second < run.end);
  }

  #positions() {
    const second = this.watching * 60;
    return this.#running(this.watching).map((run) => ({ id: run.trip, ...place(this.day.shapes, run, second) }));
  }

  /** What kind of positions these are; hours that are watched come from the timetable alone. */
  #how() {
    const how = this.watching === null ? this.fleet.how : [];
    if (how.includes("reported")) return how.length > 1 ? t("scheduled and reported") : t("reported");
    return t("scheduled");
  }

  #say() {
    const { say, time, mark } = this.view;
    mark.textContent = this.#how();
    const minute = this.watching ?? this.now;
    const count = this.watching === null ? this.fleet.size : this.#running(minute).length;
    const hour = document.createElement("b");
    hour.textContent = clock(minute);
    const words = count
      ? t("one vehicle on the way", "{n} vehicles on the way", { n: count })
      : this.#next(minute);
    if (this.said === hour.textContent + words) return;
    this.said = hour.textContent + words;
    say.replaceChildren(hour, ` ${words}`);
    time.setAttribute("aria-valuetext", `${clock(minute)}, ${words}`);
  }

  #next(minute) {
    if (!this.runs?.length) return t("No vehicle runs on this day.");
    const later = this.runs.map((run) => run.start / 60).filter((start) => start > minute);
    if (!later.length) return t("No vehicle runs at this hour; service has ended for the day.");
    return t("No vehicle runs at this hour; the next one starts at {time}.", { time: clock(Math.min(...later)) });
  }

  #curve() {
    const counts = this.day.service;
    const top = Math.max(1, ...counts);
    const points = counts.map((n, i) => `${((i / (counts.length - 1)) * WIDTH).toFixed(1)} ${(HEIGHT - (n / top) * (HEIGHT - 4)).toFixed(1)}`);
    const line = `M${points.join("L")}`;
    this.view.shape.replaceChildren(
      path("area", `${line}L${WIDTH} ${HEIGHT}L0 ${HEIGHT}Z`), path("line", line), path("at", ""),
    );
  }

  #draw(minute) {
    const x = ((minute / 1440) * WIDTH).toFixed(1);
    this.view.shape.querySelector(".at")?.setAttribute("d", `M${x} 0V${HEIGHT}`);
  }
}

function path(name, d) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", "path");
  element.setAttribute("class", name);
  element.setAttribute("d", d);
  return element;
}

/** Where a run is at `second`: position and heading along its shape. */
function place(shapes, run, second) {
  const { times, metres, shape } = run.pattern;
  const since = second - run.start;
  let i = 1;
  while (i < times.length - 1 && times[i] < since) i++;
  const span = times[i] - times[i - 1];
  const share = span > 0 ? Math.min(Math.max((since - times[i - 1]) / span, 0), 1) : 1;
  return along(shapes[shape], metres[i - 1] + (metres[i] - metres[i - 1]) * share);
}

function along({ points, metres }, distance) {
  let low = 0;
  let high = metres.length - 1;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (metres[middle] <= distance) low = middle;
    else high = middle;
  }
  const span = metres[high] - metres[low];
  const share = span > 0 ? Math.min(Math.max((distance - metres[low]) / span, 0), 1) : 0;
  const [a, b] = [points[low], points[high]];
  const east = (b[0] - a[0]) * Math.cos((a[1] * Math.PI) / 180);
  return {
    at: [a[0] + (b[0] - a[0]) * share, a[1] + (b[1] - a[1]) * share],
    heading: (Math.atan2(east, b[1] - a[1]) * 180) / Math.PI,
  };
}
