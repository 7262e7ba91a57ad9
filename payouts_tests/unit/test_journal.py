"""Every code by which the ledger says why a line of Stripe's journal is not understood has its sentence."""

import re

from payouts_pipeline.domain import journal
from payouts_pipeline.ledger.migrate import migrations


def test_each_code_of_the_views_has_a_sentence_and_no_other() -> None:
    said = "".join(migrations()[name] for name in ("0002_provider_journal.sql", "0010_bank_payouts.sql"))
    views = re.split("create (?:or replace )?view", said)
    decided = [re.findall(r"case.*?end as why|case\s+when t\.kind = 'other' then.*?end\n", v, re.S) for v in views]
    codes = set(re.findall(r"then '(\w+)'|else '(\w+)'", " ".join(text for texts in decided for text in texts)))
    found = {code for pair in codes for code in pair if code} - {"unassigned", "instruction"}
    # What is not listed has no line that a view could say it of.
    assert found | {"not_listed"} == {*journal.WAITING, *journal.NOT_UNDERSTOOD}


def test_a_code_is_shown_as_its_sentence() -> None:
    assert journal.sentence("no_ledger") == "no ledger has made it"
    assert journal.sentence(None) == ""
    assert journal.sentence("of_later") == "of_later", "a newer version has made it"
