"""Organisers, clubs, partners and players of the sample season, and what Stripe knows of them."""

from typing import Any

from payouts_pipeline.local.season import catalogue

# Payment methods that every Stripe test mode knows (docs.stripe.com/testing); the emulator knows them too.
GOOD_CARDS = ("pm_card_visa", "pm_card_mastercard", "pm_card_amex")
CARD_WITHOUT_FUNDS = "pm_card_chargeDeclinedInsufficientFunds"
STOLEN_CARD = "pm_card_chargeDeclinedStolenCard"

Row = tuple[Any, ...]


def organiser_rows() -> list[Row]:
    """Make the rows of `league.organisers`."""
    return [(id_, name, _account(id_)) for id_, name in catalogue.ORGANISERS.items()]


def club_rows() -> list[Row]:
    """Make the rows of `league.clubs`; one has no Stripe account."""
    return [
        (id_, name, None if id_ == catalogue.CLUB_WITHOUT_ACCOUNT else _account(id_))
        for id_, name in enumerate(catalogue.CLUB_NAMES, start=catalogue.FIRST_CLUB_ID)
    ]


def partner_rows() -> list[Row]:
    """Make the rows of `league.partners`."""
    return [(id_, name, _account(id_)) for id_, name in catalogue.PARTNERS.items()]


def player_rows() -> list[Row]:
    """Make the rows of `league.players`; one has no Stripe customer."""
    return [
        _player(catalogue.FIRST_PLAYER_ID + number, _player_name(number)) for number in range(catalogue.PLAYER_COUNT)
    ]


def card_of(player_id: int) -> str:
    """Name the payment method with which this player pays."""
    awkward = {
        catalogue.PLAYER_WITHOUT_FUNDS: CARD_WITHOUT_FUNDS,
        catalogue.PLAYER_WITH_STOLEN_CARD: STOLEN_CARD,
    }
    return awkward.get(player_id, GOOD_CARDS[player_id % len(GOOD_CARDS)])


def _player_name(number: int) -> str:
    """Pair each given name with each family name once, in an order in which neighbours share neither."""
    given, family = catalogue.GIVEN_NAMES, catalogue.FAMILY_NAMES
    round_, place = divmod(number, len(given))
    return f"{given[place]} {family[(round_ + place) % len(family)]}"


def _player(id_: int, name: str) -> Row:
    """Make one row; every second player names no card, so that the customer's default is charged."""
    club_id = catalogue.FIRST_CLUB_ID + (id_ - catalogue.FIRST_PLAYER_ID) % len(catalogue.CLUB_NAMES)
    if id_ == catalogue.PLAYER_WITHOUT_CUSTOMER:
        return id_, name, club_id, None, None
    return id_, name, club_id, f"cus_sample{id_}", card_of(id_) if id_ % 2 else None


def _account(id_: int) -> str:
    return f"acct_sample{id_}"
