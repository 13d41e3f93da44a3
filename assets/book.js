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
  document.querySelectorAll("article th").forEach(function (head) {
    if (!head.textContent.trim()) head.setAttribute("role", "cell");    // the empty corner of a table
  });

  // From the file system a page may not read another: search lists titles without excerpts there.
  if (location.protocol === "file:") DOCUMENTATION_OPTIONS.SHOW_SEARCH_SUMMARY = false;

  // The search page is for typing, and its "Hide Search Matches" is a link to code, which the page's policy refuses.
  var field = document.querySelector(".bd-search-container input");
  if (field) field.select();
  document.addEventListener("click", function (event) {
    if (!event.target.closest(".highlight-link a")) return;
    event.preventDefault();
    SphinxHighlight.hideSearchWords();
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
    document.addEventListener("toggle", fit, true);     // an answer was unfolded
  }
  if (document.readyState === "complete") start();
  else window.addEventListener("load", start);

  // JupyterLite needs a server.
  if (location.protocol === "file:") {
    document.querySelectorAll(".run:has([href])").forEach(function (offer) {
      offer.textContent = "To run this chapter in your browser, serve the book: make serve.";
    });
  }

  // A link with a template shows what it leads to while the pointer or the keyboard is on it.
  // The pointer may move onto the preview, Escape closes it, and a touch follows the link.
  var preview = document.createElement("div");
  preview.id = "preview";
  preview.setAttribute("role", "tooltip");
  var current = null;
  var waiting = 0;

  function place() {
    if (!current) return;
    var link = current.getBoundingClientRect();
    var page = document.documentElement;
    var room = page.clientWidth - preview.offsetWidth - 8;
    var below = link.bottom + preview.offsetHeight + 8 < page.clientHeight || link.top < preview.offsetHeight + 8;
    preview.style.left = window.scrollX + Math.max(8, Math.min(link.left, room)) + "px";
    preview.style.top = window.scrollY + (below ? link.bottom : link.top - preview.offsetHeight) + "px";
  }

  function show(link, template) {
    hide();
    current = link;
    preview.replaceChildren(template.content.cloneNode(true));
    link.closest("article").append(preview);
    link.setAttribute("aria-describedby", preview.id);
    var math = window.MathJax && window.MathJax.typesetPromise;
    (math ? math([preview]) : Promise.resolve()).then(place);
    preview.querySelectorAll("img").forEach(function (image) { image.onload = place; });
    place();
  }

  function hide() {
    window.clearTimeout(waiting);
    if (current) current.removeAttribute("aria-describedby");
    current = null;
    preview.remove();
  }

  function soon(action) {
    window.clearTimeout(waiting);
    waiting = window.setTimeout(action, 300);
  }

  // What the keyboard shows stays while the pointer passes by.
  function leave() {
    soon(function () { if (current && !current.matches(":focus-visible")) hide(); });
  }

  document.querySelectorAll("template.preview").forEach(function (template) {
    var address = CSS.escape(template.dataset.for);
    document.querySelectorAll('article a.reference[href="' + address + '"]').forEach(function (link) {
      function open() { if (current !== link) show(link, template); }
      link.addEventListener("pointerenter", function (event) {
        if (event.pointerType === "mouse") soon(open);
      });
      link.addEventListener("pointerleave", leave);
      link.addEventListener("focus", function () { if (link.matches(":focus-visible")) open(); });
      link.addEventListener("blur", hide);
    });
  });
  preview.addEventListener("pointerenter", function () { window.clearTimeout(waiting); });
  preview.addEventListener("pointerleave", leave);
  document.addEventListener("keydown", function (event) { if (event.key === "Escape") hide(); });
})();
