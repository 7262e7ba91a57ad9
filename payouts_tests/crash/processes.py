"""What a case does in processes of its own, which can be killed: a day, a recovery, each with a fault in it or none."""

import multiprocessing
import signal
from collections.abc import Callable
from datetime import date
from typing import Any

from payouts_pipeline.failpoints import Failpoint, Moment
from payouts_pipeline.local.stripe_emulator.admin import EmulatorAdmin
from payouts_tests.crash import victim
from payouts_tests.crash.day import Place
from payouts_tests.crash.faults import THROUGH_PROXY, Fault

_CASE_TIMEOUT_S = 90
# Every start of a process looks at all others, and of two threads that look at one of them the second is told 255. So
# what a child has sent says how it ended, and its exit code only what was wrong.
_KILLED = (-signal.SIGKILL, 255)

# Forks a child in milliseconds from a process that has everything imported and nothing connected.
_processes = multiprocessing.get_context("forkserver")
_processes.set_forkserver_preload(["payouts_tests.crash.victim"])

Work = Callable[[Place, date], object]


def run_with(stripe: EmulatorAdmin, place: Place, work: Work, day: date, fault: Fault | None) -> bool:
    """The work with a fault in it; whether that occurred."""
    rule = fault.at_stripe() if fault else None
    if rule:
        stripe.add_faults(rule)
    exit_code, answer = _in_child(victim.run, place, work, day, fault)
    if fault and fault.kills:
        assert exit_code in _KILLED or answer is not None, f"{fault}: the victim ended with {exit_code}"
        return answer is None
    assert answer is not None, f"{fault}: the victim ended with {exit_code}"
    if rule:
        [state] = stripe.faults()
        stripe.clear_faults()
        return state.hits > 0
    return bool(answer[1]) if fault and fault.how in THROUGH_PROXY else True


def observed(place: Place, work: Work, day: date) -> list[tuple[int, Failpoint, Moment]]:
    """The effects of the work without faults, in their order, each with its thread."""
    _, answer = _in_child(victim.run, place, work, day, None)
    sequence: list[tuple[int, Failpoint, Moment]] = answer[0]
    return sequence


def recovered(place: Place, day: date) -> int:
    """The day until it is quiet; how often it took."""
    exit_code, answer = _in_child(victim.recover, place, day)
    assert isinstance(answer, int), f"the day does not come to rest ({exit_code}): {answer}"
    return answer


def _in_child(target: Callable[..., None], *arguments: Any) -> tuple[int, Any]:
    """Run it to its end; its exit code, and what it sent before that."""
    receiver, sender = _processes.Pipe(duplex=False)
    child = _processes.Process(target=target, args=(*arguments, sender))
    child.start()
    sender.close()
    child.join(_CASE_TIMEOUT_S)
    if child.exitcode is None:
        child.kill()
        child.join()
        raise AssertionError(f"the work does not end within {_CASE_TIMEOUT_S} s")
    try:
        answer = receiver.recv() if receiver.poll() else None
    except EOFError:
        answer = None
    receiver.close()
    return child.exitcode, answer
