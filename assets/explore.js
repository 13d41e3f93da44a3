"use strict";
// Functions that the explorables share: a stage that replaces the picture of a figure, native
// controls, numbers that are shown rounded and stored in full, drawings in SVG, and smlib's formulas.
// Each explorable is a file explore-NAME.js, for the figure named fig-explore-NAME.

const explore = (() => {
  // --- elements

  function filled(element, attributes, children) {
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    element.append(...children);
    return element;
  }

  function html(tag, attributes = {}, ...children) {
    return filled(document.createElement(tag), attributes, children);
  }

  function svg(tag, attributes = {}, ...children) {
    return filled(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);
  }

  // Replace the picture of a figure by a stage, which `build` fills. The picture stays in the page:
  // the style sheet hides it on the screen, and hides the stage on paper. The stage is added when
  // it is complete, so that the picture remains if `build` fails.
  function figure(name, build) {
    const home = document.getElementById("fig-explore-" + name);
    if (!home) return;
    const picture = home.querySelector("img");
    const stage = html("div", { class: "explore explore-" + name });
    build(stage);
    picture.classList.add("explore-still");
    picture.loading = "eager";      // a hidden picture would not be loaded lazily, and printing needs it
    picture.after(stage);
    share(home, stage);
  }

  // --- links to a state

  const stateOf = ({ type, checked, value }) => type === "checkbox" ? String(checked) : value;

  // Set a control as a reader would. What it cannot be is ignored, and what is beyond its ends is clipped.
  function set(control, wanted) {
    const { type, min, max, options } = control;
    if (type === "checkbox") control.checked = wanted === "true";
    else if (options) control.value = [...options].some(({ value }) => value === wanted) ? wanted : control.value;
    else if (Number.isFinite(parseFloat(wanted))) control.value = Math.max(min, Math.min(max, parseFloat(wanted)));
    for (const kind of ["input", "change"]) control.dispatchEvent(new Event(kind));
  }

  // Add a button next to Reset that puts into the address all controls that differ from what Reset gives them. A page
  // opened at such an address goes there. It sets the controls twice, because one may set others or bring new ones.
  function share(home, stage) {
    const reset = stage.querySelector("[name=reset]"), controls = () => [...stage.querySelectorAll("input, select")];
    const start = Object.fromEntries(controls().map(control => [control.name, stateOf(control)]));
    const link = button({ name: "link", label: "Link to this" }, () => {
      const state = controls().map(control => [control.name, stateOf(control)]).filter(([name, now]) => now !== start[name]);
      history.replaceState(null, "", `#${home.id}?${new URLSearchParams(state)}`);
      (navigator.clipboard?.writeText(location.href) ?? Promise.reject()).then(
        () => { link.textContent = "Link copied"; }, () => { link.textContent = "See address"; });
    });
    link.addEventListener("blur", () => { link.textContent = "Link to this"; });
    function open() {
      const [id, query] = location.hash.slice(1).split("?"), state = new URLSearchParams(query);
      if (id !== home.id || query === undefined) return;
      reset.click();
      for (let round = 0; round < 2; round += 1) for (const control of controls()) {
        const wanted = state.get(control.name) ?? start[control.name];
        if (stateOf(control) !== wanted) set(control, wanted);
      }
      home.scrollIntoView();
    }
    reset.after(link);
    addEventListener("load", open);
    addEventListener("hashchange", open);
  }

  // --- numbers

  const minus = text => text.replace("-", "−");

  function power(exponent) {
    const digits = String(Math.abs(exponent)).replace(/\d/g, digit => "⁰¹²³⁴⁵⁶⁷⁸⁹"[digit]);
    return "10" + (exponent < 0 ? "⁻" : "") + digits;
  }

  const formats = [];     // by their number of decimals: a format takes long to make
  function fixed(x, decimals = 0) {
    formats[decimals] ??= new Intl.NumberFormat("en-US", { minimumFractionDigits: decimals, maximumFractionDigits: decimals });
    return minus(formats[decimals].format(x === 0 ? 0 : x));
  }

  // Units of time, in seconds.
  const spans = [["1000 years", 31557600000], ["year", 31557600], ["day", 86400], ["hour", 3600], ["minute", 60], ["second", 1]];

  // Return a time in words, with two digits or more: "1.5 years", "22 seconds".
  function duration(seconds) {
    const [name, length] = spans.find(([, length], k) => k && (seconds >= length || length === 1));
    const count = fixed(seconds / length, seconds / length < 9.95 ? 1 : 0);
    return `${count} ${name}${count === "1.0" ? "" : "s"}`;
  }

  // Format a number with so many digits, and with a power of ten if it is very large or small.
  function number(x, digits = 4) {
    if (x === 0 || Number.isNaN(x)) return x === 0 ? "0" : "–";
    if (!Number.isFinite(x)) return x < 0 ? "−∞" : "∞";
    const [mantissa, tail] = x.toExponential(digits - 1).split("e");
    const exponent = Number(tail);
    if (exponent > -4 && exponent < 6) return fixed(x, Math.max(0, digits - 1 - exponent));
    const ratio = x / Number("1e" + exponent);
    if (Math.abs(Math.abs(ratio) - 1) < 1e-12) return (x < 0 ? "−" : "") + power(exponent);
    return minus(mantissa) + "·" + power(exponent);
  }

  // Return a number on the page. Its text is rounded; the value of its <data> has all digits.
  function value(name, format = number) {
    const element = html("data", { "data-name": name, value: "" });
    return {
      element,
      show(x) {
        if (element.value === String(x)) return;
        element.value = String(x);
        element.textContent = format(x);
      },
    };
  }

  // Columns are [class, heading], rows are [heading, value, value, …] with one value per column.
  function table({ label, columns, rows }) {
    const head = html("tr", {}, html("td"), ...columns.map(
      ([look, text]) => html("th", { scope: "col", class: look }, text)));
    const body = rows.map(([text, ...values]) => html("tr", {}, html("th", { scope: "row" }, text),
      ...values.map(({ element }) => html("td", {}, element))));
    return html("table", { class: "explore-values", "aria-label": label },
      html("thead", {}, head), html("tbody", {}, ...body));
  }

  // Return a sentence that describes the state. Screen readers announce it after 0.8 s without a change.
  function summary() {
    const shown = html("p", { class: "explore-summary" });
    const spoken = html("p", { class: "explore-spoken", role: "status" });
    let waiting = null;
    return {
      element: html("div", {}, shown, spoken),
      say(...words) {
        const first = !shown.hasChildNodes();
        shown.replaceChildren(...words);
        if (first) return;
        clearTimeout(waiting);
        waiting = setTimeout(() => { spoken.textContent = shown.textContent; }, 800);
      },
    };
  }

  // --- controls: each calls `changed` with its new value, and a button calls `pressed`

  let controls = 0;

  function labelled(label, input, ...more) {
    input.id = "explore-control-" + (controls += 1);
    return html("div", { class: "explore-control" },
      html("label", { for: input.id }, label), ...more, input);
  }

  function slider({ name, label, min, max, step, value, text = String }, changed) {
    const input = html("input", { type: "range", name, min, max, step, value });
    // Screen readers do not announce it: they read the same text as the value of the slider.
    const output = html("output", { "aria-live": "off" });
    let told = null;
    const control = {
      input,
      element: labelled(label, input, output),
      get value() { return input.valueAsNumber; },
      set value(x) {
        if (input.valueAsNumber !== x) input.value = x;
        tell();
      },
    };
    function tell() {
      const words = text(control.value);
      if (words === told) return;
      told = output.textContent = words;
      input.setAttribute("aria-valuetext", words);
    }
    function take() {
      tell();
      changed(control.value);
    }
    input.addEventListener("input", take);
    // A finger that scrolls the page may begin on the slider, which follows it at first. Then the old value returns.
    let held = null;
    input.addEventListener("pointerdown", () => { held = input.value; });
    input.addEventListener("pointercancel", () => {
      input.value = held;
      take();
    });
    tell();
    output.setAttribute("for", input.id);
    return control;
  }

  function checkbox({ name, label, checked = false }, changed) {
    const input = html("input", { type: "checkbox", name });
    input.checked = checked;
    input.addEventListener("change", () => changed(input.checked));
    const element = html("div", { class: "explore-check" }, html("label", {}, input, " ", label));
    return { input, element, get value() { return input.checked; } };
  }

  // Options are [value, text]; the values are strings.
  function select({ name, label, options, value }, changed) {
    const input = html("select", { name },
      ...options.map(([value, text]) => html("option", { value }, text)));
    input.value = value;
    input.addEventListener("change", () => changed(input.value));
    return { input, element: labelled(label, input), get value() { return input.value; } };
  }

  // A field for a number. What is not a number between its ends changes nothing.
  function field({ name, label, min, max, value }, changed) {
    const input = html("input", { type: "number", name, min, max, step: "any", value });
    input.addEventListener("input", () => {
      if (input.value !== "" && input.checkValidity()) changed(input.valueAsNumber);
    });
    return {
      input,
      element: labelled(label, input),
      get value() { return input.valueAsNumber; },
      set value(x) { if (input.valueAsNumber !== x) input.value = x; },
    };
  }

  function button({ name, label }, pressed) {
    const element = html("button", { type: "button", name }, label);
    element.addEventListener("click", pressed);
    return element;
  }

  // Return a row of buttons for settings to try, [name, text, setting], of which the one that is on says so.
  // `pressed` gets the setting. `mark` takes a function that returns true for the setting that is on.
  function presets(label, settings, pressed) {
    const buttons = settings.map(([name, words, setting]) => button({ name, label: words }, () => pressed(setting)));
    return {
      element: html("div", { class: "explore-presets", role: "group", "aria-label": label }, ...buttons),
      mark(on) {
        settings.forEach(([, , setting], i) => buttons[i].setAttribute("aria-pressed", on(setting)));
      },
    };
  }

  // Return what is folded at first: what an explorable has besides its picture and its first controls.
  function more(...elements) {
    return html("details", { class: "explore-more", "aria-label": "More" }, html("summary", {}, "More"), ...elements);
  }

  function row(...elements) {
    return html("div", { class: "explore-row" }, ...elements);
  }

  // --- time

  function calm() {
    return matchMedia("(prefers-reduced-motion: reduce)").matches;
  }

  // Call `step` at every frame until it returns false or until the returned function is called.
  function animate(step) {
    let frame = requestAnimationFrame(function next() {
      if (step() !== false) frame = requestAnimationFrame(next);
    });
    return () => cancelAnimationFrame(frame);
  }

  // --- drawings

  // Return an SVG as wide as its container. Its units are CSS pixels, so that font sizes are those of
  // the page. `paint(layer, width, height)` fills the empty layer after each change of the width and
  // at each `repaint`. `ground` does so for a layer below it, after a change of the width and at `redraw` alone.
  // Elements that must keep the focus are appended to `element`, where they stay.
  function drawing({ label, height }, paint, ground = () => {}) {
    const below = svg("g"), layer = svg("g");
    const element = svg("svg", { role: "img", "aria-label": label }, below, layer);
    let width = 0, tall = 0;
    function fill(part, how) {
      const shapes = document.createDocumentFragment();
      how(shapes, width, tall);
      part.replaceChildren(shapes);
    }
    function repaint() {
      if (width) fill(layer, paint);
    }
    function redraw() {
      if (!width) return;
      tall = typeof height === "function" ? height(width) : height;
      element.setAttribute("viewBox", `0 0 ${width} ${tall}`);
      element.style.height = tall + "px";
      fill(below, ground);
      repaint();
    }
    new ResizeObserver(([entry]) => {
      const room = Math.round(entry.contentRect.width);
      if (room === width) return;
      width = room;
      redraw();
    }).observe(element);
    return { element, repaint, redraw };
  }

  // Let the mouse or a finger drag a part of a drawing. `follow` gets the pointer's place, in units of the drawing,
  // and `begin` the place where it is pressed. With `back`, a finger that goes up or down on it scrolls the page, after
  // `back` has restored what was before.
  function draggable(part, view, follow, begin = () => {}, back = null) {
    const place = event => {
      const box = view.element.getBoundingClientRect();
      return [event.clientX - box.left, event.clientY - box.top];
    };
    // A finger on it drags it, not the page. `touch-action` does not work on parts of an SVG.
    if (back) part.addEventListener("pointercancel", back);
    else part.addEventListener("touchstart", event => event.preventDefault(), { passive: false });
    part.addEventListener("pointerdown", event => {
      part.setPointerCapture(event.pointerId);
      event.preventDefault();     // do not select text
      begin(place(event));
    });
    part.addEventListener("pointermove", event => {
      if (part.hasPointerCapture(event.pointerId)) follow(place(event));
    });
    return part;
  }

  // Return an invisible disk over a drawing, large enough for a finger, that can be dragged and placed.
  function grip(name, view, follow) {
    const disk = draggable(svg("circle", { r: 14, class: "grip", "data-name": name }), view, follow);
    view.element.append(disk);
    return {
      place(x, y) {
        disk.setAttribute("cx", x);
        disk.setAttribute("cy", y);
      },
    };
  }

  // Return a function from the numbers of an axis to pixels. An axis is {from, to, log, ticks, label, format}.
  function scale({ from, to, log }, start, end) {
    const of = log ? Math.log10 : x => x;
    return x => start + (of(x) - of(from)) / (of(to) - of(from)) * (end - start);
  }

  function line(points, look) {
    const d = points.map(([x, y], i) => `${i ? "L" : "M"}${x.toFixed(2)} ${y.toFixed(2)}`).join("");
    return svg("path", { d, class: "line " + look });
  }

  function text(x, y, words, { look = "", anchor = "start" } = {}) {
    return svg("text", { x, y, class: look, "text-anchor": anchor }, words);
  }

  const decade = x => x === 1 ? "1" : power(Math.round(Math.log10(x)));
  const tickText = ({ log, format = log ? decade : String }, tick) => minus(format(tick));

  // Return a plot with two axes. `paint(p)` draws with p.line, p.curve, p.dot and p.text, which take
  // numbers on the axes. p.x and p.y convert them to pixels, and p.of pixels to a number on the axis of x. p.add takes
  // any SVG element. A look is a class: cross-entropy, squared-error, class-a, class-b, class-c, guide. `ground` draws
  // what stays between repaints. The axes may be changed before a `redraw`.
  function plot({ label, title, height = 200, x, y, left = 44 }, paint, ground = () => {}) {
    let p;
    function axes(width, tall) {
      const box = { left, right: width - 10, top: 10, bottom: tall - (x.label ? 38 : 22) };
      const px = scale(x, box.left, box.right), py = scale(y, box.bottom, box.top);
      p = { box, x: px, y: py, of: scale({ from: box.left, to: box.right }, x.from, x.to) };
      p.line = (points, look) => p.add(line(points.map(([u, v]) => [px(u), py(v)]), look));
      p.curve = (f, look, from = x.from, to = x.to) => {
        const steps = Math.ceil(Math.abs(px(to) - px(from)) / 2);
        const at = k => x.log ? from * (to / from) ** (k / steps) : from + (to - from) * k / steps;
        p.line(Array.from({ length: steps + 1 }, (_, k) => [at(k), f(at(k))]), look);
      };
      p.dot = (u, v, look) => p.add(svg("circle", { cx: px(u), cy: py(v), r: 6, class: "dot " + look }));
      p.text = (u, v, words, style) => p.add(text(px(u), py(v), words, style));
    }
    const view = drawing({ label, height }, layer => {
      p.add = (...shapes) => layer.append(...shapes);
      paint(p);
    }, (layer, width, tall) => {
      axes(width, tall);
      const { box } = p, add = p.add = (...shapes) => layer.append(...shapes);
      for (const tick of y.ticks) {
        add(line([[box.left, p.y(tick)], [box.right, p.y(tick)]], "grid"),
          text(box.left - 6, p.y(tick) + 4, tickText(y, tick), { anchor: "end" }));
      }
      for (const tick of x.ticks) {
        add(line([[p.x(tick), box.top], [p.x(tick), box.bottom]], "grid"),
          text(p.x(tick), box.bottom + 16, tickText(x, tick), { anchor: "middle" }));
      }
      add(line([[box.left, box.top], [box.left, box.bottom], [box.right, box.bottom]], "axis"),
        text((box.left + box.right) / 2, tall - 5, x.label, { anchor: "middle" }));
      ground(p);
    });
    const head = title ? [html("div", { class: "explore-title" }, title)] : [];
    return { element: html("div", { class: "explore-plot" }, ...head, view.element), view, repaint: view.repaint,
      redraw: view.redraw, x, y, of: px => p.of(px) };
  }

  // --- smlib's formulas, written to avoid cancellation and overflow

  const sum = terms => terms.reduce((total, term) => total + term, 0);

  function logistic(z) {
    return z < 0 ? Math.exp(z) / (1 + Math.exp(z)) : 1 / (1 + Math.exp(-z));
  }

  // Return y − t, where `rest` is 1 − y. For y near 1 it is computed as (1 − t) − rest.
  function residual(y, rest, t) {
    return y > 0.5 ? (1 - t) - rest : y - t;
  }

  // Return the output of a logistic unit, and both costs and their slopes with respect to its logit.
  function unit(z, t) {
    const y = logistic(z), rest = logistic(-z), error = residual(y, rest, t);
    const tail = Math.log1p(Math.exp(-Math.abs(z)));
    return {
      y, rest,
      crossEntropy: t * Math.max(-z, 0) + (1 - t) * Math.max(z, 0) + tail,
      crossEntropySlope: error,
      squaredError: error * error / 2,
      squaredErrorSlope: error * y * rest,
    };
  }

  function logSumExp(z) {
    const top = Math.max(...z);
    return top + Math.log(sum(z.map(zi => Math.exp(zi - top))));
  }

  // The classes for which `keep` is false get 0.
  function softmax(z, keep = z.map(() => true)) {
    const top = Math.max(...z.filter((_, i) => keep[i]));
    const e = z.map((zi, i) => keep[i] ? Math.exp(zi - top) : 0), total = sum(e);
    return e.map(ei => ei / total);
  }

  // Return J v. The v of the largest output is subtracted first: it cancels, and outputs near 1 keep their digits.
  function softmaxProduct(z, v) {
    const y = softmax(z), from = v[y.indexOf(Math.max(...y))];
    const w = v.map(vi => vi - from), mean = sum(w.map((wi, i) => wi * y[i]));
    return w.map((wi, i) => y[i] * (wi - mean));
  }

  // Return each 1 − y_i, computed as the sum of the other outputs.
  function rests(z) {
    const y = softmax(z);
    return y.map((_, i) => sum(y.filter((_, j) => j !== i)));
  }

  // Return −log y_i, computed from the logits.
  function labelCost(z, i) {
    const rivals = z.filter((_, j) => j !== i).map(zj => zj - z[i]);
    const ahead = Math.max(0, ...rivals);
    return ahead > 0 ? logSumExp([0, ...rivals]) : Math.log1p(sum(rivals.map(Math.exp)));
  }

  function crossEntropy(z, t) {
    return sum(t.map((ti, i) => ti === 0 ? 0 : ti * labelCost(z, i)));
  }

  // Return y − t, the gradient of the cross-entropy with respect to the logits if t sums to one.
  function residuals(z, t) {
    const y = softmax(z), rest = rests(z);
    return y.map((yi, i) => residual(yi, rest[i], t[i]));
  }

  function squaredError(z, t) {
    return sum(residuals(z, t).map(v => v * v)) / 2;
  }

  function squaredErrorGradient(z, t) {
    return softmaxProduct(z, residuals(z, t));
  }

  function jacobian(z) {
    const y = softmax(z), rest = rests(z);
    return y.map((yi, i) => y.map((yj, j) => i === j ? yi * rest[i] : -yi * yj));
  }

  // Three rules for the classes to keep. Only the second one reads the normalizer.
  function topK(z, k) {
    const least = [...z].sort((a, b) => b - a)[k - 1];
    return z.map(zi => zi >= least);
  }

  function topP(z, p) {
    return softmax(z).map((yi, _, y) => sum(y.filter(yj => yj > yi)) < p);
  }

  function minP(z, p) {
    const least = Math.max(...z) + Math.log(p);
    return z.map(zi => zi >= least);
  }

  // Return a function that returns a number between 0 and 1 at each call: Mulberry32, the same for the same seed.
  function randomNumbers(seed) {
    return () => {
      seed = seed + 0x6D2B79F5 | 0;
      let mixed = Math.imul(seed ^ seed >>> 15, seed | 1);
      mixed ^= mixed + Math.imul(mixed ^ mixed >>> 7, mixed | 61);
      return ((mixed ^ mixed >>> 14) >>> 0) / 2 ** 32 + 2 ** -33;
    };
  }

  return {
    html, svg, figure, power, fixed, spans, duration, number, value, table, summary,
    slider, checkbox, select, field, button, presets, more, row, calm, animate,
    drawing, draggable, grip, scale, line, text, plot,
    sum, logistic, unit, logSumExp, softmax, softmaxProduct, labelCost, crossEntropy,
    crossEntropyGradient: residuals, squaredError, squaredErrorGradient, jacobian,
    topK, topP, minP, randomNumbers,
  };
})();
