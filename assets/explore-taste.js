"use strict";
// On the first page: the time in which a unit with target 1 reaches the output one half, under both costs.
(() => {
  const home = document.getElementById("fig-explore-taste");
  const { html, slider, value, drawing, scale, text, fixed, power, duration } = explore, spans = explore.spans.slice(1);

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

  const elapsed = whole => whole < 60 ? `${whole} s` : whole < 3600 ? `${Math.floor(whole / 60)} min ${whole % 60} s`
    : `${Math.floor(whole / 3600)} h ${Math.floor(whole % 3600 / 60)} min`;

  let seconds = 1, began = null, timer = null;
  const passed = () => began === null ? Infinity : (performance.now() - began) / 1000;
  const wait = value("squared-error-seconds", duration);
  // A ring waits where each copy arrives. Once the reader lets them learn, each dot is at the time that has passed.
  const label = "A scale from a second to years, with a ring where each copy arrives";
  const timeline = drawing({ label, height: 84 }, (layer, width) => {
    const x = scale({ from: 1, to: 1e8, log: true }, 26, width - 26);
    for (const [look, at, row] of [["cross-entropy", 1, 14], ["squared-error", seconds, 36]]) {
      const anchor = x(at) < 60 ? "start" : x(at) > width - 60 ? "end" : "middle", now = Math.max(1, Math.min(at, passed()));
      layer.append(explore.svg("circle", { cx: x(at), cy: 56, r: 8, class: "goal " + look }),
        explore.svg("circle", { cx: x(now), cy: 56, r: 7, class: "dot " + look }),
        text(x(at), row, look.replace("squared-", "squared "), { look, anchor }));
    }
  }, (layer, width) => {
    const x = scale({ from: 1, to: 1e8, log: true }, 26, width - 26);
    layer.append(explore.line([[x(1), 56], [x(1e8), 56]], "axis"));
    for (const [name, length] of spans) {
      const at = x(length);
      layer.append(explore.line([[at, 51], [at, 61]], "axis"), text(at, 80, name, { anchor: "middle" }));
    }
  });

  // The wait is in real time, and goes on while the reader reads.
  const clock = html("p", { class: "taste-clock" });
  function tick() {
    const now = passed(), done = now >= seconds;
    clock.textContent = began === null ? "" : done ? "Both have arrived."
      : `${elapsed(Math.floor(now))} of ${duration(seconds)}. ${now < 1 ? "Both are on their way." : "Under cross-entropy it has arrived."}`;
    timeline.repaint();
    if (began !== null && !done) timer = setTimeout(tick, now < 2 ? 50 : 1000 - now % 1 * 1000);
  }
  function restart(from) {
    clearTimeout(timer);
    began = from;
    go.textContent = from === null ? "Let both learn" : "Again";
    tick();
  }
  const go = explore.button({ name: "go", label: "Let both learn" }, () => restart(performance.now()));

  function set(exponent) {
    const { crossEntropy, squaredError } = times(exponent);
    seconds = squaredError / crossEntropy;
    wait.show(seconds);
    restart(null);
  }

  const control = slider({
    name: "exponent", label: "The unit answers", min: -9, max: -1, step: 1, value: -9,
    text: exponent => exponent === -1 ? "one tenth" : `${power(exponent)}, one in ${fixed(10 ** -exponent)}`,
  }, set);
  const words = html("p", { class: "taste-words", "aria-live": "polite" },
    "Let the copy under cross-entropy take one second. The copy under squared error takes ", wait.element, ".");
  for (const still of home.children) still.classList.add("explore-still");
  home.append(html("div", { class: "explore explore-taste" }, timeline.element, control.element, words, explore.row(go, clock)));
  set(-9);
})();
