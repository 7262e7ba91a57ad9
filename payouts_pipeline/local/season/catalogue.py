"""Who and what the sample season consists of: plain tables, all of it invented.

Ids are in ranges of their own, so that a league that somebody else filled is never taken for ours.
"""

from dataclasses import dataclass
from datetime import time


@dataclass(frozen=True)
class Share:
    """One row of `league.fee_shares`."""

    billing_subject: str
    fixed_minor: int = 0
    share_bps: int = 0
    partner_id: int | None = None


@dataclass(frozen=True)
class Terms:
    """What one match costs a player, and whose it is."""

    fee_minor: int
    shares: tuple[Share, ...]


@dataclass(frozen=True)
class Competition:
    """A competition with its terms; two of them take turns (see `terms.revisions`)."""

    id: int
    name: str
    organiser_id: int
    currency: str
    terms: tuple[Terms, ...]


@dataclass(frozen=True)
class Fixture:
    """A match that is on every day. A club that is not named is drawn; the guest plays for the home club."""

    kick_off: time
    competition_id: int
    home_club_id: int | None = None
    guest_id: int | None = None
    status: str = "played"


HARBOUR, LANTERN, COMET = 90101, 90102, 90103
ORGANISERS = {
    HARBOUR: "Harbour Football League",
    LANTERN: "Lantern Cup Association",
    COMET: "Comet & Dune Football Union",
}

BRIGHT_BALL, FLOODLIGHT = 90201, 90202
PARTNERS = {BRIGHT_BALL: "Bright Ball Company", FLOODLIGHT: "Floodlight Fellowship"}

HARBOUR_PREMIER, HARBOUR_RESERVE = 90301, 90302
LANTERN_CUP, LANTERN_SEVENS, PAPER_MOON_CUP = 90303, 90304, 90305
COMET_TROPHY, DUNE_SHIELD, NEWCOMER_CUP = 90306, 90307, 90308

COMPETITIONS = (
    Competition(
        HARBOUR_PREMIER, "Harbour Premier League", HARBOUR, "AUD",
        (
            Terms(1800, (Share("club", 0, 5500), Share("organiser", 150, 2500),
                         Share("partner", 0, 500, BRIGHT_BALL), Share("platform", 50, 1500))),
            Terms(1950, (Share("club", 0, 5750), Share("organiser", 150, 2250),
                         Share("partner", 0, 500, BRIGHT_BALL), Share("platform", 50, 1500))),
        ),
    ),
    Competition(
        HARBOUR_RESERVE, "Harbour Reserve League", HARBOUR, "AUD",
        (Terms(950, (Share("club", 0, 5600), Share("organiser", 0, 2533), Share("platform", 50, 1867))),),
    ),
    Competition(
        LANTERN_CUP, "Lantern Cup", LANTERN, "EUR",
        (Terms(1490, (Share("club", 0, 5000), Share("organiser", 100, 2000),
                      Share("partner", 0, 667, BRIGHT_BALL), Share("partner", 75, 0, FLOODLIGHT),
                      Share("platform", 0, 2333))),),
    ),
    Competition(
        LANTERN_SEVENS, "Lantern Sevens", LANTERN, "EUR",
        (Terms(800, (Share("club", 0, 6000), Share("organiser", 0, 2500), Share("partner", 0, 0, FLOODLIGHT),
                     Share("platform", 0, 1500))),),
    ),
    # 9,900 basis points: nobody can say whose the last hundred are, so its fees are held out.
    Competition(
        PAPER_MOON_CUP, "Paper Moon Cup", LANTERN, "EUR",
        (Terms(1200, (Share("club", 0, 6000), Share("organiser", 0, 2400), Share("platform", 0, 1500))),),
    ),
    Competition(
        COMET_TROPHY, "Comet Trophy", COMET, "JPY",
        (Terms(1200, (Share("club", 0, 5000), Share("organiser", 0, 2750),
                      Share("partner", 55, 750, FLOODLIGHT), Share("platform", 0, 1500))),),
    ),
    Competition(
        DUNE_SHIELD, "Dune Shield", COMET, "KWD",
        (
            Terms(3500, (Share("club", 0, 5500), Share("organiser", 250, 2500),
                         Share("partner", 0, 433, BRIGHT_BALL), Share("platform", 0, 1567))),
            Terms(4250, (Share("club", 0, 5500), Share("organiser", 300, 2500),
                         Share("partner", 0, 433, BRIGHT_BALL), Share("platform", 0, 1567))),
        ),
    ),
    # Its terms begin later than its matches (see `terms.NEWCOMER_DAYS_WITHOUT_TERMS`).
    Competition(
        NEWCOMER_CUP, "Newcomer Cup", COMET, "JPY",
        (Terms(900, (Share("club", 0, 5800), Share("organiser", 0, 2500), Share("platform", 0, 1700))),),
    ),
)  # fmt: skip

FIRST_CLUB_ID = 90401
# Eight clubs of each organiser, in the organisers' order.
CLUB_NAMES = (
    "Amber Anchors", "Barnacle Rovers", "Coral Wanderers", "Driftwood United",
    "Eastern Buoys", "Foghorn Athletic", "Gull Island", "Hawser Town",
    "Ivory Lanterns", "Jolly Candles", "Kindling Albion", "Lamplight City",
    "Moth & Flame", "Nightjar Rangers", "Old Wick", "Paraffin Park",
    "Quasar Nomads", "Red Dune", "Sirocco Stars", "Tailwind Union",
    "Umbra Academy", "Vega Villa", "White Camel", "Zenith Harriers",
)  # fmt: skip
CLUBS_PER_ORGANISER = 8

FIRST_PLAYER_ID = 9050001
GIVEN_NAMES = (
    "Alderwick", "Bramblejack", "Cindermoth", "Dapplewen", "Elderfizz", "Fernquill", "Gogglebert",
    "Hazelpop", "Inkwell", "Jinglewort", "Kettleby", "Lumifer", "Mothwick", "Nettlefinn", "Oddmund",
    "Pebblewin", "Quillon", "Rumpleford", "Snickerby", "Thimbleton", "Umberlyn", "Vexley", "Wobbleton",
    "Yarrowbee", "Zigzander",
)  # fmt: skip
FAMILY_NAMES = (
    "Appleboot", "Bogwhistle", "Crumbhorn", "Doorknocker", "Elbowgrease", "Fiddlefern", "Gumdropper",
    "Hobnobbin", "Icicleson", "Jamspoon", "Kneecapper", "Lollygag", "Mudlarker", "Noodleman", "Oxbowtie",
    "Puddlejump", "Quibbleton", "Rubberduck", "Sockpuppet", "Teakettle",
)  # fmt: skip
PLAYER_COUNT = len(GIVEN_NAMES) * len(FAMILY_NAMES)


def club_id(name: str) -> int:
    """Look up the id of a club of the catalogue."""
    return FIRST_CLUB_ID + CLUB_NAMES.index(name)


def captain_id(club: int) -> int:
    """Name the player who is in every line-up of the club: what is odd about them shows on every day."""
    return FIRST_PLAYER_ID + club - FIRST_CLUB_ID


CLUB_WITHOUT_ACCOUNT = club_id("Amber Anchors")
PLAYER_WITHOUT_FUNDS = captain_id(club_id("Jolly Candles"))
PLAYER_WITH_STOLEN_CARD = captain_id(club_id("Quasar Nomads"))
PLAYER_WITHOUT_CUSTOMER = captain_id(club_id("Red Dune"))
# Both also play for their own club on that day: one fee more in the same currency, and one in another.
LOANED_PLAYER = captain_id(club_id("Barnacle Rovers"))
TOURING_PLAYER = captain_id(club_id("Coral Wanderers"))

FIRST_INSTANT = time(0, 0)
# `fold`: where clocks go back at midnight, the last instant is in the second run of that hour.
LAST_INSTANT = time(23, 59, 59, 999_999, fold=1)

DAILY_FIXTURES = (
    Fixture(FIRST_INSTANT, HARBOUR_PREMIER, club_id("Barnacle Rovers")),
    Fixture(time(10, 0), HARBOUR_PREMIER, CLUB_WITHOUT_ACCOUNT, guest_id=LOANED_PLAYER),
    Fixture(time(13, 0), HARBOUR_RESERVE, club_id("Coral Wanderers")),
    Fixture(time(14, 30), LANTERN_CUP, club_id("Jolly Candles")),
    Fixture(time(15, 0), PAPER_MOON_CUP),
    Fixture(time(17, 15), LANTERN_CUP, status="abandoned"),
    Fixture(time(18, 0), DUNE_SHIELD, club_id("Red Dune")),
    Fixture(time(19, 45), COMET_TROPHY, status="postponed"),
    Fixture(LAST_INSTANT, COMET_TROPHY, club_id("Quasar Nomads"), guest_id=TOURING_PLAYER),
)

# Each of them is on about every second day, which makes days of 9 to 12 matches.
EXTRA_FIXTURES = (
    Fixture(time(11, 30), HARBOUR_RESERVE),
    Fixture(time(16, 0), LANTERN_SEVENS),
    Fixture(time(20, 15), NEWCOMER_CUP),
)
