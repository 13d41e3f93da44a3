// Search in search-index.js: on the search page, and in the dialog that Ctrl+K opens. Loaded only there.
(function () {
  "use strict";

  var index = window.bookIndex;
  var root = new URL("..", document.currentScript.src);
  var KINDS = ["glossary", "page", "section", "exercise", "claim", "source", "function"];   // as in _ext/search.py
  var RANK = [30, 20, 10, 8, 6, 4, 0];
  var PAGE = 1, SECTION = 2, EXERCISE = 3, FUNCTION = 6;
  var MOST = 30;    // results on the page

  // Plain letters and digits, and a space for each other character: "cross-entropy" is "cross entropy". No character
  // changes its place, so that a match can be marked in the text.
  function plain(text) {
    return text.replace(/[^\x00-\x7f]/g, function (letter) { return letter.normalize("NFD")[0]; })
      .toLowerCase().replace(/[^\p{L}\p{N}]/gu, " ");
  }

  // The words of a query without the endings of their plurals. Each stands for all words that begin with it.
  function stems(query) {
    return plain(query).split(" ").filter(Boolean).map(function (word) {
      return word.length > 3 ? word.replace(/(?:ies|y|([^s])s)$/, "$1") : word;
    });
  }

  function pattern(words) {
    return new RegExp("(?<![\\p{L}\\p{N}])" + words.join("[\\p{L}\\p{N}]* ") + "[\\p{L}\\p{N}]*", "gu");
  }

  // The query, and the query with the book's word for each word that has one. "sigm" may become "sigmoid".
  function meanings(query) {
    var words = stems(query), said = " " + words.join(" ") + " ", found = [words];
    Object.keys(index.synonyms).forEach(function (word) {
      var own = " " + stems(word).join(" ") + " ", ours = stems(index.synonyms[word]);
      if (said.includes(own)) found.push(said.replace(own, " " + ours.join(" ") + " ").trim().split(" "));
      else if (said.length > 4 && own.startsWith(said.trimEnd())) found.push(ours);
    });
    return found;
  }

  var places = index.places.map(function (place) {
    return {
      kind: place[0], page: index.pages[place[1]], anchor: place[2], title: place[3], text: place[4],
      plainTitle: plain(place[3]).trim(), plainText: plain(place[4]), more: plain(place[5])
    };
  });

  // How well a place answers: 0 if one of the words is missing.
  function rate(place, words) {
    var all = [place.plainTitle, place.plainText, place.more].join(" ");
    if (!words.every(function (word) { return pattern([word]).test(all); })) return 0;
    var phrase = pattern(words), title = place.plainTitle.match(phrase);
    var times = (place.plainText.match(phrase) || []).length;
    var score = 1 + Math.min(times, 6) * 4;
    if (title) score += title[0] === place.plainTitle ? 100 : 50;
    else if (words.every(function (word) { return pattern([word]).test(place.plainTitle); })) score += 40;
    score += RANK[place.kind];
    return place.kind === FUNCTION ? score / 1000 : score;    // functions come last
  }

  function find(query) {
    var asked = meanings(query);
    if (!asked[0].length) return [];
    return places.map(function (place) {
      var rated = asked.map(function (words) { return { place: place, words: words, score: rate(place, words) }; });
      return rated.reduce(function (best, other) { return other.score > best.score ? other : best; });
    }).filter(function (hit) { return hit.score; }).sort(function (a, b) { return b.score - a.score; });
  }

  // The text around the first match, with its words marked.
  function excerpt(hit) {
    var text = hit.place.text, either = new RegExp(hit.words.map(function (word) { return pattern([word]).source; }).join("|"), "gu");
    var match = pattern(hit.words).exec(hit.place.plainText) || either.exec(hit.place.plainText);
    var middle = match ? match.index : 0;
    var start = middle > 90 ? text.indexOf(" ", middle - 70) + 1 : 0;
    var end = text.length > start + 190 ? text.lastIndexOf(" ", start + 190) : text.length;
    var line = document.createElement("p"), last = start;
    Array.from(hit.place.plainText.matchAll(either)).forEach(function (found) {
      if (found.index < start || found.index + found[0].length > end) return;
      var mark = document.createElement("mark");
      mark.textContent = text.slice(found.index, found.index + found[0].length);
      line.append(text.slice(last, found.index), mark);
      last = found.index + found[0].length;
    });
    line.prepend(start ? "… " : "");
    line.append(text.slice(last, end), end < text.length ? " …" : "");
    return line;
  }

  // A link to a place, and where it is.
  function entry(hit) {
    var item = document.createElement("li"), link = document.createElement("a"), where = document.createElement("small");
    link.href = new URL(hit.place.page[0] + (hit.place.anchor && "#" + hit.place.anchor), root);
    link.textContent = hit.place.kind === PAGE ? hit.place.page[1] : hit.place.title;
    where.textContent = hit.place.kind === SECTION ? hit.place.page[1]
      : hit.place.kind === EXERCISE ? "exercise, " + hit.place.page[1] : KINDS[hit.place.kind];
    item.append(link, " ", where);
    return item;
  }

  function count(hits, query) {
    if (!query.trim()) return "";
    if (!hits.length) return "Nothing in the book has all of these words.";
    if (hits.length > MOST) return "The first " + MOST + " of " + hits.length + " places";
    return hits.length === 1 ? "One place" : hits.length + " places";
  }

  // The search page.
  var results = document.getElementById("search-results");
  if (results) {
    var field = document.querySelector(".bd-search-container input");
    var show = function () {
      var hits = find(field.value);
      document.getElementById("search-count").textContent = count(hits, field.value);
      results.replaceChildren.apply(results, hits.slice(0, MOST).map(function (hit) {
        var item = entry(hit);
        item.append(excerpt(hit));
        return item;
      }));
    };
    field.value = new URLSearchParams(location.search).get("q") || "";
    field.select();
    field.addEventListener("input", show);
    show();
  }

  // The dialog: the best places while the reader types. The arrow keys go through them.
  var dialog = document.getElementById("pst-search-dialog");
  var form = dialog && dialog.querySelector("form");
  if (form) {
    var typed = form.querySelector("input"), box = document.createElement("div");
    var list = document.createElement("ol"), said = document.createElement("p");
    box.className = "search-suggestions";
    said.setAttribute("role", "status");
    box.append(list, said);
    form.after(box);
    var suggest = function () {
      var hits = find(typed.value);
      list.replaceChildren.apply(list, hits.slice(0, 8).map(entry));
      said.textContent = hits.length > 8 ? "8 of " + hits.length + " places. Press Enter for more." : count(hits, typed.value);
    };
    dialog.addEventListener("keydown", function (event) {
      var step = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
      if (!step) return;
      event.preventDefault();
      var stops = [typed].concat(Array.from(list.querySelectorAll("a")));
      var next = stops[stops.indexOf(document.activeElement) + step];
      if (next) next.focus();
    });
    list.addEventListener("click", function (event) {     // the place may be on this page
      if (event.target.closest("a")) dialog.close();
    });
    typed.addEventListener("input", suggest);
    suggest();
  }
})();
