"use strict";
// One start, one target, one learning rate, two costs: gradient descent in the three logits of a
// softmax, drawn in the triangle of its outputs.

explore.figure("simplex", stage => {
  const { html, svg, fixed } = explore;
  const CLASSES = ["A", "B", "C"];
  const MOST = 3000;      // steps after which a walk stops even if it has not arrived
  const MARK = 5, MARKED = 100;       // steps from mark to mark, and the last mark
  // The numbers of steps at the slider: 0, 1, 2, … and then farther and farther apart.
  const COUNTS = [...new Set([0, ...Array.from({ length: 61 }, (_, k) => Math.round(MOST ** (k / 60)))])];
  const NEAR = 0.05;
  const RATE = 0.25;      // at the start and after each preset
  const COSTS = [
    { look: "cross-entropy", name: "Cross-entropy", cost: explore.crossEntropy },
    { look: "squared-error", name: "Squared error", cost: explore.squaredError },
  ];
  // Logits, and a target in whole percents, so that the numbers at its three sliders sum to one.
  const PRESETS = [
    ["wrong", "Badly wrong", [-4, 4, 0], [100, 0, 0]],
    ["rivals", "Two rivals", [-4, 3, 1], [100, 0, 0]],
    ["soft", "Soft target", [-4, 4, 0], [60, 10, 30]],
    ["close", "Small error", [0, 0.5, -0.5], [50, 30, 20]],
  ];

  let [, , start, percents] = PRESETS[0];
  let latest = [0, 1, 2];     // the targets, the one that was set last at the end
  let walks = [];

  // --- the two walks

  // A walk is computed as far as it is asked for, and to its arrival. For thousands of steps a frame, the gradients of
  // explore.js are written here for three classes without arrays.
  function walk({ look }, [ta, tb, tc]) {
    const squared = look === "squared-error", { value: speed } = rate;
    const outputs = new Float64Array(3 * (MOST + 1)), logits = new Float64Array(3 * (MOST + 1));
    let [za, zb, zc] = start, arrived = Infinity, known = -1;

    function reach(n) {
      while (known < n) {
        const top = Math.max(za, zb, zc), ea = Math.exp(za - top), eb = Math.exp(zb - top), ec = Math.exp(zc - top);
        const total = ea + eb + ec, ya = ea / total, yb = eb / total, yc = ec / total;
        let da = ya > 0.5 ? 1 - ta - (yb + yc) : ya - ta, db = yb > 0.5 ? 1 - tb - (ya + yc) : yb - tb;
        let dc = yc > 0.5 ? 1 - tc - (ya + yb) : yc - tc;
        const at = 3 * (known += 1);
        outputs[at] = ya; outputs[at + 1] = yb; outputs[at + 2] = yc;
        logits[at] = za; logits[at + 1] = zb; logits[at + 2] = zc;
        if (arrived > known && Math.abs(ya - ta) < NEAR && Math.abs(yb - tb) < NEAR && Math.abs(yc - tc) < NEAR) arrived = known;
        if (squared) {
          const from = ya >= yb && ya >= yc ? da : yb >= yc ? db : dc;
          da -= from;
          db -= from;
          dc -= from;
          const mean = da * ya + db * yb + dc * yc;
          da = ya * (da - mean);
          db = yb * (db - mean);
          dc = yc * (dc - mean);
        }
        za -= speed * da;
        zb -= speed * db;
        zc -= speed * dc;
      }
    }
    while (arrived > known && known < MOST) reach(known + 1);

    function places(n) {
      reach(n);
      return [...outputs.subarray(3 * n, 3 * n + 3)];
    }
    // The least cost is the entropy of the target. It is subtracted, because it always remains.
    const t = [ta, tb, tc];
    const excess = y => squared ? explore.sum(y.map((yi, i) => (yi - t[i]) ** 2)) / 2
      : explore.sum(y.map((yi, i) => t[i] ? t[i] * Math.log(t[i] / yi) : 0));
    return {
      arrived, places, path: outputs, left: n => excess(places(n)) / excess(places(0)),
      logits(n) {
        reach(n);
        return [...logits.subarray(3 * n, 3 * n + 3)];
      },
    };
  }

  // --- the triangle

  let corners = [];       // in pixels
  const at = y => [0, 1].map(k => explore.sum(corners.map((corner, i) => y[i] * corner[k])));

  // Return the distribution at a point. For a point outside the triangle, return one on the edge.
  function distributionAt(px, py) {
    const [[left, low], [right], [, top]] = corners;
    const c = (py - low) / (top - low), b = (px - left) / (right - left) - c / 2;
    const inside = [1 - b - c, b, c].map(share => Math.max(0, share));
    return inside.map(share => share / explore.sum(inside));
  }

  function mark(look, [px, py], size) {
    if (look === "cross-entropy") return svg("circle", { cx: px, cy: py, r: size, class: "mark " + look });
    return svg("rect", { x: px - size, y: py - size, width: 2 * size, height: 2 * size, class: "mark " + look });
  }

  const sideIn = width => Math.min(width, 400) - 60;
  const triangle = explore.drawing({
    label: "Triangle with the corners A, B and C. A solid and a dashed path lead from the start "
      + "toward the target; both handles can be dragged, and the sliders move them too.",
    height: width => Math.round(sideIn(width) * Math.sqrt(0.75)) + 56,
  }, (layer, width) => {
    // The squares lie under the circles. Their corners stay visible where the walks coincide.
    const n = count();
    [1, 0].forEach(k => {
      const { path, arrived, places } = walks[k], { look } = COSTS[k];
      places(n);
      layer.append(explore.line(thinned(path, Math.min(arrived, MOST)), look + " ahead"),
        explore.line(thinned(path, n), look));
      for (let m = 0; m <= Math.min(n, MARKED); m += MARK) layer.append(mark(look, at(places(m)), 3.5));
    });
    [1, 0].forEach(k => layer.append(mark(COSTS[k].look, at(walks[k].places(n)), 6)));
    handles.forEach(handle => handle.place(at(handle.distribution()), width));
  }, (layer, width, height) => {
    const side = sideIn(width), left = (width - side) / 2, low = height - 32;
    corners = [[left, low], [left + side, low], [left + side / 2, low - side * Math.sqrt(0.75)]];
    layer.append(explore.line([...corners, corners[0]], "axis"));
    const names = [[-21, 5], [21, 5], [0, -11]];
    CLASSES.forEach((name, i) => {
      const [px, py] = corners[i], [dx, dy] = names[i];
      layer.append(svg("circle", { cx: px, cy: py, r: 5, class: "corner class-" + name.toLowerCase() }),
        explore.text(px + dx, py + dy, name, { anchor: "middle", look: "name" }));
    });
  });

  // Return the points of a path up to a step, without those that are less than a pixel from the last one kept.
  function thinned(path, last) {
    const points = [];
    const [[ax, ay], [bx], [cx, cy]] = corners;
    let px = NaN, py = NaN;
    for (let n = 0; n <= last; n += 1) {
      const x = path[3 * n] * ax + path[3 * n + 1] * bx + path[3 * n + 2] * cx;
      const y = (path[3 * n] + path[3 * n + 1]) * ay + path[3 * n + 2] * cy;
      if (n && n < last && Math.abs(x - px) + Math.abs(y - py) < 1) continue;
      points.push([px = x, py = y]);
    }
    return points;
  }

  // --- handles that can be dragged

  function handle(name, shapes, distribution, move) {
    const word = explore.text(0, 0, name, { anchor: "middle" });
    const grip = svg("g", { class: "handle handle-" + name }, svg("circle", { r: 18, class: "reach" }), ...shapes, word);
    explore.draggable(grip, triangle, place => move(distributionAt(...place)));
    return {
      grip, distribution,
      place([px, py], width) {
        grip.setAttribute("transform", `translate(${px} ${py})`);
        const room = width / 2 - 24;
        const aside = Math.max(-room, Math.min(room, px - width / 2)) - (px - width / 2);
        word.setAttribute("x", aside);
        word.setAttribute("y", 26);
      },
    };
  }

  const LEAST = 0.001;    // the least probability of a dragged start: points on the edge have no logits
  function startFrom(y) {
    const logs = y.map(yi => Math.log(Math.max(yi, LEAST)));
    const mean = explore.sum(logs) / 3;
    start = logs.map(log => Math.round(20 * (log - mean)) / 20);
    update();
  }

  function targetFrom(y) {
    const [a, b] = y.map(yi => Math.round(100 * yi));
    percents = a + b > 100 ? [100 - b, b, 0] : [a, b, 100 - a - b];
    update();
  }

  const handles = [
    handle("target", [svg("circle", { r: 12 }), svg("circle", { r: 7 })],
      () => percents.map(percent => percent / 100), targetFrom),
    handle("start", [svg("circle", { r: 10 })], () => explore.softmax(start), startFrom),
  ];
  triangle.element.append(...handles.map(({ grip }) => grip));

  // --- the costs

  const chart = explore.plot({
    label: "The part of the starting cost that is left, against the number of steps.",
    title: "Cost left, as a share of the start’s",
    height: 190,
    x: { from: 1, to: MOST + 1, log: true, ticks: [1, 11, 101, 1001], label: "steps", format: n => fixed(n - 1) },
    y: { from: 0, to: 1, ticks: [0, 0.5, 1] },
  }, p => {
    p.line([[count() + 1, 0], [count() + 1, 1]], "guide");
    walks.forEach(({ left }, k) => {
      const { look } = COSTS[k], points = COUNTS.map(n => [n + 1, left(n)]);
      p.line(points, look + " ahead");
      p.line(points.slice(0, steps.value + 1), look);
      p.add(mark(look, [p.x(count() + 1), p.y(left(count()))], 6));
    });
  });

  // --- controls

  const rate = explore.slider({
    name: "rate", label: "Learning rate", min: 0.05, max: 2, step: 0.05, value: RATE, text: x => fixed(x, 2),
  }, update);
  const steps = explore.slider({
    name: "steps", label: "Steps", min: 0, max: COUNTS.length - 1, step: 1, value: 0, text: i => fixed(COUNTS[i]),
  }, () => {
    halt();
    show();
  });
  const count = () => COUNTS[steps.value];

  const logits = CLASSES.map((name, i) => explore.slider({
    name: "logit-" + name, label: "Logit " + name, min: -6, max: 6, step: 0.05, value: start[i],
    text: x => fixed(x, 2),
  }, x => {
    start = start.map((old, j) => i === j ? x : old);
    update();
  }));

  // Set one target. What is missing or too much is taken from those that were set longest ago.
  function give(i, percent) {
    latest = [...latest.filter(other => other !== i), i];
    const next = [...percents], [first, second] = latest;
    next[i] = percent;
    next[first] = Math.max(0, Math.min(100, 100 - percent - next[second]));
    next[second] = 100 - percent - next[first];
    percents = next;
    update();
  }
  const targets = CLASSES.map((name, i) => explore.slider({
    name: "target-" + name, label: "Target " + name, min: 0, max: 100, step: 1, value: percents[i],
    text: x => fixed(x / 100, 2),
  }, x => give(i, x)));
  // A slider gives back its own value after a swipe that began on it. Here the other two targets come back, too.
  let held = null;
  for (const { input } of targets) {
    input.addEventListener("pointerdown", () => { held = [percents, latest]; });
    input.addEventListener("pointercancel", () => {
      [percents, latest] = held;
      update();
    });
  }

  // The walk runs for four seconds. With reduced motion, the button goes on by five places of the slider instead.
  const LAST = COUNTS.length - 1;
  let stop = null;
  function halt() {
    if (stop) stop();
    stop = null;
  }
  const go = explore.button({ name: "go", label: "Walk" }, () => {
    if (stop) {
      halt();
      return show();
    }
    if (explore.calm()) {
      steps.value = steps.value === LAST ? 0 : Math.min(LAST, steps.value + 5);
      return show();
    }
    if (steps.value === LAST) steps.value = 0;
    const began = performance.now() - 80 * steps.value;
    stop = explore.animate(() => {
      steps.value = Math.min(LAST, Math.floor((performance.now() - began) / 80));
      if (steps.value === LAST) halt();
      show();
      return steps.value < LAST;
    });
    show();
  });

  const presets = explore.presets("Settings to try", PRESETS.map(([name, label, ...setting]) => [name, label, setting]), begin);
  function begin([z, percent]) {
    [start, percents] = [z, percent];
    latest = [0, 1, 2];
    rate.value = RATE;
    steps.value = 0;
    update();
  }
  const reset = explore.button({ name: "reset", label: "Reset" }, () => begin(PRESETS[0].slice(2)));

  // --- values and summary

  const each = (what, format) => COSTS.map(({ look }) => explore.value(`${what}-${look}`, format));
  const short = x => explore.number(x, 3);
  const answers = CLASSES.map(name => each("output-" + name, short));
  const costs = each("cost", short);
  const arrivals = each("arrival", n => n > MOST ? "more than " + fixed(MOST) : fixed(n));
  const heading = html("div", { class: "explore-title" });
  const summary = explore.summary();

  function show() {
    const n = count();
    go.textContent = stop ? "Pause" : explore.calm() ? "Some steps" : steps.value === LAST ? "Walk again" : "Walk";
    heading.textContent = `After ${fixed(n)} step${n === 1 ? "" : "s"}`;
    summary.say(`${heading.textContent}. Steps to within ${NEAR} of the target: `,
      names[0], " ", arrivals[0].element, ", ", names[1], " ", arrivals[1].element, ".");
    const t = percents.map(percent => percent / 100);
    walks.forEach((walk, k) => {
      answers.forEach((row, i) => row[k].show(walk.places(n)[i]));
      costs[k].show(COSTS[k].cost(walk.logits(n), t));
    });
    presets.mark(([z, percent]) => String([start, percents, rate.value]) === String([z, percent, RATE]));
    triangle.repaint();
    chart.repaint();
  }

  const spelled = y => CLASSES.map((name, i) => `${name} ${short(y[i])}`).join(", ");
  function tell(sliders, values, y) {
    sliders.forEach((slider, i) => {
      slider.value = values[i];
      slider.input.setAttribute("aria-valuetext", `${slider.input.getAttribute("aria-valuetext")}: probabilities ${spelled(y)}`);
    });
  }

  const names = COSTS.map(({ look, name }) => html("span", { class: "word " + look }, name.toLowerCase()));
  function update() {
    halt();
    const t = percents.map(percent => percent / 100);
    walks = COSTS.map(cost => walk(cost, t));
    tell(logits, start, explore.softmax(start));
    tell(targets, percents, t);
    walks.forEach(({ arrived }, k) => arrivals[k].show(arrived));
    show();
  }

  const halves = (...elements) => html("div", { class: "explore-halves" }, ...elements);
  const group = (name, sliders) => html("fieldset", {}, html("legend", {}, name), ...sliders.map(({ element }) => element));
  const values = explore.table({
    label: "The two answers",
    columns: COSTS.map(({ look, name }) => [look, name]),
    rows: [...answers.map((row, i) => ["Output " + CLASSES[i], ...row]), ["Cost", ...costs]],
  });
  const keys = COSTS.map(({ look, name }) => html("span", { class: "word " + look },
    svg("svg", { width: 30, height: 12, "aria-hidden": "true" }, explore.line([[0, 6], [30, 6]], look), mark(look, [15, 6], 4)),
    " ", name.toLowerCase()));
  stage.append(
    html("div", { class: "keys" }, ...keys), triangle.element,
    html("div", { class: "explore-line" }, steps.element), explore.row(go, reset, presets.element), summary.element,
    explore.more(rate.element, halves(group("Start", logits), group("Target", targets)),
      halves(chart.element, html("div", {}, heading, values))));
  update();
});
