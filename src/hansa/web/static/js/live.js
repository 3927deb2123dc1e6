/* The live console: its rows are fetched again every few seconds, unless held still or out of sight. */

const EVERY = 3000;
const rows = document.getElementById("rows");
const pause = document.querySelector("[data-pause]");
let held = false;

pause.hidden = false;
pause.addEventListener("click", () => {
  held = !held;
  pause.setAttribute("aria-pressed", String(held));
});

/** Whether someone is at work in the rows, which must then not change under their hands. */
function inUse() {
  return rows.contains(document.activeElement)
    || rows.querySelector("input:checked, details[open]") !== null
    || String(getSelection()) !== "";
}

async function refresh() {
  if (held || document.hidden || inUse()) return;
  const address = new URL(location.href);
  address.searchParams.set("part", "rows");
  try {
    const answer = await fetch(address);
    if (answer.ok && !inUse()) rows.innerHTML = await answer.text();
    document.body.classList.toggle("stale", !answer.ok);
  } catch {
    document.body.classList.add("stale");
  }
}

setInterval(refresh, EVERY);
