import { call, send } from "./api.js";
import * as bell from "./bell.js";
import { empty, field, h, problem, put, say, table, tableRow } from "./dom.js";
import { ago, count, fullTime } from "./format.js";
import * as snoozes from "./snoozes.js";

export const title = "Notifications";

const filters = ["user_id", "channel", "state"];
const states = { held: "Held", waiting: "Waiting", sent: "Sent", given_up: "Given up", skipped: "Left out" };
const kinds = { held: "", waiting: "warn", sent: "good", given_up: "bad", skipped: "" };
const holds = { digest: "for a digest", quiet_hours: "for the end of quiet hours", limit: "for the end of an hour with too many" };
const types = { smtp: "mail", webhook: "webhook", slack: "Slack", teams: "Teams", webpush: "browser", http: "request" };

export function show(root, { query }) {
  const view = { ended: false };
  root.append(h("div", { class: "head" }, h("h1", null, "Notifications"), h("p", null, "What was told to whom, by which channel, and whether it arrived.")),
    h("div", { class: "stack" }, bell.isOffered() && ring(query.get("user_id") ?? ""), snoozed(view), sent(view, query)));
  return () => { view.ended = true; };
}

// What is snoozed now, of everybody: nothing that is quiet is to be forgotten.
function snoozed(view) {
  const list = h("div", { class: "stack" }, h("p", { class: "muted" }, "\u00a0"));
  const answer = h("div", { role: "status" });
  load();
  return h("section", { class: "card roomy", "aria-label": "Snoozes" }, h("h2", null, "Snoozes"), list, answer);

  async function load() {
    try {
      const { snoozes: found, isCut } = await snoozes.all();
      if (view.ended) return;
      put(list, found.length === 0 ? h("p", { class: "muted" }, "Nobody's alerts are snoozed.") : found.map(one => snoozes.notice(one, () => {
        put(answer, h("p", { class: "notice good" }, `Lifted: alerts come again ${snoozes.whose(one)}.`));
        load();
      }, error => put(answer, problem(error)))), isCut && h("p", { class: "muted small" }, "There are more than 1,000 settings; only the first are looked through."));
    } catch (error) {
      if (!view.ended) put(list, problem(error));
    }
  }
}

function ring(user) {
  const place = h("div", { role: "status" });
  const input = h("input", { name: "user", value: user, inputMode: "numeric", pattern: "[1-9][0-9]*", title: "A number", required: true, autocomplete: "off", size: 12 });
  const stop = h("button", { type: "button", hidden: true, onclick: async () => {
    await bell.unsubscribe();
    stop.hidden = true;
    tell("This browser is told nothing any more.", "good");
  } }, "Stop here");
  const tell = (text, kind) => put(place, h("p", { class: `notice ${kind}` }, text));
  const form = h("form", { class: "row end", onsubmit: async event => {
    event.preventDefault();
    const button = form.querySelector("button.primary");
    button.disabled = true;
    put(place);
    try {
      const made = await bell.subscribe(input.value.trim());
      if (made) {
        tell(`This browser is told of user ${input.value.trim()} from now on.`, "good");
        stop.hidden = false;
      } else tell(refusal, "warn");
    } catch (error) {
      tell(error.kind === "scope" ? `${error.message} Sign in with one that has it.` : error.status ? error.message : `The browser could not be reached by push: ${error.message}`, "bad");
    }
    button.disabled = false;
  } }, field("User", input), h("button", { class: "primary" }, "Tell this browser"), stop);
  const refusal = "Notifications of this page are turned off in the browser. Its settings of this page turn them on.";
  if (!bell.isPossible()) tell("This browser can't be told here: push needs https, or this machine's own address.", "warn");
  else if (bell.isRefused()) tell(refusal, "warn");
  if (bell.isPossible()) bell.current().then(subscription => { stop.hidden = !subscription; });
  return h("section", { class: "card roomy" }, h("h2", null, "The bell"),
    h("p", { class: "muted" }, "This browser can say at once when a payment of somebody is out of the ordinary, also while this page is closed."), bell.isPossible() && form, place);
}

function sent(view, query) {
  const text = name => query.get(name) ?? "";
  const list = h("div", null, h("div", { class: "skeleton" }, "\u00a0"));
  const more = h("div", { class: "actions" });
  const answer = h("div", { role: "status" });
  const parameters = new URLSearchParams(filters.filter(text).map(name => [name, text(name)]));
  const form = h("form", { class: "filters", "aria-label": "Filters", onsubmit: event => {
    event.preventDefault();
    const wanted = new URLSearchParams([...new FormData(form)].map(([name, value]) => [name, value.trim()]).filter(([, value]) => value)).toString();
    const hash = `#/notifications${wanted ? `?${wanted}` : ""}`;
    if (location.hash === hash) load();
    else location.hash = hash;
  } },
  field("User", h("input", { name: "user_id", value: text("user_id"), inputMode: "numeric", pattern: "[1-9][0-9]*", title: "A number", autocomplete: "off" })),
  field("Channel", h("input", { name: "channel", value: text("channel"), autocomplete: "off" })),
  field("State", h("select", { name: "state" }, [["", "Any"], ...Object.entries(states)].map(([value, name]) => h("option", { value, selected: value === text("state") }, name)))),
  h("div", { class: "row" }, h("button", { class: "primary" }, "Filter"), h("button", { type: "button", onclick: () => { location.hash = "#/notifications"; } }, "Clear")));
  const columns = [
    { name: "When", nowrap: true, value: row => h("time", { dateTime: row.created_at, title: fullTime(row.created_at) }, ago(row.created_at)) },
    { name: "About user", number: true, value: row => h("a", { class: "plain", href: `#/person/${row.user_id}` }, String(row.user_id)) },
    { name: "Channel", value: row => [row.channel, row.type && row.type !== row.channel ? h("span", { class: "muted small" }, ` ${types[row.type] ?? row.type}`) : ""] },
    { name: "To", value: row => h("span", { class: "address" }, row.address ?? (row.destination_id ? "an address that was removed" : "the channel's own")) },
    { name: "State", value: row => [h("span", { class: `chip ${kinds[row.state] ?? ""}` }, states[row.state] ?? row.state), " ",
      h("span", { class: "muted small" }, row.hold ? holds[row.hold] ?? row.hold : row.state === "waiting" && row.attempts === 0 ? "" : row.attempts === 1 ? "1 attempt" : row.attempts ? `${count(row.attempts)} attempts` : "")] },
    { name: "Problem", value: row => row.problem ?? "" },
    { name: "Again", value: row => row.message_id ? h("button", { type: "button", onclick: event => again(event.currentTarget, row), "aria-label": `Send again: notification ${row.id}` }, "Send again") : "" },
  ];
  load();
  return h("section", { class: "card roomy" }, h("h2", null, "What was sent"), form, answer, list, more);

  async function load(after = null) {
    try {
      const page = await call(`api/notifications?${new URLSearchParams([...parameters, ["limit", "50"], ...(after ? [["after", after]] : [])])}`, { admin: true });
      if (view.ended) return;
      if (after) list.querySelector("tbody").append(...page.notifications.map(row => tableRow(columns, row)));
      else if (page.notifications.length === 0) {
        put(list, parameters.size ? empty("Nothing matches.", "Widen the filters, or clear them.") : empty("Nothing was told yet.", "Alerts that a channel of the notifier takes are listed here. Where no channel is set up, alerts wait on the alert queue for whoever fetches it; docs/notifications.md says how a channel is set."));
      } else put(list, h("div", { class: "scroll" }, table(columns, page.notifications, { caption: "Notifications, newest first" })));
      put(more, page.next && h("button", { type: "button", onclick: () => load(page.next) }, "Show more"));
    } catch (error) {
      if (!view.ended) put(list, problem(error), h("div", { class: "actions" }, h("button", { type: "button", onclick: () => load() }, error.kind === "scope" ? "Use another key" : "Try again")));
    }
  }

  async function again(button, row) {
    button.disabled = true;
    try {
      await send("POST", `api/notifications/${row.id}/again`, undefined, { admin: true });
      put(answer, h("p", { class: "notice good" }, "It is sent again, under the same id."));
      say("It is sent again.");
      follow(button.closest("tr"), row, 0);
    } catch (error) {
      put(answer, problem(error));
      button.disabled = false;
    }
  }

  // What became of it is shown in its row, as soon as the notifier has tried.
  async function follow(line, row, tries) {
    if (view.ended) return;
    let found = null;
    try {
      const page = await call(`api/notifications?${new URLSearchParams({ user_id: row.user_id, after: String(row.id + 1), limit: "1" })}`, { admin: true });
      found = page.notifications.find(one => one.id === row.id);
    } catch (error) {
      put(answer, problem(error));
      return;
    }
    if (found) {
      const next = tableRow(columns, found);
      const button = next.querySelector("button");
      if (found.state === "waiting" && button) button.disabled = true;
      line.replaceWith(next);
      line = next;
      if (found.state !== "waiting") { put(answer, h("p", { class: `notice ${found.state === "sent" ? "good" : "warn"}` }, found.state === "sent" ? "It was sent again." : `It was tried again: ${found.problem ?? states[found.state]}`)); return; }
    }
    if (tries < 20) setTimeout(() => follow(line, row, tries + 1), 1000);
    else if (line.querySelector("button")) line.querySelector("button").disabled = false;
  }
}
