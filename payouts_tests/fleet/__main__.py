"""`python -m payouts_tests.fleet`: the soak test of a fleet that is hit by everything at once; see `soak`."""

import sys

from payouts_tests.fleet import soak

if __name__ == "__main__":
    sys.exit(soak.run())
