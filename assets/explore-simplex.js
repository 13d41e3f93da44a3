"use strict";
// One start, one target, one learning rate, two costs: gradient descent in the three logits of a
// softmax, drawn in the triangle of its outputs.

explore.figure("simplex", stage => {
  const { html, svg, fixed } = explore;
  const CLASSES = ["A", "B", "C"];
  const SHOWN = 100;      // steps in the picture
  const MARK = 5;         // steps from mark to mark
  const MOST = 3000;      // steps after which a walk stops even if it has not arrived
  const NEAR = 0.05;
  const RATE = 0.25;      // at the start and after each preset
  const COSTS = [
    { look: "cross-entropy", name: "Cross-entropy", cost: explore.crossEntropy, gradient: explore.crossEntropyGradient },
    { look: "squared-error", name: "Squared error", cost: explore.squaredError, gradient: explore.squaredErrorGradient },
  ];
  // Logits, and a target in whole percents, so that the numbers at its three sliders sum to one.
  const PRESETS = [
    ["wrong", "Badly wrong", [-4, 4, 0], [100, 0, 0]],
    ["rivals", "Two rivals", [-4, 3, 1], [100, 0, 0]],
    ["soft", "Soft target", [-4, 4, 0], [60, 10, 30]],
    ["close", "Small error", [0, 0.5, -0.5], [50, 30, 20]],
  ];

  let [, , start, percents] = PRESETS[0];
  let walks = [];

  // --- the two walks

  function walk({ cost, gradient }, t) {
    const path = [];
    let arrived = Infinity;
    for (let n = 0, z = start; n <= SHOWN || (n <= MOST && arrived > n); n += 1) {
      const y = explore.softmax(z), slope = gradient(z, t);
      path.push({ z, y });
      if (arrived > n && y.every((yi, i) => Math.abs(yi - t[i]) < NEAR)) arrived = n;
      z = z.map((zi, i) => zi - rate.value * slope[i]);
    }
    // The least cost is the entropy of the target. It is subtracted, because it always remains.
    const least = cost(t.map(Math.log), t);
    const costs = path.slice(0, SHOWN + 1).map(({ z }) => cost(z, t));
    return { path, arrived, costs, left: costs.map(C => (C - least) / (costs[0] - least)) };
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

  const sideIn = width => Math.min(width, 420) - 60;
  const triangle = explore.drawing({
    label: "Triangle with the corners A, B and C. A solid and a dashed path lead from the start "
      + "toward the target; both handles can be dragged, and the sliders move them too.",
    height: width => Math.round(sideIn(width) * Math.sqrt(0.75)) + 80,
  }, (layer, width, height) => {
    const side = sideIn(width), left = (width - side) / 2, low = height - 44;
    corners = [[left, low], [left + side, low], [left + side / 2, low - side * Math.sqrt(0.75)]];
    layer.append(explore.line([...corners, corners[0]], "axis"));
    const names = [[-21, 5], [21, 5], [0, -17]];
    CLASSES.forEach((name, i) => {
      const [px, py] = corners[i], [dx, dy] = names[i];
      layer.append(svg("circle", { cx: px, cy: py, r: 5, class: "corner class-" + name.toLowerCase() }),
        explore.text(px + dx, py + dy, name, { anchor: "middle", look: "name" }));
    });
    // The squares lie under the circles. Their corners stay visible where the walks coincide.
    [1, 0].forEach(k => {
      const { path, arrived } = walks[k], { look } = COSTS[k];
      const points = path.map(({ y }) => at(y));
      const ahead = points.slice(0, Math.min(arrived, path.length - 1) + 1);
      layer.append(explore.line(thinned(ahead), look + " ahead"),
        explore.line(points.slice(0, steps.value + 1), look));
      for (let n = 0; n <= steps.value; n += MARK) layer.append(mark(look, points[n], 3.5));
    });
    [1, 0].forEach(k => layer.append(mark(COSTS[k].look, at(walks[k].path[steps.value].y), 6)));
    COSTS.forEach(({ look, name }, k) => {
      const right = width - 4, y = 8 + 20 * k;
      layer.append(explore.line([[right - 128, y], [right - 98, y]], look), mark(look, [right - 113, y], 4),
        explore.text(right - 92, y + 5, name.toLowerCase(), { look }));
    });
    handles.forEach(handle => handle.place(at(handle.distribution()), width));
  });

  // Drop points that are less than a pixel from the last one kept: a path may have thousands of steps.
  function thinned(points) {
    let [last] = points;
    return points.filter((point, n) => {
      if (n && n < points.length - 1 && Math.hypot(point[0] - last[0], point[1] - last[1]) < 1) return false;
      last = point;
      return true;
    });
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
    height: 210,
    x: { from: 0, to: SHOWN, ticks: [0, 25, 50, 75, 100], label: "steps" },
    y: { from: 0, to: 1, ticks: [0, 0.5, 1] },
  }, p => {
    p.line([[steps.value, 0], [steps.value, 1]], "guide");
    walks.forEach(({ left }, k) => {
      const { look } = COSTS[k], points = left.map((share, n) => [n, share]);
      p.line(points, look + " ahead");
      p.line(points.slice(0, steps.value + 1), look);
      p.add(mark(look, [p.x(steps.value), p.y(left[steps.value])], 6));
    });
  });

  // --- controls

  const rate = explore.slider({
    name: "rate", label: "Learning rate", min: 0.05, max: 2, step: 0.05, value: RATE, text: x => fixed(x, 2),
  }, update);
  const steps = explore.slider({
    name: "steps", label: "Steps", min: 0, max: SHOWN, step: 1, value: SHOWN,
  }, () => {
    stop();
    show();
  });

  const logits = CLASSES.map((name, i) => explore.slider({
    name: "logit-" + name, label: "Logit " + name, min: -6, max: 6, step: 0.05, value: start[i],
    text: x => fixed(x, 2),
  }, x => {
    start = start.map((old, j) => i === j ? x : old);
    update();
  }));

  // Set one target. The other two keep their ratio.
  function give(i, percent) {
    const [j, k] = [0, 1, 2].filter(other => other !== i);
    const both = percents[j] + percents[k], rest = 100 - percent;
    const first = Math.round(rest * (both ? percents[j] / both : 0.5));
    percents = percents.map((_, n) => n === i ? percent : n === j ? first : rest - first);
    update();
  }
  const targets = CLASSES.map((name, i) => explore.slider({
    name: "target-" + name, label: "Target " + name, min: 0, max: 100, step: 1, value: percents[i],
    text: x => fixed(x / 100, 2),
  }, x => give(i, x)));

  // The walk runs for four seconds. With reduced motion, the button takes ten steps instead.
  let stop = () => {};
  const go = explore.button({ name: "go", label: explore.calm() ? "Ten steps" : "Walk" }, () => {
    stop();
    if (explore.calm()) {
      steps.value = steps.value === SHOWN ? 0 : Math.min(SHOWN, steps.value + 10);
      show();
      return;
    }
    const from = performance.now();
    stop = explore.animate(() => {
      steps.value = Math.min(SHOWN, Math.floor((performance.now() - from) / 40));
      show();
      return steps.value < SHOWN;
    });
  });

  const presets = PRESETS.map(([name, label, z, percent]) => explore.button({ name, label }, () => {
    [start, percents] = [z, percent];
    rate.value = RATE;
    update();
  }));

  // --- values and summary

  const each = (what, format) => COSTS.map(({ look }) => explore.value(`${what}-${look}`, format));
  const short = x => explore.number(x, 3);
  const answers = CLASSES.map(name => each("output-" + name, short));
  const costs = each("cost", short);
  const arrivals = each("arrival", n => n > MOST ? "more than " + fixed(MOST) : fixed(n));
  const heading = html("div", { class: "explore-title" });
  const summary = explore.summary();

  function show() {
    heading.textContent = `After ${steps.value} steps`;
    walks.forEach((walk, k) => {
      answers.forEach((row, i) => row[k].show(walk.path[steps.value].y[i]));
      costs[k].show(walk.costs[steps.value]);
    });
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
    stop();
    const t = percents.map(percent => percent / 100);
    walks = COSTS.map(cost => walk(cost, t));
    tell(logits, start, explore.softmax(start));
    tell(targets, percents, t);
    walks.forEach(({ arrived }, k) => arrivals[k].show(arrived));
    summary.say(`Steps to within ${NEAR} of the target: `,
      names[0], " ", arrivals[0].element, ", ", names[1], " ", arrivals[1].element, ".");
    steps.value = SHOWN;
    show();
  }

  const halves = (...elements) => html("div", { class: "explore-halves" }, ...elements);
  const group = (name, sliders) => html("fieldset", {}, html("legend", {}, name), ...sliders.map(({ element }) => element));
  const values = explore.table({
    label: "The two answers",
    columns: COSTS.map(({ look, name }) => [look, name]),
    rows: [...answers.map((row, i) => ["Output " + CLASSES[i], ...row]), ["Cost", ...costs]],
  });
  stage.append(
    explore.row(...presets),
    summary.element,
    halves(html("div", {}, triangle.element, rate.element, explore.row(steps.element, go)), html("div", {}, chart.element, heading, values)),
    halves(group("Start", logits), group("Target", targets)),
  );
  update();
});
