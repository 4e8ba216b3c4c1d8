import { call } from "./api.js";
import { empty, field, h, problem, table } from "./dom.js";
import { amount, count, deviations, time } from "./format.js";
import { sentence } from "./result.js";

export const title = "Detectors";

export function show(root, { query }) {
  const user = query.get("user_id") ?? "";
  const place = h("div", { class: "stack" });
  root.append(h("div", { class: "head" }, h("h1", null, "Detectors"), h("p", null, "What the live detector alerted, beside what detectors in shadow would have alerted on the same payments. A shadow never alerts anybody.")),
  h("div", { class: "stack" }, h("form", { class: "card filters", onsubmit: event => {
      event.preventDefault();
      const value = new FormData(event.target).get("user_id").trim();
      location.hash = value ? `#/detectors?user_id=${value}` : "#/detectors";
      if ((query.get("user_id") ?? "") === value) load(place, value);
    } }, field("User", h("input", { name: "user_id", value: user, inputMode: "numeric", pattern: "[0-9]*", title: "A number", autocomplete: "off" })), h("div", { class: "row" }, h("button", { class: "primary" }, "Compare"),
      h("span", { class: "muted small" }, "With a user: all of their payments. Without: everybody's latest anomalies, of which a shadow may see fewer, never more."))), place));
  load(place, user);
}

async function load(place, user) {
  place.replaceChildren(h("div", { class: "card skeleton" }, "\u00a0"));
  try {
    const rows = (await call(`api/transactions?${new URLSearchParams({ ...(user ? { user_id: user } : { is_anomaly: "true" }), limit: "1000" })}`)).transactions.filter(row => row.status === "scored");
    const names = [...new Set(rows.flatMap(row => Object.keys(row.shadow ?? {})))].sort();
    const live = [...new Set(rows.map(row => row.detector).filter(Boolean))].join(", ") || "the live detector";
    if (names.length === 0) {
      place.replaceChildren(h("div", { class: "card" }, empty("No detector runs in shadow.", "Set FinanceIngest__Detection__Shadow to the name of one; what is judged from then on is compared here."),
        user !== "" && rows.length > 0 && h("p", { class: "muted small" }, `${count(rows.filter(row => row.is_anomaly).length)} anomalies among the latest ${count(rows.length)} payments, by ${live}.`)));
      return;
    }
    place.replaceChildren(...names.map(name => compare(rows.filter(row => row.shadow?.[name]), name, live)));
  } catch (error) {
    place.replaceChildren(problem(error));
  }
}

function compare(rows, name, live) {
  const both = rows.filter(row => row.is_anomaly && row.shadow[name].is_anomaly);
  const onlyLive = rows.filter(row => row.is_anomaly && !row.shadow[name].is_anomaly);
  const onlyShadow = rows.filter(row => !row.is_anomaly && row.shadow[name].is_anomaly);
  const differing = [...onlyLive, ...onlyShadow].sort((one, other) => other.occurred_at.localeCompare(one.occurred_at));
  return h("section", { class: "card roomy" }, h("h2", null, `${live[0].toUpperCase()}${live.slice(1)} beside ${name}`),
    h("dl", { class: "tiles" }, [["Compared", rows.length, "payments"], ["Both", both.length, "would alert"], [`Only ${live}`, onlyLive.length, "alerted"], [`Only ${name}`, onlyShadow.length, "would have alerted"]]
      .map(([text, value, note]) => h("div", { class: "tile" }, h("dt", null, text), h("dd", { class: "value" }, count(value)), h("dd", { class: "note" }, note)))),
    differing.length === 0 ? empty("They agree.", "On all of these payments.") : h("div", { class: "scroll" }, table([
      { name: "When", nowrap: true, value: row => h("a", { class: "plain", href: `#/anomalies?user_id=${row.user_id}&id=${row.id}` }, time(row.occurred_at)) },
      { name: "User", number: true, value: row => String(row.user_id) }, { name: "Category", number: true, value: row => String(row.category_id) }, { name: "Amount", number: true, value: row => amount(row.amount) },
      { name: "Live", value: row => h("span", { class: row.is_anomaly ? "chip bad" : "chip good" }, row.is_anomaly ? "Anomaly" : "Ordinary") },
      { name: "Shadow", value: row => [h("span", { class: row.shadow[name].is_anomaly ? "chip bad" : "chip good" }, row.shadow[name].is_anomaly ? "Anomaly" : "Ordinary"), " ", h("span", { class: "muted small" }, typeof row.shadow[name].score === "number" ? deviations(row.shadow[name].score) : "")] },
      { name: "Why", value: row => h("span", { class: "small" }, sentence(row)) },
    ], differing.slice(0, 200), { caption: "Payments on which they differ, newest first" })));
}
