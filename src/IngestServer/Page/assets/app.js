import { at, field, h, say } from "./dom.js";
import { call, hasKey, onSignIn, signIn, signOut } from "./api.js";
import * as authority from "./authority.js";
import * as events from "./events.js";
import * as now from "./now.js";
import * as anomalies from "./anomalies.js";
import * as person from "./person.js";
import * as stuck from "./stuck.js";
import * as attempt from "./try.js";
import * as detectors from "./detectors.js";
import * as notifications from "./notifications.js";
import * as runbook from "./runbook.js";
import * as transactions from "./transaction.js";
import { timeOfDay } from "./format.js";

const pages = { now, anomalies, person, stuck, try: attempt, detectors, notifications, runbook, transactions };
let leave = null;
let shown = null;

// The address says what is shown, filters included, so that it can be sent to somebody: #/anomalies?user_id=400. A key is never part of it.
function address() {
  const [path, query = ""] = location.hash.replace(/^#\/?/, "").split("?");
  const [name, ...rest] = path.split("/").map(decodeURIComponent);
  return { name: pages[name] ? name : "now", rest, query: new URLSearchParams(query) };
}

function show() {
  const { name, rest, query } = address();
  const key = `${name}/${rest.join("/")}`;
  if (shown === key && pages[name].update?.(query)) return;
  leave?.();
  shown = key;
  const main = at("main");
  main.replaceChildren();
  for (const link of document.querySelectorAll(".top nav a")) {
    if (link.hash === `#/${name}`) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  document.title = `${pages[name].title} · FinanceIngest`;
  leave = pages[name].show(main, { rest, query }) ?? null;
  if (show.wasShown) main.focus({ preventScroll: true });
  show.wasShown = true;
  scrollTo(0, 0);
}

function askForKey(refusal) {
  leave?.();
  leave = null;
  shown = "sign-in";
  events.stop();
  link(null);
  document.title = "Sign in · FinanceIngest";
  const key = h("input", { name: "key", type: "password", autocomplete: "current-password", required: true });
  const trouble = h("p", { class: "notice bad", role: "alert", hidden: !refusal }, refusal);
  const form = h("form", {
    onsubmit: async event => {
      event.preventDefault();
      signIn(key.value.trim());
      try {
        await call("api/status", { quiet: true });
        begin();
      } catch (error) {
        signOut();
        trouble.hidden = false;
        trouble.textContent = error.status === 403 ? "This key is known, and lacks the scope read." : error.message;
        key.select();
      }
    },
  }, h("input", { type: "text", name: "username", autocomplete: "username", value: "FinanceIngest", hidden: true }), field("Key or token", key),
  h("div", null, h("button", { class: authority.isConfigured() ? null : "primary" }, "Sign in")));
  const elsewhere = authority.isConfigured() && h("div", { class: "elsewhere" }, h("button", { type: "button", class: "primary", onclick: async () => {
    try {
      await authority.leaveForSignIn();
    } catch (error) {
      trouble.hidden = false;
      trouble.textContent = error.message;
    }
  } }, `Sign in with ${authority.name()}`), h("p", { class: "muted small" }, "or, with a key:"));
  at("main").replaceChildren(h("div", { class: "card sign-in" }, h("h1", null, "Sign in"),
    h("p", { class: "muted" }, authority.isConfigured() ? "Your account, or a key of this installation, needs the scope read. What you sign in with is kept for this tab, and sent in a header only."
      : "Use a key of this installation that has the scope read. It is kept for this tab, and sent in a header only."), trouble, elsewhere, form));
  (elsewhere ? elsewhere.querySelector("button") : key).focus();
}

function link(state) {
  const place = at("link");
  if (!state || state.lost === null) {
    place.textContent = "";
    delete place.dataset.is;
    return;
  }
  place.dataset.is = state.isLive ? "live" : "gone";
  place.textContent = state.isLive ? "Live" : "No connection";
  place.title = state.statusAt ? `Last heard at ${timeOfDay(state.statusAt)}` : "";
}

function begin() {
  at("leave").hidden = !hasKey();
  shown = null;
  show();
  events.start();
}

events.on("link", state => {
  link(state);
  say(state.isLive ? "Connected." : "The connection to the server is lost.");
});
events.on("refused", status => askForKey(hasKey() ? status === 403 ? "This key lacks the scope read." : "The key is not known any more." : null));
onSignIn(() => { if (shown !== "sign-in") askForKey(hasKey() ? "The key is not known any more." : null); });
at("leave").addEventListener("click", () => { signOut(); location.hash = "#/now"; at("leave").hidden = true; askForKey(null); });
// The part of the address behind the hash names the page, so that the link to the content can't use it.
document.querySelector(".skip").addEventListener("click", event => { event.preventDefault(); at("main").focus(); });
addEventListener("hashchange", () => { if (shown !== "sign-in") show(); });

// Older bookmarks have a key in their address. It is taken out, and not used.
if (location.search) history.replaceState(null, "", location.pathname + location.hash);
authority.comeBack().then(trouble => {
  if (trouble || (document.body.dataset.keys === "needed" && !hasKey())) askForKey(trouble);
  else begin();
});
