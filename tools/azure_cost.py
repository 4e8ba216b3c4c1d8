#!/usr/bin/env python3
"""Estimates the monthly cost of infra/ in Azure. docs/azure.md has the table and explains it.

    python3 tools/azure_cost.py                          the table of docs/azure.md
    python3 tools/azure_cost.py --check docs/azure.md    fails when the page has another table
    python3 tools/azure_cost.py --price sql_vcore_second=0.000130 --assume anomaly_share=0.002

Prices are assumptions in US dollars, written down from memory of public lists in November 2026 and not looked up. Replace them with those of your
region before you rely on a sum.
"""
import argparse
import math
import sys
from pathlib import Path

MONTH = 730 * 3600  # seconds

PRICES = {
    # name: (price, what it is for, free amount a month in the same unit)
    "function_gb_second": (0.000026, "GB-second of on-demand execution, Flex Consumption", 100_000),
    "function_execution": (0.40 / 1_000_000, "execution, Flex Consumption", 250_000),
    "queue_operation": (0.004 / 10_000, "queue operation, StorageV2 LRS", 0),
    "container_vcore_second": (0.000024, "active vCPU-second, Container Apps", 180_000),
    "container_gib_second": (0.000003, "active GiB-second, Container Apps", 360_000),
    "registry_month": (5.00, "month of a Basic container registry", 0),
    "sql_vcore_second": (0.000145, "vCore-second, General Purpose serverless", 100_000),
    "sql_gb_month": (0.115, "GB-month of database storage", 32),
    "logic_connector_call": (0.000125, "standard connector call, Logic Apps Consumption", 0),
    "logic_action": (0.000025, "built-in action, Logic Apps Consumption", 4_000),
    "log_gb": (2.76, "GB taken in by Log Analytics", 5),
}

ASSUMPTIONS = {
    "transactions_per_request": (1, "transactions in one request; batches divide the cost of intake and queue"),
    "function_seconds": (1.0, "least billed time of an execution; 2 GB instances, requests overlap in one"),
    "function_gb": (2.0, "memory of an instance"),
    "queue_operations_per_message": (2.1, "one to put, one to delete, a thirty-second of a receive, a margin"),
    "worker_tail_seconds": (330, "a replica stays this long after the last message: poll and cool-down"),
    "worker_vcores": (0.5, "of a replica"),
    "worker_gib": (1.0, "of a replica"),
    "worker_rate": (500, "transactions a replica scores in a second, database included; far below what was measured locally"),
    "sql_tail_seconds": (900, "the database stays awake this long after the last session: auto-pause delay"),
    "sql_vcores_idle": (0.5, "least that an awake database is billed"),
    "sql_vcore_seconds_per_thousand": (2.0, "vCore-seconds that scoring a thousand transactions takes"),
    "bytes_per_transaction": (400, "in the database, indexes included"),
    "months_kept": (12, "of rows in the database"),
    "anomaly_share": (0.01, "of the transactions"),
    "logic_calls_per_alert": (3, "trigger, mail, delete"),
    "logic_actions_per_alert": (8, "conditions, variables, Parse JSON"),
    "logic_polls_per_minute": (1, "of the trigger, whether or not there is an alert"),
    "log_bytes_per_transaction": (300, "of logs and sampled traces"),
}


def awake(arrivals: float, tail: float, bursts: float | None) -> float:
    """Seconds of a month for which a resource is awake that sleeps TAIL seconds after the last arrival. Arrivals are random, or gathered in BURSTS."""
    if bursts is not None:
        return min(MONTH, bursts * tail)
    return MONTH * -math.expm1(-arrivals / MONTH * tail)


def estimate(transactions: float, bursts: float | None, prices: dict, a: dict) -> dict[str, float]:
    """Returns the dollars per month of each service."""
    def cost(price: str, amount: float) -> float:
        unit, free = prices[price]
        return unit * max(0.0, amount - free)

    requests = transactions / a["transactions_per_request"]
    scoring = transactions / a["worker_rate"]
    overlapping = awake(requests, a["function_seconds"], None) if bursts is None else requests / 16 * a["function_seconds"] + bursts
    executing = min(requests * a["function_seconds"], overlapping)
    worker = min(MONTH, max(scoring, awake(requests, a["worker_tail_seconds"], bursts) + (scoring if bursts else 0)))
    database = min(MONTH, awake(requests, a["sql_tail_seconds"], bursts) + (scoring if bursts else 0))
    alerts = transactions * a["anomaly_share"]
    polls = MONTH / 60 * a["logic_polls_per_minute"]
    return {
        "Function App": cost("function_gb_second", executing * a["function_gb"]) + cost("function_execution", requests),
        "Storage queues": cost("queue_operation", (requests + alerts) * a["queue_operations_per_message"] + MONTH / 30 + polls + worker / 2),
        "Container Apps, registry": cost("container_vcore_second", worker * a["worker_vcores"])
        + cost("container_gib_second", worker * a["worker_gib"]) + cost("registry_month", 1),
        "Azure SQL": cost("sql_vcore_second", database * a["sql_vcores_idle"] + transactions / 1000 * a["sql_vcore_seconds_per_thousand"])
        + cost("sql_gb_month", transactions * a["months_kept"] * a["bytes_per_transaction"] / 1e9),
        "Logic App": cost("logic_connector_call", polls + alerts * a["logic_calls_per_alert"]) + cost("logic_action", alerts * a["logic_actions_per_alert"]),
        "Log Analytics": cost("log_gb", transactions * a["log_bytes_per_transaction"] / 1e9),
    }


CASES = [
    ("1 k, one burst a day", 1_000, 30),
    ("1 k, spread evenly", 1_000, None),
    ("100 k, one burst a day", 100_000, 30),
    ("100 k, spread evenly", 100_000, None),
    ("10 M, one burst a day", 10_000_000, 30),
    ("10 M, spread evenly", 10_000_000, None),
]


def table(prices: dict, a: dict) -> str:
    columns = [(name, estimate(count, bursts, prices, a)) for name, count, bursts in CASES]
    lines = ["| dollars a month | " + " | ".join(name for name, _ in columns) + " |", "|---|" + "---:|" * len(columns)]
    for service in columns[0][1]:
        lines.append(f"| {service} | " + " | ".join(f"{costs[service]:.2f}" for _, costs in columns) + " |")
    lines.append("| **sum** | " + " | ".join(f"**{sum(costs.values()):.0f}**" for _, costs in columns) + " |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", type=Path, metavar="PAGE")
    parser.add_argument("--price", action="append", default=[], metavar="NAME=DOLLARS")
    parser.add_argument("--assume", action="append", default=[], metavar="NAME=VALUE")
    arguments = parser.parse_args()
    prices = {name: (price, free) for name, (price, _, free) in PRICES.items()}
    assumptions = {name: value for name, (value, _) in ASSUMPTIONS.items()}
    for change in arguments.price:
        name, _, value = change.partition("=")
        prices[name] = (float(value), prices[name][1])
    for change in arguments.assume:
        name, _, value = change.partition("=")
        assert name in assumptions, f"no such assumption: {name}"
        assumptions[name] = float(value)
    text = table(prices, assumptions)
    if arguments.check is None:
        print(text)
        for heading, rows in (
            ("price", [(name, f"{price:.7f}".rstrip("0").rstrip("."), f"{free:,}", meaning) for name, (price, meaning, free) in PRICES.items()]),
            ("assumption", [(name, f"{value:g}", "", meaning) for name, (value, meaning) in ASSUMPTIONS.items()]),
        ):
            print(f"\n{heading}")
            for row in rows:
                print("  {:32} {:>12} {:>9}  {}".format(*row))
    elif text not in arguments.check.read_text(encoding="utf-8"):
        sys.exit(f"{arguments.check} has another table than:\n{text}")


if __name__ == "__main__":
    main()
