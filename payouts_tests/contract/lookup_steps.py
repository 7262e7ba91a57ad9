"""Look-ups: lists and their pages, single objects, our own account, and a key that is none."""

import time
from typing import Any

from payouts_pipeline.settlement import own_account
from payouts_tests.contract.scene import Scene, Step

_DAY_S = 24 * 60 * 60


def _list(scene: Scene, **params: Any) -> Any:
    """The intents of the customer who has just two."""
    wanted = {"customer": scene.ids["create another customer"], **params}
    return scene.wire.client.look(lambda services: services.payment_intents.list(wanted))


def _retrieve(kind: str, thing_id: str) -> Any:
    return lambda scene: scene.wire.client.look(lambda services: getattr(services, kind).retrieve(thing_id))


def _second_page(scene: Scene) -> Any:
    return _list(scene, limit=1, starting_after=scene.ids["decline that is cancelled"])


def _connected(scene: Scene) -> Any:
    destination = scene.destination
    return scene.wire.client.look(lambda services: services.accounts.retrieve(destination))


def _payouts_of_connected(scene: Scene) -> Any:
    """As it is asked whether what a payee was paid reaches its bank: on the account's behalf."""
    of_account = {"stripe_account": scene.destination}
    return scene.wire.client.look(lambda services: services.payouts.list({"limit": 1}, of_account))


def _payouts_of_unknown(scene: Scene) -> Any:
    of_account = {"stripe_account": "acct_1PayoutsContractTest"}
    return scene.wire.client.look(lambda services: services.payouts.list({"limit": 1}, of_account))


def _wrong_key(scene: Scene) -> Any:
    """With the ear on the line of the wrong key's client."""
    scene.wire = scene.setup.wire("sk_test_PayoutsContractTestWrongKey0000")
    return scene.wire.client.account()


def _charge_with_wrong_key(scene: Scene) -> Any:
    scene.wire = scene.setup.wire("sk_test_PayoutsContractTestWrongKey0000")
    return scene.send(scene.charge("charge with a wrong key"))


STEPS = [
    Step("list a customer's intents", _list),
    Step("list the first page of one", lambda scene: _list(scene, limit=1)),
    Step("list the second page of one", _second_page),
    Step("list what is newer than tomorrow", lambda scene: _list(scene, created={"gte": int(time.time()) + _DAY_S})),
    Step("list after an unknown id", lambda scene: _list(scene, starting_after="pi_nothing")),
    Step("list more than a hundred", lambda scene: _list(scene, limit=101)),
    Step("list by a parameter that is unknown", lambda scene: _list(scene, colour="blue")),
    Step("look at an unknown intent", _retrieve("payment_intents", "pi_nothing")),
    Step("look at an unknown transfer", _retrieve("transfers", "tr_nothing")),
    Step("look at an unknown account", _retrieve("accounts", "acct_1PayoutsContractTest")),
    Step("look at the account that can receive", _connected),
    Step("list the payouts of the account that can receive", _payouts_of_connected),
    Step("list the payouts of an unknown account", _payouts_of_unknown),
    Step("ask whose the key is", lambda scene: scene.wire.client.account()),
    Step("ask for the balance", lambda scene: own_account.balances(scene.wire.client)),
    Step("ask with a wrong key", _wrong_key),
    Step("charge with a wrong key", _charge_with_wrong_key),
]
