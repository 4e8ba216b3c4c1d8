import { ask, field, h } from "./dom.js";

// The key stays in this tab's storage and goes out in a header: never in an address, which ends up in histories and logs.
const kept = { key: "finance-ingest-key", admin: "finance-ingest-admin-key" };

export class Problem extends Error {
  constructor(status, body) {
    const detail = body?.errors ? Object.entries(body.errors).map(([field, texts]) => `${field === "$" ? "The request" : field} ${texts.join(", ")}`).join("; ") : body?.detail;
    super(detail || body?.title || `The server answered ${status}.`);
    this.status = status;
    this.kind = (body?.type ?? "").split(":").pop();
    this.body = body;
  }
}

export class Gone extends Error {
  constructor() { super("The server does not answer."); }
}

const listeners = new Set();
export const onSignIn = listener => listeners.add(listener);
export const hasKey = () => sessionStorage.getItem(kept.key) !== null;

export function signIn(key) {
  sessionStorage.setItem(kept.key, key);
}

export function signOut() {
  sessionStorage.removeItem(kept.key);
  sessionStorage.removeItem(kept.admin);
}

// Tokens of an authority have three parts and begin as JSON does in base64.
function credentials(isAdmin) {
  const key = (isAdmin && sessionStorage.getItem(kept.admin)) || sessionStorage.getItem(kept.key);
  return key === null ? {} : /^eyJ[\w-]+\.[\w-]+\.[\w-]+$/.test(key) ? { Authorization: `Bearer ${key}` } : { "x-functions-key": key };
}

export const base = new URL(".", document.baseURI);

export function request(path, options = {}) {
  return fetch(new URL(path, base), {
    ...options, cache: "no-store", credentials: "same-origin", headers: { ...credentials(options.admin), ...options.headers },
  });
}

export async function call(path, options = {}) {
  let response;
  try {
    response = await request(path, options);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Gone();
  }
  if (response.status === 204) return null;
  const body = await response.json().catch(() => null);
  if (response.ok) return options.whole ? { status: response.status, body, headers: response.headers } : body;
  const failure = new Problem(response.status, body);
  if (failure.status === 401 && !options.quiet) listeners.forEach(listener => listener());
  if (failure.status === 403 && failure.kind === "scope" && options.admin && await askForAdmin(failure)) return call(path, options);
  throw failure;
}

export const send = (method, path, body, options = {}) => call(path, {
  method, body: body === undefined ? undefined : JSON.stringify(body), ...options,
  headers: { ...(body === undefined ? {} : { "Content-Type": "application/json" }), ...options.headers },
});

let asking = null;

// A key that may do more is asked for when something needs it, and not before.
function askForAdmin(failure) {
  asking ??= ask("This needs a key with more rights",
    [h("p", null, `${failure.message} Give one that has it. It is kept for this tab.`),
      h("input", { type: "text", name: "username", autocomplete: "username", value: "FinanceIngest", hidden: true }),
      field("Key", h("input", { name: "key", type: "password", autocomplete: "current-password", required: true }))],
    [{ text: "Cancel", value: "" }, { text: "Use this key", value: "ok", class: "primary" }])
    .then(answer => {
      asking = null;
      const key = answer?.data.get("key").trim();
      if (key) sessionStorage.setItem(kept.admin, key);
      return Boolean(key);
    });
  return asking;
}

let description = null;

// What this server can do, by its own description: older and newer servers differ.
export function can(method, path, parameter) {
  description ??= call("openapi.json", { quiet: true }).catch(() => { description = null; return { paths: {} }; });
  return description.then(document => {
    const operation = document.paths[path]?.[method.toLowerCase()];
    if (!operation || !parameter) return Boolean(operation);
    return (operation.parameters ?? []).some(given => {
      const found = given.$ref ? given.$ref.split("/").slice(1).reduce((part, name) => part?.[name], document) : given;
      return found?.name === parameter && found?.in === "query";
    });
  });
}
