#!/usr/bin/env python3
"""Simulates workers that KEDA or Azure Container Apps scales by the inbound queue's length, second by second.

    python3 tools/scaling/simulate.py                                   # prints the tables of docs/evidence/scaling.md
    python3 tools/scaling/simulate.py --pictures docs/images            # and draws scaling-*.svg

The cost of a worker is measured (docs/evidence/resources.md). Everything else is an option, or a documented rule of the autoscalers
(autoscalers.py). Nothing is random, so the same options give the same result. The script uses the standard library only.
"""
import argparse
import math
import os
from collections import deque

from autoscalers import ContainerApps, Keda
from picture import draw

BATCHES, SINGLE, ONE_EACH = 3.7, 9.3, 1000  # messages per 1,000 transactions: docs/capacity.md, "Operations per million transactions"
SECONDS_OF_A_DAY = 86400


class Worker:
    """The performance of one replica."""

    def __init__(self, cores, transaction_us, message_us, start_seconds):
        self.cores, self.start_seconds = cores, start_seconds
        self.transaction, self.message = transaction_us / 1e6, message_us / 1e6


class Queue:
    """Cohorts of messages, oldest first. Messages arrive whole, and are processed in parts."""

    def __init__(self, per_thousand):
        self.per_thousand, self.cohorts, self.owed = per_thousand, deque(), 0.0

    def arrive(self, second, transactions):
        self.owed += transactions
        messages = math.floor(self.owed * self.per_thousand / 1000 + 1e-9)
        if messages > 0:
            content = messages * 1000 / self.per_thousand
            self.cohorts.append([second, float(messages), content])
            self.owed = max(0.0, self.owed - content)

    def close(self, second):
        """Sends the transactions that were gathered so far as a last message."""
        if self.owed > 1e-6:
            self.cohorts.append([second, 1.0, self.owed])
            self.owed = 0.0

    def work(self, processor, worker, ceiling):
        """Spends processor seconds on at most a number of transactions (the database's limit); returns how many were scored."""
        done = 0.0
        while self.cohorts and processor > 1e-12 and ceiling - done > 1e-9:
            cohort = self.cohorts[0]
            price = cohort[1] * worker.message + cohort[2] * worker.transaction
            part = min(1.0, processor / price, (ceiling - done) / cohort[2])
            done += cohort[2] * part
            processor -= price * part
            if part >= 1 - 1e-12:
                self.cohorts.popleft()
            else:
                cohort[1] *= 1 - part
                cohort[2] *= 1 - part
        return done

    def length(self):
        return math.ceil(sum(cohort[1] for cohort in self.cohorts) - 1e-9)

    def age(self, second):
        return second - self.cohorts[0][0] + 1 if self.cohorts else 0


class Outcome:
    def __init__(self):
        self.lengths, self.replicas, self.ages = [], [], []
        self.starts, self.busy_until, self.replica_seconds = 0, 0, 0
        self.accepted, self.scored = 0.0, 0.0

    def row(self, arrivals_end):
        waiting = sorted(age for age in self.ages if age > 0)
        p95 = waiting[min(len(waiting) - 1, math.ceil(len(waiting) * 0.95) - 1)] if waiting else 0
        drained = self.busy_until - arrivals_end if self.busy_until and self.ages[-1] == 0 else None
        return {"drained": drained, "p95": p95, "max": max(self.ages), "longest": max(self.lengths),
                "most": max(self.replicas), "hours": self.replica_seconds / 3600, "starts": self.starts}


def simulate(scaler, worker, workload, seconds, arrivals_end, per_thousand, database_rate=math.inf):
    """``workload(second)`` is the number of transactions that arrive in that second. A worker receives them in the next second at the earliest."""
    queue, outcome, ready_at = Queue(per_thousand), Outcome(), []
    for second in range(seconds):
        replicas = scaler.step(second, queue.length())
        while len(ready_at) < replicas:
            ready_at.append(second + worker.start_seconds)
            outcome.starts += 1
        del ready_at[replicas:]
        ready = sum(at <= second for at in ready_at)
        if ready:
            outcome.scored += queue.work(ready * worker.cores, worker, database_rate)
        transactions = workload(second)
        outcome.accepted += transactions
        queue.arrive(second, transactions)
        if second == arrivals_end - 1:
            queue.close(second)
        age = queue.age(second)
        outcome.lengths.append(queue.length())
        outcome.replicas.append(replicas)
        outcome.ages.append(age)
        outcome.replica_seconds += replicas
        if age:
            outcome.busy_until = second + 1
    return outcome


# A workload returns the transactions of a second, the number of seconds to simulate, and the second after the last arrival. The first transactions
# arrive at second 1, just after a poll, which is the worst moment.
def burst(total=100_000, length=60, at=1):
    return (lambda second: total / length if at <= second < at + length else 0), 1200, at + length


def bursts(total=100_000, length=60, every=600, count=6):
    def arrivals(second):
        return total / length if second < every * count and 1 <= second % every <= length else 0

    return arrivals, every * count + 600, every * (count - 1) + length + 1


def day(peak):
    def arrivals(second):
        return peak / 2 * (1 - math.cos(2 * math.pi * second / SECONDS_OF_A_DAY)) if second < SECONDS_OF_A_DAY else 0

    return arrivals, SECONDS_OF_A_DAY + 1200, SECONDS_OF_A_DAY


def idle():
    return (lambda second: 0), 7200, 7200


def kubernetes(target, maximum=10, **other):
    """Returns the autoscaler of k8s/base/scaling.yaml."""
    values = dict(up_period=30, down_window=120, down_percent=50, down_period=60)
    values.update(other)
    return Keda(target, maximum, **values)


def hpa_defaults(target, maximum=10, **other):
    return Keda(target, maximum, **other)


def container_apps(target, maximum=5, **other):
    """Returns the autoscaler of infra/app/worker.bicep."""
    return ContainerApps(target, maximum, **other)


HEAD = ("| setting | drained after | oldest message p95 | max | longest queue | most replicas | replica-hours | starts |\n"
        "|---|---:|---:|---:|---:|---:|---:|---:|")


def line(name, row):
    drained = "–" if row["drained"] is None else f"{max(0, row['drained']):,} s"
    return (f"| {name} | {drained} | {row['p95']:,} s | {row['max']:,} s | {row['longest']:,} | {row['most']} | {row['hours']:.2f} | {row['starts']} |")


def table(title, rows):
    print(f"\n### {title}\n\n{HEAD}")
    for name, row in rows:
        print(line(name, row))


def picture(folder, name, title, outcomes, unit, divisor):
    if folder:
        series = [("messages on the queue", "lengths"), ("replicas", "replicas"), ("age of the oldest message, s", "ages")]
        panels = [(what, {label: list(enumerate(getattr(outcome, field))) for label, outcome in outcomes}) for what, field in series]
        with open(os.path.join(folder, f"scaling-{name}.svg"), "w", encoding="utf-8") as file:
            file.write(draw(title, panels, unit, divisor))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--transaction-us", type=float, default=83, help="processor microseconds of a worker per transaction (83: docs/evidence/resources.md)")
    parser.add_argument("--message-us", type=float, default=0,
                        help="processor microseconds per message in addition (not measured separately; for batches the default includes it)")
    parser.add_argument("--cores", type=float, nargs=2, metavar=("KEDA", "APPS"), default=[0.25, 0.5],
                        help="cores of one replica, as in k8s/base/worker.yaml and infra/app/worker.bicep")
    parser.add_argument("--start-seconds", type=int, default=10, help="from the decision to a worker that receives messages; this is an assumption, so vary it")
    parser.add_argument("--peak", type=float, default=10_000, help="transactions per second at the daily cycle's peak")
    parser.add_argument("--targets", type=int, nargs="+", default=[5, 20, 64, 100, 250])
    parser.add_argument("--pictures", metavar="FOLDER", help="the folder to which scaling-*.svg are written")
    options = parser.parse_args()
    pod, replica = (Worker(cores, options.transaction_us, options.message_us, options.start_seconds) for cores in options.cores)
    platforms = [("KEDA", kubernetes, pod), ("Container Apps", container_apps, replica)]

    def play(scaler, workload, per_thousand=BATCHES, used=pod, database_rate=math.inf):
        per_second, seconds, end = workload
        outcome = simulate(scaler, used, per_second, seconds, end, per_thousand, database_rate)
        return outcome, outcome.row(end)

    def sweep(title, workload, per_thousand=BATCHES, name=None, unit="min", divisor=60):
        rows, outcomes = [], {}
        for platform, make, used in platforms:
            for target in options.targets:
                outcome, row = play(make(target), workload, per_thousand, used)
                rows.append((f"{platform}, queueLength {target}", row))
                if target in (5, 64, 250):
                    outcomes.setdefault(platform, []).append((f"queueLength {target}", outcome))
        table(title, rows)
        if name:
            for platform, lines in outcomes.items():
                picture(options.pictures, f"{name}-{platform.split()[0].lower()}", f"{title}: {platform}", lines, unit, divisor)

    print(f"{options.transaction_us:g} µs a transaction, {options.message_us:g} µs a message, {options.start_seconds} s to start; "
          f"KEDA 0 to 10 replicas of {options.cores[0]:g} cores, Container Apps 0 to 5 of {options.cores[1]:g}")
    sweep("A burst of 100,000 in a minute, in batches", burst(), name="burst")
    sweep("The same, one message for each transaction", burst(), per_thousand=ONE_EACH)
    sweep("Six such bursts, ten minutes apart, in batches", bursts(), name="bursts")
    sweep(f"A day with a peak of {options.peak:,.0f}/s, in batches", day(options.peak), name="day", unit="h", divisor=3600)
    sweep("Two hours of nothing", idle())

    rows = []
    for name, make in [("k8s/base (as it is)", kubernetes), ("HPA's defaults", hpa_defaults)]:
        rows.append((f"{name}: six bursts", play(make(64), bursts())[1]))
        rows.append((f"{name}: the day", play(make(64), day(options.peak))[1]))
    table("Policies of the HPA, KEDA, queueLength 64", rows)

    rows = []
    for poll in (10, 30, 60):
        rows.append((f"poll {poll} s", play(kubernetes(64, poll=poll), burst())[1]))
    for cool_down in (60, 300, 900):
        rows.append((f"cool-down {cool_down} s, six bursts", play(kubernetes(64, cool_down=cool_down), bursts())[1]))
    for start in (2, 10, 60):
        rows.append((f"start takes {start} s", play(kubernetes(64), burst(), used=Worker(pod.cores, options.transaction_us, options.message_us, start))[1]))
    rows.append(("at least one worker", play(kubernetes(64, minimum=1), burst())[1]))
    table("One thing at a time, KEDA, queueLength 64, burst of 100,000", rows)

    rows = []
    for maximum in (1, 2, 5, 10, 20):
        rows.append((f"at most {maximum}", play(kubernetes(64, maximum), burst(1_000_000))[1]))
    for maximum in (1, 2, 5, 10, 20):
        rows.append((f"at most {maximum}, database takes 4,500/s", play(kubernetes(64, maximum), burst(1_000_000), database_rate=4500)[1]))
    table("Most replicas, KEDA, queueLength 64, burst of 1,000,000 in a minute, in batches", rows)


if __name__ == "__main__":
    main()
