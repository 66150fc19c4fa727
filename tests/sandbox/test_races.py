"""Several buyers of the same numbers: each number is sold once, and the balances are right."""

import json
import sqlite3
import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from threading import Barrier

from telefonie_mcp.sandbox.store import Order, OwnedNumber, Store

NUMBERS = [f"+1415555{last:04}" for last in range(40)]
BUYERS = 4

BUYER = """
import json, sys
from datetime import UTC, datetime
from decimal import Decimal
from telefonie_mcp.sandbox.store import Order, OwnedNumber, Store

database, key, *numbers = sys.argv[1:]
print("ready", flush=True)
sys.stdin.readline()
store = Store(database)
account = store.account(key, Decimal(1000))
won = []
for number in numbers:
    order = Order(number=number, country="US", type="local", monthly_rate=Decimal("1.15"))
    if isinstance(store.purchase(account, order, datetime.now(UTC)), OwnedNumber):
        won.append(number)
print(json.dumps(won))
"""


def check_balances(database: Path) -> None:
    with closing(sqlite3.connect(database)) as connection:
        ((balances, counts),) = connection.execute(
            "SELECT (SELECT sum(balance) FROM accounts), (SELECT sum(count) FROM owned)"
        )
    assert (balances, counts) == (BUYERS * 100_000 - 115 * len(NUMBERS), len(NUMBERS))


def test_of_several_threads_one_buys_each_number(tmp_path: Path) -> None:
    stores = [Store(tmp_path / "sandbox.db") for _ in range(2)]
    start = Barrier(BUYERS)

    def buy(buyer: int) -> list[str]:
        store = stores[buyer % 2]
        account = store.account(f"buyer-{buyer}", Decimal(1000))
        start.wait(timeout=300)
        orders = [
            Order(number=number, country="US", type="local", monthly_rate=Decimal("1.15"))
            for number in NUMBERS
        ]
        now = datetime.now(UTC)
        return [each.number for each in orders if isinstance(store.purchase(account, each, now), OwnedNumber)]

    with ThreadPoolExecutor(BUYERS) as pool:
        won = Counter(number for numbers in pool.map(buy, range(BUYERS)) for number in numbers)
    assert won == Counter(NUMBERS)
    check_balances(tmp_path / "sandbox.db")


def test_of_several_processes_one_buys_each_number(tmp_path: Path) -> None:
    """The file does not exist yet: creating it is part of the race."""
    database = tmp_path / "sandbox.db"
    buyers = [
        subprocess.Popen(
            [sys.executable, "-c", BUYER, str(database), f"buyer-{buyer}", *NUMBERS],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for buyer in range(BUYERS)
    ]
    for buyer in buyers:
        assert buyer.stdout is not None
        assert buyer.stdout.readline() == "ready\n"
    for buyer in buyers:
        assert buyer.stdin is not None
        buyer.stdin.write("go\n")
        buyer.stdin.flush()
    won = Counter[str]()
    for buyer in buyers:
        output, _ = buyer.communicate(timeout=300)
        assert buyer.returncode == 0
        won.update(json.loads(output))
    assert won == Counter(NUMBERS)
    check_balances(database)
