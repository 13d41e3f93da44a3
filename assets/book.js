// Small repairs to the theme's pages. The book reads without them.
(function () {
  "use strict";

  // A button's name must contain the words seen on it.
  document.querySelectorAll("button.search-button-field").forEach(function (button) {
    button.removeAttribute("aria-label");
  });
  document.querySelectorAll("button.theme-switch-button").forEach(function (button) {
    button.setAttribute("aria-label", "Color mode: Light, Dark, System Settings");
  });

  var sidebar = document.getElementById("pst-primary-sidebar");
  if (sidebar) {
    sidebar.setAttribute("role", "navigation");
    sidebar.setAttribute("aria-label", "Book");
  }

  // Roles that do not fit their elements.
  document.querySelectorAll(".citation-list, div.citation").forEach(function (entry) {
    entry.removeAttribute("role");
  });

  // What scrolls sideways in its own box must be reachable with the keyboard.
  var boxes = "div.math, mjx-container[display], .cell_output .output, div.highlight pre, .pst-scrollable-table-container, dt.sig";
  function reachable() {
    document.querySelectorAll(boxes).forEach(function (box) {
      if (box.scrollWidth > box.clientWidth) box.tabIndex = 0;
      else box.removeAttribute("tabindex");
    });
  }

  // An inline formula wider than the screen scrolls too.
  function fit() {
    document.querySelectorAll("mjx-container:not([display])").forEach(function (formula) {
      formula.classList.remove("wide");
      var room = formula.closest("p, li, dd, td, figcaption, div");
      if (room && formula.offsetWidth > room.clientWidth) formula.classList.add("wide");
    });
    reachable();
  }

  function start() {
    var math = window.MathJax && window.MathJax.startup && window.MathJax.startup.promise;
    (math || Promise.resolve()).then(fit);
    window.addEventListener("resize", fit);
  }
  if (document.readyState === "complete") start();
  else window.addEventListener("load", start);
})();
