import { count, duration } from "./format.js";

// What is wrong, worst first: each finding says what it means, what to do, and names the entry of the runbook that says more.
export function findings(status) {
  const found = [];
  const add = (level, entry, text, then, link) => found.push({ level, entry, text, then, link });
  const { inbound, dependencies, activity, alerts } = status;
  const minutes = activity.last_five_minutes;
  if (dependencies.signing_key === "degraded") {
    add("bad", "a-file-deleted-under-a-program", "The file of the signing key is gone or was changed, so nothing is accepted.", "Put it back from a backup, then restart the program.");
  }
  if (inbound === null || dependencies.inbound_queue === "degraded") {
    add("bad", "financeingestintakerefusing", "The inbound queue takes no messages. Clients get 503; nothing refused was reported as accepted.", "Look at the queue's storage: its state, its firewall, the disk.");
  } else if (minutes.refused > 0) {
    add("warn", "financeingestintakerefusing", `${count(minutes.refused)} transactions were refused in the last five minutes, because the queue did not take them.`, "It takes messages again; clients that gave up must submit again.");
  }
  if (inbound !== null && inbound.oldest_seconds > 300) {
    add("bad", "financeingestbacklogold", `The oldest transaction has waited for ${duration(inbound.oldest_seconds)}. Nothing is lost; results are late.`, "Look whether a worker runs, and what its log says.");
  } else if (inbound !== null && inbound.oldest_seconds > 60) {
    add("warn", "financeingestbacklogold", `The oldest transaction has waited for ${duration(inbound.oldest_seconds)}.`, "If the age goes on growing, look at the workers.");
  }
  if (inbound?.transactions > 0 && inbound.oldest_seconds > 30 && (status.last_batch === null || status.last_batch.age_seconds > 120)) {
    add("bad", "financeingestnothingscored", "Transactions arrive and no worker takes them.", "Start a worker; one that ends at once says why in one line of its log.");
  }
  if (dependencies.database === "degraded") {
    add("warn", "financeingestscoringretries", "The database could not be reached at its last use. Transactions go on being accepted, and wait.", "Usually nothing: scoring resumes by itself. Otherwise mend the database.");
  }
  if (status.poison === null || dependencies.poison_queue === "degraded") {
    add("warn", "financeingestpoisonwaiting", "The poison queue can't be asked.", "Look at the queue's storage.");
  } else if (status.poison > 0) {
    add("warn", "financeingestpoison", status.poison === 1 ? "One message was given up." : `${count(status.poison)} messages were given up.`, `Read why, and put ${status.poison === 1 ? "it" : "them"} back once the cause is mended, or drop ${status.poison === 1 ? "it" : "them"}.`, ["#/stuck", "Open What is stuck"]);
  }
  if (dependencies.alert_queue === "degraded" || alerts === null) {
    add("bad", "financeingestalertsunsent", `The alert queue can't be reached${status.unsent_alerts ? `, and ${count(status.unsent_alerts)} alerts wait` : ""}. They are sent when it is back.`, "Look at the queue's storage.");
  } else if (alerts.length > 0 && alerts.oldest_seconds > 3600) {
    add("warn", "financeingestmailfailing", `The oldest alert has waited for ${duration(alerts.oldest_seconds)} for somebody to fetch it.`, "Alerts lie on the alert queue until a notifier or a Logic App fetches them: where none is set up, they stay there.", ["#/notifications", "What was told"]);
  }
  const latency = activity.last_minute.latency_seconds;
  if (latency !== null && latency.p95 > 60) {
    add("warn", "financeingestlatencyhigh", `One transaction in twenty takes more than ${duration(latency.p95)} from its acceptance to its result.`, "A message that was put back counts from when it was first accepted, so that this passes by itself within a minute. It is also expected once after a serverless database has slept; otherwise look at the wait on the queue.");
  }
  return found.sort((one, other) => (one.level === "bad" ? 0 : 1) - (other.level === "bad" ? 0 : 1));
}
