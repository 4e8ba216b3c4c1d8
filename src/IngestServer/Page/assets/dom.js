// Elements are made, never parsed: no text of the API can become markup.
const svgNames = new Set(["svg", "path", "rect", "line", "g", "circle", "polyline", "text", "title"]);

export function h(name, attributes, ...children) {
  const isSvg = svgNames.has(name);
  const element = isSvg ? document.createElementNS("http://www.w3.org/2000/svg", name) : document.createElement(name);
  for (const [key, value] of Object.entries(attributes ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else if (key === "class") element.setAttribute("class", value);
    else if (!isSvg && key in element && key !== "list" && key !== "form") element[key] = value;
    else element.setAttribute(key, value === true ? "" : value);
  }
  append(element, children);
  return element;
}

function append(element, children) {
  for (const child of children) {
    if (Array.isArray(child)) append(element, child);
    else if (child !== null && child !== undefined && child !== false) element.append(child);
  }
}

// Replaces what an element contains; null, false and lists are as in h.
export function put(element, ...children) {
  element.replaceChildren();
  append(element, children);
}

export const at = id => document.getElementById(id);

// What a screen reader says, and nobody sees.
export function say(text) {
  const place = at("said");
  place.textContent = "";
  requestAnimationFrame(() => { place.textContent = text; });
}

// A table whose cells know their column, so that it can fold into a list on a narrow screen.
export function table(columns, rows, options = {}) {
  return h("table", { class: options.fold === false ? null : "fold" },
    options.caption && h("caption", { class: "visually-hidden" }, options.caption),
    h("thead", null, h("tr", null, columns.map(column =>
      h("th", { scope: "col", class: [column.number && "number", column.extra && "extra"].filter(Boolean).join(" ") || null }, column.name)))),
    h("tbody", null, rows.map(row => tableRow(columns, row, options))));
}

// In a folded cell the column's name stands on the left, and what it says on the right, as one.
const one = value => Array.isArray(value) ? h("span", null, value) : value;

export function tableRow(columns, row, options = {}) {
  return h("tr", options.row?.(row), columns.map(column => {
    const cell = h("td", { class: [column.number && "number", column.extra && "extra", column.nowrap && "nowrap"].filter(Boolean).join(" ") || null }, one(column.value(row)));
    cell.dataset.label = typeof column.name === "string" ? column.name : "";
    return cell;
  }));
}

export function empty(title, text, ...more) {
  return h("div", { class: "empty" }, h("strong", null, title), text, more);
}

export function problem(error) {
  return h("div", { class: "notice bad", role: "alert" }, error.message || String(error));
}

let ids = 0;
export const newId = prefix => `${prefix}-${++ids}`;

export function field(text, input) {
  return h("label", null, text, input);
}

// The second click of a double click on a dialog's button is not one on what lay under the dialog.
let closedAt = -Infinity;
addEventListener("click", event => {
  if (event.detail > 1 && performance.now() - closedAt < 1000) { event.preventDefault(); event.stopPropagation(); }
}, true);

// A dialog that answers with the value of the button that closed it.
export function ask(title, content, buttons) {
  return new Promise(resolve => {
    const name = newId("title");
    const form = h("form", { method: "dialog" }, h("h2", { id: name }, title), content,
      h("div", { class: "row" }, buttons.map(button =>
        h("button", { type: "submit", value: button.value, class: button.class ?? "", formNoValidate: button.value === "" }, button.text))));
    const dialog = h("dialog", { "aria-labelledby": name }, form);
    dialog.addEventListener("close", () => {
      const answer = dialog.returnValue;
      const data = new FormData(form);
      dialog.remove();
      closedAt = performance.now();
      resolve(answer ? { answer, data } : null);
    });
    document.body.append(dialog);
    dialog.showModal();
  });
}
