import { call, send } from "./api.js";
import { ask, field, h } from "./dom.js";
import { amounts } from "./charts.js";
import { about, amount, count, deviations, fullTime, time } from "./format.js";
import { alertText, rarity, sentence, usual, verdictOf } from "./result.js";
import * as snoozes from "./snoozes.js";

export const shortcuts = {
  get on() { return localStorage.getItem("finance-ingest-shortcuts") !== "off"; },
  set on(value) { localStorage.setItem("finance-ingest-shortcuts", value ? "on" : "off"); },
};

// Single letters are shortcuts only where nobody writes, and not with a key that makes something else of them.
export const isShortcut = event => shortcuts.on && !event.ctrlKey && !event.metaKey && !event.altKey && !event.target.closest?.("input, select, textarea, dialog");

// What a verdict changes, and what it leaves.
function told(result, verdict) {
  if (!verdict) return "The verdict was taken back.";
  const learns = result.detector?.startsWith("adaptive");
  return verdict === "expected"
    ? `Recorded: mine. ${learns ? "Others like it are quiet from now on." : "The detector that judged it does not learn, so that others like it are alerted as before; Snooze keeps them quiet."} This one stays in the history as it was judged.`
    : `Recorded: not mine. ${learns ? "Nothing is learned from it, and payments of these days are looked at more closely." : "The detector that judged it does not learn from it."} The payment itself is neither stopped nor paid back.`;
}

// One payment: what was judged, its place among the others, and what its owner says of it. "changed" is told of a verdict.
export class Picture {
  constructor(place, changed) {
    this.place = place;
    this.changed = changed;
    this.result = null;
  }

  end() {
    this.result = null;
    this.chart?.destroy();
    this.chart = null;
  }

  // Shows something else in the picture's place.
  clear(...content) {
    this.end();
    this.place.replaceChildren(...content);
  }

  show(result) {
    this.end();
    this.result = result;
    const range = usual(result);
    const verdict = verdictOf(result);
    const plot = h("div", { class: "plot tall", role: "img", "aria-label": "Loading the picture." });
    const answer = h("div", { role: "status" });
    const actions = h("div", { class: "actions" },
      h("button", { type: "button", "aria-pressed": String(verdict === "expected"), onclick: () => this.judge(result, "expected") }, "This was mine"),
      h("button", { type: "button", "aria-pressed": String(verdict === "unexpected"), onclick: () => this.judge(result, "unexpected") }, "This was not mine"),
      verdict && h("button", { type: "button", class: "plain", onclick: () => this.judge(result, null) }, "Take the verdict back"),
      h("button", { type: "button", onclick: () => this.snooze(result) }, "Snooze …"));
    const alert = alertText(result);
    const shadows = Object.entries(result.shadow ?? {});
    const snoozed = h("div", { class: "snooze-place" });
    this.answer = answer;
    this.snoozed = snoozed;
    // What is judged stands beside the buttons that judge it, however far the rest is scrolled.
    this.place.replaceChildren(
      h("div", { class: "judged" }, h("div", { class: "card-head" }, h("div", null, h("p", { class: "amount" }, amount(result.amount)),
        h("p", { class: "muted" }, h("time", { dateTime: result.occurred_at }, fullTime(result.occurred_at)), ` · user ${result.user_id}`)),
      h("span", { class: result.is_anomaly ? "chip bad" : "chip good" }, result.is_anomaly ? "Anomaly" : "Ordinary")), actions),
      answer, snoozed, h("p", null, sentence(result)), plot,
      h("div", { class: "legend", "aria-hidden": "true" }, h("span", { class: "mark" }, "this one"), h("span", { class: "dot" }, "other payments"), range && h("span", { class: "band" }, "four in five lie here")),
      h("dl", { class: "facts" },
        h("dt", null, "User"), h("dd", null, h("a", { href: `#/person/${result.user_id}` }, String(result.user_id))),
        h("dt", null, "Category"), h("dd", null, String(result.category_id)),
        range && [h("dt", null, "Usual"), h("dd", null, `${about(range.low)} to ${about(range.high)}, half below ${about(range.typical)}, from ${count(range.count)} payments`)],
        result.z_score !== null && result.z_score !== undefined && [h("dt", null, "Deviations"), h("dd", null, deviations(result.z_score))],
        result.surprise !== undefined && [h("dt", null, "How rare"), h("dd", null, rarity(result.surprise))],
        result.detector && [h("dt", null, "Detector"), h("dd", null, result.detector)],
        alert && [h("dt", null, "Alert"), h("dd", null, alert, result.alert === "sent" && [". ", h("a", { href: `#/notifications?user_id=${result.user_id}` }, "Who was told")])],
        shadows.length > 0 && [h("dt", null, "In shadow"), h("dd", null, shadows.map(([name, other]) => `${name}: ${other.is_anomaly ? "anomaly" : "ordinary"}`).join(", "))],
        h("dt", null, "Id"), h("dd", { class: "mono" }, result.id)));
    this.place.scrollTop = 0;
    this.draw(result, range, plot);
    this.showSnooze(result);
  }

  // Whether alerts like this one's are off just now; a server that does not say leaves the place empty.
  async showSnooze(result) {
    const found = await snoozes.of(result).catch(() => null);
    if (this.result !== result) return;
    this.held = found;
    this.snoozed.replaceChildren(found ? snoozes.notice(found, async () => {
      await this.showSnooze(result);
      if (this.result === result) { this.tell("The snooze is lifted: alerts come again.", "good"); this.focus("Snooze …"); }
    }, error => this.tell(error.message, "bad")) : "");
  }

  focus(text) {
    [...this.place.querySelectorAll("button")].find(button => button.textContent === text)?.focus();
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
    if (this.result !== result || !plot.isConnected) return;
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

  async judge(result, verdict) {
    const focus = document.activeElement?.textContent;
    const isPressed = focus === "Take the verdict back";
    const path = `api/transactions/${result.id}/feedback`;
    try {
      await send(verdict ? "PUT" : "DELETE", path, verdict ? { verdict } : undefined, { headers: { Prefer: "wait=10" } });
      const changed = { ...result, feedback: verdict ?? undefined };
      this.changed?.(changed);
      if (this.result?.id === result.id) {
        this.show(changed);
        // The button that takes a verdict back is gone with it.
        this.focus(verdict || !isPressed ? focus : "This was mine");
        this.tell(told(result, verdict), "good");
      }
    } catch (error) {
      this.tell(error.status === 404 || error.status === 405 ? "This server does not take verdicts." : error.kind === "scope" ? `${error.message} Sign in with one that has it.` : error.message, "bad");
    }
  }

  async snooze(result) {
    const day = 86400000;
    const held = this.held;
    const given = await ask("Snooze alerts", [
      h("p", null, `No alerts for user ${result.user_id} in category ${result.category_id}. Payments go on being judged and listed.`),
      held && h("p", { class: "notice warn" }, `Now: ${snoozes.what(held)[0].toLowerCase()}${snoozes.what(held).slice(1)} ${snoozes.whose(held)}.`),
      field("For", h("select", { name: "days" }, [...(held ? [["", "As it is"]] : []), ["1", "A day"], ["7", "A week"], ["30", "30 days"]].map(([value, text]) => h("option", { value }, text))))],
    [{ text: "Cancel", value: "" }, { text: "Snooze", value: "ok", class: "primary" }]);
    if (!given || !given.data.get("days")) return;
    const until = new Date(Date.now() + Number(given.data.get("days")) * day).toISOString();
    try {
      await send("PUT", "api/sensitivity", [{ user_id: result.user_id, category_id: result.category_id, level: "never", until }], { headers: { Prefer: "wait=10" } });
      if (this.result?.id !== result.id) return;
      await this.showSnooze(this.result);
      this.tell(`Snoozed until ${time(until)}. What comes meanwhile is listed here without an alert.`, "good");
    } catch (error) {
      this.tell(error.status === 404 || error.status === 405 ? "This server has no snooze." : error.message, "bad");
    }
  }

  tell(text, kind) {
    this.answer?.replaceChildren(h("p", { class: `notice ${kind}` }, text));
  }
}
