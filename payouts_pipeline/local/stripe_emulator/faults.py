"""Faults on order: which call goes wrong next, and how."""

import random
from collections.abc import Iterable

from payouts_pipeline.local.stripe_emulator.models import EXECUTION_FAULTS, FaultKind, FaultRule, FaultState
from payouts_pipeline.local.stripe_emulator.request import ApiRequest
from payouts_pipeline.local.stripe_emulator.store import Store


class Faults:
    """The rules in force. They and their counts survive a restart, so that a fault is not repeated by one."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._states = [
            FaultState(id=rule_id, rule=FaultRule.model_validate_json(rule), seen=seen, hits=hits)
            for rule_id, rule, seen, hits in store.rows("all_faults")
        ]

    def add(self, rules: Iterable[FaultRule]) -> list[FaultState]:
        """Put rules in force, after those that are; gives them with their ids."""
        added = []
        for rule in rules:
            [(rule_id,)] = self._store.rows("insert_fault", rule=rule.model_dump_json())
            added.append(FaultState(id=rule_id, rule=rule, seen=0, hits=0))
        self._states += added
        return added

    def all(self) -> list[FaultState]:
        """Return the rules in force with their counts."""
        return list(self._states)

    def clear(self) -> None:
        """Take all rules out of force."""
        self._states = []
        self._store.run("delete_faults")

    def arriving(self, request: ApiRequest) -> FaultRule | None:
        """Return what goes wrong with the request before or around its execution."""
        return self._next(request, executing=False)

    def executing(self, request: ApiRequest) -> FaultRule | None:
        """Return what goes wrong in the execution itself; to be asked once per execution."""
        return self._next(request, executing=True)

    def _next(self, request: ApiRequest, *, executing: bool) -> FaultRule | None:
        for state in self._states:
            in_phase = (state.rule.kind in EXECUTION_FAULTS) is executing
            if in_phase and _matches(state.rule, request) and self._hits(state):
                return state.rule
        return None

    def _hits(self, state: FaultState) -> bool:
        state.seen += 1
        hit = _is_due(state)
        state.hits += hit
        self._store.run("update_fault", id=state.id, seen=state.seen, hits=state.hits)
        return hit


def _matches(rule: FaultRule, request: ApiRequest) -> bool:
    return (
        rule.method in (None, request.method)
        and request.path.startswith(rule.path_prefix)
        and rule.instruction_id in (None, request.instruction_id)
        and (request.idempotency_key or "").startswith(rule.key_prefix or "")
        and _makes_sense(rule.kind, request)
    )


def _makes_sense(kind: FaultKind, request: ApiRequest) -> bool:
    """Whether money could be refused at all: for want of funds to transfer or to take back, or by a card."""
    if request.method != "POST":
        return kind not in (FaultKind.BALANCE_INSUFFICIENT, FaultKind.DECLINE)
    if kind is FaultKind.BALANCE_INSUFFICIENT:
        return request.endpoint_path in ("/v1/transfers", "/v1/transfers/{id}/reversals")
    if kind is FaultKind.DECLINE:
        return request.path.startswith("/v1/payment_intents") and not request.path.endswith("/cancel")
    return True


def _is_due(state: FaultState) -> bool:
    rule = state.rule
    if rule.nth is not None and state.seen != rule.nth:
        return False
    if rule.times is not None and state.hits >= rule.times:
        return False
    return rule.rate >= 1 or random.Random(f"{rule.seed}:{state.seen}").random() < rule.rate  # noqa: S311 - a fault, no secret
