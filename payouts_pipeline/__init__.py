"""Pays out yesterday's football matches: every fee split to the cent, everyone paid exactly once."""

import logging

# As every library: who runs it decides what is printed.
logging.getLogger(__name__).addHandler(logging.NullHandler())
