"""What the commands with which a person steps in take, and what they refuse before anything is touched."""

from datetime import timedelta

import pytest
from click.testing import CliRunner

from payouts_pipeline import settings
from payouts_pipeline.cli import operator
from payouts_pipeline.cli.main import payouts
from payouts_pipeline.errors import PayoutsError

_ID = "86d98a4d-2431-5f80-8f3d-d02f3e23915e"


@pytest.mark.parametrize("payee", ["club", "club:", "club:x", "club:-1", "platform:0", "provider:0", "referee:1", ":1"])
def test_what_is_no_payee_is_refused_with_an_example(payee: str) -> None:
    result = CliRunner().invoke(payouts, ["hold", payee, "--reason", "why"])
    assert result.exit_code == 2
    assert "is not a valid payee: give one like club:17" in result.output


@pytest.mark.parametrize(
    "command",
    [
        ["hold", "club:1"],
        ["retry", "--code", "stolen_card"],
        ["unhold", "club:1"],
        ["confirm-account", "club:1"],
        ["approve", _ID],
        ["approve", "2026-01-31"],
        ["cancel", _ID],
        ["cancel", _ID, "--reason", " "],
    ],
)
def test_nobody_steps_in_without_a_reason(command: list[str]) -> None:
    result = CliRunner().invoke(payouts, command)
    assert result.exit_code == 2
    assert "--reason" in result.output


def test_an_instruction_is_named_by_its_id() -> None:
    assert CliRunner().invoke(payouts, ["cancel", "the last one", "--reason", "why"]).exit_code == 2


def test_the_history_names_the_person_behind_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOGNAME", "ada")
    assert operator.actor() == "cli ada"


def test_a_changed_account_rests_for_a_day_unless_told_otherwise() -> None:
    assert settings.account_rest({}) == timedelta(hours=24)
    assert settings.account_rest({"PAYOUTS_ACCOUNT_REST_H": "0"}) == timedelta(0)
    for text in ("-1", "1.5", "a day", "721"):
        with pytest.raises(PayoutsError, match="PAYOUTS_ACCOUNT_REST_H is"):
            settings.account_rest({"PAYOUTS_ACCOUNT_REST_H": text})


def test_the_limit_for_approvals_is_read_like_the_minimum_of_payouts() -> None:
    assert settings.approval_above_minor({}) == {}
    assert settings.approval_above_minor({"PAYOUTS_APPROVAL_ABOVE": '{"EUR": 100000}'}) == {"EUR": 100_000}
    of_both = {"PAYOUTS_APPROVAL_ABOVE": '{"EUR": 100000, "day": {"USD": 5000000}}'}
    assert (settings.approval_above_minor(of_both), settings.day_above_minor(of_both)) == (
        {"EUR": 100_000},
        {"USD": 5_000_000},
    )
    for text in ('{"day": 5}', '{"day": {"XXX": 1}}', '{"EUR": 1.5}', '{"EUR": -1}', '{"XXX": 1}', "[]", "1000"):
        with pytest.raises(PayoutsError, match="PAYOUTS_APPROVAL_ABOVE is not a JSON object"):
            settings.approval_above_minor({"PAYOUTS_APPROVAL_ABOVE": text})
