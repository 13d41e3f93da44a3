"use strict";
// The plateau: two logistic units with target 1 start from the same logit and learn at the same
// rate, one under cross-entropy, one under squared error.

explore.figure("plateau", stage => {
  const { fixed, html, number, unit } = explore;
  const STEPS = 200, SECONDS = 6;
  const LEAST = -108, MOST = 34, START = -90;         // the odds y/(1 − y), in tenths of a decade
  const logit = tenths => tenths * Math.LN10 / 10;
  const LOWEST = logit(LEAST), HIGHEST = logit(MOST);

  // `left` is the time of gradient flow from z to the output ½, in the chapter's closed form. For negative z all of its
  // terms are positive, so that nothing cancels.
  const units = {
    "cross-entropy": {
      title: "Cross-entropy", name: "cross-entropy",
      cost: z => unit(z, 1).crossEntropy,
      slope: z => unit(z, 1).crossEntropySlope,
      left: z => -z - Math.expm1(z),
      axis: { from: 0, to: 27, ticks: [0, 10, 20], label: "" },
    },
    "squared-error": {
      title: "Squared error", name: "squared error",
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
      units[look].path = descend(units[look].slope, logit(start.value), Number(rate.value));
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
  }

  function restart() {
    halt();
    lineUp();
  }

  // Run the race slowly at first, while the unit under cross-entropy moves, then faster and faster.
  function race() {
    if (stop) {
      halt();
      return show();
    }
    if (step === STEPS) go(0);
    if (explore.calm()) return go(STEPS);
    const began = performance.now() - SECONDS * 1000 * Math.sqrt(step / STEPS);
    stop = explore.animate(() => {
      const part = Math.min(1, (performance.now() - began) / (SECONDS * 1000));
      step = Math.floor(STEPS * part * part);
      if (step === STEPS) halt();
      show();
      return step < STEPS;
    });
    show();
  }

  // --- controls

  const start = explore.slider({
    name: "decades", label: "Start", min: LEAST, max: MOST, step: 1, value: START,
    text: tenths => `z = ${fixed(logit(tenths), 2)}, y = ${number(unit(logit(tenths), 1).y)}`,
  }, restart);
  const rate = explore.select({
    name: "rate", label: "Learning rate", value: "1",
    options: [["0.1", "0.1"], ["1", "1"], ["6.75", "27/4"], ["1000", "1000"]],
  }, restart);
  const run = explore.button({ name: "run", label: "Run" }, race);
  const one = explore.button({ name: "step", label: "One step" }, () => {
    halt();
    go(Math.min(step + 1, STEPS));
  });
  const reset = explore.button({ name: "reset", label: "Reset" }, () => {
    start.value = START;
    rate.input.value = "1";
    restart();
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
  const logits = { from: LOWEST, to: HIGHEST, ticks: [-20, -10, 0], label: "" };

  // Plot the cost against the logit, with the tangent where the unit is and a ball, which can be dragged to another start.
  // A ball that has rolled out of the picture waits at its edge, next to an arrow.
  function hillside(look) {
    const { title, cost, slope, axis } = units[look];
    const plot = explore.plot({
      title, x: logits, y: axis, height: 150, left: 34,
      label: `The cost of the unit under ${units[look].name} against its logit, a ball where the unit is, and the tangent there. `
        + "The ball can be dragged, and the slider moves it too.",
    }, p => {
      const z = Math.min(here(look), HIGHEST), x = p.x(z), y = p.y(cost(z));
      const rise = slope(z) * (p.y(1) - p.y(0)) / (p.x(1) - p.x(0));
      const reach = 34 / Math.hypot(1, rise), on = Math.min(reach, p.box.right - x), back = Math.min(reach, x - p.box.left);
      p.add(explore.line([[x - back, y - back * rise], [x + on, y + on * rise]], "tangent"));
      p.dot(z, cost(z), look);
      if (z < here(look)) p.add(explore.text(x - 10, y - 12, `z = ${number(here(look), 3)} →`, { anchor: "end" }));
      grip.place(x, y);
    }, p => p.curve(cost, look));
    const grip = explore.grip(`ball-${look}`, plot.view, ([x]) => {
      start.value = Math.max(LEAST, Math.min(MOST, Math.round(plot.of(x) / Math.LN10 * 10)));
      restart();
    });
    return plot;
  }

  const slopes = explore.plot({
    title: "Size of the slope against z, in factors of 1000", x: logits, height: 150, left: 40,
    y: { from: 3e-12, to: 10, log: true, ticks: [1e-9, 1e-6, 1e-3, 1], label: "" },
    label: "The size of both slopes against the logit, on a logarithmic axis, with a dot for each unit.",
  }, p => {
    for (const look of looks) {
      const z = here(look);
      if (z <= HIGHEST) p.dot(z, -units[look].slope(z), look);
    }
  }, p => {
    for (const look of looks) p.curve(z => -units[look].slope(z), look);
  });

  const outputs = explore.plot({
    title: "Output y after each step", height: 150, left: 34,
    x: { from: 0, to: STEPS, ticks: [0, 50, 100, 150, 200], label: "" },
    y: { from: 0, to: 1, ticks: [0, 0.5, 1], label: "" },
    label: "The output of both units after each step of the race so far.",
  }, p => {
    for (const look of looks) {
      const passed = units[look].path.slice(0, step + 1).map((z, n) => [n, unit(z, 1).y]);
      p.line(passed, look);
      p.dot(...passed[step], look);
    }
  });
  const hills = looks.map(hillside), plots = [...hills, outputs, slopes];

  function tale(look) {
    const { name, path, left } = units[look];
    const passed = path.findIndex(z => z >= 0);
    if (passed === 0) return `${name} began beyond ½`;
    if (passed > 0 && passed <= step) return `${name} passed ½ at step ${passed}`;
    const more = left(here(look)) / Number(rate.value);
    return `${name} is at y = ${number(unit(here(look), 1).y)} and needs about ${number(Number(more.toPrecision(2)), 2)} more steps`;
  }

  function sentence() {
    if (step > 0) return `: ${tale(looks[0])}; ${tale(looks[1])}.`;
    const [first, second] = looks.map(look => number(-rate.value * units[look].slope(here(look)), 3));
    return `. The first one will move z by ${first} under cross-entropy, and by ${second} under squared error.`;
  }

  function show() {
    run.textContent = stop ? "Pause" : step === STEPS ? "Run again" : "Run";
    for (const { cells } of rows) {
      for (const { look, of, value } of cells) value.show(of(here(look), look));
    }
    count.show(step);
    summary.say("After ", count.element, step === 1 ? " step" : " steps", sentence());
    plots.forEach(plot => plot.repaint());
  }

  lineUp();
  stage.append(
    html("div", { class: "hills" }, ...hills.map(({ element }) => element)), outputs.element, start.element,
    explore.row(run, one, reset), summary.element, explore.more(rate.element, table, slopes.element));
});
