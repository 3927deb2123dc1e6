/* What every page does: light and dark, and copying an address. */
import { t } from "./language.js";

const root = document.documentElement;

function isDark() {
  if (root.dataset.theme) return root.dataset.theme === "dark";
  return matchMedia("(prefers-color-scheme: dark)").matches;
}

function announceTheme(button) {
  button.setAttribute("aria-pressed", String(isDark()));
}

const themeButton = document.querySelector("[data-theme-button]");
if (themeButton) {
  themeButton.hidden = false;
  announceTheme(themeButton);
  themeButton.addEventListener("click", () => {
    root.dataset.theme = isDark() ? "light" : "dark";
    announceTheme(themeButton);
    try {
      localStorage.setItem("theme", root.dataset.theme);
    } catch {
      /* The choice lasts for this page only. */
    }
    document.dispatchEvent(new CustomEvent("themechange"));
  });
}
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () =>
  document.dispatchEvent(new CustomEvent("themechange")),
);

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  const said = document.getElementById("said");
  try {
    await navigator.clipboard.writeText(button.dataset.copy);
    said.textContent = t("Copied.");
    button.classList.add("done");
    setTimeout(() => button.classList.remove("done"), 1500);
  } catch {
    said.textContent = t("The browser does not allow copying here; select the text instead.");
  }
});
