/* Search, filters and sorting for the long table of a page. Without this script the table is complete and stays so.

   What is shown is kept in the address: '#class=decision&topic=cost&q=pound&sort=-printed' (or the same after '?').
   An address that names a row ('#claim-…') shows that row, whatever the filters hide. */
(function () {
  "use strict";

  /* As texts are compared in a search: small letters, plain minus, no commas within numbers, single spaces. */
  function fold(text) {
    return text.normalize("NFKC").toLowerCase().replace(/−/g, "-").replace(/(\d),(?=\d{3})/g, "$1")
      .replace(/\s+/g, " ").trim();
  }

  function emptyState() {
    return { q: "", filters: {}, sort: "", direction: 0 };
  }

  /* The state that an address names. `known`: filter → its values; `columns`: names that can be sorted by. */
  function parseState(text, known, columns) {
    const state = emptyState();
    for (const [name, value] of new URLSearchParams(text.replace(/^[#?]/, ""))) {
      if (name === "q") state.q = value;
      else if (name in known && known[name].includes(value)) state.filters[name] = value;
      else if (name === "sort" && columns.includes(value.replace(/^-/, ""))) {
        state.sort = value.replace(/^-/, "");
        state.direction = value.startsWith("-") ? -1 : 1;
      }
    }
    return state;
  }

  function writeState(state) {
    const parts = new URLSearchParams();
    for (const name of Object.keys(state.filters)) parts.set(name, state.filters[name]);
    if (state.q.trim()) parts.set("q", state.q.trim());
    if (state.direction) parts.set("sort", (state.direction < 0 ? "-" : "") + state.sort);
    return parts.toString();
  }

  /* Whether a row passes the search and all filters, but for one filter that is left out. */
  function matches(row, state, without) {
    for (const name of Object.keys(state.filters)) {
      if (name !== without && row.filters[name] !== state.filters[name]) return false;
    }
    return fold(state.q).split(" ").every((word) => row.text.includes(word));
  }

  /* How many rows each value of a filter would show, the other filters and the search being as they are. */
  function countValues(rows, state, name) {
    const counts = {};
    for (const row of rows) {
      if (matches(row, state, name)) counts[row.filters[name]] = (counts[row.filters[name]] || 0) + 1;
    }
    return counts;
  }

  const words = new Intl.Collator("en-GB", { numeric: true });

  /* Numbers come first, then words, then blanks, whichever way a column is sorted. */
  function rank(key) {
    return key === "" ? 2 : Number.isNaN(Number(key)) ? 1 : 0;
  }

  /* Rows in order of a column: numbers as numbers, words as a reader would look for them; equal rows keep their first
     order. Direction 1: up, -1: down, 0: as they were. */
  function order(rows, column, direction) {
    return [...rows].sort((a, b) => {
      const x = a.keys[column] || "", y = b.keys[column] || "", kind = rank(x);
      const sorted = kind === 0 ? Number(x) - Number(y) : words.compare(x, y);
      return (direction && (kind - rank(y) || direction * sorted)) || a.index - b.index;
    });
  }

  /* Up, down, then back to the first order. */
  function nextDirection(direction) {
    return { 0: 1, 1: -1, "-1": 0 }[direction];
  }

  function readRows(table, columns, filters) {
    return [...table.tBodies[0].rows].map((element, index) => {
      const keys = {}, values = {};
      [...element.cells].forEach((cell, i) => {
        const shown = cell.dataset.sort === undefined ? cell.textContent : cell.dataset.sort;
        keys[columns[i]] = shown.trim() === "–" ? "" : shown.trim();
      });
      for (const name of filters) values[name] = element.dataset[name];
      return { element, index, keys, filters: values, text: fold(element.textContent) };
    });
  }

  function start(box) {
    const table = box.querySelector("table"), form = box.querySelector("form");
    const search = form.querySelector("input"), selects = [...form.querySelectorAll("select")];
    const heads = [...table.tHead.rows[0].cells], columns = heads.map((head) => head.dataset.column);
    const rows = readRows(table, columns, selects.map((select) => select.name));
    const known = {};
    for (const select of selects) known[select.name] = [...select.options].map((o) => o.value).filter(Boolean);
    let state = emptyState(), waiting = 0;

    function show() {
      search.value = state.q;
      for (const select of selects) {
        const counts = countValues(rows, state, select.name);
        const total = Object.values(counts).reduce((sum, n) => sum + n, 0);
        for (const option of select.options) {
          option.textContent = `${option.dataset.label} (${option.value ? counts[option.value] || 0 : total})`;
        }
        select.value = state.filters[select.name] || "";
      }
      let shown = 0;
      const sorted = order(rows, state.sort, state.direction);
      for (const row of sorted) {
        row.element.hidden = !matches(row, state);
        shown += row.element.hidden ? 0 : 1;
      }
      table.tBodies[0].append(...sorted.map((row) => row.element));
      for (const head of heads) {
        if (head.dataset.column !== state.sort || !state.direction) head.removeAttribute("aria-sort");
        else head.setAttribute("aria-sort", state.direction > 0 ? "ascending" : "descending");
      }
      box.querySelector("[role=status]").textContent = `${shown} of ${rows.length} rows shown`;
    }

    /* Shows a changed state and keeps it in the address, in place of any other that stood there. */
    function change() {
      const text = writeState(state);
      show();
      table.parentNode.scrollTop = 0;
      try {
        history.replaceState(null, "", location.pathname + (text ? "#" + text : ""));
      } catch (refused) {
        location.hash = text; // some browsers let a file's address change by its last part only
      }
    }

    /* Follows the address: a state, or a row, which is shown even if the filters hid it. */
    function follow() {
      const hash = location.hash.slice(1);
      const target = hash && document.getElementById(hash);
      if (target && table.contains(target)) {
        if (target.closest("tr").hidden) {
          state = { ...emptyState(), sort: state.sort, direction: state.direction };
          show();
        }
        target.scrollIntoView({ block: "center" });
      } else if (hash.includes("=")) {
        state = parseState(hash, known, columns);
        show();
        box.scrollIntoView();
      }
    }

    for (const head of heads) {
      const button = document.createElement("button");
      button.type = "button";
      button.append(...head.childNodes);
      head.append(button);
      button.addEventListener("click", () => {
        const column = head.dataset.column;
        state.direction = nextDirection(state.sort === column ? state.direction : 0);
        state.sort = state.direction ? column : "";
        change();
      });
    }
    search.addEventListener("input", () => {
      clearTimeout(waiting);
      waiting = setTimeout(() => { state.q = search.value; change(); }, 200);
    });
    for (const select of selects) {
      select.addEventListener("change", () => {
        if (select.value) state.filters[select.name] = select.value;
        else delete state.filters[select.name];
        change();
      });
    }
    form.addEventListener("submit", (event) => event.preventDefault());
    form.addEventListener("reset", (event) => {
      event.preventDefault();
      clearTimeout(waiting);
      state = emptyState();
      change();
    });
    form.hidden = false;
    state = parseState(location.search, known, columns);
    show();
    if (writeState(state) && !location.hash) box.scrollIntoView();
    follow();
    window.addEventListener("load", follow); // pictures above may have moved the table
    window.addEventListener("hashchange", follow);
  }

  if (typeof document === "undefined") {
    module.exports = { fold, parseState, writeState, matches, countValues, order, nextDirection, emptyState };
  } else {
    document.addEventListener("DOMContentLoaded", () => document.querySelectorAll(".crewe-ledger-box").forEach(start));
  }
})();
