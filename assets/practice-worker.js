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

// Run a check of an answer, or without one the last of the cells.
async function reply({ cells, code, check }) {
  const pyodide = await python;
  const page = pyodide.pyimport("smlib._page");
  const sources = pyodide.toPy(cells);
  const imports = check ? page.program(sources, code, check) + "\n" + code : cells.join("\n");
  await pyodide.loadPackagesFromImports(imports, { messageCallback() {} });
  postMessage({ stage: "Running …" });
  return JSON.parse(check ? page.judge(sources, code, check) : page.session.run(sources));
}

addEventListener("message", async ({ data }) => {
  try {
    if (!python) {
      postMessage({ stage: "Loading Python, about 20 MB …" });
      python = start(data);
    }
    postMessage({ result: await reply(data) });
  } catch (error) {
    postMessage({ failed: String(error.message || error) });
  }
});
