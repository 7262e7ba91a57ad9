"""Finding things again in the emulator: pages, filters, expansion, counters."""

from typing import Any

import pytest
import stripe

from payouts_tests.support.emulated_stripe import EmulatedStripe, charge, transfer


def test_lists_are_paged_newest_first_in_both_directions(api: stripe.StripeClient) -> None:
    made = [transfer(api, amount, transfer_group="g").id for amount in range(1, 8)]
    transfer(api, 99, transfer_group="other")

    first = api.v1.transfers.list({"transfer_group": "g", "limit": 3})
    assert [row.id for row in first.data] == made[:-4:-1]
    assert first.has_more
    assert [row.id for row in first.auto_paging_iter()] == made[::-1]
    before = api.v1.transfers.list({"transfer_group": "g", "limit": 2, "ending_before": made[2]})
    assert ([row.id for row in before.data], before.has_more) == ([made[4], made[3]], True)
    last = api.v1.transfers.list({"transfer_group": "g", "starting_after": made[1]})
    assert ([row.id for row in last.data], last.has_more) == ([made[0]], False)


def test_all_transfers_and_payments_are_listed_by_time_to_the_last(
    api: stripe.StripeClient, emulator: EmulatedStripe
) -> None:
    begin = emulator.admin.clock().now
    sent, paid = [], []
    for _ in range(4):
        emulator.admin.advance_clock(60)
        sent.append(transfer(api).id)
        paid.append(charge(api).id)
    since = {"created": {"gte": begin + 90}, "limit": 2}

    for service, made in ((api.v1.transfers, sent), (api.v1.payment_intents, paid)):
        listing: Any = service.list
        first = listing(since)
        rest = listing({**since, "starting_after": first.data[-1].id})
        back = listing({**since, "ending_before": made[1]})
        assert ([row.id for row in first.data], first.has_more) == ([made[3], made[2]], True)
        assert ([row.id for row in rest.data], rest.has_more) == ([made[1]], False)
        assert ([row.id for row in back.data], back.has_more) == ([made[3], made[2]], False)
        assert [row.id for row in listing({"limit": 100}).data] == made[::-1]
        with pytest.raises(stripe.InvalidRequestError, match="Please pass in only one"):
            listing({"starting_after": made[0], "ending_before": made[1]})


def test_payments_are_found_by_customer_and_time(api: stripe.StripeClient, emulator: EmulatedStripe) -> None:
    early = charge(api)
    emulator.admin.advance_clock(1000)
    late = charge(api)
    with pytest.raises(stripe.CardError):
        charge(api, payment_method="pm_card_chargeDeclined")

    since = api.v1.payment_intents.list({"customer": "cus_payer", "created": {"gte": early.created + 1}})
    assert [row.status for row in since.data] == ["requires_payment_method", "succeeded"]
    assert since.data[1].id == late.id
    until = api.v1.payment_intents.list({"customer": "cus_payer", "created": {"lt": late.created}})
    assert [row.id for row in until.data] == [early.id]
    assert api.v1.payment_intents.list({"customer": "cus_cardless"}).data == []


def test_objects_are_expanded_on_request(api: stripe.StripeClient) -> None:
    intent = charge(api, expand=["latest_charge.balance_transaction"])
    assert isinstance(intent.latest_charge, stripe.Charge)
    assert isinstance(intent.latest_charge.balance_transaction, stripe.BalanceTransaction)
    listed = api.v1.payment_intents.list({"expand": ["data.customer"]})
    assert isinstance(listed.data[0].customer, stripe.Customer)


def test_an_expansion_that_does_not_exist_moves_nothing(api: stripe.StripeClient, emulator: EmulatedStripe) -> None:
    with pytest.raises(stripe.InvalidRequestError, match="cannot be expanded"):
        charge(api, expand=["nonsense"])
    assert emulator.admin.journal() == []


def test_calls_are_counted_by_endpoint(api: stripe.StripeClient, emulator: EmulatedStripe) -> None:
    made = [transfer(api), transfer(api)]
    api.v1.transfers.retrieve(made[0].id)
    assert emulator.admin.counters() == {"GET /v1/transfers/{id}": 1, "POST /v1/transfers": 2}
