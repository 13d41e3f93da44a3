// Set light or dark before the first paint: the reader's choice if there is one, else the system's. Without scripts
// the page is light.
(function () {
  "use strict";
  var root = document.documentElement;
  var mode = localStorage.getItem("mode") || "auto";
  var system = window.matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
  root.dataset.mode = mode;
  root.dataset.theme = mode === "auto" ? system : mode;

  // Paper is light.
  var shown = null;
  function print(paper) {
    if (paper === (shown !== null)) return;
    if (paper) shown = root.dataset.theme;
    root.dataset.theme = paper ? "light" : shown;
    if (!paper) shown = null;
  }
  window.addEventListener("beforeprint", function () { print(true); });
  window.addEventListener("afterprint", function () { print(false); });
  window.matchMedia("print").addEventListener("change", function (event) { print(event.matches); });
})();
