"""A scripted incident hits whom it is about, when it is on, and nobody else."""

import pytest

from workshop.load import Incident, Scope, Window, planted, struck

HOUR = Window(1_795_000_000, 1_795_003_600)
NOW = HOUR.start + 60


def payment(**given):
    return {
        "payment_id": "pay_1",
        "customer_id": "cus_1",
        "amount": 1000,
        "currency": "USD",
        "card": {"number": "4111111111114242", "cvc": "123"},
        **given,
    }


@pytest.mark.parametrize(
    ("scope", "inside", "outside"),
    [
        (Scope(campaign="spring"), {"campaign": "spring"}, {}),
        (Scope(currency="EUR"), {"currency": "EUR"}, {"currency": "USD"}),
        (Scope(least=1000), {"amount": 1000}, {"amount": 999}),
        (Scope(most=1000), {"amount": 1000}, {"amount": 1001}),
        (Scope(currency="EUR", least=500), {"currency": "EUR"}, {"amount": 600}),
    ],
)
def test_a_scope_holds_what_it_names(scope, inside, outside):
    assert scope.holds(payment(**inside))
    assert not scope.holds(payment(**outside))


def test_a_share_of_customers_is_the_same_customers_each_time():
    scope = Scope(customers=0.3)
    inside = {number for number in range(1000) if scope.holds(payment(customer_id=f"c{number}"))}

    assert len(inside) == pytest.approx(300, abs=50)
    for number in inside:
        assert scope.holds(payment(customer_id=f"c{number}", amount=5, currency="EUR"))


def test_a_share_of_payments_is_that_many_of_those_in_its_scope():
    incident = Incident(HOUR, scope=Scope(currency="EUR"), share=0.25)
    euros = [payment(payment_id=f"p{number}", currency="EUR") for number in range(1000)]

    hit = sum(incident.strikes(one, NOW) for one in euros)

    assert hit == pytest.approx(250, abs=50)
    assert not incident.strikes(payment(), NOW)


def test_it_hits_from_its_start_to_before_its_end():
    incident = Incident(HOUR)

    assert [incident.strikes(payment(), at) for at in (HOUR.start - 0.001, HOUR.start)] == [0, 1]
    assert [incident.strikes(payment(), at) for at in (HOUR.end - 0.001, HOUR.end)] == [1, 0]


@pytest.mark.parametrize(("kind", "last4"), [("failing", "0119"), ("crawling", "0341")])
def test_it_works_by_the_cards_last_four_digits_alone(kind, last4):
    sent = payment()

    changed, by = struck(sent, NOW, [Incident(HOUR, kind)])

    assert by is not None
    assert changed == payment(card={"number": f"411111111111{last4}", "cvc": "123"})
    assert sent == payment()  # the payment itself is as it was


def test_what_is_not_hit_is_sent_as_it_is():
    assert struck(payment(), NOW, [Incident(HOUR, scope=Scope(currency="EUR"))]) == (
        payment(),
        None,
    )


@pytest.mark.parametrize("seed", range(30))
def test_a_planted_incident_has_time_before_it_and_a_scope_of_its_own(seed):
    window = Window(HOUR.start, HOUR.start + 3 * 3600)

    incident = planted(seed, window)

    assert incident == planted(seed, window)
    assert window.start + 1.5 * 3600 <= incident.window.start
    assert incident.window.seconds >= 600
    assert incident.window.end <= window.end
    assert incident.scope != Scope()


def test_planted_incidents_differ_from_seed_to_seed():
    made = [str(planted(seed, HOUR)) for seed in range(30)]

    assert len(set(made)) > 8
    assert {one.split()[0] for one in made} == {"failing", "crawling"}
