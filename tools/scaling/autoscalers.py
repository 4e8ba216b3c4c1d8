"""The algorithms by which KEDA with a HorizontalPodAutoscaler, and Azure Container Apps, choose the number of workers.

Each algorithm is called every second with the queue's length and returns the number of replicas. Sources of the numbers:

KEDA            https://keda.sh/docs/latest/reference/scaledobject-spec/ (pollingInterval, cooldownPeriod, activation)
HPA             https://kubernetes.io/docs/tasks/run-application/horizontal-pod-autoscale/ (sync every 15 s, tolerance 0.1, behaviour and its defaults)
Container Apps  https://learn.microsoft.com/azure/container-apps/scale-app#scale-behavior (poll 30 s, cool-down 300 s, steps up 1, 4, 100 % of current,
                step down 100 %, stabilisation 0 s up and 300 s down, desired = ceil(metric / target))
"""
import math
from collections import deque

HPA_SYNC = 15
HPA_TOLERANCE = 0.1


class Keda:
    """KEDA scales between 0 and 1 replicas, and an HPA from 1 upwards."""

    def __init__(self, target, maximum, minimum=0, activation=0, poll=30, cool_down=300,
                 up_window=0, up_percent=100, up_pods=4, up_period=15, down_window=300, down_percent=100, down_period=15):
        self.target, self.maximum, self.minimum, self.activation, self.poll, self.cool_down = target, maximum, minimum, activation, poll, cool_down
        self.up_percent, self.up_pods, self.up_period = up_percent, up_pods, up_period
        self.down_window, self.down_percent, self.down_period = down_window, down_percent, down_period
        self.up_window = up_window
        self.replicas = minimum
        self.last_active = None
        self.recommended = deque()
        self.changes = deque()

    def step(self, second, length):
        if second % self.poll == 0:
            self.activate(second, length)
        if second % HPA_SYNC == 0 and self.replicas > 0:
            self.sync(second, length)
        return self.replicas

    def activate(self, second, length):
        if length > self.activation:
            self.last_active = second
            if self.replicas == 0:
                self.replicas = 1
                self.recommended.clear()
                self.changes.clear()
        elif self.replicas > 0 and self.minimum == 0 and (self.last_active is None or second - self.last_active >= self.cool_down):
            self.replicas = 0

    def sync(self, second, length):
        """One round of the HPA with an external metric of type AverageValue."""
        lowest = max(1, self.minimum)
        ratio = length / (self.target * self.replicas)
        wanted = self.replicas if abs(ratio - 1) <= HPA_TOLERANCE else math.ceil(length / self.target)
        wanted = min(max(wanted, lowest), self.maximum)
        self.recommended.append((second, wanted))
        while self.recommended[0][0] <= second - max(self.down_window, self.up_window, 1):
            self.recommended.popleft()
        # Scaling up is limited by the lowest recommendation of its window, and scaling down by the highest of its own window.
        up = min([number for at, number in self.recommended if at > second - self.up_window] + [wanted])
        down = max([number for at, number in self.recommended if at > second - self.down_window] + [wanted])
        new = min(max(self.replicas, up), down)
        if new > self.replicas:
            before = self.replicas - self.changed(second, self.up_period, +1)
            new = min(new, max(math.ceil(before * (1 + self.up_percent / 100)), before + self.up_pods, self.replicas))
        elif new < self.replicas:
            before = self.replicas + self.changed(second, self.down_period, -1)
            new = max(new, min(int(before * (1 - self.down_percent / 100)), self.replicas), lowest)
        if new != self.replicas:
            self.changes.append((second, new - self.replicas))
            self.replicas = new

    def changed(self, second, period, sign):
        """Returns the number of replicas that were added (or removed) in the last period."""
        while self.changes and self.changes[0][0] <= second - max(self.up_period, self.down_period):
            self.changes.popleft()
        return sum(abs(by) for at, by in self.changes if at > second - period and by * sign > 0)


class ContainerApps:
    """Container Apps as documented: decisions at each poll, up in steps of 1, 4, 8, 16, …, down by up to 100 % after 300 s."""

    def __init__(self, target, maximum, minimum=0, activation=0, poll=30, cool_down=300, down_window=300):
        self.target, self.maximum, self.minimum, self.activation = target, maximum, minimum, activation
        self.poll, self.cool_down, self.down_window = poll, cool_down, down_window
        self.replicas = minimum
        self.last_active = None
        self.recommended = deque()

    @staticmethod
    def next_step(replicas):
        return 1 if replicas == 0 else max(4, 2 * replicas)

    def step(self, second, length):
        if second % self.poll:
            return self.replicas
        if length > self.activation:
            self.last_active = second
        elif self.minimum == 0 and (self.last_active is None or second - self.last_active >= self.cool_down):
            self.recommended.clear()
            self.replicas = 0
            return 0
        lowest = max(self.minimum, 1 if self.last_active is not None else 0)
        wanted = min(max(math.ceil(length / self.target), lowest), self.maximum)
        self.recommended.append((second, wanted))
        while self.recommended[0][0] <= second - self.down_window:
            self.recommended.popleft()
        if wanted > self.replicas:
            self.replicas = min(wanted, self.next_step(self.replicas))
        elif wanted < self.replicas:
            self.replicas = min(self.replicas, max(number for _, number in self.recommended))
        return self.replicas
