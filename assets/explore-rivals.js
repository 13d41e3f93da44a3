"use strict";
// Rivals: sliders for the logits, their outputs at a temperature, and the Jacobian of the outputs,
// with or without the terms of the normalizer.

explore.figure("rivals", stage => {
  const { fixed, html, number, power, softmax, sum, value } = explore;
  const START = [2, 1, 0, -1, 0], MOST = 6;
  const LOOKS = ["class-a", "class-b", "class-c", "class-d", "class-e"];
  const below = (letter, i) => letter + "₁₂₃₄₅"[i];
  const share = x => x < 0.001 ? number(x, 1) : fixed(x, 3);

  // Format an entry for a narrow cell: small ones as their order of magnitude.
  function entry(x) {
    const size = Math.abs(x);
    if (size >= 0.01 || size === 0) return size ? fixed(x, 2) : "0";
    return size >= 0.001 ? number(x, 1) : (x < 0 ? "−" : "") + power(Math.round(Math.log10(size)));
  }

  // --- the parts of each unit: its logit, its output, its row and its column of the Jacobian

  const units = START.map((start, i) => {
    const output = value(`output-${i + 1}`, share), rowSum = value(`row-sum-${i + 1}`, entry);
    const entries = START.map((_, j) => value(`entry-${i + 1}-${j + 1}`, entry));
    const logit = explore.slider({
      name: `logit-${i + 1}`, label: below("z", i), min: -MOST, max: MOST, step: 0.1, value: start,
      text: z => fixed(z, 1),
    }, show);
    const bar = html("div", { class: "bar" }), part = html("div", { class: `bar ${LOOKS[i]}` });
    const before = html("div", { class: "before" }), track = html("div", { class: "track hold", "data-name": `bar-${i + 1}` }, bar, before);
    let held = start;
    explore.draggable(track, { element: track }, ([x]) => raiseTo(i, x / track.clientWidth), () => {
      held = logit.value;
      remember();
    }, () => {
      logit.value = held;
      show();
    });
    logit.input.addEventListener("pointerdown", remember);
    const unit = {
      logit, output, rowSum, entries, bar, part, before,
      pair: html("div", { class: "pair" }, logit.element, html("div", { class: LOOKS[i] },
        html("div", { class: "output" }, below("y", i), output.element), track)),
      column: html("th", { scope: "col" }, below("z", i)),
      row: html("th", { scope: "row" }, below("y", i)),
      squares: entries.map(({ element }) => html("td", {}, element)),
      end: html("td", { class: "end" }, rowSum.element),
    };
    // Its column shows how all outputs answer to its logit: it lights up while the reader is at the logit.
    for (const [part, enter, leave, by] of [[unit.pair, "pointerenter", "pointerleave", "pointer"],
      [unit.column, "pointerenter", "pointerleave", "pointer"], [logit.input, "focus", "blur", "focus"]]) {
      part.addEventListener(enter, () => light(by, unit));
      part.addEventListener(leave, () => light(by, null));
    }
    return unit;
  });

  const at = { pointer: null, focus: null };
  const pointed = () => [at.pointer, at.focus].find(unit => seated.includes(unit));

  function light(by, unit) {
    at[by] = unit;
    const lit = pointed();
    units.forEach((other, j) => {
      for (const cell of [other.column, ...units.map(({ squares }) => squares[j])]) cell.classList.toggle("lit", other === lit);
    });
    show();
  }

  // A ghost of each bar shows how long it was before a drag.
  function remember() {
    for (const { bar, before } of units) before.style.width = bar.style.width;
  }

  // Flows from the ends of the rivals' bars to the end of the bar that gains, as wide as the entries of its column.
  let flow = [];      // the column, or nothing
  const flows = explore.drawing({
    height: () => pairs.clientHeight, label: "The flows between the outputs while a logit rises: what its output gains, its rivals lose.",
  }, (layer, width, tall) => {
    const gains = seated.indexOf(pointed()), row = tall / seated.length, most = Math.max(...flow.map(Math.abs));
    const end = seated.map(({ output }, i) => [output.element.value * width, row * (i + 0.71)]);
    flow.forEach((slope, i) => {
      if (i === gains || slope === 0) return;
      const [[x, y], [toX, toY]] = [end[i], end[gains]], bulge = Math.max(x, toX) + 12 + 8 * Math.abs(i - gains);
      layer.append(explore.svg("path", {
        class: "flow " + LOOKS[i], d: `M${x} ${y}C${bulge} ${y} ${bulge} ${toY} ${toX} ${toY}`, "stroke-width": 1.5 + 8 * Math.abs(slope) / most }));
    });
    if (flow.length) layer.append(explore.svg("circle", { class: "dot " + LOOKS[gains], cx: end[gains][0], cy: end[gains][1], r: 6 }));
  });

  // Give a unit the logit with which its output is `part`.
  function raiseTo(i, part) {
    const T = temperatureOf(), p = Math.max(1e-6, Math.min(1 - 1e-6, part));
    const others = seated.filter((_, j) => j !== i).map(({ logit }) => logit.value / T);
    const z = T * (Math.log(p) - Math.log1p(-p) + explore.logSumExp(others));
    units[i].logit.value = Math.round(10 * Math.max(-MOST, Math.min(MOST, z))) / 10;
    show();
  }

  const total = value("total", share);
  const summary = explore.summary();
  const temperature = explore.slider({
    name: "temperature", label: "Temperature T", min: -12, max: 12, step: 1, value: 0,
    text: n => number(2 ** (n / 4), 3),
  }, show);
  const temperatureOf = () => 2 ** (temperature.value / 4);
  const forget = explore.checkbox({ name: "forget", label: "Forget the normalizer’s terms" }, show);
  const classes = explore.select({
    name: "classes", label: "Classes K", value: "4", options: ["3", "4", "5"].map(k => [k, k]),
  }, seat);
  const raise = explore.button({ name: "raise", label: "Raise all by 1" }, () => {
    const before = normalizer();
    remember();
    for (const { logit } of seated) logit.value = Math.round(10 * logit.value + 10) / 10;
    show();
    summary.say(`Each exponential grew by the factor ${number(Math.exp(1 / temperatureOf()), 3)}, their sum from ${number(before, 3)} `
      + `to ${number(normalizer(), 3)}, and no output moved.`);
  });
  const normalizer = () => sum(seated.map(({ logit }) => Math.exp(logit.value / temperatureOf())));
  const reset = explore.button({ name: "reset", label: "Reset" }, () => {
    units.forEach(({ logit }, i) => { logit.value = START[i]; });
    temperature.value = 0;
    forget.input.checked = false;
    classes.input.value = "4";
    seat();
    remember();
  });

  const pairs = html("div", { class: "pairs" }), whole = html("div", { class: "track" });
  const head = html("tr"), body = html("tbody");
  const table = html("table", { "aria-label": "The Jacobian and the sums of its rows" }, html("thead", {}, head), body);
  let seated = [];

  // --- the number of units, and their values

  function seat() {
    seated = units.slice(0, Number(classes.value));
    const K = table.dataset.classes = seated.length;
    pairs.replaceChildren(...seated.map(unit => unit.pair), flows.element);
    whole.replaceChildren(...seated.map(unit => unit.part));
    head.replaceChildren(html("td"), ...seated.map(unit => unit.column), html("th", { scope: "col", class: "end" }, "sum"));
    body.replaceChildren(...seated.map(unit => html("tr", {}, unit.row, ...unit.squares.slice(0, K), unit.end)));
    show();
    flows.redraw();
  }

  // The numerator alone gives diag(y)/T.
  function jacobian(z, T) {
    const numerator = () => softmax(z).map((yi, i, y) => y.map((_, j) => i === j ? yi : 0));
    const J = forget.value ? numerator() : explore.jacobian(z);
    return J.map(row => row.map(slope => slope / T));
  }

  // What the outputs do as the logit rises that the reader points at, or else what the row sums mean.
  function sentence(T) {
    const gains = seated.indexOf(pointed());
    if (gains >= 0) {
      const others = flow.map((slope, i) => [i, slope]).filter(([i]) => i !== gains).map(([i, slope]) => `${below("y", i)} ${entry(slope)}`);
      return `As ${below("z", gains)} rises, ${below("y", gains)} gains ${entry(flow[gains])} per unit of ${below("z", gains)}. `
        + (forget.value ? "Without the normalizer’s terms no rival pays." : `The rivals pay: ${others.join(", ")}.`);
    }
    if (!forget.value) return "Every row sums to 0: raise all logits together, and no output moves.";
    return `No row sums to 0. What is left of row i is yᵢ${T === 1 ? "" : "/T"}, as if every output grew when all logits rise together.`;
  }

  function show() {
    const T = temperatureOf();
    const z = seated.map(unit => unit.logit.value / T);
    const y = softmax(z), J = jacobian(z, T), most = Math.max(...J.flat());
    seated.forEach((unit, i) => {
      unit.output.show(y[i]);
      unit.bar.style.width = unit.part.style.width = `${100 * y[i]}%`;
      J[i].forEach((slope, j) => {
        unit.entries[j].show(slope);
        const square = unit.squares[j];
        square.classList.toggle("minus", slope < 0);
        square.classList.toggle("plus", slope >= 0);
        square.style.setProperty("--strength", `${100 * Math.sqrt(Math.abs(slope) / most)}%`);
      });
      const rowSum = sum(J[i]), vanishes = Math.abs(rowSum) < 1e-12 * J[i][i];     // except for rounding
      unit.rowSum.show(vanishes ? 0 : rowSum);
      unit.end.classList.toggle("alarm", !vanishes);
    });
    total.show(sum(y));
    raise.disabled = seated.some(({ logit }) => logit.value > MOST - 1);
    flow = pointed() ? J.map(row => row[seated.indexOf(pointed())]) : [];
    summary.say(sentence(T));
    flows.repaint();
  }

  stage.append(
    html("div", { class: "board" },
      html("div", {}, html("div", { class: "pair head" }, html("span", {}, "Logits"), html("span", {}, "Outputs")), pairs),
      html("div", {}, table)),
    html("div", { class: "together" }, html("div", { class: "output" }, "Sum of the outputs", total.element), whole),
    html("div", { class: "explore-line" }, temperature.element), explore.row(forget.element, raise, reset), summary.element, explore.more(classes.element));
  seat();
  remember();
});
