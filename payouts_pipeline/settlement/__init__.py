"""Bringing booked instructions to their end: messages, the worker and its hosts, the payment provider."""
