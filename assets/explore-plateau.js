"use strict";
// The plateau: two logistic units with target 1 start from the same logit and learn at the same
// rate, one under cross-entropy, one under squared error.

explore.figure("plateau", stage => {
  const { number, unit } = explore;
  const STEPS = 200, SECONDS = 6;
  const LOWEST = -25, HIGHEST = 8;

  // `left` is the time of gradient flow from z to the output ½, in the chapter's closed form. For negative z all of its
  // terms are positive, so that nothing cancels.
  const units = {
    "cross-entropy": {
      title: "Cross-entropy: the cost is a ramp", name: "cross-entropy",
      cost: z => unit(z, 1).crossEntropy,
      slope: z => unit(z, 1).crossEntropySlope,
      left: z => -z - Math.expm1(z),
      axis: { from: 0, to: 27, ticks: [0, 10, 20], label: "" },
    },
    "squared-error": {
      title: "Squared error: the cost is a plateau", name: "squared error",
      cost: z => unit(z, 1).squaredError,
      slope: z => unit(z, 1).squaredErrorSlope,
      left: z => -3 * z - 3 * Math.expm1(z) - Math.expm1(2 * z) / 2 + Math.expm1(-z),
      axis: { from: 0, to: 0.6, ticks: [0, 0.25, 0.5], label: "" },
    },
  };
  const looks = Object.keys(units);
  let step = 0, stop = null;

  // --- the race: where both units are after each step

  function descend(slope, z, rate) {
    const path = [z];
    while (path.length <= STEPS) path.push(z -= rate * slope(z));
    return path;
  }

  function lineUp() {
    for (const look of looks) {
      units[look].path = descend(units[look].slope, start.value, Number(rate.value));
    }
    go(0);
  }

  function go(to) {
    step = to;
    show();
  }

  function halt() {
    if (stop) stop();
    stop = null;
    run.textContent = "Run";
  }

  // Run the race slowly at first, while the unit under cross-entropy moves, then faster and faster.
  function race() {
    if (stop) return halt();
    if (step === STEPS) go(0);
    if (explore.calm()) return go(STEPS);
    const began = performance.now() - SECONDS * 1000 * Math.sqrt(step / STEPS);
    run.textContent = "Pause";
    stop = explore.animate(() => {
      const part = Math.min(1, (performance.now() - began) / (SECONDS * 1000));
      go(Math.floor(STEPS * part * part));
      if (step === STEPS) halt();
      return step < STEPS;
    });
  }

  // --- controls

  const start = explore.slider({
    name: "logit", label: "Start at the logit z", min: LOWEST, max: HIGHEST, step: 0.1, value: -20.7,
    text: z => `${explore.fixed(z, 1)}, where y = ${number(unit(z, 1).y)}`,
  }, () => { halt(); lineUp(); });
  const rate = explore.select({
    name: "rate", label: "Learning rate", value: "1",
    options: [["0.1", "0.1"], ["1", "1"], ["6.75", "27/4"], ["1000", "1000"]],
  }, () => { halt(); lineUp(); });
  const run = explore.button({ name: "run", label: "Run" }, race);
  const one = explore.button({ name: "step", label: "One step" }, () => {
    halt();
    go(Math.min(step + 1, STEPS));
  });
  const back = explore.button({ name: "back", label: "Back to the start" }, () => {
    halt();
    go(0);
  });

  // --- values, plots and summary

  const rows = [
    ["logit", "logit z", z => z],
    ["output", "output y", z => unit(z, 1).y],
    ["cost", "cost C", (z, look) => units[look].cost(z)],
    ["slope", "slope", (z, look) => units[look].slope(z)],
    ["left", "time to y = ½", (z, look) => z < 0 ? units[look].left(z) : 0],
  ].map(([name, heading, of]) => ({
    heading,
    cells: looks.map(look => ({ look, of, value: explore.value(`${look}-${name}`) })),
  }));
  const table = explore.table({
    label: "Both units",
    columns: looks.map(look => [look, units[look].name]),
    rows: rows.map(({ heading, cells }) => [heading, ...cells.map(cell => cell.value)]),
  });
  const count = explore.value("step", n => explore.fixed(n));
  const summary = explore.summary();

  const here = look => units[look].path[step];
  const seen = z => Math.min(z, HIGHEST);
  const logits = { from: LOWEST, to: HIGHEST, ticks: [-20, -10, 0], label: "logit z" };

  // Plot the cost against the logit, with a dot for the unit and the tangent there.
  function hillside(look) {
    const { title, cost, slope, axis } = units[look];
    return explore.plot({
      title, x: logits, y: axis, height: 170, left: 40,
      label: `The cost of the unit under ${units[look].name} against its logit, a dot where the unit is, and the tangent there.`,
    }, p => {
      const z = seen(here(look)), x = p.x(z), y = p.y(cost(z));
      const rise = slope(z) * (p.y(1) - p.y(0)) / (p.x(1) - p.x(0));
      const reach = 34 / Math.hypot(1, rise), on = Math.min(reach, p.x(HIGHEST) - x);
      p.curve(cost, look);
      p.add(explore.line([[x - reach, y - reach * rise], [x + on, y + on * rise]], "tangent"));
      p.dot(z, cost(z), look);
    });
  }

  const slopes = explore.plot({
    title: "Size of the slope, in factors of 1000", x: logits, height: 200, left: 40,
    y: { from: 3e-12, to: 10, log: true, ticks: [1e-9, 1e-6, 1e-3, 1], label: "" },
    label: "The size of both slopes against the logit, on a logarithmic axis, with a dot for each unit.",
  }, p => {
    for (const look of looks) {
      const size = z => -units[look].slope(z), z = here(look);
      p.curve(size, look);
      if (z <= HIGHEST) p.dot(z, size(z), look);
    }
  });

  const outputs = explore.plot({
    title: "The race: output y after each step", height: 200, left: 40,
    x: { from: 0, to: STEPS, ticks: [0, 50, 100, 150, 200], label: "step" },
    y: { from: 0, to: 1, ticks: [0, 0.5, 1], label: "" },
    label: "The output of both units after each step of the race so far.",
  }, p => {
    for (const look of looks) {
      const passed = units[look].path.slice(0, step + 1).map((z, n) => [n, unit(z, 1).y]);
      p.line(passed, look);
      p.dot(...passed[step], look);
    }
  });
  const plots = [...looks.map(hillside), outputs, slopes];

  function tale(look) {
    const { name, path, left } = units[look];
    const passed = path.findIndex(z => z >= 0);
    if (passed === 0) return `${name} began beyond ½`;
    if (passed > 0 && passed <= step) return `${name} passed ½ at step ${passed}`;
    const more = left(here(look)) / Number(rate.value);
    return `${name} is at y = ${number(unit(here(look), 1).y)} and needs about ${number(Number(more.toPrecision(2)))} more steps`;
  }

  function sentence() {
    if (step > 0) return `: ${tale(looks[0])}; ${tale(looks[1])}.`;
    const [first, second] = looks.map(look => number(-rate.value * units[look].slope(start.value), 3));
    return `. The first one will move z by ${first} under cross-entropy, and by ${second} under squared error.`;
  }

  function show() {
    for (const { cells } of rows) {
      for (const { look, of, value } of cells) value.show(of(here(look), look));
    }
    count.show(step);
    summary.say("After ", count.element, step === 1 ? " step" : " steps", sentence());
    plots.forEach(plot => plot.repaint());
  }

  lineUp();
  stage.append(
    start.element, table, explore.row(plots[0].element, plots[1].element),
    explore.row(rate.element, run, one, back), summary.element,
    explore.row(outputs.element, slopes.element));
});
