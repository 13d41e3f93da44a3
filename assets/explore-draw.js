"use strict";
// Cut, cool and draw: eight letters that may come next. Three rules cut letters away, the temperature divides the
// logits, and noise on the logits draws a letter.

explore.figure("draw", stage => {
  const { fixed, html, number, scale, softmax, sum, svg, text, value } = explore;
  const LETTERS = ["e", "a", "i", "o", "r", "u", "s", "y"];
  const LOGITS = [4, 3.1, 2.6, 2, 1.5, 1, 0.5, 0];        // from large to small
  const K = LETTERS.length, SEED = 1, LEFT = 44;
  const BASE = 100, FLOOR = 206, BEFORE = 226, AFTER = 248, STRIP = 18;
  const share = x => x === 0 ? "0" : fixed(x, 3);

  // --- controls

  const T = explore.slider({
    name: "temperature", label: "Temperature T", min: -12, max: 12, step: 1, value: 4, text: n => n ? number(2 ** (n / 4), 3) : "off",
  }, change);
  const k = explore.slider({
    name: "top-k", label: "Top k", min: 1, max: K, step: 1, value: K, text: count => count === K ? "off" : String(count),
  }, change);
  const p = explore.slider({
    name: "top-p", label: "Top p", min: 0.05, max: 1, step: 0.05, value: 0.9, text: x => x === 1 ? "off" : fixed(x, 2),
  }, change);
  const m = explore.slider({
    name: "min-p", label: "Min p", min: 0, max: 0.5, step: 0.01, value: 0, text: x => x ? fixed(x, 2) : "off",
  }, change);
  const order = explore.select({
    name: "order", label: "Order", value: "cut", options: [["cut", "cut, then cool"], ["cool", "cool, then cut"]],
  }, change);
  const forget = explore.checkbox({ name: "forget", label: "Forget to renormalize" }, show);
  const sliders = [T, k, p, m], starts = sliders.map(slider => slider.value);

  // --- the letters kept in either order, and their outputs

  const temperature = () => 2 ** (T.value / 4);
  const cooled = () => LOGITS.map(z => z / temperature());

  // A letter stays if all three rules keep it.
  function cut(z) {
    const rules = [explore.topK(z, k.value), explore.topP(z, p.value), explore.minP(z, m.value)];
    return z.map((_, i) => rules.every(rule => rule[i]));
  }

  function outcome() {
    const first = order.value === "cut", z = cooled(), cutAt = first ? LOGITS : z;
    const keeps = [cut(LOGITS), cut(z)], keep = keeps[first ? 0 : 1], whole = softmax(z).map((y, i) => keep[i] ? y : 0);
    return {
      z, cutAt, keeps, keep, whole, total: sum(whole), outputs: softmax(z, keep),
      changes: keeps[0].map((kept, i) => kept !== keeps[1][i]),
      least: (Math.max(...cutAt) + Math.log(m.value)) / (first ? temperature() : 1),
    };
  }

  // --- drawing letters: the tallest logit wins after Gumbel noise has lifted all

  let random, noise, tally, last;
  function clear() {
    noise = null;
    last = null;
    tally = LETTERS.map(() => 0);
  }

  function draw(times) {
    const { z, keep } = outcome();
    for (let n = 0; n < times; n += 1) {
      noise = z.map(() => -Math.log(-Math.log(random())));
      const lifted = z.map((zi, i) => keep[i] ? zi + noise[i] : -Infinity);
      last = lifted.indexOf(Math.max(...lifted));
      tally[last] += 1;
    }
    show();
  }

  // --- the picture

  let letterAt, logitAt, pointAt;     // from pixels
  const view = explore.drawing({
    height: AFTER + STRIP + 4,
    label: "A column for each of eight letters: above, its logit, lifted by noise at each draw; below, its output and its share of "
      + "the draws. Under the columns, the interval from 0 to 1, filled by the letters before the cut and after. The three "
      + "limits can be dragged, and sliders move them too.",
  }, (layer, width) => {
    const { z, cutAt, keep, whole, outputs, total, changes, least } = outcome();
    const step = (width - LEFT) / K, x = i => LEFT + step * (i + 0.5);
    const y = scale({ from: -3, to: Math.max(...z) + 5 }, BASE, 20), lowest = -3, highest = Math.max(...z) + 5;
    const shares = tally.map(count => count / Math.max(1, sum(tally)));
    const shown = forget.value ? whole : outputs;
    const most = Math.max(...shown, ...shares) > 0.5 ? 1 : 0.5, height = scale({ from: 0, to: most }, FLOOR, BASE + 32);
    const along = scale({ from: 0, to: 1 }, LEFT, width);
    letterAt = scale({ from: LEFT, to: width }, 0, K);
    logitAt = scale({ from: BASE, to: 20 }, lowest, highest);
    pointAt = scale({ from: LEFT, to: width }, 0, 1);
    const add = (...shapes) => layer.append(...shapes);
    const path = (d, look) => add(svg("path", { d, class: look }));
    const word = (px, py, words, look = "", anchor = "middle") => add(text(px, py, words, { look, anchor }));
    const box = (x, y, width, height, look) => add(svg("rect", { x, y, width: Math.max(0, width), height: Math.max(0, height), class: look }));
    const knob = (grip, px, py) => {
      add(svg("circle", { cx: px, cy: py, r: 6, class: "knob" }));
      grip.place(px, py);
    };

    word(0, 14, "z/T", "", "start");
    word(LEFT - 6, height(most) + 9, fixed(most, 1), "", "end");
    word(0, FLOOR - 4, "output", "", "start");
    path(`M${LEFT} ${BASE}H${width}M${LEFT} ${FLOOR}H${width}`, "axis");
    const wide = Math.min(14, 0.36 * step);
    LETTERS.forEach((letter, i) => {
      const kept = keep[i] ? "kept" : "out", won = i === last ? " won" : "";
      box(x(i) - wide, y(z[i]), 2 * wide, BASE - y(z[i]), kept);
      if (noise && keep[i]) {
        const to = Math.max(14, y(z[i] + noise[i]));
        path(`M${x(i)} ${y(z[i])}V${to}`, "lift" + won);
        path(`M${x(i) - wide} ${to}h${2 * wide}`, "lift" + won);
      }
      word(x(i), BASE + 17, changes[i] ? letter + " ≠" : letter, "name" + (changes[i] ? " changed" : "") + won);
      box(x(i) - wide, height(shown[i]), wide, FLOOR - height(shown[i]), "kept");
      box(x(i) + 1, height(shares[i]), wide, FLOOR - height(shares[i]), "drawn");
    });

    function strip(top, name, parts, looks) {
      word(0, top + 13, name, "", "start");
      let start = 0;
      parts.forEach((part, i) => {
        box(along(start), top, along(start + part) - along(start), STRIP, looks(i));
        if (part * (width - LEFT) > 14) word(along(start + part / 2), top + 13, LETTERS[i] ?? "gap", "inside " + looks(i));
        start += part;
      });
    }
    strip(BEFORE, "before", softmax(cutAt), i => keep[i] ? "kept" : "out");
    strip(AFTER, "after", forget.value ? [...whole, 1 - total] : outputs, i => i < K ? "kept" : "gap");

    // The three limits.
    const edge = LEFT + step * k.value, line = Math.min(BASE, y(Math.max(least, lowest)));
    path(`M${edge} 10V${FLOOR}`, "limit");
    path(`M${LEFT} ${line}H${width - 4}`, "limit");
    path(`M${along(p.value)} ${BEFORE - 9}v${STRIP + 9}`, "limit");
    knob(grips.k, edge, 8);
    knob(grips.m, width - 6, line);
    knob(grips.p, along(p.value), BEFORE - 9);
    word(edge - 10, 12, "k", "", "end");
    word(along(p.value) - 10, BEFORE - 5, "p", "", "end");
    word(0, line + 4, "min p", "", "start");
  });

  // The handles at the limits move their sliders.
  function limit(name, slider, from) {
    return explore.grip(name, view, place => {
      slider.value = from(place);
      change();
    });
  }
  const grips = {
    k: limit("top-k", k, ([x]) => Math.max(1, Math.min(K, letterAt(x)))),
    p: limit("top-p", p, ([x]) => pointAt(x)),
    m: limit("min-p", m, ([, y]) => {
      const { cutAt } = outcome(), slope = order.value === "cut" ? temperature() : 1;
      return Math.exp(logitAt(y) * slope - Math.max(...cutAt));
    }),
  };

  // --- numbers

  const output = LETTERS.map((_, i) => value(`output-${i + 1}`, share)), drawn = LETTERS.map((_, i) => value(`drawn-${i + 1}`, share));
  const table = explore.table({
    label: "The letters",
    columns: LETTERS.map(letter => ["", letter]),
    rows: [[html("span", { class: "class-a" }, "output"), ...output], [html("span", { class: "class-b" }, "drawn"), ...drawn]],
  });
  const kept = ["cut", "cool"].map(first => value("kept-" + first, fixed)), changed = value("changed", fixed);
  const total = value("total", share), draws = value("draws", fixed);
  const summary = explore.summary();

  function show() {
    const now = outcome(), count = sum(tally), changes = now.changes.filter(Boolean).length;
    LETTERS.forEach((_, i) => {
      output[i].show(forget.value ? now.whole[i] : now.outputs[i]);
      drawn[i].show(count ? tally[i] / count : 0);
    });
    kept.forEach((shown, i) => shown.show(now.keeps[i].filter(Boolean).length));
    changed.show(changes);
    total.show(forget.value ? now.total : 1);
    draws.show(count);
    summary.say("Cut, then cool: ", kept[0].element, " letters stay. Cool, then cut: ", kept[1].element, "; ",
      ...changes ? [changed.element, changes > 1 ? " change (≠)" : " changes (≠)"] : ["none changes"],
      ". The outputs sum to ", total.element, forget.value ? ": a point in the gap draws no letter. " : ". ",
      ...count ? [draws.element, ` drawn, the last one ${LETTERS[last]}.`] : ["None drawn yet."]);
    view.repaint();
  }

  function change() {
    clear();
    show();
  }

  function begin() {
    sliders.forEach((slider, i) => { slider.value = starts[i]; });
    order.input.value = "cut";
    forget.input.checked = false;
    random = explore.randomNumbers(SEED);
    change();
  }

  stage.append(view.element, table, html("div", { class: "explore-pair" }, ...sliders.map(({ element }) => element)),
    explore.row(order.element, forget.element),
    explore.row(
      explore.button({ name: "draw", label: "Draw" }, () => draw(1)),
      explore.button({ name: "draw-100", label: "Draw 100" }, () => draw(100)),
      explore.button({ name: "reset", label: "Reset" }, begin)),
    summary.element);
  begin();
});
