import { call } from "./api.js";
import { ask, empty, field, h, problem, say, table, tableRow } from "./dom.js";
import * as events from "./events.js";
import { about, amount, count, deviations, time } from "./format.js";
import { isShortcut, Picture, shortcuts } from "./picture.js";
import { usual, verdictChip } from "./result.js";

export const title = "Anomalies";

const filters = ["user_id", "category_id", "min_amount", "from", "to", "detector", "verdict"];
let current = null;

export function show(root, { query }) {
  const view = current = new View(root, query);
  return () => { view.end(); current = null; };
}

// The address changed while the page is shown: by Back, by a link, or by the filters themselves.
export function update(query) {
  current?.take(query);
  return current !== null;
}

class View {
  constructor(root, query) {
    this.query = query;
    this.rows = [];
    this.next = null;
    this.selected = null;
    this.fresh = 0;
    this.columns = [
      { name: "When", nowrap: true, value: row => h("a", { class: "plain", href: this.addressOf(row.id), "aria-current": row.id === this.selected ? "true" : null }, time(row.occurred_at)) },
      { name: "User", number: true, value: row => String(row.user_id) },
      { name: "Category", number: true, value: row => String(row.category_id) },
      { name: "Amount", number: true, value: row => h("strong", null, amount(row.amount)) },
      { name: "Usual", number: true, extra: true, value: row => { const range = usual(row); return range ? about(range.typical) : "–"; } },
      { name: "Deviations", number: true, value: row => row.z_score === null ? "–" : deviations(row.z_score) },
      { name: "Verdict", value: row => verdictChip(row) ?? h("span", { class: "muted" }, "none") },
    ];
    this.form = h("form", { class: "filters card", "aria-label": "Filters", onsubmit: event => { event.preventDefault(); this.apply(); } });
    this.list = h("section", { class: "card", "aria-label": "Anomalies" });
    this.detail = h("section", { class: "card detail", "aria-label": "The selected anomaly", "aria-live": "off" }, h("div", { class: "skeleton" }, "\u00a0"));
    this.picture = new Picture(this.detail, result => this.replace(result));
    this.news = h("div", { role: "status", class: "news" });
    const stateOfKeys = () => `Shortcuts: ${shortcuts.on ? "on" : "off"}`;
    const keys = h("button", { type: "button", class: "plain", onclick: event => {
      shortcuts.on = !shortcuts.on;
      event.currentTarget.textContent = stateOfKeys();
    } }, stateOfKeys());
    this.summary = h("summary", null, "Filters");
    const folded = h("details", { class: "folded" }, this.summary, this.form);
    // Folded where the list would come after a screen of fields; elsewhere always open.
    const wide = matchMedia("(min-width: 48.01rem)");
    const fold = () => { folded.open = wide.matches; };
    fold();
    wide.addEventListener("change", fold);
    this.fold = fold;
    this.unfold = () => wide.removeEventListener("change", fold);
    this.cases = h("div", { class: "cases" }, h("p", { class: "back" }, h("a", { href: "#/anomalies", onclick: event => { event.preventDefault(); location.hash = this.addressOf(null); } }, "Back to the list")), this.list, this.detail);
    root.append(h("div", { class: "head" }, h("h1", null, "Anomalies"),
      h("p", { class: "small keys" }, h("kbd", null, "j"), " ", h("kbd", null, "k"), " next and previous, ", h("kbd", null, "e"), " mine, ", h("kbd", null, "u"), " not mine, ", h("kbd", null, "?"), " all keys ", keys)),
    h("div", { class: "stack" }, folded, this.news, this.cases));
    this.onKey = event => this.key(event);
    addEventListener("keydown", this.onKey);
    this.off = events.on("anomaly", result => this.arrived(result));
    this.makeForm();
    this.load();
  }

  end() {
    removeEventListener("keydown", this.onKey);
    this.unfold();
    this.off();
    this.picture.end();
    this.ended = true;
  }

  take(query) {
    const before = this.filterText();
    this.query = query;
    if (this.filterText() !== before || this.goesOn) { this.fill(); this.load(); }
    else this.select(query.get("id"), false);
  }

  filterText() {
    return filters.map(name => this.query.get(name) ?? "").join("|");
  }

  addressOf(id) {
    const query = new URLSearchParams(filters.filter(name => this.query.get(name)).map(name => [name, this.query.get(name)]));
    if (id) query.set("id", id);
    const text = query.toString();
    return `#/anomalies${text ? `?${text}` : ""}`;
  }

  makeForm() {
    const input = (name, attributes) => h("input", { name, ...attributes });
    const select = (name, options) => h("select", { name }, options.map(([value, text]) => h("option", { value }, text)));
    this.form.replaceChildren(
      field("User", input("user_id", { inputMode: "numeric", pattern: "[0-9]+", title: "A number", autocomplete: "off" })),
      field("Category", input("category_id", { inputMode: "numeric", pattern: "[0-9]+", title: "A number", autocomplete: "off" })),
      field("From", input("from", { type: "date", max: "9999-12-31" })), field("To, inclusive", input("to", { type: "date", max: "9999-12-31" })),
      field("Amount at least", input("min_amount", { inputMode: "decimal", pattern: "[0-9]+([.,][0-9]{1,4})?", title: "An amount without its sign", autocomplete: "off" })),
      field("Verdict", select("verdict", [["", "Any"], ["none", "Without one"], ["given", "With one"], ["expected", "Mine"], ["unexpected", "Not mine"]])),
      field("Detector", select("detector", [["", "Any"], ["zscore", "zscore"], ["adaptive", "adaptive"]])),
      h("div", { class: "row" }, h("button", { class: "primary" }, "Filter"), h("button", { type: "button", onclick: () => { location.hash = "#/anomalies"; } }, "Clear"),
        [["Today", 0], ["Yesterday", 1]].map(([text, ago]) => h("button", { type: "button", class: "plain", onclick: () => {
          const day = new Date();
          day.setDate(day.getDate() - ago);
          const [year, month, date] = [day.getFullYear(), day.getMonth() + 1, day.getDate()].map(part => String(part).padStart(2, "0"));
          this.form.elements.from.value = this.form.elements.to.value = `${year}-${month}-${date}`;
          this.apply();
        } }, text))));
    this.fill();
  }

  fill() {
    for (const input of this.form.elements) {
      if (!input.name) continue;
      const value = this.query.get(input.name) ?? "";
      // An address may name what the list does not offer, such as one version of a detector.
      if (input.options && ![...input.options].some(option => option.value === value)) input.append(h("option", { value }, value));
      input.value = value;
    }
    const set = filters.filter(name => this.query.get(name)).length;
    this.summary.textContent = set ? `Filters, ${set} set` : "Filters";
  }

  apply() {
    const query = new URLSearchParams();
    // Whoever filters by the keyboard goes on in the list.
    this.goesOn = true;
    this.fold();
    for (const [name, value] of new FormData(this.form)) if (value.trim()) query.set(name, value.trim().replace(",", "."));
    const text = query.toString();
    const hash = `#/anomalies${text ? `?${text}` : ""}`;
    if (location.hash === hash) this.load();
    else location.hash = hash;
  }

  // Days are the browser's own; the last one is inclusive.
  parameters(after) {
    const parameters = new URLSearchParams({ limit: "100" });
    for (const name of filters) {
      const value = this.query.get(name);
      if (!value) continue;
      if (name === "from") parameters.set(name, new Date(`${value}T00:00:00`).toISOString());
      else if (name === "to") { const day = new Date(`${value}T00:00:00`); day.setDate(day.getDate() + 1); parameters.set(name, day.toISOString()); }
      else parameters.set(name, value);
    }
    if (after) parameters.set("after", after);
    return parameters;
  }

  async load(after = null) {
    const asked = this.asked = {};
    if (!after) {
      this.list.setAttribute("aria-busy", "true");
      if (!this.rows.length) this.list.replaceChildren(...Array.from({ length: 6 }, () => h("div", { class: "skeleton" }, "\u00a0")));
    }
    try {
      const page = await call(`api/anomalies?${this.parameters(after)}`);
      if (asked !== this.asked || this.ended) return;
      this.rows = after ? [...this.rows, ...page.anomalies] : page.anomalies;
      this.next = page.next;
      this.fresh = after ? this.fresh : 0;
      this.renderList(after ? page.anomalies : null);
      if (!after) {
        this.renderNews();
        // Nothing is chosen by itself: a verdict must be of what somebody has chosen.
        this.select(this.query.get("id"), false);
        if (this.goesOn) this.body?.querySelector("a").focus({ preventScroll: true });
        this.goesOn = false;
      } else say(`${page.anomalies.length} more.`);
    } catch (error) {
      if (asked !== this.asked || this.ended) return;
      if (!after) this.picture.clear();
      this.list.replaceChildren(problem(error), h("div", { class: "actions" }, h("button", { onclick: () => this.load() }, "Try again")));
    } finally {
      if (asked === this.asked) this.list.removeAttribute("aria-busy");
    }
  }

  rowOptions() {
    return { caption: "Anomalies, newest first", row: row => ({ class: "open", id: `row-${row.id}`, onclick: event => { if (!event.target.closest("a")) location.hash = this.addressOf(row.id); this.toDetail(); } }) };
  }

  renderList(added) {
    if (added) {
      this.body.append(...added.map(row => tableRow(this.columns, row, this.rowOptions())));
    } else if (this.rows.length === 0) {
      const isFiltered = filters.some(name => this.query.get(name));
      this.list.replaceChildren(isFiltered ? empty("Nothing matches.", "Widen the filters, or clear them.") : empty("No anomalies yet.", "When a payment is out of the ordinary, it shows here by itself."));
      this.body = null;
      return;
    } else {
      const made = table(this.columns, this.rows, this.rowOptions());
      this.body = made.tBodies[0];
      this.more = h("div", { class: "actions" });
      this.list.replaceChildren(h("div", { class: "scroll" }, made), this.more);
    }
    this.more.replaceChildren(...(this.next ? [h("button", { type: "button", onclick: () => this.load(this.next) }, "Show more")] : []), h("span", { class: "muted small" }, `${count(this.rows.length)} shown${this.next ? "" : ", these are all"}`));
  }

  arrived(result) {
    const wanted = id => !this.query.get(id) || String(result[id]) === this.query.get(id);
    if (!wanted("user_id") || !wanted("category_id") || this.rows.some(row => row.id === result.id)) return;
    this.fresh++;
    this.renderNews();
  }

  renderNews() {
    this.news.replaceChildren(...(this.fresh ? [h("button", { type: "button", onclick: () => this.load() }, `${count(this.fresh)} new, show`)] : []));
  }

  async select(id, isByKey) {
    this.selected = id;
    for (const row of this.body?.rows ?? []) {
      const isIt = row.id === `row-${id}`;
      row.setAttribute("aria-selected", String(isIt));
      const link = row.querySelector("a");
      if (isIt) link.setAttribute("aria-current", "true");
      else link.removeAttribute("aria-current");
      if (isIt && isByKey) { link.focus({ preventScroll: true }); row.scrollIntoView({ block: "nearest" }); }
    }
    this.picture.end();
    this.cases.classList.toggle("is-chosen", Boolean(id));
    this.detail.scrollTop = 0;
    if (!id) { this.picture.clear(empty("Nothing is selected.", "Choose an anomaly to see its picture, and to say whether it was yours.")); return; }
    let result = this.rows.find(row => row.id === id);
    if (!result) {
      try {
        result = await call(`api/transactions/${encodeURIComponent(id)}`);
      } catch (error) {
        if (this.selected === id) this.picture.clear(problem(error));
        return;
      }
    }
    if (this.selected === id && !this.ended) this.picture.show(result);
  }

  // On a narrow screen the picture lies above the list.
  toDetail() {
    if (matchMedia("(max-width: 69.99rem)").matches) this.detail.scrollIntoView({ block: "start" });
  }

  replace(result) {
    const index = this.rows.findIndex(row => row.id === result.id);
    if (index >= 0) {
      this.rows[index] = result;
      const row = this.body?.rows[index];
      const made = tableRow(this.columns, result, this.rowOptions());
      made.setAttribute("aria-selected", String(result.id === this.selected));
      row?.replaceWith(made);
    }
  }

  // Shown by "?"; with the shortcuts off the letters below do nothing.
  help() {
    ask("Keys", h("dl", { class: "facts" }, [["j", "the next anomaly"], ["k", "the previous one"], ["e", "this was mine"], ["u", "this was not mine"], ["Escape", "leave a field, then use the letters"], ["?", "this list"]]
      .map(([key, text]) => [h("dt", null, h("kbd", null, key)), h("dd", null, text)])), [{ text: "Close", value: "", class: "primary" }]);
  }

  key(event) {
    if (event.key === "Escape" && event.target.form === this.form) { event.target.blur(); return; }
    if (!isShortcut(event)) return;
    if (event.key === "?") { this.help(); event.preventDefault(); return; }
    const index = this.rows.findIndex(row => row.id === this.selected);
    const result = this.rows[index];
    if (event.key === "j" || event.key === "k") {
      const next = this.rows[Math.min(this.rows.length - 1, Math.max(0, index + (event.key === "j" ? 1 : -1)))];
      if (next) {
        history.replaceState(null, "", this.addressOf(next.id));
        this.query.set("id", next.id);
        this.select(next.id, true);
      }
    } else if (event.key === "e" && result) this.picture.judge(result, "expected");
    else if (event.key === "u" && result) this.picture.judge(result, "unexpected");
    else return;
    event.preventDefault();
  }
}
