// Python in a worker, from the files of the site alone. A message with an answer is replied to by messages
// { stage }, and at last { result } or { failed }.
"use strict";

let python = null;

async function start({ pyodide, wheel }) {
  // Where a policy blocks WebAssembly, Pyodide would wait forever. An empty module raises an error.
  new WebAssembly.Module(new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0]));
  importScripts(pyodide + "pyodide.js");
  const env = { HOME: "/home/pyodide", MPLBACKEND: "agg" };
  return loadPyodide({ indexURL: pyodide, packages: ["numpy", wheel], env });
}

async function judge({ cells, code, check }) {
  const page = (await python).pyimport("smlib._page");
  const before = (await python).toPy(cells);
  const imports = page.program(before, code, check) + "\n" + code;
  await (await python).loadPackagesFromImports(imports, { messageCallback() {} });
  postMessage({ stage: "Running …" });
  return JSON.parse(page.judge(before, code, check));
}

addEventListener("message", async ({ data }) => {
  try {
    if (!python) {
      postMessage({ stage: "Loading Python, about 20 MB …" });
      python = start(data);
    }
    postMessage({ result: await judge(data) });
  } catch (error) {
    postMessage({ failed: String(error.message || error) });
  }
});
