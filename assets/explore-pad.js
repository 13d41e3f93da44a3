"use strict";
// Draw a digit: a pad of 32 × 32 dots, whose ink is counted in 8 × 8 squares, and the ten outputs for it at some
// steps of the training. Weights and images come from a list that a cell of the chapter writes.

explore.figure("pad", stage => {
  const { fixed, html, scale, softmax, svg, text, value } = explore;
  const SIDE = 8, PARTS = 4, DOTS = SIDE * PARTS, PEN = 1.9;          // the radius of the pen, in dots
  const CLASSES = Array.from({ length: 10 }, (_, i) => i);

  // --- the chapter's numbers

  const listed = [...document.querySelectorAll("#explore-pad-data li")].map(item => [item.dataset.name, item.textContent]);
  const hex = (digits, numbers) => numbers.match(RegExp(`.{${digits}}`, "g")).map(number => parseInt(number, 16));
  // A column of 65 numbers, weights and bias, for each class. They are stored as 500 times the number, plus 2048.
  const networks = [["step 0", null], ...listed.filter(([name]) => name.startsWith("step"))].map(([name, numbers]) => ({
    step: Number(name.slice(5)), weights: numbers ? hex(3, numbers).map(n => (n - 2048) / 500) : Array(650).fill(0),
  }));
  // Each image with what was meant by it.
  const images = listed.filter(([name]) => !name.startsWith("step")).map(([name, numbers]) => ({
    name, meant: name.split(" ")[0], ink: hex(2, numbers).map(n => n / 16),
  }));
  const [first] = images;

  // --- the pad

  let taken = first.ink, dots = new Uint8Array(DOTS * DOTS), pen = [3, 3], last = null;

  function image() {
    const counts = Array(SIDE * SIDE).fill(0);
    dots.forEach((dot, i) => { counts[SIDE * Math.floor(i / DOTS / PARTS) + Math.floor(i % DOTS / PARTS)] += dot; });
    return counts.map((count, p) => Math.min(1, taken[p] + count / PARTS ** 2));
  }

  // Ink the dots that the pen touches on its way from the last place.
  function ink(place) {
    const size = paper.clientWidth / DOTS, [x, y] = place.map(at => at / size), [fromX, fromY] = last ?? [x, y];
    const parts = Math.ceil(Math.hypot(x - fromX, y - fromY)) || 1;
    for (let k = 0; k <= parts; k += 1) {
      const px = fromX + (x - fromX) * k / parts, py = fromY + (y - fromY) * k / parts;
      for (let row = Math.max(0, Math.floor(py - PEN)); row <= Math.min(DOTS - 1, py + PEN); row += 1) {
        for (let column = Math.max(0, Math.floor(px - PEN)); column <= Math.min(DOTS - 1, px + PEN); column += 1) {
          if (Math.hypot(column + 0.5 - px, row + 0.5 - py) <= PEN) dots[DOTS * row + column] = 1;
        }
      }
    }
    last = [x, y];
    own();
  }

  function own() {
    source.input.value = "own";
    show();
  }

  let squares = [], frame;
  const sheet = explore.drawing({ label: "The pad, with the ink of each square", height: width => width }, () => {
    const seen = image();
    squares.forEach((square, p) => square.setAttribute("fill-opacity", seen[p]));
    const size = squares.size;
    frame.setAttribute("x", pen[0] * size + 1);
    frame.setAttribute("y", pen[1] * size + 1);
  }, (layer, width) => {
    const size = width / SIDE;
    squares = Array.from({ length: SIDE * SIDE }, (_, p) =>
      svg("rect", { x: p % SIDE * size, y: Math.floor(p / SIDE) * size, width: size, height: size, class: "ink" }));
    squares.size = size;
    frame = svg("rect", { width: size - 2, height: size - 2, class: "pen" });
    layer.append(...squares, frame);
  });
  const paper = html("div", {
    class: "paper", tabindex: "0", role: "group",
    "aria-label": "Pad: draw with the mouse or a finger. Arrow keys move the pen, the space bar inks a square or clears it.",
  }, sheet.element);
  explore.draggable(paper, sheet, ink, place => {
    last = null;
    ink(place);
  });
  const heard = html("p", { class: "explore-spoken", "aria-live": "polite" });
  const MOVES = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  paper.addEventListener("keydown", event => {
    const move = MOVES[event.key], [x, y] = pen, before = image()[SIDE * y + x];
    if (!move && event.key !== " ") return;
    event.preventDefault();
    if (move) pen = pen.map((at, k) => Math.max(0, Math.min(SIDE - 1, at + move[k])));
    else {
      taken = taken.map((old, p) => p === SIDE * y + x ? (before ? 0 : 1) : old);
      for (let i = 0; i < PARTS ** 2; i += 1) dots[DOTS * (PARTS * y + Math.floor(i / PARTS)) + PARTS * x + i % PARTS] = 0;
      own();
    }
    sheet.repaint();
    heard.textContent = `Row ${pen[1] + 1}, column ${pen[0] + 1}: ink ${fixed(image()[SIDE * pen[1] + pen[0]], 2)}`;
  });

  // --- the network

  function outputs() {
    const { weights } = networks[steps.value], seen = [...image(), 1];
    return softmax(CLASSES.map(i => explore.sum(seen.map((ink, p) => ink * weights[10 * p + i]))));
  }

  const bars = explore.drawing({
    height: 214, label: "A bar for each of the ten outputs, and below it a bar up or down for output minus target.",
  }, (layer, width) => {
    const y = outputs(), wide = (width - 40) / 10, x = i => 40 + wide * i, target = meant.value;
    const up = scale({ from: 0, to: 1 }, 112, 12), error = scale({ from: -1, to: 1 }, 206, 142);
    const box = (x, from, to, look) => layer.append(svg("rect", {
      x, y: Math.min(from, to), width: 0.64 * wide, height: Math.abs(to - from), class: "bar " + look }));
    y.forEach((share, i) => {
      const own = target === String(i), look = own ? " meant" : "", left = x(i) + 0.18 * wide;
      box(left, up(0), up(share), look);
      layer.append(text(x(i) + wide / 2, 130, String(i), { anchor: "middle", look: own ? "name" : "" }));
      if (target === "none") return;
      const off = share - (own ? 1 : 0);
      box(left, error(0), error(off), off > 0 ? "plus" : "minus");
    });
  }, (layer, width) => {
    layer.append(explore.line([[40, 112], [width, 112]], "axis"), explore.line([[40, 12], [width, 12]], "grid"),
      explore.line([[40, 174], [width, 174]], "axis"), text(34, 16, "1", { anchor: "end" }), text(34, 116, "0", { anchor: "end" }),
      text(0, 66, "y"), text(0, 178, "y − t"));
  });

  // --- controls and numbers

  const steps = explore.slider({
    name: "step", label: "Step", min: 0, max: networks.length - 1, step: 1, value: 3, text: k => fixed(networks[k].step),
  }, show);
  const source = explore.select({
    name: "source", label: "Digit", value: first.name,
    options: [["own", "your own"], ...images.map(({ name, meant }, k) => [name, k ? `a ${meant}` : `a ${meant} with a flag`])],
  }, take);
  const meant = explore.select({
    name: "meant", label: "Meant", value: first.meant, options: [["none", "–"], ...CLASSES.map(i => [String(i), String(i)])],
  }, show);
  const clear = explore.button({ name: "clear", label: "Clear" }, () => {
    source.input.value = "own";
    take("own");
  });
  const reset = explore.button({ name: "reset", label: "Reset" }, () => {
    steps.value = 3;
    pen = [3, 3];
    source.input.value = first.name;
    take(first.name);
  });

  // Put an image on the pad, or clear it.
  function take(name) {
    const found = images.find(image => image.name === name);
    taken = found ? found.ink : Array(SIDE * SIDE).fill(0);
    dots.fill(0);
    meant.input.value = found ? found.meant : "none";
    show();
  }

  const share = x => fixed(x, 3);
  const output = CLASSES.map(i => value(`output-${i}`, share)), error = CLASSES.map(i => value(`error-${i}`, share));
  const summary = explore.summary();

  function show() {
    const y = outputs(), best = y.indexOf(Math.max(...y)), target = meant.value;
    CLASSES.forEach(i => {
      output[i].show(y[i]);
      error[i].show(target === "none" ? 0 : y[i] - (target === String(i) ? 1 : 0));
    });
    const sure = y[best] > 0.1000001, wrong = 1 - y[Number(target)];
    summary.say(`At step ${fixed(networks[steps.value].step)} the network ${sure ? `reads a ${best}, with probability ${share(y[best])}` : "gives each digit one tenth"}. `,
      target === "none" ? "Say what you meant, and y − t is shown." : `For the ${target} that was meant, y − t is ${share(-wrong)}.`);
    sheet.repaint();
    bars.repaint();
  }

  const table = explore.table({
    label: "The ten outputs", columns: [["", "y"], ["", "y − t"]],
    rows: CLASSES.map(i => [String(i), output[i], error[i]]),
  });
  stage.append(
    html("div", { class: "board" }, paper, bars.element), html("div", { class: "explore-line" }, steps.element),
    explore.row(source.element, meant.element, clear, reset), summary.element, heard, explore.more(table));
  show();
});
