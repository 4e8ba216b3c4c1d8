import { call, can, send } from "./api.js";
import { ask, empty, field, h, problem, say, table, tableRow } from "./dom.js";
import * as events from "./events.js";
import { amounts } from "./charts.js";
import { about, amount, count, deviations, fullTime, time } from "./format.js";
import { alertText, sentence, usual, verdictOf, verdicts } from "./result.js";

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

const shortcuts = {
  get on() { return localStorage.getItem("finance-ingest-shortcuts") !== "off"; },
  set on(value) { localStorage.setItem("finance-ingest-shortcuts", value ? "on" : "off"); },
};

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
      { name: "Deviations", number: true, extra: true, value: row => row.z_score === null ? "–" : deviations(row.z_score) },
      { name: "Verdict", value: row => verdictOf(row) ? h("span", { class: verdictOf(row) === "expected" ? "chip good" : "chip bad" }, verdicts[verdictOf(row)]) : h("span", { class: "muted" }, "none") },
    ];
    this.form = h("form", { class: "filters card", "aria-label": "Filters", onsubmit: event => { event.preventDefault(); this.apply(); } });
    this.list = h("section", { class: "card", "aria-label": "Anomalies" });
    this.detail = h("section", { class: "card detail", "aria-label": "The selected anomaly", "aria-live": "off" });
    this.news = h("div", { role: "status", class: "news" });
    const keys = h("button", { type: "button", class: "plain", "aria-pressed": String(shortcuts.on), onclick: event => {
      shortcuts.on = !shortcuts.on;
      event.currentTarget.setAttribute("aria-pressed", String(shortcuts.on));
    } }, "Keyboard shortcuts");
    root.append(h("div", { class: "head" }, h("h1", null, "Anomalies"),
      h("p", { class: "small" }, h("kbd", null, "j"), " ", h("kbd", null, "k"), " next and previous, ", h("kbd", null, "e"), " mine, ", h("kbd", null, "u"), " not mine ", keys)),
    h("div", { class: "stack" }, this.form, this.news, h("div", { class: "cases" }, this.list, this.detail)));
    this.onKey = event => this.key(event);
    addEventListener("keydown", this.onKey);
    this.off = events.on("anomaly", result => this.arrived(result));
    this.makeForm();
    this.load();
  }

  end() {
    removeEventListener("keydown", this.onKey);
    this.off();
    this.chart?.destroy();
    this.ended = true;
  }

  take(query) {
    const before = this.filterText();
    this.query = query;
    if (this.filterText() !== before) { this.fill(); this.load(); }
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

  async makeForm() {
    const input = (name, attributes) => h("input", { name, ...attributes });
    const fields = [
      field("User", input("user_id", { inputMode: "numeric", pattern: "[0-9]+", title: "A number", autocomplete: "off" })),
      field("Category", input("category_id", { inputMode: "numeric", pattern: "[0-9]+", title: "A number", autocomplete: "off" })),
      field("From", input("from", { type: "date" })), field("To, inclusive", input("to", { type: "date" })),
      field("At least", input("min_amount", { inputMode: "decimal", pattern: "[0-9]+([.,][0-9]{1,4})?", title: "An amount without its sign", autocomplete: "off" })),
    ];
    const buttons = h("div", { class: "row" }, h("button", { class: "primary" }, "Filter"), h("button", { type: "button", onclick: () => { location.hash = "#/anomalies"; } }, "Clear"));
    this.form.replaceChildren(...fields, buttons);
    this.fill();
    if (await can("get", "/api/anomalies", "detector")) buttons.before(field("Detector", input("detector", { autocomplete: "off" })));
    if (await can("get", "/api/anomalies", "verdict")) {
      buttons.before(field("Verdict", h("select", { name: "verdict" }, [["", "Any"], ["none", "None yet"], ["expected", "Mine"], ["unexpected", "Not mine"]].map(([value, text]) => h("option", { value }, text)))));
    }
    this.fill();
  }

  fill() {
    for (const input of this.form.elements) if (input.name) input.value = this.query.get(input.name) ?? "";
  }

  apply() {
    const query = new URLSearchParams();
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
        this.select(this.query.get("id") ?? this.rows[0]?.id ?? null, false);
      } else say(`${page.anomalies.length} more.`);
    } catch (error) {
      if (asked === this.asked && !this.ended) this.list.replaceChildren(problem(error), h("div", { class: "actions" }, h("button", { onclick: () => this.load() }, "Try again")));
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
    this.chart?.destroy();
    this.chart = null;
    if (!id) { this.detail.replaceChildren(empty("Nothing is selected.", "Choose an anomaly to see its picture.")); return; }
    let result = this.rows.find(row => row.id === id);
    if (!result) {
      try {
        result = await call(`api/transactions/${encodeURIComponent(id)}`);
      } catch (error) {
        if (this.selected === id) this.detail.replaceChildren(problem(error));
        return;
      }
    }
    if (this.selected === id && !this.ended) this.renderDetail(result);
  }

  renderDetail(result) {
    const range = usual(result);
    const verdict = verdictOf(result);
    const plot = h("div", { class: "plot tall", role: "img", "aria-label": "Loading the picture." });
    const say = h("div", { role: "status" });
    const actions = h("div", { class: "actions" },
      h("button", { type: "button", "aria-pressed": String(verdict === "expected"), onclick: () => this.judge(result, "expected") }, "This was mine"),
      h("button", { type: "button", "aria-pressed": String(verdict === "unexpected"), onclick: () => this.judge(result, "unexpected") }, "This was not"),
      verdict && h("button", { type: "button", class: "plain", onclick: () => this.judge(result, null) }, "Take the verdict back"),
      h("button", { type: "button", onclick: () => this.snooze(result) }, "Snooze …"));
    const alert = alertText(result);
    const shadows = Object.entries(result.shadow ?? {});
    this.answer = say;
    this.detail.replaceChildren(
      h("div", { class: "card-head" }, h("div", null, h("p", { class: "amount" }, amount(result.amount)),
        h("p", { class: "muted" }, h("time", { dateTime: result.occurred_at }, fullTime(result.occurred_at)))),
      h("span", { class: result.is_anomaly ? "chip bad" : "chip good" }, result.is_anomaly ? "Anomaly" : "Ordinary")),
      h("p", null, sentence(result)), actions, say, plot,
      h("div", { class: "legend", "aria-hidden": "true" }, h("span", { class: "mark" }, "this one"), h("span", { class: "dot" }, "other payments"), range && h("span", { class: "band" }, "four in five lie here")),
      h("dl", { class: "facts" },
        h("dt", null, "User"), h("dd", null, h("a", { href: `#/person/${result.user_id}` }, String(result.user_id))),
        h("dt", null, "Category"), h("dd", null, String(result.category_id)),
        range && [h("dt", null, "Usual"), h("dd", null, `${about(range.low)} to ${about(range.high)}, half below ${about(range.typical)}, from ${count(range.count)} payments`)],
        result.z_score !== null && result.z_score !== undefined && [h("dt", null, "Deviations"), h("dd", null, deviations(result.z_score))],
        result.surprise !== undefined && [h("dt", null, "How rare"), h("dd", null, `once in ${count(Math.round(1 / result.surprise))}`)],
        result.detector && [h("dt", null, "Detector"), h("dd", null, result.detector)],
        alert && [h("dt", null, "Alert"), h("dd", null, alert)],
        shadows.length > 0 && [h("dt", null, "In shadow"), h("dd", null, shadows.map(([name, other]) => `${name}: ${other.is_anomaly ? "anomaly" : "ordinary"}`).join(", "))],
        h("dt", null, "Id"), h("dd", { class: "mono" }, result.id)));
    this.draw(result, range, plot);
  }

  async draw(result, range, plot) {
    let history = [result];
    try {
      const until = new Date(new Date(result.occurred_at).getTime() + 60 * 86400000).toISOString();
      const page = await call(`api/transactions?${new URLSearchParams({ user_id: result.user_id, category_id: result.category_id, to: until, limit: "400" })}`);
      history = page.transactions;
    } catch (error) {
      plot.before(h("p", { class: "muted small" }, `The other payments can't be shown: ${error.message}`));
    }
    if (this.selected !== result.id || this.ended || !plot.isConnected) return;
    const points = history.filter(row => row.amount !== undefined && row.occurred_at && row.id !== result.id)
      .map(row => [new Date(row.occurred_at).getTime() / 1000, row.amount]).sort((one, other) => one[0] - other[0]);
    const mark = { x: new Date(result.occurred_at).getTime() / 1000, y: result.amount };
    const xs = [...points.map(point => point[0]), mark.x].sort((one, other) => one - other);
    const ys = xs.map(x => null);
    let at = 0;
    xs.forEach((x, index) => { if (at < points.length && points[at][0] === x) ys[index] = points[at++][1]; });
    plot.setAttribute("aria-label", `${count(points.length)} other payments of this user in this category`
      + (points.length ? `, from ${amount(Math.min(...points.map(point => point[1])))} to ${amount(Math.max(...points.map(point => point[1])))}` : "")
      + (range ? `; four in five lie between ${about(range.low)} and ${about(range.high)}` : "") + `. This one is ${amount(result.amount)}.`);
    this.chart = amounts(plot, [xs, ys], range, mark);
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

  async judge(result, verdict) {
    const focus = document.activeElement?.textContent;
    const path = `api/transactions/${result.id}/feedback`;
    try {
      await send(verdict ? "PUT" : "DELETE", path, verdict ? { verdict } : undefined, { headers: { Prefer: "wait=10" } });
      const changed = { ...result, feedback: verdict ?? undefined };
      this.replace(changed);
      if (this.selected === result.id) {
        this.renderDetail(changed);
        [...this.detail.querySelectorAll("button")].find(button => button.textContent === focus)?.focus();
        this.tell(verdict === "expected" ? "Recorded: this was theirs." : verdict === "unexpected" ? "Recorded: this was not theirs." : "The verdict was taken back.", "good");
      }
    } catch (error) {
      this.tell(error.status === 404 || error.status === 405 ? "This server does not take verdicts." : error.kind === "scope" ? `${error.message} Sign in with one that has it.` : error.message, "bad");
    }
  }

  async snooze(result) {
    const day = 86400000;
    const given = await ask("Snooze alerts", [
      h("p", null, `No alerts for user ${result.user_id} in category ${result.category_id}. Payments go on being judged and listed.`),
      field("For", h("select", { name: "days" }, [["1", "A day"], ["7", "A week"], ["30", "30 days"]].map(([value, text]) => h("option", { value }, text))))],
    [{ text: "Cancel", value: "" }, { text: "Snooze", value: "ok", class: "primary" }]);
    if (!given) return;
    const until = new Date(Date.now() + Number(given.data.get("days")) * day).toISOString();
    try {
      await send("PUT", "api/sensitivity", [{ user_id: result.user_id, category_id: result.category_id, level: "never", until }], { headers: { Prefer: "wait=10" } });
      this.tell(`No alerts until ${time(until)}.`, "good");
    } catch (error) {
      this.tell(error.status === 404 || error.status === 405 ? "This server has no snooze." : error.message, "bad");
    }
  }

  tell(text, kind) {
    this.answer?.replaceChildren(h("p", { class: `notice ${kind}` }, text));
  }

  key(event) {
    if (!shortcuts.on || event.ctrlKey || event.metaKey || event.altKey || event.target.closest?.("input, select, textarea, dialog")) return;
    const index = this.rows.findIndex(row => row.id === this.selected);
    const result = this.rows[index];
    if (event.key === "j" || event.key === "k") {
      const next = this.rows[Math.min(this.rows.length - 1, Math.max(0, index + (event.key === "j" ? 1 : -1)))];
      if (next) {
        history.replaceState(null, "", this.addressOf(next.id));
        this.query.set("id", next.id);
        this.select(next.id, true);
      }
    } else if (event.key === "e" && result) this.judge(result, "expected");
    else if (event.key === "u" && result) this.judge(result, "unexpected");
    else return;
    event.preventDefault();
  }
}
