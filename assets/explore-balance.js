"use strict";
// Steep times flat: the slope of the cost in the output, the slope of the output in the logit, and
// their product, drawn as heights over the logit of the right class. The only rival has the logit 0.

explore.figure("balance", stage => {
  const { fixed, html, labelCost, logistic, number, svg, value } = explore;
  const LEAST = -90, MOST = 40;                       // the odds y/(1 − y), in tenths of a decade
  const PLACES = [["billionth", "10⁻⁹", -90], ["millionth", "10⁻⁶", -60], ["half", "½", 0], ["right", "0.999", 30]];
  const logit = tenths => tenths * Math.LN10 / 10;
  const signed = x => Math.abs(x) < 0.005 ? "0.00" : (x > 0 ? "+" : "") + fixed(x, 2);

  // Decades above 1 are computed from −log y and −log(1 − y), which keep their digits where a slope is near 1.
  const decades = (z, i) => labelCost([z, 0], i) / Math.LN10;

  const slopes = {
    steep: {
      look: "steep class-b", formula: "∂C/∂y = −1/y", format: number,
      of: z => -1 / logistic(z), height: z => decades(z, 0),
    },
    flat: {
      look: "flat class-c", formula: "∂y/∂z = y(1 − y)", format: number,
      of: z => logistic(z) * logistic(-z), height: z => -decades(z, 0) - decades(z, 1),
    },
    product: {
      look: "cross-entropy", formula: "∂C/∂z = y − 1", format: slope => fixed(slope, 9),
      of: z => slopes.steep.of(z) * slopes.flat.of(z), height: z => -decades(z, 1),
    },
  };

  const slider = explore.slider({
    name: "decades", label: "Logit", min: LEAST, max: MOST, step: 1, value: LEAST,
    text: tenths => `z = ${fixed(logit(tenths), 2)}, y = ${number(logistic(logit(tenths)))}`,
  }, show);
  function go(tenths) {
    slider.value = Math.max(LEAST, Math.min(MOST, tenths));
    show();
  }
  const places = explore.presets("Go to the output", PLACES, go);

  const rows = Object.entries(slopes).map(([name, slope]) => ({
    ...slope, name, slope: value(name, slope.format), decades: value(`${name}-decades`, signed),
  }));
  const key = (name, look, ...more) => html("span", { class: `key ${look}` },
    svg("svg", { width: 28, height: 8, "aria-hidden": "true" }, explore.line([[0, 4], [28, 4]], look)), " ", name, ...more);
  const table = explore.table({
    label: "The slopes, and by how many decades they are above or below 1",
    columns: [["", "slope"], ["", "decades"]],
    rows: rows.map(({ name, look, formula, slope, decades }) =>
      [key(name, look, " ", html("span", {}, formula)), slope, decades]),
  });
  const output = value("output"), error = value("error");
  const summary = explore.summary();

  // Draw an arrow for a slope. On the logarithmic axis slopes multiply as arrows add: the second begins at the first one's tip.
  function arrow(p, name, x, from, height) {
    const { look } = slopes[name], to = p.y(10 ** (from + height)), start = p.y(10 ** from);
    const up = Math.sign(height), head = Math.min(9, Math.abs(to - start));
    p.add(svg("path", { class: `shaft ${look}`, d: `M${x} ${start}V${to + up * head}` }),
      svg("path", { class: `head ${look}`, d: `M${x} ${to}l6 ${up * head}h-12z` }));
  }

  const plot = explore.plot({
    height: 280, left: 44,
    x: { from: logit(LEAST), to: logit(MOST), ticks: [-20, -15, -10, -5, 0, 5], label: "" },
    y: { from: 1e-11, to: 1e10, log: true, ticks: [1e-9, 1e-6, 1e-3, 1, 1e3, 1e6, 1e9], label: "" },
    label: "Three curves over the logit, on a logarithmic axis. The steep one falls to 1, the flat one rises and falls again, and their product keeps the level of 1 until the logit passes 0. At the chosen logit an arrow leads from 1 up to the first curve, and a second one from its tip down to the product, where a dot is. The dot can be dragged, and the slider moves it too.",
  }, p => {
    const z = logit(slider.value), { steep, flat, product } = slopes, x = p.x(z);
    arrow(p, "steep", x, 0, steep.height(z));
    arrow(p, "flat", x + 14, steep.height(z), flat.height(z));
    p.dot(z, 10 ** product.height(z), "cross-entropy");
    const side = z > 0 ? -1 : 1, far = x + (side > 0 ? 26 : -12), anchor = side > 0 ? "start" : "end";
    const say = (words, y, look) => p.add(explore.text(far, y, words, { look: `said ${look}`, anchor }));
    say(`${fixed(steep.height(z), 1)} decades up`, Math.min(p.y(10 ** steep.height(z)) + 14, p.y(1) - 44), steep.look);
    say(`${fixed(-flat.height(z), 1)} decades down`, Math.max(p.y(10 ** product.height(z)) - 10, p.y(1) - 24), flat.look);
    grip.place(x, p.y(10 ** product.height(z)));
  }, p => {
    for (const { look, of } of rows) p.curve(u => Math.abs(of(u)), look);
  });
  const grip = explore.grip("product", plot.view, ([x]) => go(Math.round(10 * plot.of(x) / Math.LN10)));

  function show() {
    const z = logit(slider.value);
    for (const { of, height, slope, decades } of rows) {
      slope.show(of(z));
      decades.show(height(z));
    }
    output.show(logistic(z));
    error.show(-logistic(-z));
    const [steep, flat] = rows.map(({ height }) => fixed(Math.abs(height(z)), 2));
    summary.say("At y = ", output.element, ` the cost is ${steep} decades steep and the output ${flat} decades flat. What is left is y − t = `,
      error.element, ".");
    places.mark(tenths => tenths === slider.value);
    plot.repaint();
  }

  stage.append(
    html("div", { class: "keys" }, ...rows.map(({ name, look }) => key(name, look))),
    plot.element, html("div", { class: "under" }, slider.element),
    explore.row(places.element, explore.button({ name: "reset", label: "Reset" }, () => go(LEAST))),
    summary.element, explore.more(table));
  show();
});
