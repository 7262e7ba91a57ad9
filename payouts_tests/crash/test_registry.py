"""No effect without a name: whatever commits, publishes, moves money, deletes a message or writes a file."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import payouts_pipeline
from payouts_pipeline.failpoints import Failpoint

_PACKAGES = ("league", "ledger", "settlement", "workflow", "reports", "defs")
# Methods that have, or open, an effect on the world outside the process.
_EFFECTS = {"transaction", "commit", "publish", "publish_batch", "send_message", "send_message_batch",
            "delete_message", "delete_message_batch", "create", "write_bytes", "write_text", "put_object"}  # fmt: skip
# The same of one service of Stripe's: its name alone would find every `cancel`.
_EFFECTS_OF = {("payment_intents", "cancel")}
_NO_EFFECT_OF_A_DAY = {
    ("league/reader.py", "snapshot"): "reads schema league, and can write nothing",
    ("ledger/migrate.py", "migrate"): "the schema, before any day",
    ("ledger/identity.py", "set_beside"): "one commit of a person's command, which has no other effect",
    ("ledger/checkpoints.py", "write"): "one commit of sums after a day, which the next run would write as well",
    ("ledger/banks.py", "keep"): "one commit of what Stripe has said of a payee's bank, which is asked again",
    ("ledger/bookings.py", "_collected"): "a savepoint in the transaction of a phase",
    ("ledger/bookings.py", "differs"): "reads, by tables that are gone with the transaction",
    ("ledger/proposals.py", "accept"): "one commit of a person's command, which has no other effect",
    ("reports/audit.py", "audit"): "reads, and can write nothing",
    ("reports/checks.py", "_booked_otherwise"): "reads, by tables that are gone with the transaction",
    ("reports/explain/fetch.py", "fetch"): "reads, and can write nothing",
    (
        "settlement/stripe_events.py",
        "delete_events",
    ): "hints that were followed: Stripe's journal has it all",
    ("workflow/adjustments.py", "write_off"): "one commit of a person's command, which has no other effect",
    ("workflow/adjustments.py", "transfer_balance"): "one commit of a person's command, which has no other effect",
    (
        "workflow/lost_returns.py",
        "_find_again",
    ): "one commit of an order with what it has moved, made again if not there",
    ("workflow/preview.py", "preview"): "is undone",
    (
        "workflow/resume.py",
        "_seen",
    ): "one commit of what league says, which the next run would note as well",
    ("ledger/previews.py", "rehearsal"): "is undone",
    ("workflow/operator_actions.py", "hold"): "one commit of a person's command, which has no other effect",
    ("workflow/operator_actions.py", "unhold"): "one commit of a person's command, which has no other effect",
    (
        "workflow/operator_actions.py",
        "confirm_account",
    ): "one commit of a person's command, which has no other effect",
    ("workflow/operator_actions.py", "approve_day"): "one commit of a person's command, which has no other effect",
    ("workflow/operator_actions.py", "approve"): "one commit of a person's command, which has no other effect",
    ("workflow/operator_actions.py", "judge"): "one commit of a person's command, which has no other effect",
    ("workflow/operator_actions.py", "cancel"): "one commit of a person's command, which has no other effect",
}


def _calls(node: ast.AST, function: str = "", *, inside: bool = False) -> Iterator[tuple[str, ast.Call, bool]]:
    """Every call with the function that it stands in, and whether it stands in a ``with failpoint(...)``."""
    if isinstance(node, ast.FunctionDef):
        function, inside = node.name, False
    if isinstance(node, ast.Call):
        yield function, node, inside
    if isinstance(node, ast.With):
        for item in node.items:
            yield from _calls(item, function, inside=inside)
            inside = inside or _names_effect(item.context_expr)
        for statement in node.body:
            yield from _calls(statement, function, inside=inside)
        return
    for child in ast.iter_child_nodes(node):
        yield from _calls(child, function, inside=inside)


def _names_effect(expression: ast.expr) -> bool:
    return (
        isinstance(expression, ast.Call) and isinstance(expression.func, ast.Name) and expression.func.id == "failpoint"
    )


def _has_effect(call: ast.Call) -> bool:
    if not isinstance(call.func, ast.Attribute):
        return False
    if isinstance(call.func.value, ast.Attribute) and (call.func.value.attr, call.func.attr) in _EFFECTS_OF:
        return True
    writes = any(isinstance(a, ast.Constant) and a.value in ("wb", "w", "ab", "a") for a in call.args)
    return call.func.attr in _EFFECTS or (call.func.attr == "open" and writes)


def _sources() -> Iterator[tuple[str, str]]:
    root = Path(payouts_pipeline.__file__).parent
    for package in _PACKAGES:
        for file in sorted((root / package).rglob("*.py")):
            yield file.relative_to(root).as_posix(), file.read_text("utf-8")


def _unnamed(path: str, source: str) -> list[tuple[str, str, int]]:
    return [
        (path, function, call.lineno)
        for function, call, inside in _calls(ast.parse(source))
        if _has_effect(call) and not inside and (path, function) not in _NO_EFFECT_OF_A_DAY
    ]


def test_every_effect_in_the_product_has_a_name() -> None:
    assert [place for path, source in _sources() for place in _unnamed(path, source)] == []


@pytest.mark.parametrize(
    "line",
    [
        "with connection.transaction(): pass",
        "with connection.transaction(), failpoint(Failpoint.CLAIM): pass",
        "sns.publish_batch()",
        "with failpoint(Failpoint.CLAIM):\n  def later(): transfers.create()",
        "fs.open('x', 'wb')",
        "self.services.payment_intents.cancel('pi_1')",
    ],
)
def test_an_effect_without_a_name_is_found(line: str) -> None:
    assert _unnamed("x.py", line)


def test_every_name_is_used_exactly_once() -> None:
    used = [
        call.args[0].attr
        for _, source in _sources()
        for _, call, _ in _calls(ast.parse(source))
        if _names_effect(call) and isinstance(call.args[0], ast.Attribute)
    ]
    assert sorted(used) == sorted(effect.name for effect in Failpoint)
