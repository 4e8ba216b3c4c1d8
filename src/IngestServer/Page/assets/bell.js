import { base, send } from "./api.js";

// Web push to this browser. The browser is asked only when somebody wants it: a question at load is refused for good by most people.
const key = document.body.dataset.push;

export const isOffered = () => Boolean(key);
export const isPossible = () => "serviceWorker" in navigator && "PushManager" in window && "Notification" in window && isSecureContext;
export const isRefused = () => isPossible() && Notification.permission === "denied";

// The one script that may be run as a worker: the policy lets nothing else through.
const worker = new URL("push.js", base).href;
const policy = window.trustedTypes?.createPolicy("finance-ingest-push", { createScriptURL: text => { if (text !== worker) throw new TypeError(text); return text; } });

const registered = () => navigator.serviceWorker.getRegistration(base);
const bytes = text => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), letter => letter.charCodeAt(0));

export async function current() {
  if (!isPossible()) return null;
  return await (await registered())?.pushManager.getSubscription() ?? null;
}

// Returns what the server keeps of this browser; null: the person was asked, and does not want it.
export async function subscribe(user) {
  if (await Notification.requestPermission() !== "granted") return null;
  const registration = await navigator.serviceWorker.register(policy ? policy.createScriptURL(worker) : worker, { updateViaCache: "none" });
  await ready(registration);
  let subscription = await registration.pushManager.getSubscription();
  // A subscription is of one key. With other keys of the installation it is of no use any more.
  if (subscription && !same(subscription.options?.applicationServerKey)) { await subscription.unsubscribe(); subscription = null; }
  subscription ??= await registration.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: bytes(key) });
  const { endpoint, keys } = subscription.toJSON();
  return send("POST", `api/users/${encodeURIComponent(user)}/notification-destinations`,
    { type: "webpush", endpoint, keys: { p256dh: keys.p256dh, auth: keys.auth } }, { headers: { Prefer: "wait=10" } });
}

export async function unsubscribe() {
  await (await current())?.unsubscribe();
}

function same(buffer) {
  const wanted = bytes(key);
  const given = buffer ? new Uint8Array(buffer) : null;
  return given?.length === wanted.length && given.every((value, index) => value === wanted[index]);
}

function ready(registration) {
  const starting = registration.installing ?? registration.waiting;
  if (registration.active || !starting) return Promise.resolve();
  return new Promise((resolve, reject) => starting.addEventListener("statechange", () => {
    if (starting.state === "activated") resolve();
    else if (starting.state === "redundant") reject(new Error("The browser could not start what shows notifications."));
  }));
}
