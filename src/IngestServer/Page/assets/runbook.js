import { empty, h, problem } from "./dom.js";

export const title = "Runbook";

const slug = text => text.trim().toLowerCase().replace(/[^\w\- ]/g, "").replaceAll(" ", "-");
const file = new URL("operations.md", import.meta.url);

// The operations page of this version's documentation, one entry at a time.
export function show(root, { rest }) {
  const place = h("article", { class: "card text" });
  root.append(h("div", { class: "head" }, h("h1", null, "What to do")), place);
  fetch(file).then(response => response.text()).then(text => {
    const found = sections(text).find(section => section.slug === rest[0]);
    place.replaceChildren(...(found ? [h("h2", null, found.name), ...blocks(found.lines)] : [empty("There is no such entry.", "The runbook is docs/operations.md.")]));
  }).catch(error => place.replaceChildren(problem(error)));
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

function blocks(lines) {
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
    : block.items ? h("ul", null, block.items.map(text => h("li", null, inline(text))))
    : h("p", null, inline(block.text)));
}

function inline(text) {
  return text.split(/(`[^`]+`|\*\*[^*]+\*\*|\[[^\]]+\]\([^)]+\))/).map(part => {
    if (part.startsWith("`")) return h("code", null, part.slice(1, -1));
    if (part.startsWith("**")) return h("strong", null, part.slice(2, -2));
    const link = /^\[([^\]]+)\]\(#([^)]+)\)$/.exec(part);
    if (link) return h("a", { href: `#/runbook/${link[2]}` }, link[1]);
    return part.replace(/^\[([^\]]+)\]\([^)]+\)$/, "$1");
  });
}
