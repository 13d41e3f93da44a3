// Above a chapter in JupyterLite: the way back to its page, and a fresh copy in place of the reader's own.
(function () {
  "use strict";

  const path = new URLSearchParams(location.search).get("path") ?? "";
  const [, slug] = path.match(/^chapters\/([\w-]+)\.ipynb$/) ?? [];
  if (!slug) return;

  function done(request) {
    return new Promise((resolve, reject) => {
      request.onsuccess = () => resolve(request.result);
      request.onerror = () => reject(request.error);
    });
  }

  // JupyterLite keeps what was changed in this browser. Without it, the notebook comes from the site again.
  async function forget() {
    const names = (await indexedDB.databases()).map(({ name }) => name).filter(name => name.startsWith("JupyterLite Storage"));
    for (const name of names) {
      const database = await done(indexedDB.open(name));
      const stores = [...database.objectStoreNames].filter(store => ["files", "checkpoints"].includes(store));
      for (const store of stores) await done(database.transaction(store, "readwrite").objectStore(store).delete(path));
      database.close();
    }
  }

  const bar = document.createElement("nav");
  bar.className = "book-bar";
  bar.setAttribute("aria-label", "The book");
  const back = document.createElement("a");
  back.href = `../../chapters/${slug}.html`;
  back.textContent = "Back to the page";
  const fresh = document.createElement("button");
  fresh.textContent = "Start afresh";
  fresh.addEventListener("click", async () => {
    if (!confirm("Replace this notebook by the book's own? What you wrote into it in this browser is lost.")) return;
    await forget();
    location.reload();
  });
  bar.append(back, fresh);
  document.body.append(bar);
})();
