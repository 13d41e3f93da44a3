// Light or dark from the first paint on: the reader's choice, else the system's. Without scripts, light.
(function () {
  "use strict";
  var root = document.documentElement;
  var mode = localStorage.getItem("mode") || "auto";
  var system = window.matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
  root.dataset.mode = mode;
  root.dataset.theme = mode === "auto" ? system : mode;
})();
