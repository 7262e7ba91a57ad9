"""`python -m payouts_tests.bench`: prints what the design promises as ratios, measured in pairs on this machine."""

from payouts_tests.bench import booking, fleet, history, memory, ranges, settlement, small_day

if __name__ == "__main__":
    booking.run()
    settlement.run()
    small_day.run()
    ranges.run()
    fleet.run()
    memory.run()
    history.run()
