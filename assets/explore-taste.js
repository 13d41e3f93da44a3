"use strict";
// On the first page: the time in which a unit with target 1 reaches the output one half, under both costs.
(() => {
  const home = document.getElementById("fig-explore-taste");
  const { html, slider, value, drawing, scale, text, fixed, power } = explore;
  const spans = [["year", 31557600], ["day", 86400], ["hour", 3600], ["minute", 60], ["second", 1]];

  // Times of gradient flow from the output 10^exponent to one half. dz/dτ is 1 − y under cross-entropy and
  // y(1 − y)² under squared error. With s = −z, the integrals up to z = 0 are sums of s and powers of e^s.
  function times(exponent) {
    const odds = Math.expm1(-exponent * Math.LN10);     // e^s, the odds against
    const s = Math.log(odds);
    return {
      crossEntropy: 1 + s - 1 / odds,
      squaredError: 2.5 + odds + 3 * s - 3 / odds - 0.5 / odds ** 2,
    };
  }

  function spoken(seconds) {
    const [name, length] = spans.find(([, length]) => seconds >= length);
    const count = fixed(seconds / length, seconds / length < 10 ? 1 : 0);
    return `${count} ${name}${count === "1.0" ? "" : "s"}`;
  }

  let seconds = 1;
  const wait = value("squared-error-seconds", spoken);
  const label = "A scale from a second to years, with a dot for each cost";
  const timeline = drawing({ label, height: 84 }, (layer, width) => {
    const x = scale({ from: 1, to: 1e8, log: true }, 26, width - 26);
    layer.append(explore.line([[x(1), 56], [x(1e8), 56]], "axis"));
    for (const [name, length] of spans) {
      const at = x(length);
      layer.append(explore.line([[at, 51], [at, 61]], "axis"), text(at, 80, name, { anchor: "middle" }));
    }
    for (const [look, at, row] of [["cross-entropy", 1, 14], ["squared-error", seconds, 36]]) {
      const anchor = x(at) < 60 ? "start" : x(at) > width - 60 ? "end" : "middle";
      const dot = explore.svg("circle", { cx: x(at), cy: 56, r: 8, class: "dot " + look });
      layer.append(dot, text(x(at), row, look.replace("squared-", "squared "), { look, anchor }));
    }
  });

  function set(exponent) {
    const { crossEntropy, squaredError } = times(exponent);
    seconds = squaredError / crossEntropy;
    wait.show(seconds);
    timeline.repaint();
  }

  const control = slider({
    name: "exponent", label: "The unit answers", min: -9, max: -1, step: 1, value: -9,
    text: exponent => exponent === -1 ? "one tenth" : `${power(exponent)}, one in ${fixed(10 ** -exponent)}`,
  }, set);
  const words = html("p", { class: "taste-words", "aria-live": "polite" },
    "Let the copy under cross-entropy take one second. The copy under squared error takes ", wait.element, ".");
  for (const still of home.children) still.classList.add("explore-still");
  home.append(html("div", { class: "explore explore-taste" }, control.element, words, timeline.element));
  set(-9);
})();
