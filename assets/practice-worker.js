// Python in a worker, from the files of the site alone. A message with an answer is replied to by messages
// { stage }, and at last { result } or { failed }.
"use strict";

let python = null;

// From the file system this worker is a blob, which may fetch nothing. It asks the page for each file.
const asked = new Map();
if (location.protocol === "blob:") self.fetch = async address => {
  const file = String(address).split("/").at(-1);
  const content = await new Promise(resolve => {
    asked.set(file, resolve);
    postMessage({ file });
  });
  const type = file.endsWith(".wasm") ? "application/wasm" : "application/octet-stream";
  return new Response(content, { status: content ? 200 : 404, headers: { "Content-Type": type } });
};

async function start({ pyodide, wheel }) {
  // Where a policy blocks WebAssembly, Pyodide would wait forever. An empty module raises an error.
  new WebAssembly.Module(new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0]));
  if (!self.loadPyodide) importScripts(pyodide + "pyodide.js");
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
  if (data.file) return asked.get(data.file)(data.content);
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
