"use strict";
// The merge: four blocks of logits, each with its state (m, s). Neighbors are merged in any order, which makes a tree.
// The factors that rescale the sums stand on its branches. One of the two can be forgotten.

explore.figure("merge", stage => {
  const { fixed, html, number, sum, svg, text, value } = explore;
  const BLOCKS = [[1, 0], [3], [2]];      // and a last one of one logit
  const N = BLOCKS.length + 1;
  const LAST = [...Array.from({ length: 16 }, (_, k) => k - 5), 20, 50, 100, 300, 700, 1000];
  const START = LAST.indexOf(4);
  // An order is a list of gaps: gap k lies to the right of block k.
  const ORDERS = [["left", "From the left", [0, 1, 2]], ["pairs", "In pairs", [0, 2, 1]], ["right", "From the right", [2, 1, 0]]];
  const TREES = [["((1 2) 3) 4", [0, 1, 2]], ["(1 (2 3)) 4", [1, 0, 2]], ["(1 2) (3 4)", [0, 2, 1]], ["1 ((2 3) 4)", [1, 2, 0]], ["1 (2 (3 4))", [2, 1, 0]]];
  let order = [];

  // --- states, of the blocks from one to another

  const blocks = () => [...BLOCKS, [LAST[last.value]]];
  const lse = ({ m, s }) => m + Math.log(s);

  function leaf(z, k) {
    const m = Math.max(...z);
    return { from: k, to: k, level: 0, parts: [], m, s: sum(z.map(zi => Math.exp(zi - m))) };
  }

  // Merge two states. A careless merge rescales only the first sum.
  function both(a, b, careless) {
    const m = Math.max(a.m, b.m), factors = [Math.exp(a.m - m), careless ? 1 : Math.exp(b.m - m)];
    return {
      from: a.from, to: b.to, level: 1 + Math.max(a.level, b.level), parts: [a, b], factors,
      m, s: a.s * factors[0] + b.s * factors[1],
    };
  }

  // Return the states that are left after some merges, and the last one that was made.
  function merged(gaps, careless) {
    const open = blocks().map(leaf);
    let latest = null;
    for (const gap of gaps) {
      const k = open.findIndex(({ to }) => to === gap);
      open.splice(k, 2, latest = both(open[k], open[k + 1], careless));
    }
    return { open, latest };
  }

  // --- the tree, from the blocks down

  const TALL = 40, STEP = 70, TOP = 22;      // of a box, from level to level, and above the boxes
  const factor = x => x === 1 ? "1" : number(x, x < 0.001 ? 1 : 3);
  let unit = 0;       // the width of a block
  let open = [], latest = null;
  let held = null;    // the state that is dragged: its first block, where it was grasped, and how far it has come
  const across = state => (state.from + state.to + 1) / 2 * unit + (state.from === held?.from && open.includes(state) ? held.by : 0);
  const down = ({ level }) => TOP + level * STEP;

  const tree = explore.drawing({
    height: TOP + (N - 1) * STEP + TALL + 2,
    label: "Four blocks of logits in a row, each in a box with its largest logit m and its sum s. Where two neighbors are merged, two lines lead down from them to the box of both. Next to each line is the factor of its sum. A box can be dragged onto its neighbor, and the buttons merge them, too.",
  }, (layer, width) => {
    unit = width / N;
    const wide = Math.min(104, unit - 6);
    blocks().forEach((z, k) => layer.append(text((k + 0.5) * unit, 14, z.map(zi => fixed(zi)).join(", "), { anchor: "middle", look: "name" })));
    open.forEach(state => draw(layer, state, wide));
    grips.forEach((grip, k) => {
      const state = open.find(({ from }) => from === k);
      grip.setAttribute("display", state ? "inline" : "none");
      if (!state) return;
      for (const [name, at] of Object.entries({ x: across(state) - wide / 2, y: down(state), width: wide, height: TALL })) grip.setAttribute(name, at);
    });
  });

  // Draw a state above which are the states that it was merged from.
  function draw(layer, state, wide) {
    const x = across(state), y = down(state), wrong = Math.abs(lse(state) - whole(state)) > 1e-9;
    state.parts.forEach((part, k) => {
      const from = [across(part), down(part) + TALL], side = k ? 1 : -1, high = (y - STEP + TALL - from[1]) / (y - from[1]);
      const at = high + (1 - high) * 0.4;
      const forgot = careless.value && k === 1 && part.m < state.m;
      layer.append(explore.line([from, [x + side * wide / 4, y]], forgot ? "forgot" : "branch"),
        text(from[0] + (x + side * wide / 4 - from[0]) * at + side * 8, from[1] + (y - from[1]) * at + 8, "× " + factor(state.factors[k]),
          { anchor: k ? "start" : "end", look: forgot ? "forgot" : "" }));
      draw(layer, part, wide);
    });
    layer.append(svg("rect", { x: x - wide / 2, y, width: wide, height: TALL, rx: 5, class: "box" + (wrong ? " wrong" : "") }),
      text(x, y + 16, "m = " + fixed(state.m), { anchor: "middle" }),
      text(x, y + 33, "s = " + fixed(state.s, 4), { anchor: "middle", look: wrong ? "wrong" : "" }));
  }
  const whole = ({ from, to }) => explore.logSumExp(blocks().slice(from, to + 1).flat());

  // A box that is dragged half the way to its neighbor is merged with it.
  const grips = Array.from({ length: N }, (_, k) => {
    const part = explore.draggable(svg("rect", { class: "grip", "data-name": "block-" + (k + 1) }), tree,
      ([x]) => pull(x), ([x]) => { held = { from: k, x, by: 0 }; });
    part.addEventListener("lostpointercapture", () => {
      held = null;
      tree.repaint();
    });
    return part;
  });
  tree.element.append(...grips);
  function pull(x) {
    if (!held) return;
    const k = open.findIndex(({ from }) => from === held.from), by = x - held.x, side = Math.sign(by), other = open[k + side];
    held.by = by;
    if (!other || Math.abs(by) < Math.abs((other.from + other.to - open[k].from - open[k].to) * unit / 4)) return tree.repaint();
    held = null;
    turn(side > 0 ? open[k].to : other.to);
  }

  // --- controls

  // Merge at a gap, or take that merge back.
  function turn(gap) {
    order = order.includes(gap) ? order.filter(other => other !== gap) : [...order, gap];
    show();
  }
  const joints = Array.from({ length: N - 1 }, (_, k) => {
    const button = explore.button({ name: "merge-" + (k + 1), label: "Merge" }, () => turn(k));
    button.setAttribute("aria-label", `Merge at gap ${k + 1}, between blocks ${k + 1} and ${k + 2}`);
    return button;
  });
  const last = explore.slider({
    name: "last", label: "Last logit", min: 0, max: LAST.length - 1, step: 1, value: START, text: i => fixed(LAST[i]),
  }, show);
  const careless = explore.checkbox({ name: "careless", label: "Rescale only the first sum" }, show);
  const orders = explore.presets("Orders", ORDERS, gaps => {
    order = gaps;
    show();
  });
  const reset = explore.button({ name: "reset", label: "Reset" }, () => {
    order = [];
    last.value = START;
    careless.input.checked = false;
    show();
  });

  // --- numbers

  const four = x => fixed(x, 4);
  const shown = { m: value("m", fixed), s: value("s", four), lse: value("lse", four), whole: value("whole", four) };
  const rows = TREES.map(([name, gaps], k) => ({ name, gaps, values: [value(`merge-${k + 1}`, four), value(`careless-${k + 1}`, four)] }));
  const table = explore.table({
    label: "The log-sum-exp by every order",
    columns: [["", "both rescaled"], ["", "only the first"]],
    rows: rows.map(({ name, values }) => [name, ...values]),
  });
  const summary = explore.summary();

  function sentence() {
    if (!latest) {
      const which = careless.value ? "only the first sum is" : "both sums are";
      return [`Four blocks, four states. Merge neighbors in any order: press a button, or drag a box onto the next one. In a merge ${which} rescaled.`];
    }
    const [a, b] = latest.parts, [fa, fb] = latest.factors.map(factor);
    const made = ["m = ", shown.m.element, `, s = ${four(a.s)} · ${fa} + ${four(b.s)} · ${fb} = `, shown.s.element, ". "];
    const right = Math.abs(lse(latest) - whole(latest)) < 1e-9;
    return [...made, "m + log s = ", shown.lse.element, right ? ", as from the logits at once: " : ", but from the logits at once: ", shown.whole.element, "."];
  }

  function show() {
    ({ open, latest } = merged(order, careless.value));
    if (latest) {
      shown.m.show(latest.m);
      shown.s.show(latest.s);
      shown.lse.show(lse(latest));
      shown.whole.show(whole(latest));
    }
    for (const { gaps, values } of rows) values.forEach((one, k) => one.show(lse(merged(gaps, k === 1).open[0])));
    joints.forEach((joint, k) => joint.setAttribute("aria-pressed", order.includes(k)));
    // Pairs are the same tree, whichever is merged first.
    orders.mark(gaps => String(gaps) === String(order) || (gaps[2] === 1 && order[2] === 1));
    summary.say(...sentence());
    tree.repaint();
  }

  stage.append(
    html("div", { class: "joints" }, ...joints), tree.element,
    explore.row(orders.element, reset), html("div", { class: "explore-row explore-line" }, last.element, careless.element), summary.element, explore.more(table));
  show();
});
