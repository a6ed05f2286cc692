"""The one error that users are meant to read."""


class UserError(Exception):
    """Its message says what is wrong and what to do; shown without a traceback."""


class Unavailable(UserError):
    """Nothing is wrong with what was asked; the cluster cannot do it right now."""
