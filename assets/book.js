// Small corrections to the theme's pages. The book is readable without them.
(function () {
  "use strict";

  // The accessible name of a button must contain its visible words.
  document.querySelectorAll("button.search-button-field").forEach(function (button) {
    button.removeAttribute("aria-label");
  });
  document.querySelectorAll("button.theme-switch-button").forEach(function (button) {
    button.setAttribute("aria-label", "Color mode: Light, Dark, System Settings");
  });

  document.querySelectorAll("i").forEach(function (icon) { icon.setAttribute("aria-hidden", "true"); });

  // The whole sidebar is one landmark. The captions of its lists are names, not headings: the title of the page comes first.
  var sidebar = document.getElementById("pst-primary-sidebar");
  if (sidebar) {
    sidebar.setAttribute("role", "navigation");
    sidebar.setAttribute("aria-label", "Book");
    sidebar.querySelectorAll("nav").forEach(function (inner) {
      inner.removeAttribute("aria-label");
      inner.setAttribute("role", "presentation");
    });
    sidebar.querySelectorAll(".caption").forEach(function (caption) {
      caption.removeAttribute("role");
      caption.removeAttribute("aria-level");
      caption.nextElementSibling.setAttribute("aria-label", caption.textContent);
    });
  }

  // Each copy button says what it copies. They are there when the other listeners of this event have run.
  document.addEventListener("DOMContentLoaded", function () {
    document.querySelectorAll("button.copybtn").forEach(function (button, index) {
      button.setAttribute("aria-label", "Copy code " + (index + 1));
    });
  });

  // These roles are not allowed on their elements.
  document.querySelectorAll(".citation-list, div.citation").forEach(function (entry) {
    entry.removeAttribute("role");
  });
  document.querySelectorAll("article th").forEach(function (head) {
    if (!head.textContent.trim()) head.setAttribute("role", "cell");    // the empty corner of a table
  });

  // The search loads when its dialog opens.
  var dialog = document.getElementById("pst-search-dialog");
  var folder = document.currentScript.src;
  if (dialog && !document.getElementById("search-results")) {
    dialog.addEventListener("focusin", function () {
      ["search-index.js", "search.js"].forEach(function (name) {
        var script = document.createElement("script");
        script.src = new URL(name, folder);
        script.async = false;     // one after the other
        document.head.append(script);
      });
    }, {once: true});
  }

  // Boxes that scroll sideways must be reachable with the keyboard.
  var boxes = ".formula, span.math.wide, .cell_output .output, div.highlight pre, .pst-scrollable-table-container, dt.sig";
  function reachable() {
    document.querySelectorAll(boxes).forEach(function (box) {
      if (box.scrollWidth > box.clientWidth) box.tabIndex = 0;
      else box.removeAttribute("tabindex");
    });
  }

  // An inline formula wider than the screen scrolls too.
  function fit() {
    document.querySelectorAll("span.math").forEach(function (formula) {
      formula.classList.remove("wide");
      var room = formula.closest("p, li, dd, td, figcaption, div");
      if (room && formula.offsetWidth > room.clientWidth) formula.classList.add("wide");
    });
    reachable();
  }

  function start() {
    (document.fonts ? document.fonts.ready : Promise.resolve()).then(fit);
    window.addEventListener("resize", fit);
    document.addEventListener("toggle", fit, true);     // an answer was opened or closed
  }
  if (document.readyState === "complete") start();
  else window.addEventListener("load", start);

  // JupyterLite does not run from disk.
  if (location.protocol === "file:") {
    document.querySelectorAll(".run:has([href])").forEach(function (offer) {
      offer.textContent = "To run this chapter in your browser, serve the book: make serve.";
    });
  }

  // A link with a template shows a preview of its target while the pointer or the focus is on it.
  // The pointer may move onto the preview. Escape closes it. A touch follows the link without a preview.
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

  // A preview that the focus opened stays open when the pointer leaves.
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
