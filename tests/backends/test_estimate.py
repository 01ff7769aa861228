import pytest

from qfl.backends.estimate import Estimate, Limit, PriceList, charged
from qfl.core.errors import ConfigError


def test_the_packaged_prices_give_the_published_run_times():
    """1,000 shots of the linear ramp: 3.5 to 3.9 s on ibm_boston, kingston, fez and marrakesh."""
    price = PriceList.load().of("ibm:ibm_boston")
    seconds, money = charged(price, jobs=1, circuits=1, shots=1000, circuit_seconds=10e-6)
    assert 3.5 <= seconds <= 3.9
    assert money == pytest.approx(seconds * 96 / 60)
    assert PriceList.load().of("subspace") is None
    assert charged(None, jobs=1, circuits=3, shots=10, circuit_seconds=1e-3) == (
        pytest.approx(0.03),
        0.0,
    )


def test_braket_charges_tasks_and_shots():
    garnet = PriceList.load().of("braket:arn:aws:braket:eu-north-1::device/qpu/iqm/Garnet")
    seconds, money = charged(garnet, jobs=2, circuits=2, shots=1000, circuit_seconds=0.0)
    assert (seconds, money) == (0.0, pytest.approx(2 * (0.3 + 1.45)))
    assert PriceList.load().of("braket:arn:aws:braket:us-east-1::device/qpu/new/One") is None


def test_jobs_are_charged_one_by_one(tmp_path):
    own = tmp_path / "prices.toml"
    row = "prefix='x:'\nplan='p'\nper_qpu_second=2\nper_task=0.5\nper_shot=0.01\n"
    own.write_text(
        f"date='2026-01-02'\ncurrency='EUR'\n[[machine]]\n{row}"
        "overhead_seconds=1\nrepetition_seconds=0.001\n"
    )
    prices = PriceList.load(own)
    assert (prices.date, prices.currency) == ("2026-01-02", "EUR")
    price = prices.of("x:y")
    found = charged(price, jobs=2, circuits=2, shots=100, circuit_seconds=0.001)
    assert found == pytest.approx((2 * 1.2, 2 * (2.4 + 0.5 + 1.0)))
    together = charged(price, jobs=1, circuits=2, shots=100, circuit_seconds=0.001)
    assert together == pytest.approx((1.4, 2.8 + 0.5 + 2.0))
    assert prices.caveats(["x:y", "ibm:z"]) == [
        "the price of x:y was not verified with its vendor: check it before you spend",
        "no price of ibm:z is known",
    ]
    own.write_text("date='2026-01-02'\n")
    with pytest.raises(ConfigError, match="is no price file"):
        PriceList.load(own)


def test_limits():
    spent = [Estimate("ibm:x", 1, 1, 100, 4, 9, 9, 40.0, 64.0)] * 2
    assert Limit.parse("79s-qpu").exceeded(spent)
    assert not Limit.parse("80s-qpu").exceeded(spent)
    assert Limit.parse("127USD").exceeded(spent)
    assert not Limit.parse("128usd").exceeded(spent)
    unknown = [*spent, Estimate("ibm:y", 1, 1, 1, 4, 9, 9, 1.0, None)]
    assert Limit.parse("1000USD").exceeded(unknown)
    assert not Limit.parse("81s-qpu").exceeded(unknown)
    by_the_shot = [Estimate("braket:arn:x", 1, 1, 100, 4, 9, 9, 0.0, 0.445)]
    assert Limit.parse("1000s-qpu").exceeded(by_the_shot)
    assert not Limit.parse("0.5USD").exceeded(by_the_shot)
    for wrong in ("60", "manyUSD", "12 EUR"):
        with pytest.raises(ConfigError, match="--max-cost takes 60s-qpu"):
            Limit.parse(wrong)


@pytest.mark.parametrize("text", ["nanUSD", "infUSD", "1e999USD", "-1USD", "nans-qpu", "-5s-qpu"])
def test_a_limit_that_limits_nothing_is_refused(text):
    with pytest.raises(ConfigError, match=f"finite and at least 0, got '{text}'"):
        Limit.parse(text)
