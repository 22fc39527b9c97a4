"""A stand-in for the ledger, and for the table that it would be. It is given: no step changes it.

It remembers for as long as the execution environment lives. A real one would be a table, and
`book` a write on the condition that the payment is not there yet.
"""

CURRENCIES = ("EUR", "GBP", "USD")

_entries: dict[str, tuple[int, str]] = {}


class LedgerError(ValueError):
    """This cannot be booked, however often one tries."""


def book(payment_id: str, amount: int, currency: str) -> bool:
    """Book a charged payment, once.

    Args:
        payment_id: Which payment.
        amount: In the smallest unit of the currency, such as cents.
        currency: Three letters, such as USD.

    Returns:
        Whether it is new. A payment that has been booked before is left as it is.

    Raises:
        LedgerError: The amount is no whole number above 0, or the currency is none of ours.
    """
    if not isinstance(amount, int) or amount < 1:
        message = "the amount is no whole number of cents"
        raise LedgerError(message)
    if currency not in CURRENCIES:
        message = "the currency is none of ours"
        raise LedgerError(message)
    if payment_id in _entries:
        return False
    _entries[payment_id] = (amount, currency)
    return True
