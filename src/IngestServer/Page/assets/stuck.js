import { call, send } from "./api.js";
import { ask, empty, h, problem, put, say, table } from "./dom.js";
import { ago, amount, count, fullTime, timeOfDay } from "./format.js";

export const title = "What is stuck";

export function show(root) {
  const messages = h("section", { class: "card" });
  const afterwards = h("section", { class: "card roomy", hidden: true, "aria-live": "polite" });
  const failed = h("section", { class: "card" });
  root.append(h("div", { class: "head" }, h("h1", null, "What is stuck"),
    h("p", null, "Messages that could not be read, or failed five times by themselves. Nothing is lost: mend the cause, then put them back. What can't be read can't be put back as it is: it would only be given up again.")),
  h("div", { class: "stack" }, messages, afterwards, failed));
  const view = { chosen: new Set(), ended: false };
  loadMessages();
  loadFailed();
  return () => { view.ended = true; };

  async function loadMessages() {
    try {
      const page = await call("api/poison?limit=100", { admin: true });
      view.chosen.clear();
      renderMessages(page);
    } catch (error) {
      put(messages, h("h2", null, "Messages that were given up"), problem(error),
        h("div", { class: "actions" }, h("button", { type: "button", onclick: loadMessages }, error.kind === "scope" ? "Use another key" : "Try again")));
    }
  }

  function renderMessages(page) {
    if (page.messages.length === 0) {
      put(messages, h("h2", null, "Messages that were given up"), empty("Nothing is stuck.", "Every message was scored."));
      return;
    }
    const redrive = h("button", { type: "button", class: "primary", disabled: true, onclick: () => act("redrive") }, "Put back");
    const drop = h("button", { type: "button", class: "danger", disabled: true, onclick: () => act("drop") }, "Drop …");
    const changed = () => {
      redrive.disabled = drop.disabled = view.chosen.size === 0;
      redrive.textContent = view.chosen.size > 1 ? `Put ${view.chosen.size} back` : "Put back";
    };
    const boxes = [];
    const box = (label, onchange) => h("input", { type: "checkbox", "aria-label": label, onchange });
    const all = box("Choose all", event => boxes.forEach(one => { one.checked = event.target.checked; one.dispatchEvent(new Event("change")); }));
    put(messages, h("div", { class: "card-head" }, h("h2", null, "Messages that were given up"), h("div", { class: "row" }, redrive, drop)),
      h("div", { class: "scroll" }, table([
        { name: all, value: row => { const one = box(`Choose message ${row.message_id}`, event => { view.chosen[event.target.checked ? "add" : "delete"](row.message_id); changed(); }); boxes.push(one); return one; } },
        { name: "Reason", value: row => row.reason },
        { name: "Given up", value: row => h("time", { dateTime: row.failed_at, title: fullTime(row.failed_at) }, ago(row.failed_at)) },
        { name: "Attempts", number: true, value: row => count(row.attempts) },
        { name: "Message", value: row => h("span", null, h("span", { class: "mono" }, row.message_id), " ", h("button", { type: "button", class: "plain", "aria-expanded": "false", onclick: event => open(event.currentTarget, row) }, "Show text")) },
      ], page.messages, { caption: "Messages that were given up, oldest first" })),
      page.next && h("p", { class: "muted small" }, `The oldest ${page.messages.length} are shown.`));
  }

  async function open(button, row) {
    const line = button.closest("td");
    const shown = line.querySelector("div.opened");
    button.setAttribute("aria-expanded", String(!shown));
    button.textContent = shown ? "Show text" : "Hide text";
    if (shown) { shown.remove(); return; }
    const place = h("div", { class: "opened" });
    line.append(place);
    try {
      const message = await call(`api/poison/${encodeURIComponent(row.message_id)}`, { admin: true });
      put(place, h("pre", { class: "raw", tabIndex: 0 }, readable(message.body)), message.exception && h("pre", { class: "raw", tabIndex: 0 }, message.exception));
    } catch (error) {
      place.append(problem(error));
    }
  }

  async function act(what) {
    const ids = [...view.chosen].slice(0, 100);
    if (what === "drop") {
      const sure = await ask(ids.length === 1 ? "Drop this message?" : `Drop ${ids.length} messages?`,
        [h("p", null, `${ids.length === 1 ? "Its text is" : "Their texts are"} removed for good. Transactions that could be read from ${ids.length === 1 ? "it" : "them"} stay in the history as failed, and are never scored; of what could not be read nothing is left.`)],
        [{ text: "Keep", value: "", class: "primary" }, { text: "Drop for good", value: "ok", class: "danger" }]);
      if (!sure) return;
    }
    try {
      const texts = what === "redrive" ? await Promise.all(ids.map(id => call(`api/poison/${encodeURIComponent(id)}`, { admin: true }).catch(() => null))) : [];
      const outcome = await send("POST", `api/poison/${what}`, { message_ids: ids }, { admin: true });
      renderOutcome(what, outcome, texts.filter(Boolean));
      await loadMessages();
    } catch (error) {
      afterwards.hidden = false;
      afterwards.prepend(problem(error));
    }
  }

  function renderOutcome(what, outcome, texts) {
    afterwards.hidden = false;
    const lines = [];
    if (outcome.done.length) lines.push(what === "drop" ? `Dropped: ${outcome.done.length}.` : `Put back: ${outcome.done.length}.`);
    if (outcome.unknown.length) lines.push(`Somebody else was faster with ${outcome.unknown.length}.`);
    const place = h("div", null);
    // What came of an earlier one stays below.
    afterwards.prepend(h("div", null, h("h2", null, what === "drop" ? "Dropped" : "Put back, and what became of it", h("span", { class: "muted small" }, ` at ${timeOfDay(new Date())}`)), lines.map(line => h("p", null, line)),
      outcome.unfinished.length > 0 && h("ul", null, outcome.unfinished.map(one => h("li", null, h("span", { class: "mono" }, one.message_id), `: ${one.reason}`))), place));
    say(lines.join(" "));
    const ids = texts.filter(message => outcome.done.includes(message.message_id)).flatMap(message => transactionsOf(message.body));
    if (ids.length) follow(ids.slice(0, 1000), place, 0);
  }

  // What was put back is scored, or given up again, within seconds where a worker runs.
  async function follow(ids, place, tries) {
    if (view.ended) return;
    let results;
    try {
      results = (await send("POST", "api/transactions/status", { ids })).results;
    } catch (error) {
      place.replaceChildren(problem(error));
      return;
    }
    const waiting = results.filter(result => result.status === "pending" || (result.status === "failed" && tries < 3)).length;
    const of = status => results.filter(result => result.status === status).length;
    put(place, h("p", null, `${count(of("scored"))} of ${count(results.length)} transactions are scored`
      + (of("failed") ? `, ${count(of("failed"))} are failed` : "") + (of("pending") ? `, ${count(of("pending"))} wait` : "") + "."),
    h("ul", null, results.filter(result => result.status === "scored").slice(0, 10).map(result => h("li", null,
      h("a", { href: `#/transactions/${result.id}` }, `${result.amount === undefined ? "The payment" : amount(result.amount)} of user ${result.user_id} in category ${result.category_id}`), " ",
      h("span", { class: result.is_anomaly ? "chip bad" : "chip good" }, result.is_anomaly ? "Anomaly" : "Ordinary")))));
    if (waiting && tries < 60) setTimeout(() => follow(ids, place, tries + 1), 1000);
    else { loadMessages(); loadFailed(); }
  }

  async function loadFailed() {
    try {
      const page = await call("api/transactions?status=failed&limit=50");
      put(failed, h("h2", null, "Transactions that failed"), page.transactions.length === 0 ? empty("None.", "Whatever could be read was scored.") : h("div", { class: "scroll" }, table([
        { name: "Failed", value: row => row.scored_at ? h("time", { dateTime: row.scored_at, title: fullTime(row.scored_at) }, ago(row.scored_at)) : "–" },
        { name: "Why", value: row => row.error?.detail ?? "–" },
        { name: "User", number: true, value: row => row.user_id === undefined ? "–" : String(row.user_id) },
        { name: "Category", number: true, value: row => row.category_id === undefined ? "–" : String(row.category_id) },
        { name: "Amount", number: true, value: row => row.amount === undefined ? "–" : amount(row.amount) },
        { name: "Id", value: row => h("a", { class: "mono", href: `#/transactions/${row.id}` }, row.id) },
      ], page.transactions, { caption: "Transactions that failed, newest first" })), page.next && h("p", { class: "muted small" }, `The newest ${page.transactions.length} are shown.`));
    } catch (error) {
      put(failed, h("h2", null, "Transactions that failed"), problem(error));
    }
  }
}

// Queues carry base64 of JSON; anything else is shown as it is.
function decoded(body) {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(Uint8Array.from(atob(body.trim()), letter => letter.charCodeAt(0)));
  } catch {
    return body;
  }
}

function readable(body) {
  const text = decoded(body);
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

function transactionsOf(body) {
  try {
    return (JSON.parse(decoded(body)).transactions ?? []).map(transaction => transaction.id).filter(Boolean);
  } catch {
    return [];
  }
}
