"""What the notebooks show: the opening, figures, explorers, predictions, the results ladder.

A notebook imports what it needs from here; everything that a student should learn to write
themselves stays in the notebook. TensorFlow and Matplotlib are imported when first used.
"""

from dlcourse.teach.activations import activation_explorer, draw_activations
from dlcourse.teach.book import BOOK
from dlcourse.teach.figures import confusion_matrix, curves, image_grid, worst_mistakes
from dlcourse.teach.handin import handin
from dlcourse.teach.ladder import ladder
from dlcourse.teach.landscape import draw_framework_interest, draw_keras_stack
from dlcourse.teach.pooling import draw_pooling, feature_map, pooling_explorer
from dlcourse.teach.predictions import compare, misses, predict
from dlcourse.teach.receptive import draw_receptive_field, receptive_field_explorer
from dlcourse.teach.setup import setup
from dlcourse.teach.sliding import draw_sliding_window, sliding_window_explorer
from dlcourse.teach.tensors import (
    broadcast_explorer,
    draw_broadcast,
    draw_descent,
    draw_tensor_ranks,
    learning_rate_explorer,
)

__all__ = [
    "BOOK",
    "activation_explorer",
    "broadcast_explorer",
    "compare",
    "confusion_matrix",
    "curves",
    "draw_activations",
    "draw_broadcast",
    "draw_descent",
    "draw_framework_interest",
    "draw_keras_stack",
    "draw_pooling",
    "draw_receptive_field",
    "draw_sliding_window",
    "feature_map",
    "draw_tensor_ranks",
    "handin",
    "image_grid",
    "ladder",
    "learning_rate_explorer",
    "misses",
    "pooling_explorer",
    "predict",
    "receptive_field_explorer",
    "setup",
    "sliding_window_explorer",
    "worst_mistakes",
]
