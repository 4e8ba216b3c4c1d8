import { call, send } from "./api.js";
import { h } from "./dom.js";
import { time } from "./format.js";

// A snooze is a setting of how often alerts are wanted that has an end. Without a category it is of everything of the user's.
export const isSnooze = setting => Boolean(setting.until) && new Date(setting.until) > new Date();

export async function all(user) {
  const page = await call(`api/sensitivity?${new URLSearchParams({ limit: "1000", ...(user ? { user_id: user } : {}) })}`);
  return { snoozes: page.sensitivity.filter(isSnooze), settings: page.sensitivity, isCut: Boolean(page.next) };
}

// The one that holds for a payment: the category's own before the user's.
export async function of(result) {
  const { snoozes } = await all(result.user_id);
  return snoozes.find(one => one.category_id === result.category_id) ?? snoozes.find(one => one.category_id === undefined) ?? null;
}

export const what = one => `${one.level === "never" ? "No alerts" : `Alerts “${one.level}”`} until ${time(one.until)}`;
export const whose = one => [one.user_id === undefined ? "for everybody" : `for user ${one.user_id}`, one.category_id === undefined ? "in all categories" : `in category ${one.category_id}`].join(" ");

// A snooze goes with its setting. One that lasts is given again, which ends the snooze and nothing else. What is of everybody needs the scope admin.
export async function lift(one) {
  const wait = { headers: { Prefer: "wait=10" }, admin: one.user_id === undefined };
  const { settings } = await all(one.user_id);
  const lasting = settings.find(other => !other.until && other.user_id === one.user_id && other.category_id === one.category_id);
  if (lasting) {
    const { accepted_at: left, ...item } = lasting;
    await send("PUT", "api/sensitivity", [item], wait);
  } else {
    const key = Object.entries({ user_id: one.user_id, category_id: one.category_id }).filter(([, value]) => value !== undefined);
    await send("DELETE", `api/sensitivity?${new URLSearchParams(key)}`, undefined, wait);
  }
}

// What holds, with the button that ends it. "lifted" and "failed" are told what became of it.
export function notice(one, lifted, failed) {
  return h("div", { class: "notice warn row snoozed" }, h("span", null, `${what(one)} ${whose(one)}.`),
    h("button", { type: "button", "aria-label": `Lift: ${what(one)} ${whose(one)}`, onclick: async event => {
      const button = event.currentTarget;
      button.disabled = true;
      try {
        await lift(one);
        lifted();
      } catch (error) {
        button.disabled = false;
        failed(error);
      }
    } }, "Lift"));
}
