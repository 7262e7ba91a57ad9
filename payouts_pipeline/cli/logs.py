"""Logs of a worker: a JSON object a line, or lines for a person where one is looking."""

import logging
import sys

import structlog


def to_stderr() -> None:
    """Send this process's logs to standard error, with the fields that each line was given.

    Of other libraries only warnings: Stripe's SDK notes each request with the customer's id in it.
    """
    is_watched = sys.stderr.isatty()
    shared: list[structlog.types.Processor] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso"),
    ]
    last: structlog.types.Processor = (
        structlog.dev.ConsoleRenderer() if is_watched else structlog.processors.JSONRenderer()
    )
    handler = logging.StreamHandler()
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, last],
        )
    )
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
    logging.getLogger("payouts_pipeline").setLevel(logging.INFO)
