/* The panel: the city, or one entity. It can be slid away, and its state is in the address. */
import { drawHistories } from "./history.js";
import { t } from "./language.js";

export class Panel extends EventTarget {
  constructor(element) {
    super();
    this.element = element;
    this.overview = element.querySelector("#overview");
    this.detail = element.querySelector("#detail");
    this.body = element.querySelector("#panel-body");
    this.toggle = element.querySelector("#panel-toggle");
    this.toggle.hidden = false;
    this.toggle.addEventListener("click", () => this.slide(!this.isOpen));
    this.request = 0;
    this.current = null;
    this.scrolled = 0;
    this.title = document.title;
    this.detail.addEventListener("click", (event) => this.#follow(event));
    addEventListener("keydown", (event) => {
      if (event.key === "Escape" && this.current) this.close();
    });
    addEventListener("hashchange", () => this.#fromAddress());
  }

  get isOpen() {
    return !this.element.classList.contains("shut");
  }

  /** Read the address once everything else stands; `fly` takes the map to the entity it names. */
  start(fly = true) {
    this.#fromAddress(fly);
  }

  slide(open) {
    this.element.classList.toggle("shut", !open);
    this.toggle.setAttribute("aria-expanded", String(open));
    this.dispatchEvent(new Event("moved"));
  }

  /** Show an entity, or `whole` all that bear its name; with `remember` (not when the address asked for it) "back" leads out of it. */
  async open(id, { fly = false, remember = true, whole = false } = {}) {
    if (id === this.current && !fly) return;
    const request = ++this.request;
    this.current = id;
    if (remember) this.#remember();
    const answer = await fetch(`/entity/${encodeURIComponent(id)}?part=panel${whole ? "&whole" : ""}`).catch(() => null);
    if (request !== this.request) return;
    if (this.detail.hidden) this.scrolled = this.body.scrollTop;
    if (answer?.ok) this.detail.innerHTML = await answer.text();
    else this.#sayFault(answer);
    this.overview.hidden = true;
    this.detail.hidden = false;
    this.body.scrollTop = 0;
    if (!this.isOpen) this.slide(true);
    const name = this.detail.querySelector(".name");
    name?.focus({ preventScroll: true });
    document.title = name ? `${name.textContent} · ${this.title}` : this.title;
    drawHistories(this.detail);
    const shape = this.detail.querySelector("[data-geometry]");
    this.dispatchEvent(new CustomEvent("selected", { detail: {
      id, fly,
      geometry: shape ? JSON.parse(shape.dataset.geometry) : null,
      box: shape ? JSON.parse(shape.dataset.box) : null,
    } }));
  }

  close({ remember = true } = {}) {
    if (!this.current) return;
    this.request++;
    this.current = null;
    if (remember) this.#remember();
    document.title = this.title;
    this.detail.hidden = true;
    this.detail.replaceChildren();
    this.overview.hidden = false;
    this.body.scrollTop = this.scrolled;
    this.dispatchEvent(new Event("closed"));
  }

  #follow(event) {
    if (event.target.closest("[data-back]")) {
      event.preventDefault();
      this.close();
      this.overview.querySelector("#q").focus({ preventScroll: true });
      return;
    }
    const link = event.target.closest("a[data-entity]");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    this.open(link.dataset.entity, { fly: true, whole: "whole" in link.dataset });
  }

  #sayFault(answer) {
    const text = document.createElement("p");
    text.textContent = answer?.status === 404
      ? t("This entity is no longer here.")
      : t("The node did not answer. Try again in a moment.");
    const back = document.createElement("button");
    back.className = "button";
    back.dataset.back = "";
    back.textContent = t("Back to the city");
    this.detail.replaceChildren(text, back);
  }

  #parameters() {
    return new URLSearchParams(location.hash.slice(1).replaceAll("+", "%2B"));
  }

  #remember() {
    const kept = location.hash.slice(1).split("&").filter((part) => part && !part.startsWith("entity="));
    if (this.current) kept.push(`entity=${encodeURIComponent(this.current)}`);
    const address = location.pathname + location.search + (kept.length ? `#${kept.join("&")}` : "");
    history.pushState(history.state, "", address);
  }

  #fromAddress(fly = false) {
    const parameters = this.#parameters();
    const id = parameters.get("entity");
    if (id && id !== this.current) this.open(id, { fly, remember: false });
    else if (!id && this.current) this.close({ remember: false });
  }
}
