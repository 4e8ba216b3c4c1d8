#!/usr/bin/env python3
"""Estimates the monthly cost of infra/ in Azure, and what the free amounts reach for. docs/azure.md has both tables and explains them.

    python3 tools/azure_cost.py                          the tables of docs/azure.md
    python3 tools/azure_cost.py --check docs/azure.md    fails when the page has others
    python3 tools/azure_cost.py --write docs/azure.md    puts them into the page
    python3 tools/azure_cost.py --price sql_vcore_second=0.000130 --assume anomaly_share=0.002

The prices are those of tools/azure_prices.json, which has their date. Replace them with those of your region before you rely on a sum.
"""
import argparse
import json
import math
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MONTH = 730 * 3600  # seconds
BEGIN, END = "<!-- begin: tools/azure_cost.py -->", "<!-- end: tools/azure_cost.py -->"

PRICE_LIST = json.loads((ROOT / "tools/azure_prices.json").read_text(encoding="utf-8"))
PRICES = {name: (item["dollars"], item["for"], item["free"]) for name, item in PRICE_LIST["prices"].items()}

ASSUMPTIONS = {
    "transactions_per_request": (1, "transactions in one request; batches divide the cost of intake and queue"),
    "function_seconds": (1.0, "least billed time of an execution; requests overlap in one"),
    "function_overlap": (16, "requests of a burst that overlap in an instance; infra/main.bicep allows 100"),
    "function_gb": (0.5, "memory of an instance, infra/main.bicep"),
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
    "log_bytes_per_request": (3_000, "of traces, each request its own: measured 3,002 with tools/measure_telemetry.py in November 2026"),
    "log_traces_per_second": (5, "at most, of a process: the limit of Azure Monitor's exporter"),
    "log_alert_rules": (16, "log alert rules, ops/alerts/azure.yaml; the template makes them where OPERATORS is set"),
    "log_bytes_per_minute": (50_000, "of metrics, of a process that is awake: measured 29,000 idle and 52,000 under load, in the same way"),
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
    overlapping = awake(requests, a["function_seconds"], None) if bursts is None else requests / a["function_overlap"] * a["function_seconds"] + bursts
    executing = min(requests * a["function_seconds"], overlapping)
    worker = min(MONTH, max(scoring, awake(requests, a["worker_tail_seconds"], bursts) + (scoring if bursts else 0)))
    database = min(MONTH, awake(requests, a["sql_tail_seconds"], bursts) + (scoring if bursts else 0))
    alerts = transactions * a["anomaly_share"]
    polls = MONTH / 60 * a["logic_polls_per_minute"]
    traced = min(requests, executing * a["log_traces_per_second"])
    return {
        "Function App": cost("function_gb_second", executing * a["function_gb"]) + cost("function_execution", requests),
        "Storage queues": cost("queue_operation", (requests + alerts) * a["queue_operations_per_message"] + MONTH / 30 + polls + worker / 2),
        "Container Apps, registry": cost("container_vcore_second", worker * a["worker_vcores"])
        + cost("container_gib_second", worker * a["worker_gib"]) + cost("registry_month", 1),
        "Azure SQL": cost("sql_vcore_second", database * a["sql_vcores_idle"] + transactions / 1000 * a["sql_vcore_seconds_per_thousand"])
        + cost("sql_gb_month", transactions * a["months_kept"] * a["bytes_per_transaction"] / 1e9),
        "Logic App": cost("logic_connector_call", polls + alerts * a["logic_calls_per_alert"]) + cost("logic_action", alerts * a["logic_actions_per_alert"]),
        "Alert rules, where `OPERATORS` is set": cost("log_alert_month", a["log_alert_rules"]) + cost("metric_alert_month", 1),
        "Log Analytics": cost("log_gb", (traced * a["log_bytes_per_request"] + (executing + worker) / 60 * a["log_bytes_per_minute"]) / 1e9),
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


def sources() -> str:
    """Says for which region the prices are, which of them were looked up, and which were not."""
    seen = [f"`{name}` ({item['seen']})" for name, item in PRICE_LIST["prices"].items() if "seen" in item]
    return "\n".join((
        f"Prices of {PRICE_LIST['region']}, {PRICE_LIST['date']}, in US dollars without tax. Looked up, at second hand:",
        f"{', '.join(seen)}.",
        "All others are from memory, because nobody had access to the price lists.",
    ))


def free_amounts(prices: dict, a: dict) -> str:
    """Returns the table of what is free, how far it reaches, and what happens then."""
    def free(name: str) -> float:
        return prices[name][1]

    hours = free("sql_vcore_second") / a["sql_vcores_idle"] / 3600
    left = PRICE_LIST["alert_below_vcore_seconds"] / a["sql_vcores_idle"] / 3600
    replica = min(free("container_vcore_second") / a["worker_vcores"], free("container_gib_second") / a["worker_gib"]) / 3600
    stops = "`AutoPause`: **scoring, results and status stop until the next month**; the intake goes on, and the queue keeps everything"
    drops = "Beyond `LOG_DAILY_QUOTA_GB` a day **telemetry is dropped, so that no rule fires, until the next day**"
    rows = [
        ("Azure SQL", f"{free('sql_vcore_second'):,} vCore-seconds, {free('sql_gb_month')} GB", f"{hours:.0f} hours awake at {a['sql_vcores_idle']} vCores",
         f"{stops}. `BillOverUsage`: it is billed", f"*FinanceIngestFreeAmountLow*, {left:.0f} awake hours before"),
        ("Function App", f"{free('function_gb_second'):,} GB-seconds, {free('function_execution'):,} executions",
         f"{free('function_execution'):,} requests, or {free('function_gb_second') / a['function_gb'] / 3600:.0f} hours of an instance",
         "it is billed", "none"),
        ("Container Apps", f"{free('container_vcore_second'):,} vCPU-seconds, {free('container_gib_second'):,} GiB-seconds",
         f"{replica:.0f} hours of a replica", "it is billed", "none"),
        ("Log Analytics", f"{free('log_gb')} GB", f"{free('log_gb') * 1e9 / a['log_bytes_per_request'] / 1e6:.1f} M traced requests",
         f"it is billed. {drops}", "*FinanceIngestTelemetryCapped*, when it happens"),
        ("Logic App", f"{free('logic_action'):,} built-in actions", f"{free('logic_action') / a['logic_actions_per_alert']:.0f} mails", "it is billed", "none"),
    ]
    lines = ["| free each month | | reaches for | when it is used up | alert |", "|---|---|---|---|---|"]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", type=Path, metavar="PAGE")
    parser.add_argument("--write", type=Path, metavar="PAGE")
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
    text = f"{BEGIN}\n{table(prices, assumptions)}\n\n{sources()}\n\n{free_amounts(prices, assumptions)}\n{END}"
    if arguments.write is not None:
        page = arguments.write.read_text(encoding="utf-8")
        arguments.write.write_text(page.split(BEGIN)[0] + text + page.split(END)[1], encoding="utf-8")
    elif arguments.check is not None:
        page = arguments.check.read_text(encoding="utf-8")
        if text not in page:
            sys.exit(f"{arguments.check} has other tables than:\n{text}")
        bicep = (ROOT / "infra/app/alerts.bicep").read_text(encoding="utf-8")
        if [int(value) for value in re.findall(r"threshold: (\d{2,})", bicep)] != [PRICE_LIST["alert_below_vcore_seconds"]]:
            sys.exit("infra/app/alerts.bicep has another threshold of the free amount than tools/azure_prices.json.")
    else:
        print(text)
        for heading, rows in (
            ("price", [(name, f"{price:.7f}".rstrip("0").rstrip("."), f"{free:,}", meaning) for name, (price, meaning, free) in PRICES.items()]),
            ("assumption", [(name, f"{value:g}", "", meaning) for name, (value, meaning) in ASSUMPTIONS.items()]),
        ):
            print(f"\n{heading}")
            for row in rows:
                print("  {:32} {:>12} {:>9}  {}".format(*row))


if __name__ == "__main__":
    main()
