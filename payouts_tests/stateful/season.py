"""A small league that is played, corrected and broken; whoever picks gives numbers, which wrap around.

Numbers instead of names keep an example's meaning when hypothesis takes steps out of it.
"""

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from typing import TypeVar

from payouts_pipeline.local.stripe_emulator.admin import AccountBehaviour, AccountSeed, CustomerSeed, EmulatorAdmin
from payouts_tests.support.leagues import SYDNEY, League, ShareRow

T = TypeVar("T")

FIRST_DAY = date(2026, 4, 4)  # the clocks go back in Sydney on the 5th
DAYS = tuple(FIRST_DAY + timedelta(days=n) for n in range(3))
CLOSING_DAY = DAYS[-1] + timedelta(days=1)
CURRENCIES = ("EUR", "KWD")
FEES_MINOR = (1_000, 1_020, 30, 7_770, 500, 0, 60)
CLOSING_FEE_MINOR = 5_000_000

CARDS = {
    "good": "pm_card_visa",
    "no funds": "pm_card_chargeDeclinedInsufficientFunds",
    "stolen": "pm_card_chargeDeclinedStolenCard",
    "authenticate": "pm_card_authenticationRequired",
    "processing error": "pm_card_chargeDeclinedProcessingError",
    # Days under way, and only for what is in euro.
    "debit": "pm_sepaDebit_success",
    "debit without funds": "pm_sepaDebit_insufficientFunds",
    "debit forbidden": "pm_sepaDebit_debitNotAuthorized",
}
CARD_STATES = (*CARDS, "default", "no card", "no customer")
ACCOUNT_STATES = (*AccountBehaviour, "none")
STATUSES = ("played", "abandoned", "postponed", "cancelled")


def pick(things: Sequence[T], number: int) -> T:
    """The thing of that number, counted around."""
    return things[number % len(things)]


class Season:
    """Schema `league` and the customers and accounts at the emulator that belong to it."""

    def __init__(self, league: League, stripe: EmulatorAdmin) -> None:
        self.league, self._stripe = league, stripe
        self.owner_of_customer: dict[str, int] = {}
        self.owner_of_account: dict[str, tuple[str, int]] = {}
        self._accounts_made = self._cards_made = 0
        self._behaves: dict[str, AccountBehaviour] = {}
        self._methods: dict[int, str | None] = {}
        self.lines: dict[int, tuple[int, int]] = {}
        self.payees: list[tuple[str, int]] = []
        self.clubs = [self._payee("club") for _ in range(3)]
        self.organisers = [self._payee("organiser") for _ in range(2)]
        self.partners = [self._payee("partner") for _ in range(2)]
        # They never pay: one for each way never to pay.
        self.never_pay = [self._player("stolen"), self._player("no customer")]
        self.players = [*self.never_pay, self._player("good"), self._player("default")]
        self.competitions = [league.competition(organiser) for organiser in self.organisers]
        self.terms = [
            league.terms(competition, FEES_MINOR[0], currency, self._shares(0))
            for competition, currency in zip(self.competitions, CURRENCIES, strict=True)
        ]
        self.matches = [league.match(competition, day) for day in DAYS for competition in self.competitions]

    def _payee(self, subject: str) -> int:
        make = {"club": self.league.club, "organiser": self.league.organiser, "partner": self.league.partner}
        payee = subject, make[subject](None)
        self.payees.append(payee)
        self._account(payee, AccountBehaviour.RECEIVES)
        return payee[1]

    def _player(self, card: str) -> int:
        player = self.league.player(pick(self.clubs, len(self.owner_of_customer)), None)
        self.owner_of_customer[f"cus_{player}"] = player
        self._card(player, card)
        return player

    def new_player(self, card: int, club: int) -> None:
        if len(self.players) < 6:
            player = self._player(pick(CARD_STATES, card))
            self.players.append(player)
            self.league.set("players", player, club_id=pick(self.clubs, club))

    def new_match(self, competition: int, day: int) -> None:
        self.matches.append(self.league.match(pick(self.competitions, competition), pick(DAYS, day)))

    def line_up(self, match: int, player: int) -> None:
        becomes = pick(self.matches, match), pick(self.players, player)
        if becomes not in self.lines.values():
            self.lines[self.league.plays(*becomes)] = becomes

    def strike_off(self, line: int, probability: int) -> None:
        if self.lines and probability % 2:
            chosen = pick(sorted(self.lines), line)
            del self.lines[chosen]
            self.league.strike_off(chosen)

    def move_to_match(self, line: int, match: int) -> None:
        if self.lines:
            chosen = pick(sorted(self.lines), line)
            self._move(chosen, (pick(self.matches, match), self.lines[chosen][1]))

    def move_to_player(self, line: int, player: int) -> None:
        if self.lines:
            chosen = pick(sorted(self.lines), line)
            self._move(chosen, (self.lines[chosen][0], pick(self.players, player)))

    def _move(self, line: int, becomes: tuple[int, int]) -> None:
        if becomes not in self.lines.values():
            self.lines[line] = becomes
            self.league.set("match_players", line, match_id=becomes[0], player_id=becomes[1])

    def other_club(self, line: int, club: int) -> None:
        if self.lines:
            self.league.set("match_players", pick(sorted(self.lines), line), club_id=pick([*self.clubs, None], club))

    def other_status(self, match: int, status: int) -> None:
        self.league.set("matches", pick(self.matches, match), status=pick(STATUSES, status))

    def other_day(self, match: int, day: int) -> None:
        kicked_off_at = datetime.combine(pick(DAYS, day), time(19, 30), SYDNEY)
        self.league.set("matches", pick(self.matches, match), kicked_off_at=kicked_off_at)

    def other_fee(self, terms: int, fee: int) -> None:
        self.league.set("fee_structures", pick(self.terms, terms), fee_minor=pick(FEES_MINOR, fee))

    def other_shares(self, terms: int, shares: int) -> None:
        self.league.shares(pick(self.terms, terms), self._shares(shares))

    def other_currency(self, terms: int, currency: int) -> None:
        self.league.set("fee_structures", pick(self.terms, terms), currency=pick(CURRENCIES, currency))

    def other_organiser(self, competition: int, organiser: int) -> None:
        row = pick(self.competitions, competition)
        self.league.set("competitions", row, organiser_id=pick(self.organisers, organiser))

    def _shares(self, number: int) -> list[ShareRow]:
        first, second = self.partners
        return pick(
            [
                [("club", None, 0, 6_000), ("organiser", None, 0, 3_000), ("platform", None, 0, 1_000)],
                [("club", None, 0, 3_333), ("organiser", None, 10, 3_333), ("partner", first, 0, 3_334)],
                [("club", None, 0, 10_000)],
                [("organiser", None, 0, 1_000), ("partner", first, 10, 4_000), ("partner", second, 0, 5_000)],
                [("club", None, 0, 9_999)],  # can't be split: held out
            ],
            number,
        )

    def other_card(self, player: int, card: int) -> None:
        """Another card for somebody who may pay."""
        chosen = pick(self.players, player)
        if chosen not in self.never_pay:
            self._card(chosen, pick(CARD_STATES, card))

    def other_account(self, payee: int, account: int) -> None:
        state = pick(ACCOUNT_STATES, account)
        self._account(pick(self.payees, payee), None if state == "none" else AccountBehaviour(state))

    def _card(self, player: int, state: str) -> None:
        customer = f"cus_{player}"
        self._cards_made += 1
        method = f"pm_{player}_{self._cards_made}"
        default = None if state == "no card" else method
        card = CARDS.get(state, CARDS["good"])
        self._methods[player] = default
        self._stripe.put_customers([CustomerSeed(id=customer, default_payment_method=default, card=card)])
        self.league.set(
            "players",
            player,
            stripe_customer_id=None if state == "no customer" else customer,
            stripe_payment_method_id=method if state in CARDS else None,
        )

    def _account(self, payee: tuple[str, int], behaviour: AccountBehaviour | None) -> None:
        self._accounts_made += 1
        account = f"acct_{payee[1]}x{self._accounts_made}"
        if behaviour:
            self._stripe.put_accounts([AccountSeed(id=account, behaviour=behaviour)])
            self.owner_of_account[account] = payee
            self._behaves[account] = behaviour
        self.league.set(f"{payee[0]}s", payee[1], stripe_account_id=account if behaviour else None)

    def may_pay(self, customer: str) -> bool:
        return self.owner_of_customer[customer] not in self.never_pay

    def payer(self, number: int) -> int:
        """The number of a player who may pay."""
        return pick([n for n, player in enumerate(self.players) if player not in self.never_pay], number)

    def payment_of(self, player: int) -> dict[str, str]:
        """What a charge of the player says."""
        method = self._methods.get(player)
        return {"customer": f"cus_{player}"} | ({"payment_method": method} if method else {})

    def account_of(self, payee: tuple[str, int]) -> str:
        """The last account of a payee that had one."""
        return [account for account, owner in self.owner_of_account.items() if owner == payee][-1]

    def is_seen(self, account: str) -> bool:
        """Whether Stripe shows an account to us."""
        return self._behaves[account] not in (AccountBehaviour.CLOSED, AccountBehaviour.DELETED)

    def mend(self) -> None:
        """A good card for everybody who may pay, and an account for every payee."""
        for player in self.players:
            if player not in self.never_pay:
                self._card(player, "good")
        for payee in self.payees:
            self._account(payee, AccountBehaviour.RECEIVES)

    def close(self) -> None:
        """A day of fees so high that no credit, debt or minimum outlasts it on any account."""
        for currency in CURRENCIES:
            for organiser in self.organisers:
                competition = self.league.competition(organiser)
                shares: list[ShareRow] = [("partner", partner, 0, 1_000) for partner in self.partners]
                shares += [("club", None, 0, 4_000), ("organiser", None, 0, 4_000)]
                self.league.terms(competition, CLOSING_FEE_MINOR, currency, shares)
                for club in self.clubs:
                    self._closing_match(competition, club)

    def _closing_match(self, competition: int, club: int) -> None:
        match = self.league.match(competition, CLOSING_DAY)
        for player in self.players:
            if player not in self.never_pay:
                self.league.plays(match, player, club)
