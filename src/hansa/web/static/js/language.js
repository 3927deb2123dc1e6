/* Texts, numbers and times in the language of the page. */

const block = document.getElementById("texts");
const texts = block ? JSON.parse(block.textContent) : {};
export const code = document.documentElement.lang || "en";

const whole = new Intl.NumberFormat(code, { maximumFractionDigits: 0 });

/** `text` translated; with a count, `text` is the singular and `many` the plural form. */
export function t(text, many, values = {}) {
  if (typeof many !== "string") return fill(lookup(text, -1, text), many ?? {});
  const single = code === "fr" ? Math.abs(values.n) < 2 : values.n === 1;
  const found = lookup(many, single ? 0 : -1, single ? text : many);
  return fill(found, { ...values, n: whole.format(values.n) });
}

function lookup(key, form, fallback) {
  const found = texts[key];
  if (found === undefined) return fallback;
  return Array.isArray(found) ? found.at(form) : found;
}

function fill(text, values) {
  return text.replace(/\{(\w+)\}/g, (all, name) => (name in values ? values[name] : all));
}

/** A number as people write it. */
export function number(value, digits = 0) {
  return new Intl.NumberFormat(code, { maximumFractionDigits: digits }).format(value);
}

/** Minutes after midnight as a clock shows them. */
export function clock(minutes) {
  const whole = Math.floor(minutes);
  const hour = Math.floor(whole / 60) % 24;
  return `${String(hour).padStart(2, "0")}:${String(whole % 60).padStart(2, "0")}`;
}
