import { call, can, Problem, request, send } from "./api.js";
import { empty, field, h, problem, say, table } from "./dom.js";
import * as csv from "./csv.js";
import * as events from "./events.js";
import { amount, count, duration, fullTime, time } from "./format.js";
import { alertText, sentence } from "./result.js";

export const title = "Try it";

export function show(root) {
  const view = { ended: false };
  root.append(h("div", { class: "head" }, h("h1", null, "Try it"), h("p", null, "What you submit here is real: it is stored, judged, and alerted as any other payment.")),
    h("div", { class: "stack" }, one(view), file(view)));
  return () => { view.ended = true; };
}

const steps = [["accepted", "Accepted"], ["queued", "On the queue"], ["scored", "Judged"], ["alerted", "Alerted"]];

function one(view) {
  const input = (name, example, attributes) => h("input", { name, placeholder: `such as ${example}`, required: true, autocomplete: "off", ...attributes });
  const way = h("ol", { class: "way" }, steps.map(([name, text]) => h("li", { id: `step-${name}` }, h("strong", null, text), h("span", { class: "muted small" }, "–"))));
  const answer = h("div", { role: "status" });
  const step = (name, is, text, note) => {
    const place = way.querySelector(`#step-${name}`);
    place.dataset.is = is;
    place.replaceChildren(h("strong", null, steps.find(([other]) => other === name)[1]), h("span", null, text), note ? h("div", { class: "muted small" }, note) : "");
  };
  const form = h("form", { class: "filters", onsubmit: async event => {
    event.preventDefault();
    const data = new FormData(form);
    const button = form.querySelector("button");
    button.disabled = true;
    answer.replaceChildren();
    steps.forEach(([name]) => step(name, "", "–"));
    const started = performance.now();
    step("accepted", "waits", "…");
    try {
      const id = name => /^\d+$/.test(data.get(name)) ? data.get(name) : JSON.stringify(data.get(name));
      const body = `{"user_id":${id("user_id")},"category_id":${id("category_id")},"amount":${JSON.stringify(data.get("amount").trim().replace(",", "."))}}`;
      const accepted = await call("api/transactions", { method: "POST", body, headers: { "Content-Type": "application/json" } });
      const took = (performance.now() - started) / 1000;
      step("accepted", "done", `after ${duration(took)}`, accepted.id);
      step("queued", "done", "durable", "from now on nothing loses it");
      step("scored", "waits", "…");
      await follow(accepted.id, started, 0);
    } catch (error) {
      const current = [...way.children].find(place => place.dataset.is === "waits");
      if (current) current.dataset.is = "bad";
      answer.replaceChildren(problem(error));
    }
    button.disabled = false;
  } }, field("User", input("user_id", "399", { inputMode: "numeric" })), field("Category", input("category_id", "2310", { inputMode: "numeric" })),
  field("Amount", input("amount", "6000", { inputMode: "decimal" })), h("button", { class: "primary" }, "Submit"));

  async function follow(id, started, tries) {
    const result = await call(`api/transactions/${id}?wait=20`);
    if (view.ended) return;
    if (result.status === "pending") {
      step("scored", "waits", "still waiting", "no worker has taken it yet");
      if (tries < 15) return follow(id, started, tries + 1);
      throw new Error("It waits on the queue, and no worker takes it. It is safe there.");
    }
    const inside = (new Date(result.scored_at) - new Date(result.accepted_at)) / 1000;
    step("scored", result.status === "failed" ? "bad" : "done", result.status === "failed" ? "failed" : result.is_anomaly ? "an anomaly" : "ordinary", `${duration(Math.max(0.001, inside))} after it was accepted`);
    answer.replaceChildren(h("p", { class: `notice ${result.is_anomaly ? "warn" : "good"}` }, sentence(result), " ",
      result.is_anomaly && h("a", { href: `#/anomalies?user_id=${result.user_id}&id=${id}` }, "Show its picture")));
    if (!result.is_anomaly) { step("alerted", "", "nothing to alert"); return; }
    alerted(id, result, 0);
  }

  // The alert was written together with the result; whether it left is what the detector's result says, or the number of unsent ones.
  async function alerted(id, result, tries) {
    if (view.ended) return;
    const status = events.state.status;
    if (result.alert === "suppressed") step("alerted", "done", alertText(result));
    else if (result.alert === "sent" || (!result.alert && status && status.unsent_alerts === 0 && new Date(status.as_of) > new Date(result.scored_at))) {
      step("alerted", "done", "on the alert queue", "until a notifier or a Logic App sends it on");
    } else if (tries > 30) step("alerted", "waits", "not sent yet", "it is sent when the alert queue takes it");
    else {
      step("alerted", "waits", "being sent …");
      setTimeout(async () => alerted(id, result.alert ? await call(`api/transactions/${id}`).catch(() => result) : result, tries + 1), 1000);
    }
  }

  return h("section", { class: "card roomy" }, h("h2", null, "One payment on its way"), form, way, answer);
}

function file(view) {
  const place = h("div", { class: "roomy" });
  const input = h("input", { type: "file", accept: ".csv,.txt,.tsv,text/csv", class: "visually-hidden", id: "csv-file", onchange: () => input.files[0] && take(input.files[0]) });
  const drop = h("div", { class: "drop" }, h("strong", null, "Drop a CSV file here"), h("span", { class: "muted" }, "such as your bank's export. It is read in this tab; only its amounts, days and numbers are sent."), h("label", { class: "button", for: "csv-file" }, "Choose a file"), input);
  drop.querySelector("label").setAttribute("for", "csv-file");
  for (const type of ["dragenter", "dragover"]) drop.addEventListener(type, event => { event.preventDefault(); drop.classList.add("over"); });
  for (const type of ["dragleave", "drop"]) drop.addEventListener(type, () => drop.classList.remove("over"));
  drop.addEventListener("drop", event => { event.preventDefault(); if (event.dataTransfer.files[0]) take(event.dataTransfer.files[0]); });

  async function take(given) {
    if (given.size > 50 * 1024 * 1024) { place.replaceChildren(problem(new Error("The file has more than 50 MiB; finance-ingest submit takes any size."))); return; }
    const bytes = new Uint8Array(await given.arrayBuffer());
    let text;
    try { text = new TextDecoder("utf-8", { fatal: true }).decode(bytes); } catch { text = new TextDecoder("windows-1252").decode(bytes); }
    const { records } = csv.parse(text);
    if (records.length < 2) { place.replaceChildren(problem(new Error(`${given.name} has no lines that could be read.`))); return; }
    const digest = [...new Uint8Array(await hash(bytes))].slice(0, 12).map(byte => byte.toString(16).padStart(2, "0")).join("");
    choose(given.name, digest, records, await can("post", "/api/transactions/batch", "history"));
    say(`${given.name} was read: ${records.length} lines.`);
  }

  function choose(name, digest, records, hasHistory) {
    const found = csv.guess(records);
    const heads = records[0].cells.map((cell, index) => found.isHeader && cell ? cell : `Column ${index + 1}`);
    const column = (key, none) => h("select", { name: key }, none && h("option", { value: "-1" }, none), heads.map((head, index) => h("option", { value: String(index), selected: found[key] === index }, head)));
    const form = h("form", { class: "filters", onsubmit: event => { event.preventDefault(); submit(name, digest, convert(), form.elements.history?.checked); } },
      field("Amount", column("amount")), field("Day", column("day", "the time of submission")), field("Category", column("category", "all are one")), field("User", column("user", "one user:")),
      field("User, where no column", h("input", { name: "userId", value: "1", inputMode: "numeric", pattern: "[1-9][0-9]*" })),
      field("Decimals after", h("select", { name: "comma" }, h("option", { value: "" }, "a point"), h("option", { value: "1", selected: found.comma }, "a comma"))),
      field("Days", h("select", { name: "order" }, [["auto", "as found"], ["dmy", "day, month, year"], ["mdy", "month, day, year"]].map(([value, text]) => h("option", { value }, text)))),
      h("div", { class: "row" }, hasHistory && h("label", { class: "inline" }, h("input", { type: "checkbox", name: "history", checked: true }), "This is history: learn and judge it, alert nobody"),
        h("button", { class: "primary" }, "Submit them")));
    const preview = h("div", { class: "roomy" });
    const convert = () => {
      const value = key => form.elements[key].value;
      return csv.convert(records, { isHeader: found.isHeader, amount: Number(value("amount")), day: Number(value("day")), category: Number(value("category")), user: Number(value("user")), userId: value("userId"), comma: value("comma") === "1", order: value("order") });
    };
    const render = () => {
      const { good, refused, names } = convert();
      preview.replaceChildren(h("p", null, `${count(good.length)} payments`, refused.length ? `, ${count(refused.length)} lines can't be read` : "", names.size ? `, ${count(names.size)} categories in words, which get numbers` : "", "."),
        refusedList(refused), h("div", { class: "scroll" }, table([
          { name: "Line", number: true, value: row => String(row.line) }, { name: "When", value: row => row.item.occurred_at ? time(row.item.occurred_at) : "now" },
          { name: "User", number: true, value: row => row.item.user_id }, { name: "Category", number: true, value: row => row.item.category_id },
          { name: "Amount", number: true, value: row => amount(Number(row.item.amount)) },
        ], good.slice(0, 5), { caption: "The first payments" })));
    };
    form.addEventListener("change", render);
    form.elements.userId.addEventListener("input", render);
    place.replaceChildren(h("h3", null, name), form, preview);
    render();
    form.querySelector("select").focus();
  }

  async function submit(name, digest, { good, refused }, isHistory) {
    const bar = h("progress", { max: Math.max(1, good.length * 2), value: 0, "aria-label": "Progress" });
    const text = h("p", { role: "status" }, "Submitting …");
    const below = h("div", { class: "stack" });
    place.replaceChildren(h("h3", null, name), bar, text, below);
    const ids = [];
    const size = 1000;
    try {
      for (let from = 0; from < good.length; from += size) {
        const part = good.slice(from, from + size);
        const answer = await batch(part, `page-${digest}-${from}`, isHistory);
        if (view.ended) return;
        answer.accepted.forEach(one => ids.push(one.id));
        const named = new Set(answer.rejected.map(one => one.index));
        for (const one of answer.rejected) refused.push({ line: part[one.index].line, reason: one.retryable ? "the queue did not take it; submit the file again" : Object.entries(one.errors).map(([key, texts]) => `${key} ${texts.join(", ")}`).join("; ") });
        const known = new Set(answer.accepted.map(one => one.index));
        part.forEach((one, index) => { if (!known.has(index) && !named.has(index)) refused.push({ line: one.line, reason: "it is not valid" }); });
        bar.value = from + part.length;
        text.textContent = `${count(ids.length)} of ${count(good.length)} submitted`;
      }
      const results = await collect(ids, done => { bar.value = good.length + done; text.textContent = `${count(done)} of ${count(ids.length)} judged`; });
      if (view.ended) return;
      bar.remove();
      summary(text, below, results, refused, ids.length);
    } catch (error) {
      below.replaceChildren(problem(error), h("p", null, `${count(ids.length)} were submitted. Submit the file again: what is there already stays once.`), refusedList(refused));
    }
  }

  // The key of a batch comes from the file itself, so that a file that is submitted twice is there once.
  async function batch(part, key, isHistory) {
    for (let tries = 0; ; tries++) {
      const response = await request(`api/transactions/batch${isHistory ? "?history=true" : ""}`, {
        method: "POST", body: part.map(one => csv.line(one.item)).join("\n"), headers: { "Content-Type": "application/x-ndjson", "Idempotency-Key": `"${key}"` },
      });
      const body = await response.json().catch(() => null);
      if (response.ok) return body;
      if (response.status === 400 && body?.rejected) return { accepted: [], rejected: body.rejected };
      if ((response.status === 503 || response.status === 429) && tries < 5) await new Promise(resolve => setTimeout(resolve, 1000 * Number(response.headers.get("Retry-After") ?? 2)));
      else throw new Problem(response.status, body);
    }
  }

  async function collect(ids, tell) {
    const results = new Map();
    let waiting = ids;
    for (let pause = 250; waiting.length && !view.ended; pause = Math.min(pause * 1.5, 3000)) {
      const still = [];
      for (let from = 0; from < waiting.length && !view.ended; from += 1000) {
        const answer = await send("POST", "api/transactions/status", { ids: waiting.slice(from, from + 1000) });
        for (const result of answer.results) {
          if (result.status === "pending") still.push(result.id);
          else results.set(result.id, result);
        }
        tell(results.size);
      }
      waiting = still;
      if (waiting.length) await new Promise(resolve => setTimeout(resolve, pause));
    }
    return [...results.values()];
  }

  function summary(text, below, results, refused, submitted) {
    const of = test => results.filter(test).length;
    const strange = results.filter(result => result.is_anomaly).sort((one, other) => Math.abs(other.z_score ?? 0) - Math.abs(one.z_score ?? 0));
    const unjudged = of(result => result.status === "scored" && result.z_score === null);
    text.textContent = `Done: ${count(submitted)} payments submitted, ${count(strange.length)} out of the ordinary.`;
    below.replaceChildren(h("dl", { class: "tiles" }, [
      ["Submitted", count(submitted), "payments"], ["Judged", count(of(result => result.status === "scored") - unjudged), "with a score"],
      ["Out of the ordinary", count(strange.length), "anomalies"], ["Without a score", count(unjudged), unjudged ? "nothing is known to compare with" : "none"], ["Refused", count(refused.length), "lines of the file"],
    ].map(([name, value, note]) => h("div", { class: "tile" }, h("dt", null, name), h("dd", { class: "value" }, value), h("dd", { class: "note" }, note)))),
    refusedList(refused),
    strange.length ? h("div", { class: "scroll" }, table([
      { name: "When", value: row => h("a", { class: "plain", href: `#/anomalies?user_id=${row.user_id}&id=${row.id}`, title: fullTime(row.occurred_at) }, time(row.occurred_at)) },
      { name: "Amount", number: true, value: row => amount(row.amount) }, { name: "Why", value: row => sentence(row) },
    ], strange.slice(0, 50), { caption: "The strangest first" })) : empty("Nothing was out of the ordinary.", unjudged ? "Baselines, or a detector that learns, are needed to judge payments." : "Every payment is like its neighbours."));
  }

  return h("section", { class: "card roomy" }, h("h2", null, "A file of payments"), drop, place);
}

function refusedList(refused) {
  return refused.length === 0 ? "" : h("details", { class: "notice warn", open: refused.length <= 10 }, h("summary", null, `${count(refused.length)} ${refused.length === 1 ? "line was" : "lines were"} refused`),
    h("ul", null, refused.slice(0, 200).map(one => h("li", null, `Line ${one.line}: ${one.reason}`))), refused.length > 200 ? `and ${count(refused.length - 200)} more` : "");
}

// crypto.subtle is there on https and on this machine's names only; elsewhere a sum that is good enough to recognise a file.
async function hash(bytes) {
  if (crypto.subtle) return crypto.subtle.digest("SHA-256", bytes);
  const sums = new Uint32Array([2166136261, 3141592653, 2718281828]);
  bytes.forEach((byte, index) => sums.forEach((sum, at) => { sums[at] = Math.imul(sum ^ (byte + index * at), 16777619); }));
  return sums.buffer;
}
