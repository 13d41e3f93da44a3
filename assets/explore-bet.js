"use strict";
// The bet: two beliefs in the event that then happens. They are close on a ruler of probabilities
// and far apart on a ruler of costs.

explore.figure("bet", stage => {
  const { fixed, number, power, svg, text } = explore;
  const LOWEST = -9;
  const START = [-9, -6];
  const beliefs = ["p", "q"];
  const money = x => x < 1000 ? number(x) : fixed(x);

  function probability(exponent) {
    return exponent === 0 ? "1" : Number.isInteger(exponent) ? power(exponent) : number(10 ** exponent);
  }

  const sliders = {};
  for (const [name, label, value] of [["p", "Your belief p", START[0]], ["q", "Another’s belief q", START[1]]]) {
    sliders[name] = explore.slider(
      { name: `belief-${name}`, label, min: LOWEST, max: 0, step: 0.1, value, text: probability }, show);
  }

  const rows = [
    ["nats", "cost, nats", p => 0 - Math.log(p), number],
    ["bits", "cost, bits", p => 0 - Math.log2(p), number],
    ["pays", "hands over, 1/p", p => 1 / p, money],
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

  // The game: what is believed happens with the probability p. A house pays 2 for one on both outcomes, and each of two
  // purses is spread over them by a belief. The draws are the same after each reset.
  const ROUNDS = 10, MOST = 500, SEED = 25;
  let rounds = 0;
  const happened = explore.value("happened", fixed);
  const purses = beliefs.map(who => explore.value(`${who}-purse`));
  function game(chances) {
    const random = explore.randomNumbers(SEED);
    const times = Array.from({ length: rounds }, random).filter(u => u < chances[0]).length;
    happened.show(times);
    purses.forEach((purse, k) => purse.show((2 * chances[k]) ** times * (2 * (1 - chances[k])) ** (rounds - times)));
    return rounds === 0 ? [] : [` In ${rounds} rounds it happened `, happened.element, times === 1 ? " time" : " times",
      ": your dollar is $", purses[0].element, ", the other’s $", purses[1].element, "."];
  }
  const play = explore.button({ name: "play", label: `Play ${ROUNDS} rounds` }, () => {
    rounds = rounds === MOST ? 0 : rounds + ROUNDS;
    show();
  });

  // Two rulers: probabilities above and costs below. A thread joins each power of ten on both.
  const TOP = 50, LOW = 192;
  let above, below;       // from exponents of ten to pixels
  const down = e => `${above(e)} ${TOP} C ${above(e)} ${(TOP + LOW) / 2} ${below(e)} ${(TOP + LOW) / 2} ${below(e)} ${LOW}`;
  const up = e => `${below(e)} ${LOW} C ${below(e)} ${(TOP + LOW) / 2} ${above(e)} ${(TOP + LOW) / 2} ${above(e)} ${TOP}`;
  let ends = [];
  const rulers = explore.drawing({
    height: 256,
    label: "Two rulers. On the upper one, of probabilities, the small ones all stand at the left end. On the lower one, of costs, the powers of ten stand evenly spaced. Threads join the two, and the beliefs p and q are marked on both. The marks can be dragged, and the sliders move them too.",
  }, layer => {
    layer.append(svg("path", { d: `M ${down(sliders.p.value)} L ${up(sliders.q.value)} Z`, class: "band" }));
    for (const who of beliefs) {
      const e = sliders[who].value;
      layer.append(svg("path", { d: "M " + down(e), class: `line bet-${who}` }));
      [[above(e), TOP], [below(e), LOW]].forEach(([x, y], k) => {
        mark(layer, who, x, y);
        grips[who][k].place(x, y);
      });
    }
  }, (layer, width) => {
    ends = [16, width - 16];
    const evenly = explore.scale({ from: 0, to: 1 }, ...ends);
    above = e => evenly(10 ** e);
    below = explore.scale({ from: LOWEST, to: 0 }, ...ends);
    const shape = (d, look) => layer.append(svg("path", { d, class: look }));
    const word = (x, y, words, anchor = "middle") => layer.append(text(x, y, words, { anchor }));
    for (let e = LOWEST; e <= 0; e += 1) shape("M " + down(e), "thread");
    for (const y of [TOP, LOW]) shape(`M ${ends[0]} ${y} H ${ends[1]}`, "axis");
    for (const x of [0, 0.2, 0.4, 0.6, 0.8, 1]) {
      shape(`M ${evenly(x)} ${TOP} v -6`, "axis");
      word(evenly(x), TOP - 11, String(x));
    }
    for (let e = LOWEST; e <= 0; e += width < 480 ? 3 : 1) {
      shape(`M ${below(e)} ${LOW} v 6`, "axis");
      word(below(e), LOW + 21, probability(e));
      word(below(e), LOW + 39, fixed(-e * Math.LN10, 1));
    }
    word(ends[0], 16, "probability", "start");
    word(ends[0], LOW + 60, "the same probability, and its cost in nats", "start");
  });

  // The marks on both rulers move the sliders.
  function set(who, exponent) {
    sliders[who].value = Math.round(10 * Math.max(LOWEST, Math.min(0, exponent))) / 10;
    show();
  }
  const part = x => (x - ends[0]) / (ends[1] - ends[0]);
  const grips = Object.fromEntries(beliefs.map(who => [who, [
    explore.grip(`${who}-above`, rulers, ([x]) => set(who, Math.log10(Math.max(1e-99, part(x))))),
    explore.grip(`${who}-below`, rulers, ([x]) => set(who, LOWEST * (1 - part(x)))),
  ]]));

  // Draw a disk for p or a diamond for q.
  function mark(layer, who, x, y) {
    layer.append(who === "p" ? svg("circle", { cx: x, cy: y, r: 7, class: "dot bet-p" })
      : svg("path", { d: `M ${x - 8} ${y} l 8 -8 l 8 8 l -8 8 Z`, class: "dot bet-q" }));
  }

  // Format a length on a ruler from 0 to 1 that is one kilometer long.
  function length(meters) {
    const [unit, size] = meters >= 999.5 ? ["km", 1e-3] : meters >= 1 ? ["m", 1] : meters >= 1e-4 ? ["mm", 1e3] : ["µm", 1e6];
    return `${number(meters * size, 3)} ${unit}`;
  }

  function show() {
    const [p, q] = beliefs.map(who => 10 ** sliders[who].value);
    for (const { of, values } of rows) [p, q].forEach((belief, k) => values[k].show(of(belief)));
    apart.show(Math.abs(p - q));
    gap.show(Math.abs(Math.log(p / q)));
    factor.show(Math.max(p, q) / Math.min(p, q));
    const told = game([p, q]);
    if (p === q) summary.say("The same belief, and the same cost.", ...told);
    else summary.say(
      "The beliefs are ", apart.element, ` apart: ${length(1000 * Math.abs(p - q))} on a ruler one kilometer long. The costs are `,
      gap.element, " nats apart: whoever believed less hands over ", factor.element, " times as much.", ...told);
    pairs.mark(([first, second]) => first === sliders.p.value && second === sliders.q.value);
    rulers.repaint();
  }

  const PAIRS = [["tenth", "0.1, 0.01", [-1, -2]], ["billionth", "10⁻⁸, 10⁻⁹", [-8, -9]], ["lecture", "10⁻⁹, 10⁻⁶", [-9, -6]]];
  const pairs = explore.presets("Pairs of beliefs", PAIRS, go);
  function go([p, q]) {
    [sliders.p.value, sliders.q.value] = [p, q];
    show();
  }

  const reset = explore.button({ name: "reset", label: "Reset" }, () => {
    rounds = 0;
    go(START);
  });

  show();
  stage.append(rulers.element, explore.row(sliders.p.element, sliders.q.element),
    explore.row(pairs.element, play, reset), summary.element,
    explore.more(table));
});
