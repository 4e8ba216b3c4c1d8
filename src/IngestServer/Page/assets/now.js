import { call } from "./api.js";
import { h, problem, table } from "./dom.js";
import * as events from "./events.js";
import { lines } from "./charts.js";
import { findings } from "./health.js";
import { ago, brief, count, duration, fullTime, rate, timeOfDay } from "./format.js";

export const title = "Now";

const signs = {
  good: "M20 6 9 17l-5-5", warn: "M12 8v5m0 3.5v.01M12 3 2.5 20h19z", bad: "M12 7v6m0 3.5v.01M8 3h8l5 5v8l-5 5H8l-5-5V8z", gone: "M4 4l16 16M8.5 8.6A8 8 0 0 0 5 12m14 0a8 8 0 0 0-4-3.4M12 19h.01M2 8.8a12 12 0 0 1 3-2m17 2a12 12 0 0 0-10-3.7",
};

export function show(root) {
  const state = h("section", { class: "card state", "aria-live": "polite", "aria-atomic": "true" });
  const tiles = h("dl", { class: "tiles eight" });
  const chartPlaces = {};
  const charts = h("div", { class: "charts" }, [
    ["flow", "Transactions per second", ["accepted", "scored"]],
    ["waiting", "Waiting to be scored", ["transactions"]],
    ["latency", "From acceptance to result", ["half take at most", "95 of 100 take at most"]],
  ].map(([name, text, legend]) => {
    const plot = h("div", { class: "plot", role: "img" });
    chartPlaces[name] = { plot, text };
    return h("section", { class: "card chart" }, h("div", { class: "card-head" }, h("h2", null, text),
      h("div", { class: "legend", "aria-hidden": "true" }, legend.map((entry, index) => h("span", { class: index ? "two" : "" }, entry)))), plot);
  }));
  let span = "last_hour";
  const spans = h("div", { class: "segmented", role: "group", "aria-label": "Period of the charts" }, [["last_hour", "Last hour"], ["last_day", "Last day"]].map(([value, text]) =>
    h("button", { type: "button", "aria-pressed": String(value === span), onclick: event => {
      span = value;
      for (const button of spans.children) button.setAttribute("aria-pressed", String(button === event.currentTarget));
      draw();
    } }, text)));
  const more = h("div", { class: "stack" });
  const live = h("div", { class: "stack" }, tiles, h("div", { class: "row" }, spans), charts, more);
  root.append(h("div", { class: "head" }, h("h1", null, "Now")), h("div", { class: "stack" }, state, live));

  const made = {};
  let series = null;
  let seriesAt = 0;
  let stateKey = "";

  function setState(level, heading, content) {
    const key = JSON.stringify([level, heading, content.map(part => part.textContent)]);
    if (key === stateKey) return;
    stateKey = key;
    state.dataset.level = level;
    state.replaceChildren(h("svg", { viewBox: "0 0 24 24", fill: "none", stroke: "currentColor", "stroke-width": "2", "stroke-linecap": "round", "stroke-linejoin": "round", "aria-hidden": "true" },
      h("path", { d: signs[level] })), h("div", null, h("h2", null, heading), content));
  }

  function render() {
    const { status, isLive, lost, statusAt } = events.state;
    live.classList.toggle("is-old", lost === true);
    if (lost) {
      setState("gone", "The server does not answer", [
        h("p", null, statusAt ? `What is shown below is from ${timeOfDay(statusAt)} and is not true any more. This page tries again by itself.` : "This page tries again by itself."),
        h("ul", null, h("li", null, "Look whether the program runs, and at the last line of its log. ", entry("financeingestnothingscored")))]);
    }
    if (!status) {
      if (!lost) setState("good", "Looking …", [h("p", { class: "muted" }, "The first figures come in a moment.")]);
      if (!tiles.childElementCount) tiles.append(...Array.from({ length: 8 }, () => h("div", { class: "tile skeleton" }, h("dt", null, "\u00a0"), h("dd", null, "\u00a0"))));
      return;
    }
    if (!lost && isLive) {
      const found = findings(status);
      const level = found[0]?.level ?? "good";
      setState(level, level === "bad" ? "Something needs you now" : level === "warn" ? "Something deserves a look" : "All is well", found.length === 0
        ? [h("p", { class: "muted" }, "Transactions are accepted and scored, nothing is stuck, and every alert was handed to the alert queue.")]
        : [h("ul", null, found.map(one => h("li", null, h("strong", null, one.text), " ", one.then, " ", one.link && [h("a", { href: one.link[0] }, one.link[1]), " · "], entry(one.entry))))]);
    }
    const { last_minute: minute, last_five_minutes: minutes } = status.activity;
    const latency = minute.latency_seconds ?? minutes.latency_seconds;
    const held = tiles.contains(document.activeElement) ? document.activeElement.getAttribute("href") : null;
    tiles.replaceChildren(...[
      ["Accepted", `${rate(minute.accepted_per_second)}/s`, "here, in the last minute"],
      ["Scored", `${rate(minute.scored_per_second)}/s`, status.process.roles.includes("scorer") ? "here, in the last minute" : "this process scores nothing"],
      ["Waiting", count(status.inbound?.transactions), status.inbound ? `${status.inbound.length ? `oldest: ${duration(status.inbound.oldest_seconds)}` : "nothing"}${status.inbound.transactions_estimated ? ", estimated" : ""}` : "the queue can't be asked"],
      ["Time to result", latency ? duration(latency.p50) : "–", latency ? `95 of 100 within ${duration(latency.p95)}` : "nothing was scored lately"],
      ["Anomalies", count(minutes.anomalies), "in the last five minutes", "#/anomalies"],
      ["Given up", count(status.poison), status.poison ? "messages, to be read" : "no messages", "#/stuck"],
      ["Unsent alerts", count(status.unsent_alerts), status.as_of ? `as of ${timeOfDay(new Date(status.as_of))}` : "the database sleeps", "#/runbook/financeingestalertsunsent"],
      ["Alerts to fetch", count(status.alerts?.length), status.alerts?.length ? `to be sent on; oldest ${duration(status.alerts.oldest_seconds)}` : "by whoever sends them on", "#/notifications"],
    ].map(([name, value, note, href]) => h("div", { class: href ? "tile opens" : "tile" }, h("dt", null, name), h("dd", { class: "value" }, value), h("dd", { class: "note" }, href ? h("a", { href, "aria-label": `${name}: ${note}` }, note) : note))));
    if (held) tiles.querySelector(`a[href="${held}"]`)?.focus({ preventScroll: true });
    renderMore(status);
    if (Date.now() - seriesAt > 10000 && isLive) loadSeries();
  }

  function renderMore(status) {
    const processes = (status.processes ?? []).slice(0, 12);
    const parts = [h("section", { class: "card" }, h("div", { class: "card-head" }, h("h2", null, "Processes that scored"),
      h("p", { class: "muted small" }, status.last_batch ? `Last batch ${ago(status.last_batch.at)}: ${count(status.last_batch.transactions)} ${status.last_batch.transactions === 1 ? "transaction" : "transactions"}` : "No batch is known yet")),
    processes.length === 0 ? h("p", { class: "muted" }, status.processes === null ? "The database sleeps, and is not woken for this." : "None in the last seven days.")
      : table([
        { name: "Process", value: row => h("span", { class: "mono" }, row.instance) },
        { name: "Program", value: row => `${row.program} ${row.version}` },
        { name: "Last seen", value: row => h("time", { dateTime: row.seen_at, title: fullTime(row.seen_at) }, ago(row.seen_at)) },
        { name: "Batches", number: true, value: row => count(row.batches) },
        { name: "Transactions", number: true, value: row => count(row.transactions) },
      ], processes, { caption: "Processes that scored in the last seven days" }))];
    if (status.keys?.length) {
      parts.push(h("section", { class: "card" }, h("h2", null, "Keys"), table([
        { name: "Name", value: row => row.name },
        { name: "Scopes", value: row => row.scopes.join(", ") },
        { name: "Last used here", value: row => row.last_used_at ? ago(row.last_used_at) : "not since the start" },
      ], status.keys, { caption: "Keys of this installation" })));
    }
    more.replaceChildren(...parts);
  }

  async function loadSeries() {
    seriesAt = Date.now();
    try {
      series = await call("api/status/history");
      draw();
    } catch (error) {
      if (error.status) more.prepend(problem(error));
    }
  }

  function draw() {
    if (!series) return;
    const one = series[span];
    const from = new Date(one.from).getTime() / 1000;
    const step = one.step_seconds;
    // The newest slot has just begun, so that its rate would look like a fall.
    const length = Math.max(1, one.accepted.length - 1);
    const x = Array.from({ length }, (_, index) => from + index * step);
    // A program that has just started knows little. The axis spans the whole hour or day all the same.
    const start = x[length - 1] - (span === "last_hour" ? 3600 : 86400);
    const isShort = start < from - step;
    if (isShort) x.unshift(start);
    const cut = values => [...(isShort ? [null] : []), ...values.slice(0, length)];
    const perSecond = values => cut(values).map(value => value === null ? null : value / step);
    set("flow", ["accepted", "scored"], "count", [x, perSecond(one.accepted), perSecond(one.scored)]);
    set("waiting", ["waiting"], "whole", [x, cut(one.waiting)]);
    set("latency", ["p50", "p95"], "seconds", [x, cut(one.latency_p50), cut(one.latency_p95)]);
  }

  function set(name, names, unit, data) {
    const { plot, text } = chartPlaces[name];
    if (made[name]) made[name].set(data);
    else made[name] = lines(plot, names, unit, data);
    const format = unit === "seconds" ? duration : brief;
    plot.setAttribute("aria-label", `${text}, ${span === "last_hour" ? "last hour" : "last day"}. ` + data.slice(1).map((values, index) => {
      const known = values.filter(value => value !== null);
      return known.length ? `${names[index]}: now ${format(known[known.length - 1])}, highest ${format(Math.max(...known))}` : `${names[index]}: nothing yet`;
    }).join("; "));
  }

  const off = [events.on("status", render), events.on("link", render)];
  render();
  loadSeries();
  return () => {
    off.forEach(end => end());
    Object.values(made).forEach(chart => chart.destroy());
  };
}

const entry = name => h("a", { href: `#/runbook/${name}` }, "What to do");
