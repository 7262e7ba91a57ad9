"""All looks, in order. One that fails stops none but those that build on it, and those say so."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from payouts_pipeline.reports.doctor import bus, dagster, ledger, provider, source, storage, variables, versions
from payouts_pipeline.reports.doctor.diagnosis import Diagnosis, State, failed, halves, problem
from payouts_pipeline.reports.doctor.setup import Setup


@dataclass(frozen=True)
class _Look:
    """One look: the part of the environment that it needs, if any, and the looks that it builds on."""

    subject: str
    take: Callable[[Setup], Iterable[Diagnosis]]
    part: str | None = None
    after: tuple[str, ...] = ()


_DATABASE, _LEDGER, _BUS, _STRIPE = "ledger database", "ledger schema", "topic and queues", "Stripe key"
_LOOKS = (
    _Look("environment", variables.look),
    _Look("versions", versions.look),
    _Look(_DATABASE, ledger.server, "ledger"),
    _Look(_LEDGER, ledger.schema, after=(_DATABASE,)),
    _Look("schema league", source.look),
    _Look("Dagster's storage", dagster.storage, "dagster"),
    _Look("dagster.yaml", dagster.instance),
    _Look("storage", storage.look),
    _Look(_BUS, bus.look, "aws"),
    _Look("alerts", bus.alerts, after=(_BUS,)),
    _Look(_STRIPE, provider.account, "stripe"),
    _Look("permissions of the key", provider.permissions, after=(_STRIPE,)),
    _Look("ledger at Stripe", provider.standing, after=(_LEDGER, _STRIPE)),
    _Look("balance at Stripe", provider.balance, after=(_LEDGER, _STRIPE)),
    _Look("open payments", ledger.left_over, after=(_LEDGER,)),
)


def examine(setup: Setup) -> Iterator[Diagnosis]:
    """What every look says. What builds on one that has ended says so, unless that was a warning, which is enough."""
    ended: dict[str, State] = {}
    for look in _LOOKS:
        missing = [ended[subject] for subject in look.after if subject in ended]
        for each in _taken(look, setup, missing, ended):
            yield each
            if each.ends:
                ended[look.subject] = each.state


def _taken(look: _Look, setup: Setup, missing: list[State], ended: dict[str, State]) -> Iterator[Diagnosis]:
    why_not = setup.broken.get(look.part or "")
    if why_not:
        found, to_do = halves(why_not)
        yield problem(look.subject, f"not looked at, because {found}", to_do, ends=True)
    elif State.PROBLEM in missing:
        why = " and ".join(subject for subject in look.after if subject in ended)
        yield problem(look.subject, f"not looked at, because of the {why}", "fix that first.", ends=True)
    elif not missing:
        try:
            yield from look.take(setup)
        except Exception as error:
            yield failed(look.subject, error)
