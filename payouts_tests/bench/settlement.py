"""In-run settlement of many instructions, held against a bare loop of SDK calls on as many threads."""

import time
from collections import Counter
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from statistics import median
from typing import Any
from uuid import uuid4

import boto3
import stripe

from payouts_pipeline.aws.stack import deploy
from payouts_pipeline.domain.billing import PAYOUT_TYPES, BillingType
from payouts_pipeline.domain.splits import split
from payouts_pipeline.league import reader
from payouts_pipeline.ledger.database import Connection, open_connection
from payouts_pipeline.local.stripe_emulator.admin import AccountSeed, CustomerSeed, EmulatorAdmin
from payouts_pipeline.settlement.assemble import Settlement, StripeAccount, settlement
from payouts_pipeline.settlement.topology import Topology, find_topology
from payouts_pipeline.workflow import phases
from payouts_pipeline.workflow.publish import Phase
from payouts_tests.bench.installation import DAY, copy_of, make_league, parts
from payouts_tests.support.leagues import SYDNEY

INSTRUCTIONS = 1_000
THREADS = 16
PAIRS = 3
_STACK = "bench"


def run() -> None:
    """Print the ratio, and how often the provider is called."""
    print(f"\n{INSTRUCTIONS:,} charges settled in the run against as many SDK calls on {THREADS} threads")
    with parts("postgres", "aws", "stripe") as environment:
        make_league(environment, INSTRUCTIONS, fees_per_player=1)
        topology = topology_of(environment)
        pairs = []
        for number in range(PAIRS):
            # The emulator forgets everything, since each copy of the database names the same instructions.
            start_emulator_over(environment)
            bare_s = bare(environment, THREADS, INSTRUCTIONS)
            # And a ledger reads all of an account's past before its first call.
            start_emulator_over(environment)
            requests: Counter[str] = Counter()
            url = copy_of(environment, f"pair_{number}")
            in_run_s, calls, payouts = _in_run(environment, topology, url, requests)
            pairs.append(in_run_s / bare_s)
            print(f"  in the run {in_run_s:6.2f} s   bare {bare_s:6.2f} s   ratio {in_run_s / bare_s:5.2f}")
        print(f"  ratio {median(pairs):.2f}   (median of {PAIRS})")
        print(f"  provider calls per 1,000 fees, payouts of {payouts} payees included: {calls}")
        per_thousand = {name: 1000 * count / (INSTRUCTIONS + payouts) for name, count in sorted(requests.items())}
        print("  requests per 1,000 instructions: " + ", ".join(f"{n} {c:.0f}" for n, c in per_thousand.items()))


def client(service: str, environment: Mapping[str, str]) -> Any:
    return boto3.client(
        service,  # type: ignore[call-overload]  # a name from a list
        endpoint_url=environment["AWS_ENDPOINT_URL"],
        region_name=environment["AWS_DEFAULT_REGION"],
        aws_access_key_id=environment["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=environment["AWS_SECRET_ACCESS_KEY"],
    )


def account(environment: Mapping[str, str]) -> StripeAccount:
    """The emulator, at any rate of calls."""
    return StripeAccount(environment["STRIPE_API_KEY"], environment["STRIPE_API_BASE"])


def topology_of(environment: Mapping[str, str]) -> Topology:
    cloudformation = client("cloudformation", environment)
    deploy(cloudformation, _STACK, report=lambda _: None)
    return find_topology(cloudformation, _STACK)


def start_emulator_over(environment: Mapping[str, str], customers: int = INSTRUCTIONS) -> None:
    with EmulatorAdmin(environment["STRIPE_API_BASE"]) as admin:
        admin.reset()
        admin.put_customers(
            CustomerSeed(id=f"cus_{number}", default_payment_method="pm_card_visa")
            for number in range(1, customers + 1)
        )
        # Stripe keeps a part of each charge, and the payouts are more than what is left in some currency.
        admin.set_balance(dict.fromkeys(("aud", "eur", "jpy", "kwd"), 10**12))
        names = [("club", 1000), ("organiser", 10), ("partner", 5)]
        admin.put_accounts(AccountSeed(id=f"acct_{name}{n}") for name, count in names for n in range(1, count + 1))


def bare(environment: Mapping[str, str], threads: int, instructions: int) -> float:
    """Seconds of as many charges, by nothing but the SDK."""
    client = stripe.StripeClient(
        environment["STRIPE_API_KEY"],
        base_addresses={"api": environment["STRIPE_API_BASE"]},
        max_network_retries=0,
        http_client=stripe.RequestsClient(timeout=20),
    )

    def charge(number: int) -> None:
        params: Any = {
            "amount": 1_500,
            "currency": "eur",
            "customer": f"cus_{number}",
            "payment_method": "pm_card_visa",
            "off_session": True,
            "confirm": True,
            "automatic_payment_methods": {"enabled": True, "allow_redirects": "never"},
            "transfer_group": str(uuid4()),
            "metadata": {"instruction_id": str(uuid4()), "attempt": "1", "day": str(DAY), "billing_type": "none"},
        }
        client.v1.payment_intents.create(params, {"idempotency_key": str(uuid4())})

    started = time.perf_counter()
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(charge, range(1, instructions + 1)))
    return time.perf_counter() - started


def _in_run(
    environment: Mapping[str, str], topology: Topology, url: str, requests: Counter[str]
) -> tuple[float, int, int]:
    """Seconds from the first message to the last outcome of the charges; calls and payees of the whole day."""
    settles = settlement(url, account(environment), THREADS)
    with open_connection(url) as ledger, open_connection(url) as source, settles as settling:
        lines = split(reader.fees_of_day(source, DAY, SYDNEY))
        made = phases.open_charges(ledger, source, DAY, lines, "bench").instructions
        started = time.perf_counter()
        _settle(environment, topology, settling, ledger, [BillingType.PLAYER_CHARGE], requests)
        charges_s = time.perf_counter() - started
        payouts = phases.open_payouts(ledger, source, DAY, {}, "bench").instructions
        _settle(environment, topology, settling, ledger, PAYOUT_TYPES, requests)
        statuses: dict[str, int] = dict(
            ledger.execute("select status, count(*) from payouts.instructions group by status").fetchall()
        )
    assert statuses == {"settled": made + payouts}, statuses
    return charges_s, settling.calls, payouts


def _settle(
    environment: Mapping[str, str],
    topology: Topology,
    settling: Settlement,
    ledger: Connection,
    kinds: Any,
    requests: Counter[str],
) -> None:
    sns, sqs = client("sns", environment), client("sqs", environment)
    for counted in (sns, sqs):
        counted.meta.events.register("before-call", lambda model, **_: requests.update([model.name]))
    phase = Phase(ledger, sns, topology, DAY, kinds, "bench", lambda _: None)
    phase.settle(lambda: settling.pool(sqs, topology, kinds), timedelta(minutes=5))
