"""What can go wrong with a call of the provider."""

from typing import Any

from payouts_pipeline.local.stripe_emulator.admin import FaultKind, OtherAnswer
from payouts_tests.stateful.world import LATE_S

_PAGE = "<html><body><h1>Not here</h1></body></html>"
_JSON = "application/json"
# From a proxy, a firewall or a captive portal: in front of Stripe, or after it has acted.
_FOREIGN = (
    OtherAnswer.foreign(403, _PAGE),
    OtherAnswer.foreign(502, _PAGE),
    OtherAnswer.foreign(200),
    OtherAnswer.foreign(200, _PAGE),
    OtherAnswer.foreign(200, '{"status": "ok"}', _JSON),
    OtherAnswer.foreign(200, '{"object": "list", "data": [], "has_more": false}', _JSON),
    OtherAnswer.foreign(402, '{"error": {"type": "card_error", "code": "card_declined", "message": "no"}}', _JSON),
    OtherAnswer.foreign(404, '{"error": {"type": "invalid_request_error", "code": "resource_missing"}}', _JSON),
)
# With Stripe's headers around something that is not Stripe's.
_GARBLED = (
    OtherAnswer(status=200, headers={"Content-Type": _JSON}, body="[]"),
    OtherAnswer(status=200, headers={"Content-Type": _JSON}, body='{"object": "transfer", "id": "tr_1"}'),
    OtherAnswer(status=403, headers={"Content-Type": _JSON}, body='{"error": "access_denied"}'),
)

FAULTS: tuple[dict[str, Any], ...] = (
    {"kind": FaultKind.DROP_BEFORE},
    {"kind": FaultKind.DROP_AFTER},
    {"kind": FaultKind.DROP_DURING},
    {"kind": FaultKind.ERROR_500},
    {"kind": FaultKind.STORED_500, "acted": True},
    {"kind": FaultKind.STORED_500, "acted": False},
    {"kind": FaultKind.CONFLICT_409},
    {"kind": FaultKind.RATE_LIMIT_429},
    {"kind": FaultKind.RATE_LIMIT_429, "code": "lock_timeout"},
    {"kind": FaultKind.BALANCE_INSUFFICIENT},
    {"kind": FaultKind.DECLINE, "decline_code": "insufficient_funds"},
    {"kind": FaultKind.DECLINE, "decline_code": "stolen_card"},
    {"kind": FaultKind.SLOW, "delay_s": LATE_S},
    {"kind": FaultKind.SLOW_AFTER, "delay_s": LATE_S},
    *({"kind": FaultKind.OTHER_ANSWER, "answer": answer, "acted": True} for answer in (*_FOREIGN, *_GARBLED)),
    *({"kind": FaultKind.OTHER_ANSWER, "answer": answer, "acted": False} for answer in (*_FOREIGN, *_GARBLED)),
)
LATE = {FaultKind.SLOW, FaultKind.SLOW_AFTER}
