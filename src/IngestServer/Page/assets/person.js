import { call } from "./api.js";
import { empty, field, h, problem, table } from "./dom.js";
import { bars } from "./charts.js";
import { about, amount, count, month, share, time } from "./format.js";
import { sentence, verdictChip } from "./result.js";
import * as snoozes from "./snoozes.js";

export const title = "A person";

const levels = { low: ["good", "Low"], medium: ["warn", "Medium"], high: ["bad", "High"] };
// Too few payments are no good sign: nothing can be said.
const level = risk => risk.code === "too_little" ? ["", "Unknown"] : levels[risk.level];
const directions = { rising: "↗ rising", falling: "↘ falling", steady: "→ steady" };

export function show(root, { rest, query }) {
  const user = rest[0] ?? "";
  const months = query.get("months") ?? "12";
  const place = h("div", { class: "stack" });
  root.append(h("div", { class: "head" }, h("h1", null, user ? `User ${user}` : "A person"), h("form", { class: "row end", onsubmit: event => {
    event.preventDefault();
    const data = new FormData(event.target);
    location.hash = `#/person/${data.get("user").trim()}?months=${data.get("months")}`;
  } }, field("User", h("input", { name: "user", value: user, inputMode: "numeric", pattern: "[0-9]+", title: "A number", required: true, autocomplete: "off", size: 12 })),
  field("Months", h("select", { name: "months" }, ["6", "12", "24", "60"].map(value => h("option", { value, selected: value === months }, value)))),
  h("button", { class: "primary" }, "Show"))), place);
  if (!user) {
    place.append(h("div", { class: "card" }, empty("Whose spending?", "Give a user's number to see where the money went, what is usual, and what was not.")));
    return;
  }
  const view = {};
  load(place, user, months, view);
  return () => view.chart?.destroy();
}

async function load(place, user, months, view) {
  place.replaceChildren(h("div", { class: "card skeleton" }, "\u00a0"));
  try {
    const insights = await call(`api/users/${encodeURIComponent(user)}/insights?months=${encodeURIComponent(months)}`);
    if (insights.all.count === 0) {
      place.replaceChildren(h("div", { class: "card" }, empty(`Nothing of user ${user} in these months.`, "Choose more months, or another user.")));
      return;
    }
    const all = insights.all.by_month;
    const plot = h("div", { class: "plot tall", role: "img", "aria-label": `Totals of ${all.length} months, each beside the same month a year before. `
      + all.map(one => `${month(one.month)} ${amount(one.total)}`).join(", ") });
    place.replaceChildren(summary(insights), card("Month by month, beside the year before", plot, legend()), categories(insights), history(user));
    showSnoozes(place, user);
    view.chart = bars(plot, all.map(one => month(one.month)), all.map(one => one.total), all.map(one => one.total_last_year ?? null));
  } catch (error) {
    place.replaceChildren(problem(error));
  }
}

// Alerts that are off for this person stand above everything else.
async function showSnoozes(place, user) {
  const found = (await snoozes.all(user).catch(() => null))?.snoozes.filter(one => String(one.user_id) === user) ?? [];
  place.querySelector(".snoozes")?.remove();
  if (found.length && place.isConnected) place.prepend(h("div", { class: "stack snoozes" }, found.map(one => snoozes.notice(one, () => showSnoozes(place, user), error => place.prepend(problem(error))))));
}

const card = (name, ...content) => h("section", { class: "card" }, h("h2", null, name), content);
const legend = () => h("div", { class: "legend", "aria-hidden": "true" }, h("span", { class: "filled" }, "this month"), h("span", { class: "outlined" }, "the same month a year before"));

function summary({ all }) {
  const [present, full] = all.by_month.slice(-2).reverse();
  const [kind, text] = level(all.risk);
  return h("dl", { class: "tiles" }, [
    ["In all", amount(all.total), `${count(all.count)} payments`],
    ...(full ? [[month(full.month), amount(full.total), against(full.total, full.total_last_year, "against the year before")]] : []),
    [`${month(present.month)} so far`, amount(present.total), against(present.total, present.total_last_year_so_far, "against as many days of the year before")],
    ["Usual payment", all.usual ? about(all.usual.typical) : "–", all.usual ? `four in five: ${about(all.usual.low)} to ${about(all.usual.high)}` : "too few to tell"],
    ["Anomalies", count(all.anomalies), h("a", { href: `#/anomalies?user_id=${location.hash.split("/")[2].split("?")[0]}` }, "show them")],
    ["Worth a look", h("span", { class: `chip ${kind}` }, text), all.risk.reason],
  ].map(([name, value, note]) => h("div", { class: "tile" }, h("dt", null, name), h("dd", { class: "value" }, value), h("dd", { class: "note" }, note))));
}

function against(total, before, words) {
  if (!before) return "nothing to compare with";
  const difference = (total - before) / Math.abs(before);
  return `${difference >= 0 ? "+" : "−"}${share(Math.abs(difference))} ${words}`;
}

function spark(all) {
  const highest = Math.max(...all.map(one => one.total)), lowest = Math.min(0, ...all.map(one => one.total));
  const path = all.map((one, index) => `${index ? "L" : "M"}${(index / Math.max(1, all.length - 1) * 110).toFixed(1)} ${(26 - (one.total - lowest) / (highest - lowest || 1) * 24).toFixed(1)}`).join("");
  return h("svg", { class: "spark", viewBox: "0 0 112 28", "aria-hidden": "true" }, h("path", { d: path }));
}

function categories({ categories, months }) {
  return card("Categories", h("div", { class: "scroll" }, table([
    { name: "Category", value: row => String(row.category_id) },
    { name: "Total", number: true, value: row => amount(row.total) },
    { name: "Share", number: true, value: row => row.share === undefined ? "–" : h("span", null, share(row.share), h("svg", { class: "meter", viewBox: "0 0 100 8", preserveAspectRatio: "none", "aria-hidden": "true" }, h("rect", { width: Math.max(0, Math.min(100, row.share * 100)), height: 8 }))) },
    { name: "Months", value: row => spark(row.by_month) },
    { name: "Trend", value: row => row.trend ? [directions[row.trend.direction], h("span", { class: "muted small" }, ` ${row.trend.per_month >= 0 ? "+" : "−"}${about(Math.abs(row.trend.per_month))} a month`)] : h("span", { class: "muted" }, "too short") },
    { name: "Usual payment", number: true, nowrap: true, value: row => row.usual ? `${about(row.usual.low)} – ${about(row.usual.high)}` : "–" },
    { name: "Anomalies", number: true, value: row => count(row.anomalies) },
    { name: "Worth a look", value: row => [h("span", { class: `chip ${level(row.risk)[0]}` }, level(row.risk)[1]), " ", h("span", { class: "small" }, row.risk.reason)] },
  ], categories, { caption: `Categories of ${months} months` })));
}

function history(user) {
  const body = h("div", null);
  const only = h("input", { type: "checkbox" });
  const columns = [
    { name: "When", nowrap: true, value: row => row.occurred_at ? h("a", { class: "plain", href: `#/anomalies?user_id=${user}&id=${row.id}` }, time(row.occurred_at)) : "–" },
    { name: "Category", number: true, value: row => String(row.category_id ?? "–") },
    { name: "Amount", number: true, value: row => row.amount === undefined ? "–" : amount(row.amount) },
    { name: "Judged", value: row => row.status === "failed" ? h("span", { class: "chip warn" }, "Failed") : row.is_anomaly ? [h("span", { class: "chip bad" }, "Anomaly"), " ", verdictChip(row)] : [h("span", { class: "chip good" }, "Ordinary"), " ", verdictChip(row)] },
    { name: "Why", value: row => h("span", { class: "small" }, sentence(row)) },
  ];
  let made = null;
  const more = h("div", { class: "actions" });
  async function load(after) {
    try {
      const parameters = new URLSearchParams({ user_id: user, limit: "50", ...(only.checked ? { is_anomaly: "true" } : {}), ...(after ? { after } : {}) });
      const page = await call(`api/transactions?${parameters}`);
      if (!after) {
        made = table(columns, page.transactions, { caption: "Payments, newest first" });
        body.replaceChildren(page.transactions.length ? h("div", { class: "scroll" }, made) : empty("Nothing here.", ""));
      } else made.tBodies[0].append(...table(columns, page.transactions).tBodies[0].rows);
      more.replaceChildren(...(page.next ? [h("button", { type: "button", onclick: () => load(page.next) }, "Show more")] : []));
    } catch (error) {
      body.replaceChildren(problem(error));
    }
  }
  only.addEventListener("change", () => load(null));
  load(null);
  return h("section", { class: "card" }, h("div", { class: "card-head" }, h("h2", null, "Payments"), h("label", { class: "inline" }, only, "Anomalies only")), body, more);
}
