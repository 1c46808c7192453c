import numpy as np
import pytest
from scipy.stats import poisson

from limelight.errors import ParameterError
from limelight.evaluation.decision.alarm_thresholds import choose_alarm_thresholds, with_chosen_length
from limelight.evaluation.events.alarm_rate import poisson_interval, poisson_limit, read_alarm_rate
from limelight.evaluation.events.detection import Events, find_events, true_events
from limelight.evaluation.events.false_alarms import score_alarms
from limelight.evaluation.events.rule import EventRule
from limelight.task import Task
from support.errors import message_of

LEAK = Task(("leak",), multilabel=True, level="step")
RULE = EventRule()


def _recordings(seed, n=6, steps=600, signal=2.0, smooth=1):
    """Probabilities, codes and lengths of recordings with a leak each, whose noise is smooth over some steps."""
    random = np.random.default_rng(seed)
    codes = np.zeros((n, steps), dtype=np.int64)
    for row in codes:
        start = random.integers(50, steps - 100)
        row[start : start + 30] = 1
    noise = random.normal(size=(n, steps + smooth - 1))
    noise = np.stack([np.convolve(row, np.ones(smooth) / np.sqrt(smooth), "valid") for row in noise])
    logits = noise + signal * codes - 1
    return (1 / (1 + np.exp(-logits))).reshape(-1, 1), codes.reshape(-1, 1), np.full(n, steps)


def _false_per_step(seed, thresholds, rule, **recordings):
    probabilities, codes, lengths = _recordings(seed, **recordings)
    found = find_events(LEAK, probabilities, lengths, rule, thresholds)
    scores = score_alarms(found, true_events(LEAK, codes, lengths), LEAK, lengths, codes, rule)
    return scores["per_label"]["leak"]["rate"] / 1000


@pytest.mark.parametrize(
    ("text", "most", "title"),
    [("1/hour", 1, "hour"), ("0.5 / days", 0.5, "day"), ("3/min", 3, "minute"), ("2/1000 steps", 2, "1,000 steps")],
)
def test_a_rate_is_a_number_and_a_unit(text, most, title):
    rate = read_alarm_rate(text)
    assert (rate.most, rate.title) == (most, title)


@pytest.mark.parametrize("text", ["0/hour", "1/0 steps", "hour", "1 hour", "1/2 hours", "", None, "-1/h"])
def test_another_rate_is_an_error(text):
    assert message_of(ParameterError, read_alarm_rate, text) == (
        f"expected a rate of false alarms above 0, such as '1/hour', '2/day' or '1/1000 steps', got {text!r}"
    )


@pytest.mark.parametrize(("count", "observed"), [(0, 2.0), (1, 1.0), (7, 0.5), (40, 10.0)])
def test_the_interval_of_a_rate_inverts_the_poisson_test(count, observed):
    low, high = poisson_interval(count, observed)
    assert poisson.cdf(count, high * observed) == pytest.approx(0.025)
    assert count == 0 or poisson.sf(count - 1, low * observed) == pytest.approx(0.025)


def test_an_alarm_that_overlaps_a_true_event_is_not_false():
    codes = np.array([0, 0, 1, 1, 0, 0, 0, -1, 0, 0])
    predicted = Events(np.zeros(3, int), np.zeros(3, int), np.array([1, 5, 7]), np.array([3, 6, 8]))
    true = true_events(LEAK, codes[:, None], [10])
    found = score_alarms(predicted, true, LEAK, [10], codes[:, None], RULE)["per_label"]["leak"]
    assert (found["alarms"], found["false"], found["detected"]) == (2, 1, 1.0)


def test_the_delay_ends_when_the_event_is_long_enough():
    codes = np.array([0, 1, 1, 1, 1, 1, 0])[:, None]
    true = true_events(LEAK, codes, [7])
    predicted = Events(np.array([0]), np.array([0]), np.array([2]), np.array([6]))
    rule, times = EventRule(min_length=3), np.arange(7) * 0.5
    assert score_alarms(predicted, true, LEAK, [7], codes, rule)["per_label"]["leak"]["delay"] == 3
    assert score_alarms(predicted, true, LEAK, [7], codes, rule, times)["per_label"]["leak"]["delay"] == 1.5


def test_a_gap_in_the_clock_is_not_observed():
    codes = np.zeros((4, 1), dtype=int)
    none = Events(*(np.zeros(0, dtype=np.int64) for _ in range(4)))
    times = np.array([0.0, 1.0, 2.0, 500.0])
    found = score_alarms(none, none, LEAK, [4], codes, RULE, times, "h")["per_label"]["leak"]
    assert found["observed"] == 13


def test_an_alarm_long_before_its_event_is_false():
    codes = np.zeros((100, 1), dtype=int)
    codes[60:70] = 1
    true = true_events(LEAK, codes, [100])
    counts = []
    for start in (0, 49, 50, 65):
        predicted = Events(np.array([0]), np.array([0]), np.array([start]), np.array([100]))
        found = score_alarms(predicted, true, LEAK, [100], codes, RULE)["per_label"]["leak"]
        counts.append((found["false"], found["detected"]))
    assert counts == [(1, 0.0), (1, 0.0), (0, 1.0), (0, 1.0)]


def test_the_limit_selects_between_two_thresholds():
    leak = np.array([0.1, 0.7, 0.1, 0.2, 0.1, 0.6, 0.1, 0.1, 0.9])[:, None]
    codes = np.array([0, 0, 0, 0, 0, 1, 0, 0, 1])[:, None]
    found = [
        choose_alarm_thresholds(LEAK, leak, codes, np.array([9]), f"{most}/9 steps", EventRule()) for most in (0.5, 1)
    ]
    assert [one.thresholds.values.round(2).tolist() for one in found] == [[0.8], [0.4]]
    assert [one.chosen["per_label"]["leak"]["detected"] for one in found] == [0.5, 1.0]


def test_certain_probabilities_do_not_become_one_long_alarm():
    codes = np.tile(np.repeat([0, 1, 0], 10), 4)[:, None]
    leak = np.where(codes == 1, 0.99, 0.01) + np.linspace(0, 0.005, len(codes))[:, None]
    found = choose_alarm_thresholds(LEAK, leak, codes, np.array([120]), "1/120 steps", EventRule())
    assert 0.1 < found.thresholds.values[0] < 0.99


def test_noise_of_single_steps_needs_a_minimum_length():
    data = _recordings(0, n=20, signal=1.5)
    found = choose_alarm_thresholds(LEAK, *data, "0.1/1000 steps", EventRule(join_gap=2))
    assert found.min_length > 1
    assert with_chosen_length(RULE, {"false_alarms": found.chosen}).min_length == found.min_length


def test_a_stated_minimum_length_is_kept():
    found = choose_alarm_thresholds(LEAK, *_recordings(0), "1/1000 steps", EventRule(min_length=4))
    assert found.min_length == 4


def test_the_rate_holds_on_new_recordings():
    rates = []
    for seed in range(12):
        found = choose_alarm_thresholds(LEAK, *_recordings(seed), "2/1000 steps", EventRule(min_length=2))
        values, rule = found.thresholds.values, EventRule(min_length=2)
        rates.append(_false_per_step(100 + seed, values, rule, n=40))
    assert np.mean(rates) < 1.2 * 2 / 1000


def test_the_upper_limit_holds_in_most_draws():
    broken = 0
    for seed in range(40):
        goal = {"rate": "3/1000 steps", "confidence": 0.9}
        found = choose_alarm_thresholds(LEAK, *_recordings(seed), goal, EventRule(min_length=2))
        rate = _false_per_step(1000 + seed, found.thresholds.values, EventRule(min_length=2), n=60)
        broken += rate > 3 / 1000
    assert broken <= 8  # 4 expected at most; more than 8 has a chance of 4 % at exactly 10 %


def test_too_short_recordings_raise_no_alarm_and_state_why():
    goal = {"rate": "0.1/1000 steps", "confidence": 0.95}
    found = choose_alarm_thresholds(LEAK, *_recordings(0), goal, EventRule(min_length=2))
    assert found.thresholds.values[0] > 1
    assert found.thresholds.notes == (
        "'leak' raises no alarm: 3.6 x 1,000 steps of held-out recordings cannot show at most 0.1 false alarms in 1,000 "
        f"steps with this confidence; at least {poisson_limit(0, 1.0, 0.95) / 0.1:.3g} are needed",
    )


def test_random_probabilities_detect_little():
    probabilities, codes, lengths = _recordings(3, signal=0.0)
    found = choose_alarm_thresholds(LEAK, probabilities, codes, lengths, "1/1000 steps", RULE)
    assert found.chosen["per_label"]["leak"]["detected"] < 0.5


def test_a_rate_in_time_needs_times():
    assert message_of(ParameterError, choose_alarm_thresholds, LEAK, *_recordings(0), "1/hour", RULE) == (
        "expected series with times for false alarms per hour, got none; name the column of the clock, or state a rate "
        "in steps, such as '1/1000 steps'"
    )


def test_several_exclusive_classes_are_an_error():
    task = Task(("rest", "run", "walk"), level="step")
    empty = np.zeros((0, 3)), np.zeros(0, dtype=int), np.zeros(0, dtype=int)
    assert message_of(ParameterError, choose_alarm_thresholds, task, *empty, "1/hour", RULE) == (
        "expected two classes or several labels at each step to limit false alarms, got 3 classes; remove false_alarms"
    )


def test_a_stated_threshold_next_to_a_limit_is_an_error():
    rule = EventRule(on=0.5)
    assert message_of(ParameterError, choose_alarm_thresholds, LEAK, *_recordings(0), "1/hour", rule) == (
        "expected no threshold for events (on) next to a limit of false alarms, which chooses it, got 0.5; remove one "
        "of them"
    )
