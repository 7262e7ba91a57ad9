"""Pays out yesterday's football matches: every fee split to the cent, everyone paid exactly once."""
