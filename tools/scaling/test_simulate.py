"""Tests of the autoscalers' algorithms and of the simulation: python3 -m unittest discover -s tools/scaling"""
import os
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import simulate
from autoscalers import ContainerApps, Keda
from picture import draw


def play(scaler, length, seconds, start=0):
    """Returns the replicas of each second; ``length(second)`` is the length of the queue."""
    return [scaler.step(second, length(second)) for second in range(start, start + seconds)]


def changes(replicas):
    return [(second, after) for second, (before, after) in enumerate(zip([0, *replicas], replicas)) if before != after]


class KedaTests(unittest.TestCase):
    def test_the_first_worker_comes_at_a_poll(self):
        self.assertEqual([(30, 1)], changes(play(Keda(64, 10), lambda second: 1 if second >= 1 else 0, 100)))

    def test_as_many_as_the_activation_length_wake_nobody(self):
        self.assertEqual([], changes(play(Keda(5, 10, activation=20), lambda second: 20, 100)))
        self.assertEqual((0, 1), changes(play(Keda(50, 10, activation=20), lambda second: 21, 100))[0])

    def test_zero_after_the_cool_down_since_the_last_message_that_a_poll_saw(self):
        # The message is seen at 0 and 30 and gone at 40. The first poll that comes 300 s after the last sight is the one at 330.
        self.assertEqual([(0, 1), (330, 0)], changes(play(Keda(64, 10), lambda second: 1 if second < 40 else 0, 600)))

    def test_never_below_the_minimum(self):
        self.assertEqual({2}, set(play(Keda(64, 10, minimum=2), lambda second: 0, 900)))

    def test_up_by_four_or_by_doubling_whichever_is_more(self):
        self.assertEqual([5, 10, 20, 30], [number for _, number in changes(play(one(Keda(1, 30)), lambda second: 1000, 120))])

    def test_a_policy_counts_over_its_whole_period(self):
        # Four pods may be added in 30 s, and the HPA runs every 15 s, so the second round of a period adds nothing.
        self.assertEqual([(0, 5), (30, 10), (60, 20)], changes(play(one(Keda(1, 30, up_period=30)), lambda second: 1000, 75)))

    def test_no_more_than_the_maximum(self):
        self.assertEqual(7, max(play(Keda(1, 7), lambda second: 1000, 300)))

    def test_nothing_within_the_tolerance(self):
        scaler = one(Keda(10, 100))
        scaler.replicas = 10
        self.assertEqual({10}, set(play(scaler, lambda second: 109, 60)))
        scaler = one(Keda(10, 100))
        scaler.replicas = 10
        self.assertEqual(12, play(scaler, lambda second: 111, 1)[0])

    def test_down_only_after_the_window(self):
        scaler = one(Keda(10, 100))
        found = changes(play(scaler, lambda second: 40 if second < 100 else 10, 600))
        self.assertEqual([(0, 4), (390, 1)], found)  # the last sync that wanted four was at 90

    def test_down_by_no_more_than_the_policy(self):
        scaler = one(Keda(10, 100, down_window=0, down_percent=50, down_period=60))
        scaler.replicas = 8
        self.assertEqual([(0, 4), (60, 2), (120, 1)], changes(play(scaler, lambda second: 5, 200)))


def one(scaler):
    scaler.replicas = 1
    return scaler


class ContainerAppsTests(unittest.TestCase):
    def test_up_in_steps(self):
        self.assertEqual([(0, 1), (30, 4), (60, 8), (90, 16), (120, 20)], changes(play(ContainerApps(1, 20), lambda second: 1000, 200)))

    def test_no_more_than_wanted(self):
        self.assertEqual([(0, 1), (30, 3)], changes(play(ContainerApps(10, 20), lambda second: 25, 200)))

    def test_down_by_all_after_the_window_and_to_zero_after_the_cool_down(self):
        found = changes(play(ContainerApps(10, 20), lambda second: 35 if second < 70 else 1 if second < 500 else 0, 1000))
        self.assertEqual([(0, 1), (30, 4), (360, 1), (780, 0)], found)

    def test_idle_stays_at_zero(self):
        self.assertEqual({0}, set(play(ContainerApps(64, 5), lambda second: 0, 1000)))


class SimulationTests(unittest.TestCase):
    worker = simulate.Worker(cores=0.5, transaction_us=100, message_us=1000, start_seconds=10)

    def test_nothing_is_lost_and_the_times_add_up(self):
        # 10,000 transactions in 40 messages: 40 ms and 1 s of processor, 2.08 s on half a core, from second 40 on (poll at 30, start takes 10).
        outcome = simulate.simulate(Keda(64, 10), self.worker, lambda second: 10_000 if second == 1 else 0, 600, 2, 4.0)
        self.assertAlmostEqual(10_000, outcome.scored)
        row = outcome.row(2)
        self.assertEqual((42 - 2, 41, 40, 1), (row["drained"], row["max"], row["longest"], row["starts"]))
        self.assertEqual(300 / 3600, row["hours"])  # from 30, the only poll that saw messages, to 330

    def test_a_remainder_becomes_a_message(self):
        outcome = simulate.simulate(Keda(64, 10), self.worker, lambda second: 100 if second == 1 else 0, 100, 2, 4.0)
        self.assertEqual((1, 100.0), (max(outcome.lengths), outcome.scored))

    def test_more_workers_do_not_go_beyond_the_database(self):
        def drained(maximum):
            outcome = simulate.simulate(Keda(1, maximum), self.worker, lambda second: 100_000 if second == 1 else 0, 600, 2, 4.0, database_rate=1000)
            return outcome.row(2)["drained"]
        self.assertEqual(drained(1), drained(10))

    def test_what_never_drains_says_so(self):
        outcome = simulate.simulate(Keda(64, 1), self.worker, lambda second: 100_000, 100, 100, 4.0)
        self.assertIsNone(outcome.row(100)["drained"])

    def test_a_day_has_its_peak_at_noon(self):
        per_second, _, end = simulate.day(100)
        self.assertEqual((0, 100), (round(per_second(0)), round(per_second(end // 2))))
        self.assertEqual(0, per_second(end))

    def test_a_picture_keeps_the_peak(self):
        points = [(second, 5000 if second == 777 else 0) for second in range(10_000)]
        drawn = draw("a & b", [("queue", {"x": points, "y": points})], "s", 1)
        self.assertIn(">6000</text>", drawn)  # the next round number above the highest
        self.assertIn(",87.0 ", drawn)  # five sixths of the panel's 150, which ends at 212
        self.assertIn("a &amp; b", draw("a & b", [("queue", {"x": points})], "s", 1))


class DeployedSettings(unittest.TestCase):
    """The autoscalers that are simulated "as it is" are those that are deployed."""

    root = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")

    def read(self, *path):
        with open(os.path.join(self.root, *path), encoding="utf-8") as file:
            return file.read()

    def test_kubernetes(self):
        text = self.read("k8s", "base", "scaling.yaml")
        scaler = simulate.kubernetes(64)
        for part in (f"maxReplicaCount: {scaler.maximum}", f"minReplicaCount: {scaler.minimum}",
                     f"pollingInterval: {scaler.poll}", f"cooldownPeriod: {scaler.cool_down}",
                     f"type: Percent, value: {scaler.up_percent}, periodSeconds: {scaler.up_period}",
                     f"type: Pods, value: {scaler.up_pods}, periodSeconds: {scaler.up_period}",
                     f"stabilizationWindowSeconds: {scaler.down_window}", f"type: Percent, value: {scaler.down_percent}, periodSeconds: {scaler.down_period}",
                     f'queueLength: "{scaler.target}"', f'activationQueueLength: "{scaler.activation}"'):
            self.assertIn(part, text)

    def test_container_apps(self):
        scaler = simulate.container_apps(64)
        worker = self.read("infra", "app", "worker.bicep")
        self.assertIn(f"pollingInterval: {scaler.poll}", worker)
        self.assertIn(f"cooldownPeriod: {scaler.cool_down}", worker)
        main = self.read("infra", "main.bicep")
        self.assertIn(f"workerMaxReplicas int = {scaler.maximum}", main)
        self.assertIn(f"workerQueueLength int = {scaler.target}", main)


if __name__ == "__main__":
    unittest.main()
