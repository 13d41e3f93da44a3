"use strict";
// A ruler of floats: two logits, their exponentials where a format of floats holds them, and their softmax as it is
// computed in that format, with or without the shift by the maximum.

explore.figure("floats", stage => {
  const { fixed, html, number, power, scale, svg, text, value } = explore;
  const START = { kind: "float32", z: [89, 88], shift: false };
  const FORMATS = { float16: [11, 15], bfloat16: [8, 127], float32: [24, 127], float64: [53, 1023] };   // digits, largest power of two
  const PAIRS = [["fits", "88, 87", [88, 87]], ["over", "89, 88", [89, 88]], ["high", "1000, 999", [1000, 999]],
    ["low", "−1000, −1001", [-1000, -1001]]];
  const LOOKS = ["class-a", "class-b"], MOST = 2000;
  const float = x => Number.isNaN(x) ? "nan" : number(x, 4);
  let z = START.z;

  // --- the floats of a format

  function ends() {
    const [p, most] = FORMATS[kind.value];
    return { largest: (2 - 2 ** (1 - p)) * 2 ** most, normal: 2 ** (1 - most), smallest: 2 ** (2 - most - p) };
  }

  // Round a number to the nearest float of the format, and to the even one if two are as near.
  function rounded(x) {
    const [p, most] = FORMATS[kind.value];
    if (p === 53 || x === 0 || !Number.isFinite(x)) return x;
    const size = Math.abs(x);
    let e = Math.floor(Math.log2(size));
    e += size >= 2 ** (e + 1) ? 1 : size < 2 ** e ? -1 : 0;
    const unit = 2 ** (Math.max(e, 1 - most) - p + 1), parts = size / unit, whole = Math.floor(parts), rest = parts - whole;
    const near = unit * (rest > 0.5 || rest === 0.5 && whole % 2 ? whole + 1 : whole);
    return Math.sign(x) * (near > ends().largest ? Infinity : near);
  }

  // Every step is rounded, as the chapter's three lines are.
  function computed() {
    const stored = z.map(rounded), m = shift.value ? Math.max(...stored) : 0;
    const d = stored.map(zi => rounded(zi - m)), e = d.map(di => rounded(Math.exp(di))), total = rounded(e[0] + e[1]);
    return { m, d, e, total, y: e.map(ei => rounded(ei / total)) };
  }

  // --- the picture: the logits above, the exponentials below, on a ruler of logarithms

  const TOP = [14, 40], LOW = 106, LANES = [LOW - 9, LOW + 9];
  let across, axis;        // from exponents to pixels, and the ends of the axis
  const view = explore.drawing({
    height: 156,
    label: "A ruler of all floats of the format, placed by their logarithms. Beyond its right end a number is infinite, beyond its "
      + "left end 0. Above it two beads at the logits, with threads to their exponentials on the ruler. The beads can be dragged.",
  }, (layer, width) => {
    const { d, e } = computed(), within = x => Math.max(30, Math.min(width - 10, across(x)));
    z.forEach((zi, i) => {
      const from = within(zi), to = within(d[i]), look = LOOKS[i], lost = e[i] === 0 || e[i] === Infinity;
      layer.append(
        svg("path", { d: `M${from} ${TOP[i]}C${from} ${LOW - 36} ${to} ${TOP[i] + 30} ${to} ${LANES[i]}`, class: "thread " + look }),
        svg("circle", { cx: from, cy: TOP[i], r: 7, class: "dot " + look }),
        lost ? svg("path", { d: `M${to - 6} ${LANES[i] - 6}l12 12m0 -12l-12 12`, class: "lost " + look })
          : svg("path", { d: `M${to - 8} ${LANES[i]}l8 -8l8 8l-8 8Z`, class: "dot " + look }));
      grips[i].place(from, TOP[i]);
    });
  }, (layer, width) => {
    const { largest, normal, smallest } = ends();
    const [low, high] = [Math.log(smallest) - Math.LN2, Math.log(largest)], margin = 0.17 * (high - low);
    axis = { from: low - margin, to: high + margin };
    across = scale(axis, 0, width);
    const box = (from, to, look) => layer.append(svg("rect", { x: across(from), y: LOW - 18, width: across(to) - across(from), height: 36, class: look }));
    box(axis.from, low, "out");
    box(high, axis.to, "out");
    box(low, Math.log(normal), "subnormal");
    box(Math.log(normal), high, "normal");
    TOP.forEach((y, i) => layer.append(explore.line([[24, y], [width, y]], "grid"), text(0, y + 5, "z" + "₁₂"[i], { look: "name " + LOOKS[i] })));
    layer.append(text(across(low - margin / 2), LOW + 36, "0", { anchor: "middle", look: "name" }),
      text(across(high + margin / 2), LOW + 36, "∞", { anchor: "middle", look: "name" }));
    const decades = (high - low) / Math.LN10, step = [2, 10, 20, 100, 200].find(every => decades / every < (width < 480 ? 6 : 9));
    for (let k = Math.ceil(low / Math.LN10 / step) * step; k * Math.LN10 < high; k += step) {
      const x = across(k * Math.LN10);
      layer.append(explore.line([[x, LOW + 18], [x, LOW + 22]], "axis"), text(x, LOW + 36, k ? power(k) : "1", { anchor: "middle" }));
    }
  });
  const tenth = x => Math.round(10 * Math.max(-MOST, Math.min(MOST, x))) / 10;
  const grips = [0, 1].map(i => explore.grip(`logit-${i + 1}`, view, ([x]) => {
    z = z.map((old, j) => i === j ? tenth(axis.from + x / view.element.clientWidth * (axis.to - axis.from)) : old);
    change();
  }));

  // --- controls

  const kind = explore.select({
    name: "format", label: "Format", value: START.kind, options: Object.keys(FORMATS).map(name => [name, name]),
  }, reformat);
  const shift = explore.checkbox({ name: "shift", label: "Subtract the maximum" }, show);
  const both = explore.slider({
    name: "raise", label: "Raise both", min: -MOST, max: MOST, step: 0.1, value: START.z[0], text: first => fixed(first, 1),
  }, first => {
    z = [first, tenth(z[1] + first - z[0])];
    change();
  });
  const fields = [0, 1].map(i => explore.field({
    name: `z-${i + 1}`, label: "z" + "₁₂"[i], min: -MOST, max: MOST, value: START.z[i],
  }, typed => {
    z = z.map((old, j) => i === j ? typed : old);
    change();
  }));
  const pairs = explore.presets("Pairs of logits", PAIRS, pair => {
    z = pair;
    change();
  });
  const reset = explore.button({ name: "reset", label: "Reset" }, () => {
    z = START.z;
    kind.input.value = START.kind;
    shift.input.checked = START.shift;
    reformat();
  });

  // The slider goes a little beyond both ends of the format.
  function reformat() {
    const { largest, smallest } = ends();
    both.input.min = Math.floor(1.15 * Math.log(smallest));
    both.input.max = Math.ceil(1.15 * Math.log(largest));
    both.value = NaN;
    view.redraw();
    change();
  }

  // --- numbers

  const shown = {
    exponent: [0, 1].map(i => value(`exponent-${i + 1}`)), e: [0, 1].map(i => value(`exponential-${i + 1}`, float)),
    y: [0, 1].map(i => value(`output-${i + 1}`, float)), truth: [0, 1].map(i => value(`truth-${i + 1}`)),
  };
  const total = value("total", float);
  const table = explore.table({
    label: "The two classes",
    columns: ["exponent", "exp", "output", "exact"].map(heading => ["", heading]),
    rows: [0, 1].map(i => [html("span", { class: LOOKS[i] }, "z" + "₁₂"[i]), shown.exponent[i], shown.e[i], shown.y[i], shown.truth[i]]),
  });
  const summary = explore.summary();

  function tale({ m, e, total: sum, y }) {
    const name = kind.value, exact = explore.softmax(z);
    if (e.includes(Infinity)) return `The exponential of ${e[0] === Infinity ? "z₁" : "z₂"} does not fit into a ${name} and overflows. Infinity over infinity is not a number.`;
    if (sum === Infinity) return `Each exponential fits into a ${name}, but their sum overflows.`;
    if (sum === 0) return `Both exponentials underflow to 0 in a ${name}, and 0 over 0 is not a number.`;
    const gone = y.findIndex((yi, i) => yi === 0 && exact[i] > 0);
    const why = shift.value ? `The largest logit, ${number(m)}, is subtracted from both, so the larger exponential is 1. ` : "";
    return why + (gone >= 0 ? `The other one underflows, and its output is 0.` : "Nothing overflows or underflows.");
  }

  function show() {
    const now = computed(), exact = explore.softmax(z);
    [0, 1].forEach(i => {
      shown.exponent[i].show(now.d[i]);
      shown.e[i].show(now.e[i]);
      shown.y[i].show(now.y[i]);
      shown.truth[i].show(exact[i]);
    });
    total.show(now.total);
    summary.say(tale(now), " The sum is ", total.element, ".");
    pairs.mark(pair => pair[0] === z[0] && pair[1] === z[1]);
    view.repaint();
  }

  function change() {
    both.value = z[0];
    fields.forEach((field, i) => { field.value = z[i]; });
    show();
  }

  stage.append(
    view.element, table, html("div", { class: "explore-line" }, both.element),
    explore.row(...fields.map(({ element }) => element), kind.element, shift.element), explore.row(pairs.element, reset), summary.element);
  reformat();
});
