import { empty, h, problem } from "./dom.js";

export const title = "Runbook";

const slug = text => text.trim().toLowerCase().replace(/[^\w\- ]/g, "").replaceAll(" ", "-");
const file = new URL("operations.md", import.meta.url);

// What an alert's name says, in words, and where on this page somebody can do something about it.
const plain = {
  financeingestbacklogold: ["Transactions wait too long", "#/now", "Look at the charts: does the queue shrink?"],
  financeingestlatencyhigh: ["Results come late", "#/now", "Look at the charts: is it over already?"],
  financeingestnothingscored: ["Nothing is scored", "#/now", "Look which processes scored last, and when"],
  financeingestintakerefusing: ["Transactions are refused", "#/now", "Look whether they are still refused"],
  financeingestservererrors: ["The server answers with errors"],
  financeingestscoringretries: ["Scoring waits for the database", "#/now", "Look whether it goes on by itself"],
  financeingestpoison: ["A message was given up", "#/stuck", "Read why, put it back or drop it here"],
  financeingestpoisonwaiting: ["A given-up message has waited for an hour", "#/stuck", "Read why, put it back or drop it here"],
  financeingestalertsunsent: ["Alerts are not sent", "#/notifications", "Look what was told to whom"],
  financeingestnotificationsfailing: ["A channel of notifications fails", "#/notifications?state=waiting", "Look what waits, and send it again here"],
  financeingestalertsunreadable: ["A message on the alert queue is no alert"],
  financeingestleaseslost: ["Messages are processed twice"],
  financeingestconflicts: ["One key was used for two transactions"],
  financeingestmanyanomalies: ["One transaction in five is an anomaly", "#/anomalies", "Look what they have in common"],
  financeingestmailfailing: ["Alerts are not fetched", "#/notifications", "Look what was told to whom"],
  financeingesttelemetrycapped: ["Telemetry is cut off for today"],
  financeingestfreeamountlow: ["The free amount of the database is nearly used up"],
};
const nameOf = section => plain[section.slug]?.[0] ?? section.name;

// What to do comes before where to look, and commands last.
const order = ["**Means**", "**Do**", "**Look at**", "**Command**"];
const place = text => { const index = order.findIndex(word => text.startsWith(word)); return index < 0 ? order.length : index; };

// The operations page of this version's documentation, one entry at a time.
export function show(root, { rest }) {
  const article = h("article", { class: "card text" });
  root.append(h("div", { class: "head" }, h("h1", null, "What to do")), article);
  fetch(file).then(response => response.text()).then(text => {
    const all = sections(text);
    const index = all.findIndex(section => section.slug === rest[0]);
    const found = all[index];
    if (!found) { article.replaceChildren(empty("There is no such entry.", "The runbook is docs/operations.md.")); return; }
    const [, href, does] = plain[found.slug] ?? [];
    article.replaceChildren(h("h2", null, nameOf(found)), ...(href ? [h("p", null, h("a", { href }, does))] : []), ...blocks(found.lines, all[index - 1]),
      ...(plain[found.slug] ? [h("p", { class: "muted small" }, `The alert ${found.name}, in docs/operations.md. FI stands for the command line, finance-ingest.`)] : []));
  }).catch(error => article.replaceChildren(problem(error)));
}

function sections(text) {
  const all = [];
  for (const line of text.split("\n")) {
    const heading = /^#{2,3} (.+)$/.exec(line);
    if (heading) all.push({ name: heading[1], slug: slug(heading[1]), lines: [] });
    else all[all.length - 1]?.lines.push(line);
  }
  return all;
}

// An entry is shown alone, so that "above" leads to the entry before it.
function blocks(lines, before) {
  const out = [];
  let open = null;
  const begin = block => { open = block; out.push(block); };
  for (const line of lines) {
    const item = /^(?:- |\d+\. )(.*)$/.exec(line);
    if (line.startsWith("```")) {
      if (open?.code) open = null;
      else begin({ code: [] });
    } else if (open?.code) open.code.push(line);
    else if (line.trim() === "") open = null;
    else if (item && open?.items) open.items.push(item[1]);
    else if (item) begin({ items: [item[1]] });
    else if (open?.items) open.items[open.items.length - 1] += ` ${line.trim()}`;
    else if (open?.text) open.text += ` ${line}`;
    else begin({ text: line });
  }
  return out.map(block => block.code ? h("pre", { class: "raw" }, block.code.join("\n"))
    : block.items ? h("ul", null, [...block.items].sort((one, other) => place(one) - place(other)).map(text => h("li", null, inline(text, before))))
    : h("p", null, inline(block.text, before)));
}

function inline(text, before) {
  return text.split(/(`[^`]+`|\*\*[^*]+\*\*|\[[^\]]+\]\([^)]+\)|\babove\b)/).map(part => {
    if (part === "above" && before) return h("span", null, "under ", h("a", { href: `#/runbook/${before.slug}` }, nameOf(before)));
    if (part.startsWith("`")) return h("code", null, part.slice(1, -1));
    if (part.startsWith("**")) return h("strong", null, part.slice(2, -2));
    const link = /^\[([^\]]+)\]\(#([^)]+)\)$/.exec(part);
    if (link) return h("a", { href: `#/runbook/${link[2]}` }, plain[link[2]]?.[0] ?? link[1]);
    return part.replace(/^\[([^\]]+)\]\([^)]+\)$/, "$1");
  });
}
