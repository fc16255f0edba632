"""The results ladder: the book's numbers, and yours with what they were measured on."""

import pytest
from IPython.utils.capture import capture_output

from dlcourse.settings import settings
from dlcourse.teach import BOOK, ladder
from dlcourse.teach.book import LADDER
from dlcourse.teach.ladder import rows_of_ladder
from dlcourse.teach.storage import keep, recall

pytestmark = pytest.mark.usefixtures("shell", "cache")


def shown(**accuracies) -> str:
    with capture_output() as captured:
        ladder(**accuracies)
    return "\n".join(output.data["text/plain"] for output in captured.outputs)


def mine(source="real", profile="full"):
    kept = {"mnist_dense": {f"{profile} {source}": 0.9812}}
    return rows_of_ladder(kept)[0]


def test_the_steps_carry_the_numbers_of_the_book():
    numbers = [step.book for step in LADDER.values()]
    assert numbers == ["97.8%", "99.1%", "70–72%", "82%", "90%", "96%", "97%"]


def test_the_ladder_agrees_with_the_numbers_of_its_section():
    assert LADDER["mnist_dense"].low == BOOK["02_mnist_dense"]["test accuracy"]


def test_yours_stands_beside_the_book_with_profile_and_source():
    assert mine()[2:] == ("97.8%", "98.1%", "full profile, real data")


def test_a_synthetic_number_is_said_not_to_be_comparable():
    assert "not to be compared with the book" in mine(source="synthetic")[-1]


def test_less_data_than_the_book_had_is_said_so():
    assert "less of it than in the book" in mine(profile="fast")[-1]


def test_a_base_with_random_weights_measures_nothing(monkeypatch):
    shown(features=0.71)
    monkeypatch.setenv("DLCOURSE_BASE", "untrained")
    settings.cache_clear()
    text = shown(features=0.53, scratch=0.64)
    assert "not measured: its base has random weights" in text
    assert "53.0%" not in text
    assert "64.0%" in text, "what needs no base is measured all the same"
    assert set(recall("ladder")["features"].values()) == {0.71}


def test_a_number_stays_on_the_ladder_for_the_next_section():
    shown(mnist_dense=0.71)
    assert "71.0%" in shown()
    assert "71.0%" in shown(mnist_convnet=0.8)


def test_the_latest_number_of_a_step_counts():
    shown(mnist_dense=0.71)
    text = shown(mnist_dense=0.72)
    assert "72.0%" in text
    assert "71.0%" not in text


def test_a_quick_run_does_not_replace_a_full_one(monkeypatch):
    shown(mnist_dense=0.71)
    monkeypatch.setenv("DLCOURSE_PROFILE", "full")
    settings.cache_clear()
    assert "72.0%" in shown(mnist_dense=0.72)
    monkeypatch.setenv("DLCOURSE_PROFILE", "fast")
    settings.cache_clear()
    assert "71.0%" in shown()
    assert set(recall("ladder")["mnist_dense"].values()) == {0.71, 0.72}


def test_where_there_is_no_number_of_this_profile_another_one_is_shown(monkeypatch):
    monkeypatch.setenv("DLCOURSE_PROFILE", "full")
    settings.cache_clear()
    shown(mnist_dense=0.72)
    monkeypatch.setenv("DLCOURSE_PROFILE", "fast")
    settings.cache_clear()
    assert "72.0%" in shown()


def test_nothing_is_kept_or_shown_while_grading(monkeypatch, cache):
    monkeypatch.setenv("NBGRADER_EXECUTION", "autograde")
    settings.cache_clear()
    assert shown(mnist_dense=0.71) == ""
    assert list(cache.iterdir()) == []


@pytest.mark.parametrize(
    "content", ["not json", "[1]", '{"mnist_dense": 3}', '{"mnist_dense": {"a": 1}}']
)
def test_a_damaged_file_does_not_stop_the_ladder(cache, content):
    (cache / "ladder.json").write_text(content, encoding="utf-8")
    assert "97.8%" in shown()


def test_what_is_kept_is_read_back_and_no_part_stays_behind(cache):
    keep("things", {"ä": [1, None]})
    assert recall("things") == {"ä": [1, None]}
    assert [path.name for path in cache.iterdir()] == ["things.json"]


def test_an_unknown_step_names_the_known_ones():
    with pytest.raises(ValueError, match="mnist_dense, mnist_convnet"):
        ladder(mnist=0.9)


def test_an_accuracy_in_percent_is_refused():
    with pytest.raises(ValueError, match="between 0 and 1"):
        ladder(mnist_dense=97.8)
