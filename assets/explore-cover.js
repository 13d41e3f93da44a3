"use strict";
// On the first page: learners released under two costs at once, with the steps of chapters/intro.ipynb.
(() => {
  const home = document.getElementById("fig-explore-cover");
  const { html, svg, value, fixed } = explore;
  const COSTS = [
    ["squared-error", "squared error", explore.squaredErrorGradient],
    ["cross-entropy", "cross-entropy", explore.crossEntropyGradient],
  ];
  const TARGET = [1, 0, 0], STEP = 0.01, STEPS = 800;
  const LASTS = 4800;     // milliseconds
  const EIGHT = Array.from({ length: 8 }, (_, k) => 0.015 + 0.968 * k / 7).map(c => [0.002, 0.998 - c, c]);

  // Each learner has logits and a path of answers under each cost.
  let learners = [], mine = null;

  function learner(y) {
    return { n: 0, begun: null, z: COSTS.map(() => y.map(Math.log)), paths: COSTS.map(() => [y]), shapes: [] };
  }

  function advance(one, n) {
    for (; one.n < n; one.n += 1) COSTS.forEach(([, , gradient], k) => {
      const slope = gradient(one.z[k], TARGET);
      one.z[k] = one.z[k].map((zi, i) => zi - STEP * slope[i]);
      one.paths[k].push(explore.softmax(one.z[k]));
    });
  }

  let stop = () => {};
  function run(calm = explore.calm()) {
    stop();
    function step() {
      const now = performance.now();
      for (const one of learners) {
        one.begun ??= now;
        advance(one, calm ? STEPS : Math.min(STEPS, Math.floor((now - one.begun) / LASTS * STEPS)));
      }
      show();
      return learners.some(({ n }) => n < STEPS);
    }
    if (step()) stop = explore.animate(step);
  }

  function eight() {
    [learners, mine] = [EIGHT.map(learner), null];
    told.replaceChildren();
    view.repaint();
  }

  function drop(y) {
    const inside = y.map(yi => Math.max(yi, 0.002)), total = explore.sum(inside);     // points on the edge have no logits
    mine = learner(inside.map(yi => yi / total));
    if (learners.length === 20) learners.splice(8, 1);      // at most twelve own
    learners.push(mine);
    told.replaceChildren();
    view.repaint();
    run();
  }

  const ROOT = Math.sqrt(0.75);
  let corners = [];       // of both, in pixels
  const at = (y, k) => [0, 1].map(axis => explore.sum(corners[k].map((corner, i) => y[i] * corner[axis])));

  // Return the weights of the corners at a point, in shares of the width and the height.
  function weights(right, up) {
    const b = right - up / 2;
    return [1 - b - up, b, up];
  }

  // Return a picture of the steepness under a cost, shaded by its logarithm.
  function steepness(gradient) {
    const canvas = html("canvas", { width: 60, height: 60 }), context = canvas.getContext("2d");
    const pixels = context.createImageData(60, 60);
    for (let place = 0; place < 60 * 60; place += 1) {
      const inside = weights((place % 60 + 0.5) / 60, 1 - (Math.floor(place / 60) + 0.5) / 60)
        .map(share => Math.max(share, 0.001));
      const steep = Math.log10(Math.hypot(...gradient(inside.map(Math.log), TARGET)));
      const shade = Math.max(0, Math.min(1, (steep + 3) / 3.3));
      pixels.data.set([0, 114, 178, 20 + 200 * shade ** 1.5], 4 * place);
    }
    context.putImageData(pixels, 0, 0);
    return canvas.toDataURL();
  }

  let pictures = null;
  const sideIn = width => Math.min(300, width / 2 - 36);
  const view = explore.drawing({
    label: home.querySelector("img").alt,
    height: width => Math.round(sideIn(width) * ROOT) + 74,
  }, (layer, width) => {
    pictures ??= COSTS.map(([, , gradient]) => steepness(gradient));
    const side = sideIn(width), tall = side * ROOT, low = tall + 50;
    corners = [0.25, 0.75].map(share => {
      const left = share * width - side / 2;
      return [[left, low], [left + side, low], [left + side / 2, low - tall]];
    });
    COSTS.forEach(([look, name], k) => {
      const [[left], , [middle, top]] = corners[k], clip = "cover-" + look, points = corners[k].join(" ");
      layer.append(
        svg("clipPath", { id: clip }, svg("polygon", { points })),
        svg("image", {
          x: left, y: top, width: side, height: tall, href: pictures[k], preserveAspectRatio: "none", "clip-path": `url(#${clip})`,
        }),
        svg("polygon", { points, class: "edge" }),
        explore.text(middle, 14, name, { anchor: "middle", look: "name " + look }));
      corners[k].forEach(([cx, cy], i) => layer.append(
        svg("circle", { cx, cy, r: 4, class: "corner class-" + "abc"[i] }),
        explore.text(cx + [-10, 10, 0][i], cy + [18, 18, -9][i], "ABC"[i], { anchor: "middle", look: "name" })));
      if (!sliders.open) return;
      const [x, y] = at(aim(), k);
      layer.append(svg("path", { class: "aim", d: `M${x - 9} ${y}h18m-9-9v18` }));
    });
    learners.forEach((one, n) => {
      const look = n < 8 ? "" : " own";
      one.shapes = COSTS.map(() => ({
        d: "", drawn: 0, way: svg("path", { class: "way" + look }), dot: svg("circle", { r: look ? 6 : 4.5, class: "learner" + look }),
      }));
    });
    const shapes = learners.flatMap(one => one.shapes);
    layer.append(...shapes.map(({ way }) => way), ...shapes.map(({ dot }) => dot));
    show();
  });

  view.element.addEventListener("click", event => {
    const box = view.element.getBoundingClientRect(), k = event.clientX > box.left + box.width / 2 ? 1 : 0;
    const [[left, low], [right], [, top]] = corners[k];
    const y = weights((event.clientX - box.left - left) / (right - left), (low - event.clientY + box.top) / (low - top));
    if (Math.min(...y) > -0.1) drop(y);
  });

  const [least, most, own] = ["least-", "most-", "own-"].map(what => COSTS.map(([look]) => value(what + look, x => fixed(x, 3))));
  const upTo = most.map(({ element }) => html("span", {}, " to ", element));    // not where both numbers print alike
  const told = html("p", { class: "cover-own", role: "status" });
  const answer = (one, k) => one.paths[k].at(-1)[0];

  function show() {
    for (const one of learners) one.shapes.forEach((shape, k) => {
      const path = one.paths[k];
      for (; shape.drawn < path.length; shape.drawn += 1) {
        const [x, y] = at(path[shape.drawn], k).map(u => u.toFixed(1));
        if (shape.drawn % 4 === 0) shape.d += `${shape.d ? "L" : "M"}${x} ${y}`;
        shape.dot.setAttribute("cx", x);
        shape.dot.setAttribute("cy", y);
      }
      shape.way.setAttribute("d", shape.d);
    });
    COSTS.forEach((_, k) => {
      const answers = learners.slice(0, 8).map(one => answer(one, k));
      least[k].show(Math.min(...answers));
      most[k].show(Math.max(...answers));
      upTo[k].hidden = least[k].element.textContent === most[k].element.textContent;
    });
    if (mine?.n !== STEPS || told.hasChildNodes()) return;
    own.forEach((number, k) => number.show(answer(mine, k)));
    told.append("In yours, A ends with ", own[0].element, " under squared error and ", own[1].element, " under cross-entropy.");
  }

  const places = [["aim-a", "A gets", 5], ["aim-b", "B gets, of the rest", 30]].map(([name, label, start]) => explore.slider({
    name, label, min: 0, max: 100, step: 1, value: start, text: percent => percent + " %",
  }, () => view.repaint()));
  const aim = () => {
    const [a, b] = places.map(({ value }) => value / 100);
    return [a, (1 - a) * b, (1 - a) * (1 - b)];
  };
  const sliders = html("details", { class: "fold" }, html("summary", {}, "Release with sliders"),
    explore.row(...places.map(({ element }) => element), explore.button({ name: "drop", label: "Release yours" }, () => drop(aim()))));
  sliders.addEventListener("toggle", () => view.repaint());

  const calm = explore.calm();
  const again = explore.button({ name: "again", label: calm ? "Show the motion" : "Release the eight again" }, () => {
    eight();
    run(false);
  });
  for (const still of home.children) still.classList.add("explore-still");
  home.append(html("div", { class: "explore explore-cover" }, view.element, html("div", { class: "cover-ranges" },
      ...COSTS.map((_, k) => html("p", {}, "A gets ", least[k].element, upTo[k]))),
    html("div", { class: "cover-controls" }, again, sliders), told));
  eight();

  // They start when they are seen. Where motion is not wanted, they are at the end at once.
  new IntersectionObserver(([{ isIntersecting: seen }], observer) => {
    if (!seen && !calm) return;
    observer.disconnect();
    run();
  }, { threshold: 0.5 }).observe(view.element);
})();
