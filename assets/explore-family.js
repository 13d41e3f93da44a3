"use strict";
// Ask the network of the two families, and guess first. It comes from a list that a cell of the chapter writes.

explore.figure("family", stage => {
  const { button, fixed, html, logistic, presets, softmax, sum, svg, text, value } = explore;
  const PEOPLE = 24, ROLES = 12, UNITS = 6;
  const share = x => fixed(x, 2), span = (look, ...words) => html("span", { class: look }, ...words);

  // --- the chapter's numbers

  const listed = {};
  for (const item of document.querySelectorAll("#explore-family-data li")) listed[item.dataset.name] = item.textContent;
  const [people, relations, meanings, held] = ["people", "relations", "units", "held"].map(name => listed[name].split(" "));
  const everyone = people.map((_, p) => p);
  // A fact is three digits to the base 36, person, relation and answer. A question that was held out is the first two.
  const facts = listed.facts.split(" ").map(fact => [...fact].map(digit => parseInt(digit, 36)));
  const isHeld = (p, r) => held.includes(p.toString(36) + r.toString(36));
  const answers = (p, r) => facts.filter(fact => fact[0] === p && fact[1] === r).map(fact => fact[2]);
  // A weight is stored as 2000 times the number, plus 32768, in four hexadecimal digits.
  const numbers = listed.weights.match(/.{4}/g).map(digits => (parseInt(digits, 16) - 32768) / 2000);
  const take = (inputs, units) => Array.from({ length: inputs }, () => numbers.splice(0, units));
  const rows = take(PEOPLE, UNITS), kinds = take(relations.length, UNITS), [first] = take(1, 2 * UNITS);
  const above = [[12, 12], [12, UNITS], [UNITS, PEOPLE]].map(([inputs, units]) => [take(inputs, units), ...take(1, units)]);

  function outputs(row, r) {
    let h = [...row, ...kinds[r]].map((total, k) => logistic(total + first[k]));
    above.forEach(([weights, biases], layer) => {
      const totals = biases.map((bias, j) => bias + sum(h.map((hi, i) => hi * weights[i][j])));
      h = layer < 2 ? totals.map(logistic) : softmax(totals);
    });
    return h;
  }

  const twin = p => (p + ROLES) % PEOPLE;
  const sign = p => p < ROLES ? 1 : -1;
  const between = rows[0].map((_, k) => -sum(rows.map((row, p) => sign(p) * row[k])) / ROLES);
  const moved = (p, part) => rows[p].map((weight, k) => weight + sign(p) * part * between[k]);
  const least = (list, of) => list.reduce((p, q) => of(q) < of(p) ? q : p);
  const apart = (a, b) => Math.hypot(...a.map((weight, k) => weight - b[k]));

  // --- the trees: each name has its output

  const tiles = people.map((name, p) => {
    const bar = span("bar"), output = value(`output-${name}`, share);
    const element = html("div", { role: "option", id: `explore-family-${p}` },
      span("name", name), span("track", bar, output.element));
    element.addEventListener("click", () => click(p));
    return { element, bar, output };
  });
  // From each couple to its children: twelfths of the width, and pixels.
  const lines = "M3 30V34H5V38M3 34V38M9 30V34H7V38M9 34V38M6 68V72H4.5V76M6 72H7.5V76";
  const trees = html("div", {
    class: "trees", role: "listbox", tabindex: "0", "aria-label": "Two families: arrow keys move, the space bar clicks",
  }, ...["English", "Italian"].map((name, f) => html("div", { class: "family", role: "group", "aria-label": name },
    svg("svg", { viewBox: "0 0 12 106", preserveAspectRatio: "none", "aria-hidden": "true" }, svg("path", { d: lines, class: "line" })),
    html("div", { class: "nation", "aria-hidden": "true" }, name),
    ...tiles.slice(f * ROLES, (f + 1) * ROLES).map(({ element }) => element))));

  // Return who is next in the list, or nearest in the line above or below.
  function step(key) {
    if (key === "ArrowLeft") return Math.max(0, at - 1);
    if (key === "ArrowRight") return Math.min(PEOPLE - 1, at + 1);
    const boxes = tiles.map(({ element }) => element.getBoundingClientRect()), from = boxes[at];
    const off = ({ x, y, width }) => Math.abs(x + width / 2 - from.x - from.width / 2) + 9 * Math.abs(y - from.y);
    const there = everyone.filter(p => key === "ArrowUp" ? boxes[p].y < from.y : boxes[p].y > from.y);
    return there.length ? least(there, p => off(boxes[p])) : at;
  }

  trees.addEventListener("keydown", event => {
    const arrow = event.key.startsWith("Arrow");
    if (!arrow && ![" ", "Enter"].includes(event.key)) return;
    event.preventDefault();
    if (!arrow) return click(at);
    at = step(event.key);
    show();
  });

  // --- six units

  const most = 1.3 * Math.max(...rows.flat().map(Math.abs)), up = explore.scale({ from: -most, to: most }, 78, 14);
  const units = explore.drawing({
    height: 104, label: "A bar for each of six weights, a mark for the same role in the other family",
  }, (layer, width) => {
    const other = twin(person);
    layer.append(text(0, 10, `Bars: ${people[person]}’s row. Marks: ${people[other]}’s.`));
    moved(person, shift.value).forEach((weight, k) => {
      const x = width * (k + 0.5) / UNITS, level = up(rows[other][k]);
      layer.append(explore.line([[x, up(0)], [x, up(weight)]], weight < 0 ? "minus" : "plus"),
        explore.line([[x - 18, level], [x + 18, level]], "twin"));
    });
  }, (layer, width) => layer.append(explore.line([[0, up(0)], [width, up(0)]], "axis"),
    ...meanings.flatMap((meaning, k) => [`unit ${k + 1}`, meaning].map((words, i) =>
      text(width * (k + 0.5) / UNITS, 89 + 13 * i, words, { anchor: "middle", look: "unit" })))));

  // --- the question. A click guesses its answer, or asks about someone else.

  let person, relation, at, guesses, open, guess;

  function ask(p, r, part = shift.value) {
    [person, relation, at, guesses, open, guess] = [p, r, p, true, false, null];
    shift.value = part;
    show();
  }

  function turn(...to) {
    [guesses, open, guess] = to;
    show();
  }

  function click(p) {
    at = p;
    if (guesses) turn(false, true, p);
    else ask(p, relation);
  }

  const shift = explore.slider({ name: "shift", label: "Shift of the row", min: 0, max: 1, step: 0.05, value: 0, text: share }, show);
  const kin = presets("Relation", relations.map((name, r) => [name, name, r]), r => ask(person, r));
  const another = button({ name: "another", label: "Someone else" }, () => turn(false, open, guess));
  const reveal = button({ name: "show", label: "Show" }, () => turn(false, true, guess));
  // Person, relation, shift.
  const start = [10, 0, 0], tries = presets("To try", [
    ["new", "Colin’s father", start], ["couple", "Arthur’s wife", [5, 3, 0]],
    ["twin", "Alfonso’s father", [22, 0, 0]], ["moved", "Colin, shifted", [10, 1, 1]],
  ], set => ask(...set));
  const reset = button({ name: "reset", label: "Reset" }, () => ask(...start));

  // --- what is said

  function verdict(y, right) {
    const best = y.indexOf(Math.max(...y)), other = twin(person);
    const said = (who, list) => `${who}: ${list.map(p => people[p]).join(" and ")}, ${share(sum(list.map(p => y[p])))}`;
    const so = right.includes(best) ? "right" : answers(other, relation).includes(best) ? `right for ${people[other]}`
      : right.length ? "wrong" : "nobody is right";
    return `${said("Network", [best])}, ${so}. ` + (right.length > 1 || so === "wrong" ? `${said("Right", right)}. ` : "")
      + (guess === null ? "" : `${said("You", [guess])}. `);
  }

  function hint(row, right) {
    const other = rows[twin(person)], name = `${people[twin(person)]}’s`;
    if (shift.value) return `Shifted, the row is ${share(apart(row, rows[person]))} from ${people[person]}’s and ${share(apart(row, other))} from ${name}.`;
    if (isHeld(person, relation)) {
      const far = p => apart(row, rows[p]), near = least(everyone.filter(p => p !== person), far);
      const told = facts.filter(([p, r, q]) => q === right[0] && !isHeld(p, r)).length;
      return `Nearest row: ${people[near]}’s, ${share(far(near))} away. ${people[right[0]]} answers ${told} of the questions in training.`;
    }
    const off = row.map((weight, k) => Math.abs(weight - other[k])), [top, next] = [...off].sort((a, b) => b - a);
    return `${name} row differs by ${share(top)} in unit ${off.indexOf(top) + 1}, and by at most ${share(next)} elsewhere.`;
  }

  const question = html("div", { class: "explore-title" }), summary = explore.summary();
  const weights = between.map((_, k) => value(`unit-${k + 1}`, share));

  function show() {
    const row = moved(person, shift.value), y = outputs(row, relation);
    const right = answers(person, relation), isNew = isHeld(person, relation);
    tiles.forEach(({ element, bar, output }, p) => {
      const ticked = open && right.includes(p);
      const looks = [[p === person, "asked"], [p === at, "at"], [ticked, "right"], [p === guess, "guess"], [y[p] < 0.005, "small"]];
      output.show(y[p]);
      bar.style.width = `${100 * y[p]}%`;
      element.className = looks.reduce((all, [on, look]) => on ? `${all} ${look}` : all, "person");
      element.setAttribute("aria-selected", p === person);
      element.setAttribute("aria-label", people[p] + (open ? `, ${share(y[p])}` : "") + (ticked ? ", right" : ""));
    });
    trees.classList.toggle("closed", !open);
    trees.setAttribute("aria-activedescendant", tiles[at].element.id);
    row.forEach((weight, k) => weights[k].show(weight));
    units.repaint();
    kin.mark(r => r === relation);
    tries.mark(([p, r, part]) => p === person && r === relation && part === shift.value);
    question.replaceChildren(`Who is ${people[person]}’s ${relations[relation]}?`, isNew ? span("held", "held out") : "");
    const known = isNew ? "Held out of training" : right.length ? "In training" : "Nobody: not in training";
    summary.say(open ? verdict(y, right) : `${known}. Click the person ${guesses ? "you expect" : "to ask about"}. `, hint(row, right));
  }

  const table = explore.table({ label: "The six weights", columns: [["", "weight"]], rows: weights.map((weight, k) => [`unit ${k + 1}`, weight]) });
  stage.append(
    html("div", { class: "head" }, question, html("div", { class: "clicks" }, another, reveal)),
    kin.element, trees, units.element, html("div", { class: "explore-line" }, shift.element),
    explore.row(tries.element, reset), summary.element, explore.more(table));
  ask(...start);
});
