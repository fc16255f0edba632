"""What is left of an explorer where no kernel runs: its picture, with its description."""

from ipywidgets import HBox, IntSlider

from dlcourse.teach.drawing import Drawing, DrawnExplorer
from dlcourse.teach.explorer import Explorer, PhotographExplorer
from dlcourse.teach.redrawn import Panels

WIDGET = "application/vnd.jupyter.widget-view+json"


def explorer(kind):
    """An explorer of one slider, whose picture does not depend on it and whose words do."""
    slider = IntSlider(value=1, min=1, max=3)
    panels = Panels(1, 1)
    panels.settle()
    return kind(HBox([slider]), [slider], lambda number: panels.picture(f"number {number}"))


def drawn_explorer():
    def draw(number):
        return Drawing(("<g/>",), 30, 30, f"number {number}")

    slider = IntSlider(value=1, min=1, max=3)
    return DrawnExplorer(HBox([slider]), [slider], draw)


def test_its_picture_is_stored_beside_the_live_widget():
    data, _ = explorer(Explorer)._repr_mimebundle_()
    assert data[WIDGET]["model_id"]
    assert data["image/png"].startswith(b"\x89PNG")


def test_the_pictures_description_is_where_front_ends_look_for_it():
    _, metadata = explorer(Explorer)._repr_mimebundle_()
    assert metadata == {"image/png": {"alt": "number 1"}}


def test_it_is_the_picture_after_the_last_move():
    moved = explorer(Explorer)
    moved.inputs[0].value = 3
    _, metadata = moved._repr_mimebundle_()
    assert metadata["image/png"]["alt"] == "number 3"


def test_photographs_stay_as_small_as_they_are_shown():
    data, metadata = explorer(PhotographExplorer)._repr_mimebundle_()
    assert data["image/jpeg"].startswith(b"\xff\xd8")
    assert metadata == {"image/jpeg": {"alt": "number 1"}}


def test_a_drawing_stays_as_an_image_with_its_description():
    data, _ = drawn_explorer()._repr_mimebundle_()
    assert data["text/html"].startswith('<img alt="number 1"')
    assert data[WIDGET]["model_id"]
