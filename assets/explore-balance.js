"use strict";
// Steep times flat: the slope of the cost in the output, the slope of the output in the logit, and
// their product, drawn as heights over the logit of the right class. The only rival has the logit 0.

explore.figure("balance", stage => {
  const { fixed, html, labelCost, logistic, number, svg, value } = explore;
  const LEAST = -90, MOST = 40;                       // the odds y/(1 − y), in tenths of a decade
  const PLACES = [["billionth", "10⁻⁹", -90], ["millionth", "10⁻⁶", -60], ["half", "½", 0], ["right", "0.999", 30]];
  const logit = tenths => tenths * Math.LN10 / 10;
  const signed = x => Math.abs(x) < 0.005 ? "0.00" : (x > 0 ? "+" : "") + fixed(x, 2);
  const rounded = slope => fixed(slope, 9);

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
      look: "cross-entropy", formula: "∂C/∂z = y − 1", format: rounded,
      of: z => slopes.steep.of(z) * slopes.flat.of(z), height: z => -decades(z, 1),
    },
  };

  const slider = explore.slider({
    name: "decades", label: "Logit z", min: LEAST, max: MOST, step: 1, value: LEAST,
    text: tenths => `${fixed(logit(tenths), 1)}, where y = ${number(logistic(logit(tenths)))}`,
  }, show);
  const buttons = PLACES.map(([name, label, tenths]) => explore.button({ name, label }, () => {
    slider.value = tenths;
    show();
  }));

  const rows = Object.entries(slopes).map(([name, slope]) => ({
    ...slope, name, slope: value(name, slope.format), decades: value(`${name}-decades`, signed),
  }));
  const table = explore.table({
    label: "The slopes, and by how many decades they are above or below 1",
    columns: [["", "slope"], ["", "decades"]],
    rows: rows.map(({ name, look, formula, slope, decades }) =>
      [html("span", { class: `key ${look}` }, name, " ", html("span", {}, formula)), slope, decades]),
  });
  const output = value("output"), error = value("error", rounded);
  const summary = explore.summary();

  // Draw an arrow from the level of 1 to the size of a slope. On the logarithmic axis, slopes multiply as arrows add.
  function arrow(p, name, z) {
    const { look, height } = slopes[name], x = p.x(z), to = p.y(10 ** height(z));
    const length = Math.abs(to - p.y(1)), up = Math.sign(height(z)), head = Math.min(9, length);
    p.add(svg("path", { class: `shaft ${look}`, d: `M${x} ${p.y(1)}V${to + up * head}` }),
      svg("path", { class: `head ${look}`, d: `M${x} ${to}l6 ${up * head}h-12z` }));
    if (length < 20) return;
    const side = up < 0 && z > 0 ? -12 : 12;          // the side without the curve
    p.add(explore.text(x + side, to + (up < 0 ? 12 : 2), `${fixed(Math.abs(height(z)), 1)} decades ${up < 0 ? "down" : "up"}`,
      { look: `said ${look}`, anchor: side < 0 ? "end" : "start" }));
  }

  const plot = explore.plot({
    title: "Size of the slopes", height: 300, left: 44,
    x: { from: logit(LEAST), to: logit(MOST), ticks: [-20, -15, -10, -5, 0, 5], label: "" },
    y: { from: 1e-11, to: 1e10, log: true, ticks: [1e-9, 1e-6, 1e-3, 1, 1e3, 1e6, 1e9], label: "" },
    label: "Three curves over the logit, on a logarithmic axis. The steep one falls to 1, the flat one rises and falls again, and their product keeps the level of 1 until the logit passes 0. Two arrows at the chosen logit lead from 1 to the first two curves, and a dot is on the third.",
  }, p => {
    const z = logit(slider.value);
    for (const { look, of } of rows) p.curve(u => Math.abs(of(u)), look);
    arrow(p, "steep", z);
    arrow(p, "flat", z);
    p.dot(z, Math.abs(slopes.product.of(z)), "cross-entropy");
  });

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
    plot.repaint();
  }

  stage.append(
    plot.element, html("div", { class: "under" }, slider.element),
    html("div", { class: "explore-row", role: "group", "aria-label": "Go to the output" }, html("span", {}, "y ="), ...buttons),
    table, summary.element);
  show();
});
