import { h } from "./dom.js";
import { about, amount, count, deviations } from "./format.js";

// The range of four in five: the detector's own, or, where it compares with a baseline, what that baseline's mean and deviation say of a normal distribution.
export function usual(result) {
  if (result.usual) return result.usual;
  const baseline = result.baseline;
  return baseline && baseline.std_dev > 0
    ? { low: baseline.mean - 1.2816 * baseline.std_dev, typical: baseline.mean, high: baseline.mean + 1.2816 * baseline.std_dev, count: baseline.sample_count }
    : null;
}

const reasons = {
  no_baseline: "nothing is known of this user and category yet", insufficient_samples: "too few earlier payments are known",
  zero_variance: "all earlier payments were alike, so that nothing measures a difference",
};

// One sentence for the person whose money it is.
export function sentence(result) {
  if (result.explanation) return result.explanation;
  if (result.status === "failed") return result.error?.detail ?? "It could not be scored.";
  if (result.z_score === null || result.z_score === undefined) return `It was not judged: ${reasons[result.reason] ?? result.reason}.`;
  const typical = result.baseline?.mean;
  const much = `${amount(result.amount)} is ${deviations(result.z_score).replace(/^[+−-]/, "")} standard deviations ${result.z_score >= 0 ? "above" : "below"} the usual ${about(typical)}`;
  return result.is_anomaly ? `${much} of this user in this category.` : `${much}, which is within what varies.`;
}

// The figures and the server's sentence say the same: beyond once in a million nothing is measured.
export const rarity = surprise => 1 / surprise > 1e6 ? `less than once in ${count(1e6)}` : `once in ${count(Math.round(1 / surprise))}`;

export const verdicts = { expected: "Mine", unexpected: "Not mine" };
const alerts = { queued: "The alert is on its way", sent: "Handed to the alert queue, for whoever sends it on" };
const suppressions = { sensitivity: "by the sensitivity that was set", snooze: "while it is snoozed", minimum_amount: "below the minimum amount", history: "because it came as history" };

export function alertText(result) {
  if (!result.alert) return null;
  return result.alert === "suppressed" ? `No alert, ${suppressions[result.suppressed_by] ?? "suppressed"}` : alerts[result.alert] ?? result.alert;
}

export const verdictOf = result => typeof result.feedback === "string" ? result.feedback : result.feedback?.verdict ?? null;

export const verdictChip = result => verdictOf(result) ? h("span", { class: verdictOf(result) === "expected" ? "chip good" : "chip bad" }, verdicts[verdictOf(result)]) : null;
