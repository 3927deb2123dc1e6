/* Before the first paint: scripts run, and the reader's choice of light or dark. */
(function () {
  "use strict";
  var root = document.documentElement;
  root.classList.add("js");
  try {
    var chosen = localStorage.getItem("theme");
    if (chosen === "light" || chosen === "dark") root.dataset.theme = chosen;
  } catch (error) {
    /* Storage is shut: the system's choice stands. */
  }
})();
