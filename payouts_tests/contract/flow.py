"""The flow: every step in order at one provider, and what was observed at each."""

from dataclasses import dataclass

from payouts_pipeline.errors import PayoutsError
from payouts_tests.contract import charge_steps, lookup_steps, people_steps, transfer_steps
from payouts_tests.contract.observations import Observation, observed
from payouts_tests.contract.scene import NotComparable, Scene, Setup, Step

STEPS = [*people_steps.STEPS, *charge_steps.STEPS, *transfer_steps.STEPS, *lookup_steps.STEPS]


@dataclass(frozen=True)
class Skipped:
    """Why a step could not be compared at a provider."""

    reason: str


@dataclass(frozen=True)
class Broken:
    """What came in the way of a step, so that there is nothing to compare."""

    what: str


Result = Observation | Skipped | Broken


def play(setup: Setup) -> dict[str, Result]:
    """Make every call at the provider; one that fails in the test itself does not keep the others from being made."""
    scene = Scene(setup, setup.wire())
    return {step.name: _played(scene, step) for step in STEPS}


def _played(scene: Scene, step: Step) -> Result:
    wire = scene.wire
    wire.last = None
    try:
        return _observed(scene, step)
    except NotComparable as reason:
        return Skipped(str(reason))
    except Exception as error:
        return Broken(f"{type(error).__name__}: {error}")
    finally:
        scene.wire = wire


def _observed(scene: Scene, step: Step) -> Observation:
    try:
        verdict = step.make(scene)
    except PayoutsError as error:
        verdict = error
    exchange = scene.wire.last
    if exchange is None:
        raise LookupError(f"no answer came: {verdict}")
    observation = observed(scene, exchange, verdict)
    body = exchange.body.get("error", {}).get("payment_intent") or exchange.body
    if body.get("id") and body["id"] not in scene.names:
        scene.remember(step.name, body["id"])
    return observation
