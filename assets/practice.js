// Exercises and predictions that answer. Nothing that the reader types leaves the page.
(function () {
  "use strict";

  const root = new URL("../", document.currentScript.src);      // of the site

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

  // --- exercises: one worker, which starts with the first check

  const NO_PYTHON = "This site has no Python for the page. For the one who builds it: make live adds it.";
  const NO_SERVER = "To check an answer, the book must be served: run make live once, then make serve.";
  let worker = null;
  let running = null;       // { form } while the answer of that form is being checked

  // Return where Pyodide and the wheel of smlib are. The notebooks of the site use the same.
  async function places() {
    if (location.protocol === "file:") throw new Error(NO_SERVER);
    const reply = await fetch(new URL("lite/jupyter-lite.json", root));
    const config = reply.ok ? await reply.json() : null;
    const [kernel] = Object.values(config?.["jupyter-config-data"].litePluginSettings ?? {});
    if (!kernel?.pyodideUrl.startsWith("./")) throw new Error(NO_PYTHON);
    const wheel = kernel.loadPyodideOptions.packages.at(-1).split("/").at(-1);
    return { pyodide: new URL("lite/static/pyodide/", root).href, wheel: new URL("lite/pypi/" + wheel, root).href };
  }

  // Return the code cells of the chapter before a form, without the solutions of other exercises.
  function cellsBefore(form) {
    return [...document.querySelectorAll(".cell:not(.solution .cell) .cell_input pre")]
      .filter(code => code.compareDocumentPosition(form) & Node.DOCUMENT_POSITION_FOLLOWING)
      .map(code => code.textContent);
  }

  function stop() {
    worker?.terminate();
    worker = running = null;
  }

  // Show [heading, text] pairs below the verdict, without those that have no text.
  function detail(form, ...parts) {
    form.querySelector(".practice-details").replaceChildren(...parts.filter(([, text]) => text).map(([heading, text]) => {
      const box = document.createElement("pre");
      box.textContent = text;
      box.tabIndex = 0;
      box.setAttribute("role", "group");
      box.setAttribute("aria-label", heading);
      return box;
    }));
  }

  function finish(form, right, words) {
    running = null;
    form.elements.stop.disabled = true;
    say(form.querySelector(".practice-verdict"), right, words);
  }

  function receive({ data: { stage, failed, result } }) {
    const { form } = running;
    if (stage) say(form.querySelector(".practice-verdict"), null, stage);
    else if (failed) {
      stop();
      finish(form, null, "Python did not run: " + failed);
    } else {
      detail(form, ["The error", result.details], ["What your code printed", result.output]);
      finish(form, result.right, (result.right ? "Right. " : "Not yet. ") + result.says);
    }
  }

  async function check(form) {
    const verdict = form.querySelector(".practice-verdict");
    if (running) return running.form === form || say(verdict, null, "One check at a time: another one is running.");
    const mine = running = { form };
    form.elements.stop.disabled = false;
    detail(form);
    say(verdict, null, "Starting …");
    try {
      const where = await places();
      if (running !== mine) return;     // stopped meanwhile
      if (!worker) {
        worker = new Worker(new URL("_static/practice-worker.js", root));
        worker.addEventListener("message", receive);
        worker.addEventListener("error", () => receive({ data: { failed: "its file did not load." } }));
      }
      worker.postMessage({ ...where, cells: cellsBefore(form), code: form.elements.code.value, check: form.dataset.check });
    } catch (error) {
      finish(form, null, error.message);
    }
  }

  // Ctrl+Enter checks. Enter keeps the indentation, and adds to it after a colon. Tab leaves the field.
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

  document.querySelectorAll("form.practice:not(.predict)").forEach(form => {
    const field = form.elements.code;
    form.addEventListener("submit", event => {
      event.preventDefault();
      check(form);
    });
    form.elements.stop.addEventListener("click", () => {
      stop();
      finish(form, null, "Stopped.");
      field.focus();
    });
    form.elements.afresh.addEventListener("click", () => {
      field.value = field.defaultValue;
      detail(form);
      say(form.querySelector(".practice-verdict"), null, "The field is as it was at first.");
    });
    field.addEventListener("keydown", event => key(event, form));
    form.hidden = false;
  });
})();
