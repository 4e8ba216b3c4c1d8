import { call } from "./api.js";
import { h, problem } from "./dom.js";
import { isShortcut, Picture } from "./picture.js";

export const title = "A payment";

// What the link of an alert leads to: the picture of one payment, whose id is in the address.
export function show(root, { rest }) {
  const head = h("p", null, "\u00a0");
  const place = h("section", { class: "card detail roomy-detail", "aria-label": "The payment" }, h("div", { class: "skeleton" }, "\u00a0"));
  const picture = new Picture(place);
  let ended = false;
  root.append(h("div", { class: "head" }, h("h1", null, "A payment"), head), place);
  load();
  const key = event => {
    if (!picture.result || !isShortcut(event) || (event.key !== "e" && event.key !== "u")) return;
    picture.judge(picture.result, event.key === "e" ? "expected" : "unexpected");
    event.preventDefault();
  };
  addEventListener("keydown", key);
  return () => { ended = true; picture.end(); removeEventListener("keydown", key); };

  async function load() {
    try {
      const result = await call(`api/transactions/${encodeURIComponent(rest[0] ?? "")}?wait=10`);
      if (ended) return;
      if (result.status === "scored") {
        head.replaceChildren(h("a", { href: `#/anomalies?user_id=${result.user_id}` }, `All anomalies of user ${result.user_id}`));
        picture.show(result);
      } else {
        place.replaceChildren(h("p", { class: "notice warn" }, result.status === "pending" ? "It is accepted, and waits to be judged." : `It could not be judged: ${result.error?.detail ?? "the reason is not known"}`),
          h("div", { class: "actions" }, h("button", { type: "button", onclick: load }, "Look again")));
      }
    } catch (error) {
      if (!ended) {
        place.replaceChildren(problem(error.status === 404 ? new Error("There is no such payment here. The link may be of another installation.") : error.status === 410 ? new Error("This payment is not kept any more.") : error),
          h("div", { class: "actions" }, h("button", { type: "button", onclick: load }, "Try again")));
      }
    }
  }
}
