"""Why a line of the provider's journal is of no instruction, differs from it, or waits: codes and their sentences."""

from collections.abc import Mapping

# Nobody moves these but time: the line is in transit between the provider and the ledger.
WAITING: Mapping[str, str] = {
    "order_lost": "this ledger has asked for it and lost that when it was restored: run 'payouts recover'",
    "not_settled_yet": "its instruction has not come to its end in the ledger yet",
    "unknown_instruction": "it names an instruction that this ledger does not know: run 'payouts recover' if the "
    "ledger was restored",
    "movement_not_listed": "what it takes back is not in Stripe's list",
}

NOT_UNDERSTOOD: Mapping[str, str] = {
    "no_ledger": "no ledger has made it",
    "another_ledger": "another ledger on the same Stripe account has made it",
    "disowned": "a person has said that it is not of the instruction that it names",
    "settled_by_another": "its instruction is settled by another movement: money may have moved twice",
    "cancelled_instruction": "its instruction was cancelled: money has moved all the same",
    "moved_twice": "Stripe lists the movement of its instruction twice",
    "amount_differs": "its amount is not that of its instruction",
    "currency_differs": "its currency is not that of its instruction: Stripe has converted it",
    "payee_differs": "it is of somebody else than the attempts of its instruction",
    "movement_unassigned": "what it takes back is of no instruction",
    "not_listed": "is settled, and Stripe does not list its movement",
    "unknown_type": "it is of a type that is not understood",
}


# Not of ours, and entered apart: no instruction is wrong by it.
UNUSUAL = frozenset({"no_ledger", "another_ledger", "disowned", "movement_unassigned", "unknown_type"})


def sentence(code: str | None) -> str:
    """The sentence of a code; empty where there is nothing to say."""
    return {**WAITING, **NOT_UNDERSTOOD}.get(code or "", code or "")
