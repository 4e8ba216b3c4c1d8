#!/usr/bin/env python3
"""Starts the published programs as Kubernetes would start their pods, from the rendered manifests, and checks how they behave there.

    dotnet publish src/IngestServer -c Release --use-current-runtime --self-contained false -p:PublishReadyToRun=true -o artifacts/published/IngestServer
    (likewise ScoringWorker and Cli)
    npm ci --prefix tests/azurite && npm ci --prefix tests/deployment
    unshare --net python3 tests/deployment/pods.py

A pod here is what a container gets: the manifest's user without capabilities and without a way to new rights, a read-only file system of the program and the
runtime with the manifest's volumes as the only places to write (with their size limits), its own process namespace, its memory limit by cgroup, and its
processor request as a quota, as on a node that is full. Environment, probes, grace period and ports are the manifest's as well. Azurite answers under the name
that the manifests have. SQL Server is not there: the pods show what they do while the database is down, and the scorer is tried on a file in the writable
volume.

The script needs root, bubblewrap and a network namespace of its own, in which the manifests' ports are free. The last line counts what passed and failed.
"""
import argparse
import base64
import email.utils
import hashlib
import hmac
import http.client
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))
import measure_function as azurite  # noqa: E402

PROGRAMS = {"intake": ("IngestServer", "IngestServer.dll"), "worker": ("ScoringWorker", "ScoringWorker.dll"), "migrate": ("Cli", "finance-ingest.dll")}
TO_JSON = """import { parseAllDocuments } from "yaml"; import { readFileSync } from "node:fs";
console.log(JSON.stringify(parseAllDocuments(readFileSync(0, "utf8")).map((document) => document.toJS())));"""
counts = {"passed": 0, "failed": 0, "skipped": 0}


def check(name: str, holds: bool, detail: str = "") -> None:
    counts["passed" if holds else "failed"] += 1
    print(f"{'ok    ' if holds else 'FAILED'} {name}{f': {detail}' if detail else ''}", flush=True)


def skip(name: str, why: str) -> None:
    counts["skipped"] += 1
    print(f"SKIPPED {name}: {why}", flush=True)


def manifests(overlay: str) -> list[dict]:
    rendered = subprocess.run(["kubectl", "kustomize", str(ROOT / "k8s/overlays" / overlay)], check=True, capture_output=True).stdout
    parsed = subprocess.run(["node", "--input-type=module", "-e", TO_JSON], input=rendered, check=True, capture_output=True, cwd=ROOT / "tests/deployment")
    return json.loads(parsed.stdout)


def quantity(text: str) -> float:
    """The number that a quantity of Kubernetes stands for: 512Mi in bytes, 250m in processors."""
    number, unit = re.fullmatch(r"([\d.]+)(Mi|Gi|m|)", text).groups()
    return float(number) * {"Mi": 2 ** 20, "Gi": 2 ** 30, "m": 0.001, "": 1}[unit]


class Cgroup:
    """Limits of one pod. Version 2 of the interface, or version 1 where the machine has that; without a right to make groups nothing is limited."""

    def __init__(self, name: str, memory: float, processors: float | None):
        self.folders = []
        unified = Path("/sys/fs/cgroup/cgroup.controllers").exists()
        name = f"pods-{os.getpid()}-{name}"
        try:
            if unified:
                self.add(Path("/sys/fs/cgroup") / name, {"memory.max": int(memory), "memory.swap.max": 0} | (
                    {"cpu.max": f"{int(processors * 100_000)} 100000"} if processors else {}))
                self.peak_file = self.folders[0] / "memory.peak"
            else:
                self.add(Path("/sys/fs/cgroup/memory") / name, {"memory.limit_in_bytes": int(memory)})
                self.peak_file = self.folders[0] / "memory.max_usage_in_bytes"
                if processors:
                    self.add(Path("/sys/fs/cgroup/cpu") / name, {"cpu.cfs_period_us": 100_000, "cpu.cfs_quota_us": int(processors * 100_000)})
            self.limited = True
        except OSError as error:
            self.limited = False
            self.why = str(error)

    def add(self, folder: Path, values: dict) -> None:
        folder.mkdir()
        self.folders.append(folder)
        for file, value in values.items():
            if (folder / file).exists():
                (folder / file).write_text(str(value))

    def enter(self) -> None:
        for folder in self.folders:
            (folder / "cgroup.procs").write_text(str(os.getpid()))

    def peak(self) -> int:
        return int(self.peak_file.read_text())

    def killed(self) -> int:
        """How many processes the kernel has killed for the limit."""
        for file in ("memory.events", "memory.oom_control"):
            path = self.folders[0] / file
            if path.exists():
                return int(re.search(r"^oom_kill (\d+)", path.read_text(), re.MULTILINE).group(1))
        return 0

    def remove(self) -> None:
        for folder in self.folders:
            try:
                folder.rmdir()
            except OSError:
                pass


class Pod:
    """One pod of a workload, started from its manifest."""

    def __init__(self, documents: list[dict], workload: str, published: Path, extra: dict[str, str | None] | None = None, limit: float | None = None):
        kind, self.name = workload.split("/")
        self.manifest = next(item for item in documents if item["kind"] == kind and item["metadata"]["name"] == self.name)["spec"]["template"]["spec"]
        self.container = self.manifest["containers"][0]
        self.environment = self.read_environment(documents) | (extra or {})
        self.environment = {name: value for name, value in self.environment.items() if value is not None}
        self.security = self.manifest["securityContext"] | self.container["securityContext"]
        resources = self.container["resources"]
        self.limit = limit or quantity(resources["limits"]["memory"])
        self.cgroup = Cgroup(self.name, self.limit, quantity(resources["requests"]["cpu"]))
        self.arguments = self.container.get("args", [])
        self.folder = published / PROGRAMS[self.name][0]
        self.log: list[str] = []

    def read_environment(self, documents: list[dict]) -> dict[str, str]:
        values = {"PATH": "/usr/bin", "HOME": "/"}  # the images set ASPNETCORE_URLS
        stage = (ROOT / "Dockerfile").read_text().split(f"FROM base AS {'cli' if self.name == 'migrate' else self.name}\n")[1].split("\nFROM")[0]
        values |= dict(item.split("=", 1) for line in re.findall(r"^ENV (.*)$", stage, re.MULTILINE) for item in line.split())
        for source in self.container.get("envFrom", []):
            kind, name = ("ConfigMap", source["configMapRef"]["name"]) if "configMapRef" in source else ("Secret", source["secretRef"]["name"])
            data = next(item for item in documents if item["kind"] == kind and item["metadata"]["name"] == name)["data"]
            values |= {key: value if kind == "ConfigMap" else base64.b64decode(value).decode() for key, value in data.items()}
        return values | {item["name"]: item["value"] for item in self.container.get("env", [])}

    def command(self, hosts: Path) -> list[str]:
        """The command that becomes the container: bubblewrap makes the file system, and setpriv takes the rights away for good."""
        runtime = Path(shutil.which("dotnet")).resolve().parent
        command = ["bwrap", "--die-with-parent", "--unshare-pid", "--unshare-ipc", "--unshare-uts", "--new-session", "--clearenv"]
        for name, value in self.environment.items():
            command += ["--setenv", name, value]
        for folder in ("/etc", "/sys", "/sys/fs"):
            command += ["--perms", "755", "--dir", folder]
        for folder in ("/usr", "/etc/ssl", "/sys/fs/cgroup", str(runtime)):
            command += ["--ro-bind", folder, folder]
        for folder in ("lib", "lib64", "bin"):
            command += ["--symlink", f"usr/{folder}", f"/{folder}"]
        command += ["--ro-bind", str(self.folder), "/app", "--proc", "/proc", "--dev", "/dev"]
        for file in (hosts, hosts.with_name("nsswitch.conf")):
            command += ["--ro-bind", str(file), f"/etc/{file.name}"]
        volumes = {volume["name"]: volume["emptyDir"] for volume in self.manifest.get("volumes", [])}
        for mount in self.container.get("volumeMounts", []):
            command += ["--perms", "1777", "--size", str(int(quantity(volumes[mount["name"]]["sizeLimit"]))), "--tmpfs", mount["mountPath"]]
        if self.security["readOnlyRootFilesystem"]:
            command += ["--remount-ro", "/"]
        user, group = str(self.security["runAsUser"]), str(self.security["runAsGroup"])
        command += ["--cap-drop", "ALL", "--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID", "--cap-add", "CAP_SETPCAP", "--chdir", "/app", "--",
                    "setpriv", "--reuid", user, "--regid", group, "--clear-groups", "--inh-caps=-all", "--bounding-set=-all"]
        if not self.security["allowPrivilegeEscalation"]:
            command.append("--no-new-privs")
        return command + [str(runtime / "dotnet"), f"/app/{PROGRAMS[self.name][1]}", *self.arguments]

    def start(self, hosts: Path) -> "Pod":
        self.started = time.monotonic()
        self.process = subprocess.Popen(
            self.command(hosts), preexec_fn=self.cgroup.enter if self.cgroup.limited else None, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.reader = threading.Thread(target=lambda: self.log.extend(self.process.stdout), daemon=True)
        self.reader.start()
        return self

    def program(self) -> int:
        """The id of the program itself, below bubblewrap and setpriv (which becomes it)."""
        found = self.process.pid
        while "dotnet" not in Path(f"/proc/{found}/cmdline").read_text().split("\0")[0]:
            found = int(Path(f"/proc/{found}/task/{found}/children").read_text().split()[0])
        return found

    def resident(self) -> int:
        """The program's largest resident set so far, with the pages of its files, which the kernel may charge to another reader. 0 when it has ended."""
        try:
            return int(re.search(r"^VmHWM:\s*(\d+) kB", Path(f"/proc/{self.program()}/status").read_text(), re.MULTILINE).group(1)) * 1024
        except (AttributeError, IndexError, OSError):
            return 0

    def ask(self, probe: str) -> int | None:
        """The status that a probe of the manifest gets; null when nobody answers in time."""
        definition = self.container[probe]
        port = next(item["containerPort"] for item in self.container["ports"] if item["name"] == definition["httpGet"]["port"])
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=definition.get("timeoutSeconds", 1))
        try:
            connection.request("GET", definition["httpGet"]["path"])
            return connection.getresponse().status
        except OSError:
            return None
        finally:
            connection.close()

    def wait_until_started(self) -> float | None:
        """Asks the startup probe as the kubelet does, and returns the seconds until it succeeded; null when the kubelet would have given up."""
        probe = self.container["startupProbe"]
        for _ in range(probe["failureThreshold"]):
            if self.ask("startupProbe") == 200:
                return time.monotonic() - self.started
            if self.process.poll() is not None:
                return None
            time.sleep(probe["periodSeconds"])
        return None

    def stop(self) -> tuple[float, int | None]:
        """Sends SIGTERM as the kubelet does, and returns the seconds until the end and the exit code."""
        begin = time.monotonic()
        os.kill(self.program(), signal.SIGTERM)
        try:
            code = self.process.wait(self.manifest["terminationGracePeriodSeconds"])
        except subprocess.TimeoutExpired:
            code = None
            self.process.kill()
        self.reader.join(5)
        return time.monotonic() - begin, code

    def written(self, text: str, patience: float = 30) -> bool:
        """Whether the log has the text, now or soon."""
        end = time.monotonic() + patience
        while time.monotonic() < end:
            if any(text in line for line in self.log):
                return True
            time.sleep(0.2)
        return False


def check_confinement(pod: Pod) -> None:
    """The sandbox itself, as seen from inside it: without this, the other checks could pass for the wrong reason."""
    status = Path(f"/proc/{pod.program()}/status").read_text()

    def field(name: str) -> str:
        return re.search(rf"^{name}:[ \t]*(.*?)[ \t]*$", status, re.MULTILINE).group(1)

    user = str(pod.security["runAsUser"])
    check(f"{pod.name} runs as user {user} without capabilities and without a way to new ones",
          field("Uid").split() == [user] * 4 and field("Groups") == "" and {int(field(name), 16) for name in ("CapEff", "CapPrm", "CapInh", "CapBnd")} == {0}
          and field("NoNewPrivs") == "1", ", ".join(f"{name} {field(name)}" for name in ("Uid", "CapEff", "CapBnd", "NoNewPrivs")))
    mounts = [line.split() for line in Path(f"/proc/{pod.program()}/mounts").read_text().splitlines()]
    writable = {point for _, point, kind, options, *_ in mounts if options.split(",")[0] == "rw" and kind not in ("proc", "devpts", "mqueue")}
    volumes = {mount["mountPath"] for mount in pod.container.get("volumeMounts", [])}
    check(f"{pod.name} can write to the volumes of its manifest and nowhere else", {point for point in writable if not point.startswith("/dev")} == volumes,
          ", ".join(sorted(writable)))


def post(port: int, path: str, body, key: str) -> tuple[int, dict]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("POST", path, json.dumps(body), {"Content-Type": "application/json", "x-functions-key": key})
    response = connection.getresponse()
    answer = json.loads(response.read() or b"{}")
    connection.close()
    return response.status, answer


def check_memory(pod: Pod, when: str) -> None:
    if not pod.cgroup.limited:
        skip(f"{pod.name}'s memory {when}", f"no cgroup can be made here: {pod.cgroup.why}")
        return
    peak, resident = pod.cgroup.peak(), pod.resident()
    check(f"{pod.name} stays within its memory limit {when}", pod.cgroup.killed() == 0 and max(peak, resident) < pod.limit,
          f"{peak / 2 ** 20:.0f} MiB charged at the peak and {resident / 2 ** 20:.0f} MiB resident, of {pod.limit / 2 ** 20:.0f} MiB")


def check_stop(pod: Pod) -> None:
    grace = pod.manifest["terminationGracePeriodSeconds"] - pod.container.get("lifecycle", {}).get("preStop", {}).get("sleep", {}).get("seconds", 0)
    seconds, code = pod.stop()
    check(f"{pod.name} ends after SIGTERM within its grace period", code == 0 and seconds < grace, f"{seconds:.1f} of {grace} s, exit code {code}")
    forbidden = [line.strip() for line in pod.log if re.search(r"Read-only file system|Permission denied|UnauthorizedAccess|Unhandled exception", line)]
    check(f"{pod.name} missed no right and no place to write", not forbidden, "; ".join(forbidden[:3]))


def storage(method: str, path: str, query: str = "", body: str | None = None) -> tuple[int, http.client.HTTPMessage]:
    """A request to Azurite's queues, signed with the account key. Returns the status and the headers of the answer."""
    date = email.utils.formatdate(usegmt=True)
    signed = f"x-ms-date:{date}\nx-ms-version:2021-12-02"
    kind = "application/xml" if body else ""
    resource = f"/{azurite.ACCOUNT}/{azurite.ACCOUNT}{path}" + "".join(f"\n{name}:{value}" for name, value in sorted(urllib.parse.parse_qsl(query)))
    text = "\n".join([method, "", "", str(len(body)) if body else "", "", kind, "", "", "", "", "", "", signed, resource])
    signature = base64.b64encode(hmac.new(base64.b64decode(azurite.KEY), text.encode(), hashlib.sha256).digest()).decode()
    headers = {"x-ms-date": date, "x-ms-version": "2021-12-02", "Authorization": f"SharedKey {azurite.ACCOUNT}:{signature}"}
    connection = http.client.HTTPConnection("127.0.0.1", 10001, timeout=30)
    connection.request(method, f"/{azurite.ACCOUNT}{path}" + (f"?{query}" if query else ""), body, headers | ({"Content-Type": kind} if kind else {}))
    response = connection.getresponse()
    response.read()
    connection.close()
    return response.status, response.headers


def length_of(queue: str) -> int:
    """The length of a queue, leased messages included."""
    return int(storage("GET", f"/{queue}", "comp=metadata")[1]["x-ms-approximate-messages-count"])


def start_azurite(documents: list[dict], data: Path) -> subprocess.Popen:
    """Starts Azurite with the arguments of its manifest."""
    manifest = next(item for item in documents if item["kind"] in ("Deployment", "StatefulSet") and item["metadata"]["name"] == "azurite")
    arguments = manifest["spec"]["template"]["spec"]["containers"][0]["command"][1:]
    process = subprocess.Popen(["node", str(azurite.AZURITE), *(str(data) if item == "/data" else item for item in arguments)], stdout=subprocess.DEVNULL)
    for _ in range(600):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", 10001)) == 0:
                return process
        time.sleep(0.1)
    raise SystemExit("Azurite did not start.")


def take_in(documents: list[dict], published: Path, hosts: Path) -> None:
    """Starts the intake's pod, submits to it under load, and stops it."""
    pod = Pod(documents, "Deployment/intake", published).start(hosts)
    try:
        seconds = pod.wait_until_started()
        check("intake answers its startup probe in time", seconds is not None, f"{seconds:.1f} s" if seconds else "".join(pod.log[-5:]))
        if seconds is None:
            return
        check_confinement(pod)
        check("intake is ready", pod.ask("readinessProbe") == 200)
        key = pod.environment["FinanceIngest__ApiKeys__local__Secret"]
        status = post(7071, "/api/transactions", {"user_id": 1, "category_id": 2, "amount": "3.50"}, key)[0]
        check("intake takes a transaction", status == 202, str(status))
        check("intake refuses a wrong key", post(7071, "/api/transactions", {}, "wrong")[0] == 401)
        accepted = []
        batch = [{"user_id": index + 1, "category_id": 2, "amount": "3.50"} for index in range(10_000)]
        threads = [threading.Thread(target=lambda: accepted.append(post(7071, "/api/transactions/batch", batch, key)[0])) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        check("intake answers eight batches of 10,000 at once", set(accepted) <= {202, 503} and 202 in accepted, str(sorted(accepted)))
        check("intake is alive under that load", pod.ask("livenessProbe") == 200)
        check_memory(pod, "under that load")
    finally:
        check_stop(pod)
        pod.cgroup.remove()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--published", type=Path, default=ROOT / "artifacts/published")
    arguments = parser.parse_args()
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    subprocess.run(["ip", "address", "add", "10.99.0.1/32", "dev", "lo"], check=False)  # without an address beside loopback, no name is looked up
    with socket.socket() as probe:
        if probe.connect_ex(("127.0.0.1", 10001)) == 0:
            sys.exit("Port 10001 is taken: run this in a network namespace of its own (unshare --net).")

    documents = manifests("local")
    with tempfile.TemporaryDirectory() as folder:
        hosts = Path(folder, "hosts")
        hosts.write_text("127.0.0.1 localhost azurite.finance-ingest azurite sqlserver\n")
        hosts.with_name("nsswitch.conf").write_text("hosts: files\n")  # a cluster's names come from its DNS
        for file in (Path(folder), hosts, hosts.with_name("nsswitch.conf")):
            file.chmod(0o755)
        queues = start_azurite(documents, Path(folder, "data"))
        try:
            run(documents, arguments.published, hosts)
        finally:
            queues.terminate()
            queues.wait(10)
    print(f"{counts['passed']} passed, {counts['failed']} failed, {counts['skipped']} skipped")
    sys.exit(counts["failed"] > 0)


def run(documents: list[dict], published: Path, hosts: Path) -> None:
    # The database is not there. A pod must start, stay alive and wait, and the job must say so and end, so that Kubernetes tries again.
    migrate = Pod(documents, "Job/migrate", published).start(hosts)
    code = migrate.process.wait(300)
    migrate.reader.join(5)
    last = next((line.strip() for line in reversed(migrate.log) if line.strip()), "")
    check("migrate says in one line that the database is not there", code == 1 and len(migrate.log) <= 3 and "Unhandled" not in last, f"{code}: {last[:150]}")
    check_memory(migrate, "until it gives up")
    migrate.cgroup.remove()

    # The limit of the sandbox itself, without which a peak would say nothing.
    small = Pod(documents, "Deployment/intake", published, limit=8 * 2 ** 20)
    if small.cgroup.limited:
        small.start(hosts)
        end = time.monotonic() + 60
        while time.monotonic() < end and small.process.poll() is None:
            time.sleep(0.2)
        check("a pod that needs more than its memory limit is killed", small.cgroup.killed() > 0 and small.process.poll() not in (None, 0),
              f"exit code {small.process.poll()} with 8 MiB")
        small.process.kill()
        small.process.wait(10)
        small.cgroup.remove()
    else:
        skip("memory limits", f"no cgroup can be made here: {small.cgroup.why}")

    take_in(documents, published, hosts)

    worker = Pod(documents, "Deployment/worker", published).start(hosts)
    try:
        seconds = worker.wait_until_started()
        check("worker answers its startup probe in time", seconds is not None, f"{seconds:.1f} s" if seconds else "".join(worker.log[-5:]))
        check_confinement(worker)
        check("worker is ready and waits for the database", worker.ask("readinessProbe") == 200 and worker.written("Scoring waits"))
        check("worker is alive meanwhile", worker.ask("livenessProbe") == 200)
        check_memory(worker, "while it waits")
    finally:
        check_stop(worker)
        worker.cgroup.remove()
    score(documents, published, hosts)


def score(documents: list[dict], published: Path, hosts: Path) -> None:
    """The scorer on a file in its writable volume: what it needs of the file system and the memory, and its child process."""
    file = {"SQL_CONNECTION_STRING": None, "FinanceIngest__DataDirectory": "/tmp/data"}
    for name in ("transactions-inbound", "transactions-inbound-poison", "anomaly-alerts"):
        storage("DELETE", f"/{name}/messages")
    # An older client's message: JSON in base64, and each time that it was received before counts against it.
    text = base64.b64encode(json.dumps({"user_id": 7, "category_id": 8, "amount": 9.5}).encode()).decode()
    status, _ = storage("POST", "/transactions-inbound/messages", body=f"<QueueMessage><MessageText>{text}</MessageText></QueueMessage>")
    check("a message can be put on the queue", status == 201, str(status))
    for _ in range(6):
        storage("GET", "/transactions-inbound/messages", "visibilitytimeout=1")
        time.sleep(1.2)
    worker = Pod(documents, "Deployment/worker", published, file | {"Logging__LogLevel__FinanceIngest": "Debug"}).start(hosts)
    try:
        seconds = worker.wait_until_started()
        check("worker starts on a file in its volume", seconds is not None, f"{seconds:.1f} s" if seconds else "".join(worker.log[-5:]))
        seen, length, end = False, None, time.monotonic() + 60
        while time.monotonic() < end and not (seen and length == 0):
            children = subprocess.run(["ps", "-eo", "pid,args"], capture_output=True, text=True).stdout
            seen = seen or "ScoringWorker.dll score-messages" in children
            length = length_of("transactions-inbound")
            time.sleep(0.1)
        check("worker scores a suspect message in a child process", seen and length == 0, f"child seen: {seen}, messages left: {length}")
        check("worker could start its child process", not any("child process" in line for line in worker.log), "".join(worker.log[-3:])[:300])
        check("no message was given up", length_of("transactions-inbound-poison") == 0)
        check_memory(worker, "with its child process")
    finally:
        check_stop(worker)
        worker.cgroup.remove()


if __name__ == "__main__":
    main()
