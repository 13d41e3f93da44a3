"use strict";
// The plateau: two logistic units with target 1 start from the same logit and learn at the same
// rate, one under cross-entropy, one under squared error.

explore.figure("plateau", stage => {
  const { fixed, html, number, unit } = explore;
  const LAST = 20000, SECONDS = 60;
  const LEAST = -108, MOST = 34, START = -90;         // the odds y/(1 − y), in tenths of a decade
  const SHORT = 1e-4, END = 300;                    // see `descend`
  const logit = tenths => tenths * Math.LN10 / 10;
  const LOWEST = logit(LEAST), HIGHEST = logit(MOST);

  // `left` is the time of gradient flow from z to the output ½, in the chapter's closed form. For negative z all of its
  // terms are positive, so that nothing cancels. `tall` is what the picture multiplies the cost with.
  const units = {
    "cross-entropy": {
      name: "cross-entropy", tall: 1,
      cost: z => unit(z, 1).crossEntropy,
      slope: z => unit(z, 1).crossEntropySlope,
      left: z => -z - Math.expm1(z),
    },
    "squared-error": {
      name: "squared error", tall: 50,
      cost: z => unit(z, 1).squaredError,
      slope: z => unit(z, 1).squaredErrorSlope,
      left: z => -3 * z - 3 * Math.expm1(z) - Math.expm1(2 * z) / 2 + Math.expm1(-z),
    },
  };
  const looks = Object.keys(units);
  let step = 0, stop = null;

  // --- the race: where both units are after so many steps, and at which step each passed ½

  function lineUp() {
    step = 0;
    for (const look of looks) Object.assign(units[look], { z: logit(start.value), passed: start.value < 0 ? Infinity : 0 });
    show();
  }

  // Go down from a logit, at most so many steps. Return the new logit and the number of steps taken: one or, where many
  // steps are short, those in which gradient flow comes near the cliff. A step keeps the slope of its start, which
  // delays the unit: by half the logarithm of the growth of the slope.
  function descend({ slope, left }, z, most) {
    const speed = Number(rate.value), move = -speed * slope(z);
    const count = u => left(u) / speed - Math.log(-slope(u)) / 2;
    const end = z < 0 ? Math.log(SHORT / speed) : END;
    const many = most > LAST && move < SHORT && z < end ? Math.min(most, Math.floor(count(z) - count(end))) : 0;
    if (many < 1) return [z + move, 1];
    let low = z, high = end;
    for (let k = 0; k < 100; k += 1) {
      const middle = (low + high) / 2;
      if (count(middle) > count(z) - many) low = middle;
      else high = middle;
    }
    return [low, many];
  }

  function go(to) {
    for (const look of looks) {
      const learner = units[look];
      for (let at = step, taken; at < to && learner.z < END; at += taken) {
        [learner.z, taken] = descend(learner, learner.z, to - at);
        if (learner.z >= 0) learner.passed = Math.min(learner.passed, at + taken);
      }
    }
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
    if (step >= LAST) lineUp();
    if (explore.calm()) return go(LAST);
    const began = performance.now() - SECONDS * 1000 * Math.sqrt(step / LAST);
    stop = explore.animate(() => {
      const part = Math.min(1, (performance.now() - began) / (SECONDS * 1000));
      if (part === 1) halt();
      go(Math.max(step, Math.floor(LAST * part * part)));
      return part < 1;
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
  const [one, ten] = [["step", "One step", n => n + 1], ["ten", "×10", n => 10 * Math.max(1, n)]].map(
    ([name, label, next]) => explore.button({ name, label }, () => {
      halt();
      go(next(step));
    }));
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
    ["left", "time to y = ½", (z, look) => toGo(look, z)],
  ].map(([name, heading, of]) => ({
    heading,
    cells: looks.map(look => ({ look, of, value: explore.value(`${look}-${name}`) })),
  }));
  const toGo = (look, z) => z < 0 ? units[look].left(z) : 0;
  const table = explore.table({
    label: "Both units",
    columns: looks.map(look => [look, units[look].name]),
    rows: rows.map(({ heading, cells }) => [heading, ...cells.map(cell => cell.value)]),
  });
  const count = explore.value("step", n => fixed(n));
  const summary = explore.summary();

  const logits = { from: LOWEST, to: HIGHEST, ticks: [-20, -10, 0], label: "" };

  // Both costs against the logit, with the tangent where each unit is and a ball, which can be dragged to another start.
  // A ball that has rolled out of the picture waits at its edge, next to an arrow.
  const hills = explore.plot({
    x: logits, y: { from: 0, to: 28, ticks: [0, 12.5, 25], label: "" }, height: 220, left: 38,
    label: "Both costs against the logit, each with a ball where its unit is, and the tangent there. The cross-entropy is a ramp, "
      + "the squared error a plateau with a cliff before the output ½. The balls can be dragged, and the slider moves them too.",
  }, p => {
    for (const look of looks) {
      const { z: at, cost, slope, tall } = units[look], z = Math.min(at, HIGHEST), x = p.x(z), y = p.y(tall * cost(z));
      const rise = slope(z) * tall * (p.y(1) - p.y(0)) / (p.x(1) - p.x(0));
      const reach = 34 / Math.hypot(1, rise), on = Math.min(reach, p.box.right - x), back = Math.min(reach, x - p.box.left);
      p.add(explore.line([[x - back, y - back * rise], [x + on, y + on * rise]], "tangent"));
      p.dot(z, tall * cost(z), look);
      if (z < at) p.add(explore.text(x - 10, y - (tall > 1 ? 28 : 12), `z = ${number(at, 3)} →`, { anchor: "end", look }));
      grips[look].place(x, y);
    }
  }, p => {
    p.line([[0, 0], [0, 28]], "guide");
    p.add(explore.text(p.x(0) + 6, 22, "y = ½"), explore.text(p.box.right, p.box.bottom + 16, "logit z", { anchor: "end" }));
    for (const look of looks) {
      const { name, tall, cost } = units[look], words = (x, y, text, anchor) => p.add(explore.text(x, y, text, { anchor, look }));
      p.curve(z => tall * cost(z), look);
      if (tall > 1) words(p.x(-5), p.y(25) - 8, name, "end");
      else words(p.x(-12) - 8, p.y(12) + 20, name, "end");
      if (tall > 1) for (const tick of [0.25, 0.5]) words(p.box.right, p.y(tall * tick) - 4, String(tick), "end");
    }
  });
  const grips = Object.fromEntries(looks.map(look => [look, explore.grip(`ball-${look}`, hills.view, ([x]) => {
    start.value = Math.max(LEAST, Math.min(MOST, Math.round(hills.of(x) / Math.LN10 * 10)));
    restart();
  })]));

  // A clock that makes one step a second. A ring waits where each unit passes ½, and a dot is at the time that has gone by.
  const names = Object.fromEntries(explore.spans.map(([name, length]) => [length, length > 1 ? name : "1 s"]));
  const clock = explore.plot({
    height: 84, left: 12, y: { from: 0, to: 1, ticks: [] },
    x: { from: 1, to: 1e12, log: true, ticks: Object.keys(names), format: length => names[length], label: "" },
    label: "A clock from a second to thousands of years, with a ring where each unit reaches the output ½, and a dot at the steps so far.",
  }, p => {
    looks.forEach((look, row) => {
      const { left, name } = units[look], z = logit(start.value), at = Math.max(1, toGo(look, z) / Number(rate.value)), x = p.x(at);
      const anchor = x < 70 ? "start" : x > p.box.right - 60 ? "end" : "middle";
      p.add(explore.svg("circle", { cx: x, cy: p.box.bottom, r: 8, class: "goal " + look }),
        explore.svg("circle", { cx: p.x(Math.max(1, Math.min(at, step))), cy: p.box.bottom, r: 6, class: "dot " + look }),
        explore.text(x, 18 + 20 * row, name, { look, anchor }));
    });
  });

  const slopes = explore.plot({
    title: "Size of the slope against z, in factors of 1000", x: logits, height: 150, left: 40,
    y: { from: 3e-12, to: 10, log: true, ticks: [1e-9, 1e-6, 1e-3, 1], label: "" },
    label: "The size of both slopes against the logit, on a logarithmic axis, with a dot for each unit.",
  }, p => {
    for (const look of looks) {
      const { z, slope } = units[look];
      if (z <= HIGHEST) p.dot(z, -slope(z), look);
    }
  }, p => {
    for (const look of looks) p.curve(z => -units[look].slope(z), look);
  });

  const seconds = look => toGo(look, units[look].z) / Number(rate.value);

  function tale(look) {
    const { name, passed, z } = units[look];
    if (passed === 0) return `${name} began beyond ½`;
    if (passed <= step) return `${name} passed ½ at step ${fixed(passed)}`;
    return `${name} is at y = ${number(unit(z, 1).y)} and needs about ${number(Number(seconds(look).toPrecision(2)), 2)} more steps`;
  }

  function sentence() {
    const times = looks.map(seconds), wait = Math.max(...times), now = "At one step a second, ";
    if (step > 0) {
      return `: ${looks.map(tale).join("; ")}. ${now}that took ${explore.duration(step)}${wait ? `, with ${explore.duration(wait)} to go` : ""}.`;
    }
    const [first, second] = looks.map(look => number(-rate.value * units[look].slope(units[look].z), 3));
    return `. The first one will move z by ${first} under cross-entropy, and by ${second} under squared error.`
      + (wait ? ` ${now}they reach ½ in ${times.map(explore.duration).join(" and in ")}.` : "");
  }

  function show() {
    run.textContent = stop ? "Pause" : step >= LAST ? "Run again" : "Run";
    ten.disabled = looks.every(look => units[look].passed <= step);
    for (const { cells } of rows) {
      for (const { look, of, value } of cells) value.show(of(units[look].z, look));
    }
    count.show(step);
    summary.say("After ", count.element, step === 1 ? " step" : " steps", sentence());
    for (const plot of [hills, clock, slopes]) plot.repaint();
  }

  stage.append(hills.element, clock.element, start.element, explore.row(run, one, ten, reset), summary.element,
    explore.more(rate.element, table, slopes.element));
  lineUp();
});
