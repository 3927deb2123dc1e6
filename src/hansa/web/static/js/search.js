/* Search by name: the server writes the list, Enter goes to the first match. */
import { t } from "./language.js";

export function startSearch(choose) {
  const form = document.querySelector("form.search");
  const input = form.querySelector("input");
  const list = form.querySelector("#matches");
  let waiting = 0;
  let request = 0;

  async function look() {
    const text = input.value.trim();
    const number = ++request;
    if (text.length < 2) {
      list.replaceChildren();
      return;
    }
    const answer = await fetch(`/city/search?part=list&q=${encodeURIComponent(text)}`).catch(() => null);
    if (number !== request) return;
    if (answer?.ok) list.innerHTML = await answer.text();
    else list.textContent = t("The node did not answer. Try again in a moment.");
  }

  const matches = () => [...list.querySelectorAll("a[data-entity]")];

  input.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(look, 160);
  });
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    clearTimeout(waiting);
    await look();
    matches()[0]?.click();
  });
  form.addEventListener("keydown", (event) => {
    const links = matches();
    const at = links.indexOf(document.activeElement);
    if (event.key === "ArrowDown" && links.length) {
      event.preventDefault();
      links[Math.min(at + 1, links.length - 1)].focus();
    } else if (event.key === "ArrowUp" && at >= 0) {
      event.preventDefault();
      (at ? links[at - 1] : input).focus();
    } else if (event.key === "Escape" && input.value) {
      event.stopPropagation();
      input.value = "";
      list.replaceChildren();
      input.focus();
    }
  });
  list.addEventListener("click", (event) => {
    const link = event.target.closest("a[data-entity]");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    choose(link.dataset.entity, "whole" in link.dataset);
  });
}
