"use strict";
// The bet: two beliefs in the event that then happens. They are close on a ruler of probabilities
// and far apart on a ruler of costs.

explore.figure("bet", stage => {
  const { fixed, number, power, svg, text } = explore;
  const LOWEST = -9;
  const beliefs = ["p", "q"];
  const money = x => x < 1000 ? number(x) : fixed(x);

  function probability(exponent) {
    return exponent === 0 ? "1" : Number.isInteger(exponent) ? power(exponent) : number(10 ** exponent);
  }

  const sliders = {};
  for (const [name, label, value] of [["p", "Your belief p", -9], ["q", "Another’s belief q", -6]]) {
    sliders[name] = explore.slider(
      { name: `belief-${name}`, label, min: LOWEST, max: 0, step: 0.1, value, text: probability }, show);
  }

  const rows = [
    ["nats", "cost, nats", p => 0 - Math.log(p), number],
    ["bits", "cost, bits", p => 0 - Math.log2(p), number],
    ["odds", "odds to one", p => (1 - p) / p, money],
    ["slope", "slope", p => -1 / p, number],
  ].map(([name, heading, of, format]) => ({
    heading, of, values: beliefs.map(who => explore.value(`${who}-${name}`, format)),
  }));
  const table = explore.table({
    label: "What both beliefs cost",
    columns: beliefs.map(who => [`bet-${who}`, who]),
    rows: rows.map(({ heading, values }) => [heading, ...values]),
  });
  const apart = explore.value("apart");
  const gap = explore.value("gap");
  const factor = explore.value("factor", money);
  const summary = explore.summary();

  // Two rulers: probabilities above and costs below. A thread joins each power of ten on both.
  const rulers = explore.drawing({
    height: 262,
    label: "Two rulers. On the upper one, of probabilities, the small ones all stand at the left end. On the lower one, of costs, the powers of ten stand evenly spaced. Threads join the two, and the beliefs p and q are marked on both.",
  }, (layer, width) => {
    const ends = [16, width - 16], top = 50, bottom = 192, middle = (top + bottom) / 2;
    const above = explore.scale({ from: 0, to: 1 }, ...ends);
    const below = explore.scale({ from: LOWEST, to: 0 }, ...ends);
    const shape = (tag, attributes) => layer.append(svg(tag, attributes));
    const word = (x, y, words, anchor = "middle") => layer.append(text(x, y, words, { anchor }));
    const down = e => `${above(10 ** e)} ${top} C ${above(10 ** e)} ${middle} ${below(e)} ${middle} ${below(e)} ${bottom}`;
    const up = e => `${below(e)} ${bottom} C ${below(e)} ${middle} ${above(10 ** e)} ${middle} ${above(10 ** e)} ${top}`;

    shape("path", { d: `M ${down(sliders.p.value)} L ${up(sliders.q.value)} Z`, class: "band" });
    for (let e = LOWEST; e <= 0; e += 1) shape("path", { d: "M " + down(e), class: "thread" });
    for (const y of [top, bottom]) shape("path", { d: `M ${ends[0]} ${y} H ${ends[1]}`, class: "axis" });

    for (const x of [0, 0.2, 0.4, 0.6, 0.8, 1]) {
      shape("path", { d: `M ${above(x)} ${top} v -6`, class: "axis" });
      word(above(x), top - 11, String(x));
    }
    for (let e = LOWEST; e <= 0; e += width < 480 ? 3 : 1) {
      shape("path", { d: `M ${below(e)} ${bottom} v 6`, class: "axis" });
      word(below(e), bottom + 21, probability(e));
      word(below(e), bottom + 39, fixed(-e * Math.LN10, 1));
    }
    word(ends[0], 16, "probability", "start");
    word(ends[0], bottom + 60, "the same probability, and its cost in nats", "start");

    for (const who of beliefs) {
      const e = sliders[who].value;
      shape("path", { d: "M " + down(e), class: `line bet-${who}` });
      for (const [x, y] of [[above(10 ** e), top], [below(e), bottom]]) mark(layer, who, x, y);
    }
  });

  // Draw a disk for p or a diamond for q.
  function mark(layer, who, x, y) {
    layer.append(who === "p" ? svg("circle", { cx: x, cy: y, r: 7, class: "dot bet-p" })
      : svg("path", { d: `M ${x - 8} ${y} l 8 -8 l 8 8 l -8 8 Z`, class: "dot bet-q" }));
  }

  // Format a length on a ruler from 0 to 1 that is one kilometer long.
  function length(meters) {
    const [unit, size] = meters >= 1 ? ["m", 1] : meters >= 1e-4 ? ["mm", 1e3] : ["µm", 1e6];
    return `${number(meters * size, 3)} ${unit}`;
  }

  function show() {
    const [p, q] = beliefs.map(who => 10 ** sliders[who].value);
    for (const { of, values } of rows) [p, q].forEach((belief, k) => values[k].show(of(belief)));
    apart.show(Math.abs(p - q));
    gap.show(Math.abs(Math.log(p / q)));
    factor.show(Math.max(p, q) / Math.min(p, q));
    if (p === q) summary.say("The same belief, and the same cost.");
    else summary.say(
      "The beliefs are ", apart.element, ` apart: ${length(1000 * Math.abs(p - q))} on a ruler one kilometer long. The costs are `,
      gap.element, " nats apart: whoever believed less hands over ", factor.element, " times as much.");
    rulers.repaint();
  }

  show();
  stage.append(explore.row(sliders.p.element, sliders.q.element), table, rulers.element, summary.element);
});
