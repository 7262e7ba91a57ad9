"""The one kind of error that a person is meant to read."""


class PayoutsError(Exception):
    """One sentence that says what is wrong, where, and what to do; the command line prints it and ends with 1.

    It never holds a secret or personal data, and nothing was written when it is raised.
    """
