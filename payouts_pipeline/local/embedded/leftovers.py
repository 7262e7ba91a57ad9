"""Parts that outlived their supervisor: found by what it had written down, and ended before anything starts.

On Linux the kernel tells the parts when the supervisor dies; a part that hangs, or another OS, leaves them.
"""

import signal
from collections.abc import Iterable

import psutil

from payouts_pipeline.local.embedded.state import State

_RECORDS = "processes"
# A pid is used again, a pid with its start time is not; the clock behind start times is set now and then.
_SAME_START_S = 2.0
_END_TIMEOUT_S = 3.0


def record(state: State, name: str, pid: int, stop_signal: signal.Signals) -> None:
    """Write down that the part `name` runs as `pid`, unless it has ended already."""
    try:
        started = psutil.Process(pid).create_time()
    except psutil.NoSuchProcess:
        return
    entry = {"pid": pid, "started": started, "stop_signal": int(stop_signal)}
    state.write(_RECORDS, state.read(_RECORDS) | {name: entry})


def forget(state: State, name: str) -> None:
    """Take back the record of a part that has ended."""
    records = state.read(_RECORDS)
    records.pop(name, None)
    state.write(_RECORDS, records)


def end_leftovers(state: State) -> list[str]:
    """End every recorded process that still runs and is the one recorded; return the names of the parts."""
    found = {name: _recorded_process(entry) for name, entry in state.read(_RECORDS).items()}
    running = {name: process for name, process in found.items() if process}
    for name, process in running.items():
        end_processes([process], signal.Signals(state.read(_RECORDS)[name]["stop_signal"]))
    state.write(_RECORDS, {})
    return list(running)


def end_processes(processes: Iterable[psutil.Process], stop_signal: signal.Signals) -> None:
    """Ask the processes to end, and kill those that have not after a while."""
    asked = list(processes)
    _signal(asked, stop_signal)
    _, deaf = psutil.wait_procs(asked, timeout=_END_TIMEOUT_S)
    _signal(deaf, signal.SIGKILL)
    psutil.wait_procs(deaf, timeout=_END_TIMEOUT_S)


def _signal(processes: list[psutil.Process], number: signal.Signals) -> None:
    for process in processes:
        try:
            process.send_signal(number)
        except psutil.NoSuchProcess:
            continue


def _recorded_process(entry: dict[str, float]) -> psutil.Process | None:
    try:
        process = psutil.Process(int(entry["pid"]))
        same = abs(process.create_time() - entry["started"]) < _SAME_START_S
    except psutil.NoSuchProcess:
        return None
    return process if same and process.status() != psutil.STATUS_ZOMBIE else None
