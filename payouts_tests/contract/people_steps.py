"""Customers and their cards: what a platform does before there is anything to charge, and what we ask of it."""

from typing import Any

from payouts_tests.contract.scene import Scene, Step


def _create(scene: Scene, name: str) -> Any:
    return scene.wire.client.look(
        lambda services: services.customers.create({"metadata": {"is": "a test"}}, scene.key(name))
    )


def _attach(scene: Scene, name: str, card: str, customer: str) -> Any:
    params = {"customer": scene.ids[customer]}
    return scene.wire.client.look(lambda services: services.payment_methods.attach(card, params, scene.key(name)))


def _make_default(scene: Scene) -> Any:
    params = {"invoice_settings": {"default_payment_method": scene.ids["attach a test card"]}}
    customer, key = scene.ids["create a customer"], scene.key("make a card the default")
    return scene.wire.client.look(lambda services: services.customers.update(customer, params, key))


def _delete(scene: Scene) -> Any:
    customer = scene.ids["create a customer to delete"]
    return scene.wire.client.look(lambda services: services.customers.delete(customer))


def _default_of(customer: str) -> Any:
    return lambda scene: scene.wire.client.default_payment_method(scene.ids[customer])


def _creates(name: str) -> Step:
    return Step(name, lambda scene: _create(scene, name))


def _attaches(name: str, card: str, customer: str = "create a customer") -> Step:
    return Step(name, lambda scene: _attach(scene, name, card, customer))


STEPS = [
    _creates("create a customer"),
    _attaches("attach a test card", "pm_card_visa"),
    _attaches("attach a card that declines later", "pm_card_chargeCustomerFail"),
    _attaches("attach a card that is declined", "pm_card_visa_chargeDeclinedInsufficientFunds"),
    _attaches("attach a payment method that is unknown", "pm_nothing"),
    Step("ask for a default card where there is none", _default_of("create a customer")),
    Step("make a card the default", _make_default),
    Step("ask for the default card", _default_of("create a customer")),
    _creates("create another customer"),
    _attaches("attach a card to another customer", "pm_card_mastercard", "create another customer"),
    _creates("create a customer to delete"),
    Step("delete a customer", _delete),
    Step("ask a deleted customer for a default card", _default_of("create a customer to delete")),
    Step(
        "ask an unknown customer for a default card",
        lambda scene: scene.wire.client.default_payment_method("cus_nothing"),
    ),
]
