// Exercises and predictions that answer, and cells that run. Nothing that the reader types leaves the page.
(function () {
  "use strict";

  const here = document.currentScript.src;
  const root = new URL("../", here);      // of the site

  function say(place, right, words) {
    place.textContent = words;
    place.classList.toggle("right", right === true);
    place.classList.toggle("wrong", right === false);
  }

  // --- predictions

  // Read 3, −0.2, 1/3, 50%, 1e-9 and 10^-9. Anything else is NaN.
  function number(text) {
    const plain = text.trim().replace(/[−–]/g, "-").replace(/^(-?)10\^/, "$11e").replace(/ ?%$/, "e-2").replace(/^(-?\d+),(\d+)$/, "$1.$2");
    const parts = plain.split("/").map(part => part.trim() === "" ? NaN : Number(part));
    return parts.length === 2 ? parts[0] / parts[1] : parts.length === 1 ? parts[0] : NaN;
  }

  // Return [right, words] for what was entered, or [null, words] if nothing can be judged.
  function judged(question, entered) {
    if (entered === "") return [null, "Make a guess first: any guess will do."];
    if (question.choices) return [Number(entered) === question.right, question.choices[entered][1]];
    const guess = number(entered);
    if (Number.isNaN(guess)) return [null, "Enter a number: 3, −0.2, 1/3 or 1e-9."];
    const near = value => Math.abs(guess - value) <= (question.tolerance ?? 1e-9);
    if (near(question.answer)) return [true, ""];
    const mistake = Object.keys(question.mistakes).find(value => near(Number(value)));
    return [false, question.mistakes[mistake] ?? question.otherwise];
  }

  function compare(form) {
    const verdicts = JSON.parse(form.dataset.questions).map((question, index) => {
      const name = `${form.dataset.name}-${index + 1}`;
      const [right, words] = judged(question, form.elements[name].value);
      const opening = right === null ? "" : right ? "Yes. " : "No. ";
      say(document.getElementById(name + "-reply"), right, opening + words);
      return right;
    });
    if (verdicts.includes(null)) return "";
    const answer = form.closest(".admonition").nextElementSibling;
    if (answer?.matches("details.fold")) answer.open = true;
    return "The answer is open below.";
  }

  document.querySelectorAll("form.predict").forEach(form => {
    form.addEventListener("submit", event => {
      event.preventDefault();
      form.lastElementChild.textContent = compare(form);
    });
    form.hidden = false;
  });

  // --- Python: one worker, which starts with the first request

  const NO_PYTHON = "This copy of the book holds no Python. Whoever builds it adds that by make live.";
  const FROM_DISK = location.protocol === "file:";      // then a page may fetch nothing, and start no worker from a file
  let worker = null;
  let running = null;       // { form } while the code of that form runs

  // A file of the site as a script that calls the function below, for pages from the file system. Null if there is none.
  let unpacked = null;
  window.practicePack = words => { unpacked = words; };
  function packed(name) {
    return new Promise(resolve => {
      const script = document.createElement("script");
      script.src = new URL(`lite/static/packs/${name}.js`, root);
      script.onload = () => resolve(Uint8Array.from(atob(unpacked), letter => letter.charCodeAt(0)));
      script.onerror = () => resolve(null);
      document.head.append(script);
      script.remove();
    });
  }

  async function settings() {
    if (FROM_DISK) {
      const file = await packed("jupyter-lite.json");
      return file && JSON.parse(new TextDecoder().decode(file));
    }
    const reply = await fetch(new URL("lite/jupyter-lite.json", root));
    return reply.ok ? reply.json() : null;
  }

  // Return where Pyodide and the wheel of smlib are. The notebooks of the site use the same.
  async function places() {
    const config = await settings();
    const [kernel] = Object.values(config?.["jupyter-config-data"].litePluginSettings ?? {});
    if (!kernel?.pyodideUrl.startsWith("./")) throw new Error(NO_PYTHON);
    const wheel = kernel.loadPyodideOptions.packages.at(-1).split("/").at(-1);
    return { pyodide: new URL("lite/static/pyodide/", root).href, wheel: new URL("lite/pypi/" + wheel, root).href };
  }

  async function newWorker() {
    if (!FROM_DISK) return new Worker(new URL("_static/practice-worker.js", root));
    const parts = await Promise.all(["pyodide.asm.js", "pyodide.js", "practice-worker.js"].map(packed));
    return new Worker(URL.createObjectURL(new Blob(parts.flatMap(part => [part, "\n;\n"]))));
  }

  function stop() {
    worker?.terminate();
    worker = running = null;
  }

  // Return a box that can be scrolled with the keyboard.
  function box(tag, heading, words) {
    const made = document.createElement(tag);
    made.textContent = words;
    made.tabIndex = 0;
    made.setAttribute("role", "group");
    made.setAttribute("aria-label", heading);
    return made;
  }

  function picture(data) {
    const image = new Image();
    image.src = "data:image/png;base64," + data;
    image.alt = "The figure that your version draws.";
    return image;
  }

  // Temml makes MathML of formulas. It loads with the first of them.
  let temml = null;

  function loadTemml() {
    temml ??= new Promise((done, failed) => {
      const script = document.createElement("script");
      script.src = new URL("temml/temml.min.js", here);
      script.onload = () => done(window.temml);
      script.onerror = failed;
      document.head.append(script);
    });
    return temml;
  }

  function displayed(formula) {
    const made = box("div", "The value", formula);
    made.className = "formula";
    loadTemml().then(temml => temml.render(formula, made, { displayMode: true })).catch(() => { temml = null; });
    return made;
  }

  // Show below the verdict what the code led to.
  function detail(form, { details, output, formula, pictures = [] } = {}) {
    const place = form.querySelector(".practice-details");
    place.replaceChildren(
      ...(details ? [box("pre", "The error", details)] : []),
      ...(output ? [box("pre", "What your code printed", output)] : []),
      ...(formula ? [displayed(formula)] : []),
      ...pictures.map(picture));
  }

  function finish(form, right, words) {
    running = null;
    form.elements.stop.disabled = true;
    say(form.querySelector(".practice-verdict"), right, words);
  }

  async function receive({ target, data: { file, stage, failed, result } }) {
    if (file) return target.postMessage({ file, content: await packed(file) });
    const { form } = running;
    if (stage) say(form.querySelector(".practice-verdict"), null, stage);
    else if (failed) {
      stop();
      finish(form, null, "Python did not run: " + failed);
    } else {
      const opening = result.right === null ? "" : result.right ? "Right. " : "Not yet. ";
      detail(form, result);
      finish(form, result.right, opening + result.says);
    }
  }

  async function ask(form, request) {
    const verdict = form.querySelector(".practice-verdict");
    if (running) return running.form === form || say(verdict, null, "One at a time: other code is running.");
    const mine = running = { form };
    form.elements.stop.disabled = false;
    detail(form);
    say(verdict, null, "Starting …");
    try {
      const where = worker ? {} : await places();
      const started = worker ?? await newWorker();
      if (running !== mine) return;     // stopped meanwhile
      if (!worker) {
        worker = started;
        worker.addEventListener("message", receive);
        worker.addEventListener("error", () => receive({ data: { failed: "its file did not load." } }));
      }
      worker.postMessage({ ...where, ...request });
    } catch (error) {
      finish(form, null, error.message);
    }
  }

  // Ctrl+Enter runs. Enter keeps the indentation, and adds to it after a colon. Tab leaves the field.
  function key(event, form) {
    const field = form.elements.code;
    if (event.key !== "Enter" || event.isComposing) return;
    const line = field.value.slice(0, field.selectionStart).split("\n").at(-1);
    const indent = line.match(/^ */)[0] + (/:\s*$/.test(line) ? "    " : "");
    if (event.ctrlKey || event.metaKey) form.requestSubmit();
    else if (indent) document.execCommand("insertText", false, "\n" + indent);      // unlike setRangeText, it can be undone
    else return;
    event.preventDefault();
  }

  // Let a form with code send what `request` returns, and call `afresh` for its last button.
  function wire(form, request, afresh) {
    const field = form.elements.code;
    form.addEventListener("submit", event => {
      event.preventDefault();
      ask(form, request());
    });
    form.elements.stop.addEventListener("click", () => {
      stop();
      finish(form, null, "Stopped.");
      field.focus();
    });
    form.elements.afresh.addEventListener("click", afresh);
    field.addEventListener("keydown", event => key(event, form));
    form.hidden = false;
  }

  // --- exercises

  // Return the code cells of the chapter before a form, without the solutions of other exercises.
  function cellsBefore(form) {
    return [...document.querySelectorAll(".cell:not(.solution .cell) .cell_input pre")]
      .filter(code => code.compareDocumentPosition(form) & Node.DOCUMENT_POSITION_FOLLOWING)
      .map(code => code.textContent);
  }

  document.querySelectorAll("form[data-check]").forEach(form => {
    const field = form.elements.code;
    wire(form, () => ({ cells: cellsBefore(form), code: field.value, check: form.dataset.check }), () => {
      field.value = field.defaultValue;
      detail(form);
      say(form.querySelector(".practice-verdict"), null, "The field is as it was at first.");
    });
  });

  // --- code cells that can be edited, and run after the present versions of the cells before

  const editor = document.getElementById("cell-editor");
  const cells = [...document.querySelectorAll(".cell:not(.tag_starts-processes):has(> .cell_input, > details .cell_input)")];

  function version(cell) {
    return (cell.querySelector("textarea")?.value ?? cell.querySelector(".cell_input pre").textContent).trimEnd();
  }

  function edit(cell, index, button) {
    const form = editor.content.firstElementChild.cloneNode(true);
    const field = form.elements.code;
    const stored = cell.querySelector(".cell_input");
    form.firstElementChild.htmlFor = field.id = `cell-${index + 1}-code`;
    field.value = version(cell);
    field.rows = field.value.split("\n").length + 1;
    wire(form, () => ({ cells: cells.slice(0, index + 1).map(version) }), () => {
      if (running?.form === form) stop();
      form.remove();
      stored.hidden = button.hidden = false;
      button.focus();
    });
    stored.hidden = button.hidden = true;
    stored.after(form);
    field.focus();
  }

  if (editor) cells.forEach((cell, index) => {
    const button = document.createElement("button");
    button.className = "edit-cell";
    button.textContent = "Edit and run";
    button.setAttribute("aria-label", `Edit and run code cell ${index + 1}`);
    button.addEventListener("click", () => edit(cell, index, button));
    cell.querySelector(".cell_input").after(button);
  });
  document.querySelectorAll(".tag_starts-processes .cell_input").forEach(code => {
    const note = document.createElement("p");
    note.className = "edit-cell";
    note.textContent = "This cell starts processes. It does not run in the browser.";
    code.after(note);
  });
})();
