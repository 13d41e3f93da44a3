"use strict";
// Where is zero? Four keys share a softmax in the middle of a network. Their values, weighted, are balanced at O, and
// the cost is (O − t)²/2. Its slopes in the scores count the values from O. Without D they count them from zero.

explore.figure("listen", stage => {
  const { fixed, html, number, scale, softmax, sum, svg, text, value } = explore;
  const KEYS = ["a", "b", "c", "d"], LOOKS = KEYS.map(key => "class-" + key);
  const START = { scores: [2, 1, 0, -1], values: [1, 3, 2, 5], flag: 3, zero: 0 };
  const MOST = 6;         // the largest value, and the largest score of a slider
  const RATE = 1, WALK = 50;
  const TOP = 44, ROW = 30, LOW = TOP + ROW * KEYS.length;
  const middle = row => TOP + ROW * (row + 0.5);
  const shift = x => (x < 0 ? "− " : "+ ") + fixed(Math.abs(x), 1);
  const digits = x => x && Math.abs(x) < 0.0005 ? "0.000" : number(x, 3);

  // Values and flag are stored as they are with zero at its start. What is shown of them has `zero.value` added.
  let scores = START.scores, values = START.values, flag = START.flag, trail = [];

  // --- the formulas

  function listen() {
    const c = zero.value, weights = softmax(scores), v = values.map(vj => vj + c);
    const O = sum(weights.map((p, j) => p * v[j])), off = O - (flag + c);
    const right = explore.softmaxProduct(scores, v).map(slope => slope * off);
    const slopes = forget.value ? weights.map((p, j) => p * v[j] * off) : right;
    const total = sum(slopes), vanishes = Math.abs(total) < 1e-12 * sum(slopes.map(Math.abs));      // except for rounding
    return { c, weights, v, O, off, right, slopes, total: vanishes ? 0 : total, mean: sum(scores) / scores.length };
  }

  function descend() {
    trail.push(listen().O - zero.value);
    scores = listen().slopes.map((slope, j) => scores[j] - RATE * slope);
    show();
  }

  // --- the picture: weights, values on a ruler, slopes; one row for each key

  let weightAt, valueAt;  // from pixels
  const view = explore.drawing({
    height: LOW + 46,
    label: "A row for each of four keys: a bar for its weight, a bead for its value, and an arrow for the slope of the cost in "
      + "its score. A line through the beads marks O, where they balance, and a flag marks t. The last arrow is the sum. "
      + "Bars, beads and flag can be dragged, and sliders move them too.",
  }, (layer, width) => {
    const { c, weights, O, off, right, slopes, total, mean } = listen();
    const bars = [18, 0.25 * width], ruler = [0.31 * width, 0.65 * width], arrows = [0.7 * width, width - 6];
    const axis = { from: -0.5, to: MOST + 0.5 }, x = scale(axis, ...ruler);
    const end = scale({ from: 0, to: 1 }, ...bars);
    weightAt = scale({ from: bars[0], to: bars[1] }, 0, 1);
    valueAt = scale({ from: ruler[0], to: ruler[1] }, axis.from, axis.to);
    const add = (...shapes) => layer.append(...shapes);
    const path = (d, look) => add(svg("path", { d, class: look }));
    const word = (px, py, words, look = "", anchor = "middle") => add(text(px, py, words, { look, anchor }));
    const within = px => Math.max(ruler[0], Math.min(ruler[1], px));

    word(bars[0], 13, "weight", "", "start");
    word((ruler[0] + ruler[1]) / 2, 13, "value");
    word((arrows[0] + arrows[1]) / 2, 13, "slope");

    // The ruler slides under the beads as zero moves.
    path(`M${ruler[0]} ${LOW}H${ruler[1]}`, "axis");
    for (let n = Math.ceil(axis.from + c); n <= axis.to + c; n += 1) {
      path(`M${x(n - c)} ${LOW}v5`, "axis");
      if (n && n % 2 === 0) word(x(n - c), LOW + 18, fixed(n));
    }
    const nought = x(-c), left = nought < ruler[0], seen = nought === within(nought);
    if (seen) path(`M${nought} ${TOP}V${LOW + 5}`, "nought");
    const away = left ? "← zero" : "zero →";
    word(within(nought), LOW + (seen ? 18 : 34), seen ? "0" : away, "nought-word", seen ? "middle" : left ? "start" : "end");
    for (const past of trail) path(`M${x(past)} ${LOW - 8}v8`, "past");

    // Each value is counted from O, or from zero.
    const from = forget.value ? within(nought) : x(O - c);
    weights.forEach((p, j) => {
      const y = middle(j), look = LOOKS[j];
      word(0, y + 4, KEYS[j], look + " name", "start");
      path(`M${bars[0]} ${y}H${bars[1]}`, "grid");
      path(`M${bars[0]} ${y}H${end(p)}`, "weight " + look);
      add(svg("circle", { cx: end(p), cy: y, r: 5, class: "knob" }));
      path(`M${from} ${y}H${x(values[j])}`, "lever " + look);
      add(svg("circle", { cx: x(values[j]), cy: y, r: Math.max(4, 13 * Math.sqrt(p)), class: "dot " + look }));
      grips[j].place(end(p), y);
      grips[j + KEYS.length].place(x(values[j]), y);
    });
    const side = off > 0 ? 1 : -1, o = x(O - c), t = x(flag);
    path(`M${o} 22V${LOW}`, "balance");
    word(o + 5 * side, 32, "O", "name", side < 0 ? "end" : "start");
    path(`M${t} ${LOW}V20l${-18 * side} 6l${18 * side} 6`, "flag");
    word(t - 22 * side, 32, "t", "name", side < 0 ? "start" : "end");
    grips.at(-1).place(t, 27);

    // Arrows are as long as the square root of the slope, up to the end of their ruler.
    const center = (arrows[0] + arrows[1]) / 2, unit = (arrows[1] - center) / Math.sqrt(12);
    const tip = slope => center + Math.sign(slope) * Math.min(arrows[1] - center, unit * Math.sqrt(Math.abs(slope)));
    function arrow(row, slope, look) {
      const y = middle(row), to = tip(slope), head = Math.sign(slope) * Math.min(10, Math.abs(to - center));
      path(`M${center} ${y}H${to - head}`, "shaft " + look);
      if (head) path(`M${to} ${y}l${-head} 8v-16z`, "head " + look);
    }
    path(`M${center} ${TOP - 4}V${LOW + ROW + 2}M${arrows[0]} ${LOW}H${arrows[1]}`, "axis");
    for (const tick of [-10, -1, 1, 10]) {
      path(`M${tip(tick)} ${LOW + ROW}v4`, "axis");
      if (width > 480 || Math.abs(tick) > 1) word(tip(tick), LOW + 45, fixed(tick));
    }
    if (forget.value) right.forEach((slope, j) => arrow(j, slope, "ghost"));
    slopes.forEach((slope, j) => arrow(j, slope, LOOKS[j]));
    arrow(KEYS.length, total, "alarm");
    word(center + (total > 0 ? -8 : 8), middle(KEYS.length) + 4, total ? "sum" : "sum 0", "", total > 0 ? "end" : "start");
    word(0, LOW + 19, "mean score", "", "start");
    word(0, LOW + 36, digits(mean), "name" + (total ? " alarm-word" : ""), "start");
  });

  // --- controls: handles on the picture, and sliders

  const tenth = x => Math.round(10 * x) / 10;
  const held = px => Math.max(0, Math.min(MOST, tenth(valueAt(px))));
  function change(act) {
    stop();
    trail = [];
    act();
    show();
  }

  // Give a key a weight. Its score follows from those of the others.
  function weigh(j, weight) {
    const p = Math.max(0.005, Math.min(0.995, weight));
    scores[j] = tenth(Math.log(p / (1 - p)) + explore.logSumExp(scores.filter((_, i) => i !== j)));
  }

  const grips = [
    ...KEYS.map((key, j) => explore.grip("weight-" + key, view, ([x]) => change(() => weigh(j, weightAt(x))))),
    ...KEYS.map((key, j) => explore.grip("value-" + key, view, ([x]) => change(() => { values[j] = held(x); }))),
    explore.grip("flag", view, ([x]) => change(() => { flag = held(x); })),
  ];
  const zero = explore.slider({
    name: "zero", label: "Where is zero", min: -10, max: 10, step: 0.5, value: START.zero, text: x => `${shift(x)} to all`,
  }, show);
  const forget = explore.checkbox({ name: "forget", label: "Forget D" }, () => change(() => {}));
  const steps = { step: 0.1, max: MOST };
  const score = KEYS.map((key, j) => explore.slider({
    ...steps, name: "score-" + key, label: "Score " + key, min: -MOST, value: START.scores[j], text: () => digits(scores[j]),
  }, x => change(() => { scores[j] = x; })));
  const bead = KEYS.map((key, j) => explore.slider({
    ...steps, name: "value-" + key, label: "Value " + key, min: 0, value: START.values[j], text: () => fixed(values[j] + zero.value, 1),
  }, x => change(() => { values[j] = x; })));
  const target = explore.slider({
    ...steps, name: "flag", label: "Flag t", min: 0, value: START.flag, text: () => fixed(flag + zero.value, 1),
  }, x => change(() => { flag = x; }));

  let stop = () => {};
  const step = explore.button({ name: "step", label: "Step downhill" }, () => {
    stop();
    descend();
  });
  const walk = explore.button({ name: "walk", label: `${WALK} steps` }, () => {
    stop();
    let left = WALK;
    const next = () => {
      descend();
      return (left -= 1) > 0;
    };
    if (explore.calm()) while (next());
    else stop = explore.animate(next);
  });
  const reset = explore.button({ name: "reset", label: "Reset" }, () => change(begin));

  // --- numbers

  const weight = KEYS.map(key => value("weight-" + key, digits)), slope = KEYS.map(key => value("slope-" + key, digits));
  const mean = value("mean", digits), total = value("total", digits), answer = value("answer"), sums = value("sum", digits);
  const cell = (name, { element }) => ({ element: html("span", {}, name + " ", element) });
  const table = explore.table({
    label: "The four keys",
    columns: ["score", "weight", "value", "slope"].map(heading => ["", heading]),
    rows: [
      ...KEYS.map((key, j) => [html("span", { class: LOOKS[j] }, key), score[j], weight[j], bead[j], slope[j]]),
      ["all", cell("mean", mean), cell("sum", total), cell("O", answer), cell("sum", sums)],
    ],
  });
  const cost = value("cost", digits), gap = value("gap", digits);
  const summary = explore.summary();

  function begin() {
    scores = [...START.scores];
    values = [...START.values];
    flag = START.flag;
    zero.value = START.zero;
    forget.input.checked = false;
  }

  function show() {
    const now = listen();
    KEYS.forEach((_, j) => {
      weight[j].show(now.weights[j]);
      slope[j].show(now.slopes[j]);
      score[j].value = scores[j];
      bead[j].value = values[j];
    });
    target.value = flag;
    mean.show(now.mean);
    total.show(sum(now.weights));
    answer.show(now.O);
    sums.show(now.total);
    cost.show(now.off ** 2 / 2);
    gap.show(Math.abs(now.off));
    summary.say("O is ", gap.element, ` ${now.off > 0 ? "above" : "below"} the flag, at a cost of `, cost.element, ". ", forget.value
      ? `Counted from zero, the slopes sum to D = ${digits(now.total)}: a step moves the mean score by ${digits(-RATE * now.total / 4)}.`
      : "Counted from O, the slopes sum to 0: the mean score stays, wherever zero is.");
    view.repaint();
  }

  stage.append(view.element, table, html("div", { class: "explore-pair" }, zero.element, target.element),
    explore.row(forget.element, step, walk, reset), summary.element);
  change(begin);
});
