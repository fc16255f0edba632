"""What the notebooks show: the opening, figures, explorers, predictions, the results ladder.

A notebook imports what it needs from here; everything that a student should learn to write
themselves stays in the notebook. TensorFlow and Matplotlib are imported when first used.
"""

from dlcourse.teach.activations import activation_explorer, draw_activations
from dlcourse.teach.augmenting import augmentation_explorer, draw_augmented
from dlcourse.teach.book import BOOK
from dlcourse.teach.convolution import draw_convolution, draw_hierarchy, draw_local_patterns
from dlcourse.teach.figures import confusion_matrix, curves, curves_over, image_grid, worst_mistakes
from dlcourse.teach.handin import handin
from dlcourse.teach.histories import keep_history, kept_history
from dlcourse.teach.ladder import ladder
from dlcourse.teach.landscape import draw_framework_interest, draw_keras_stack
from dlcourse.teach.learned import (
    draw_feature_maps,
    draw_filters,
    feature_map_explorer,
    feature_maps,
    first_filters,
)
from dlcourse.teach.photographs import (
    draw_reading,
    draw_resolution,
    draw_samples,
    draw_stages,
    resolution_explorer,
)
from dlcourse.teach.pooling import draw_pooling, feature_map, pooling_explorer
from dlcourse.teach.predictions import compare, misses, predict
from dlcourse.teach.pretrained import (
    block_explorer,
    draw_block,
    draw_intervals,
    draw_swapped_classifiers,
    interval,
)
from dlcourse.teach.receptive import draw_receptive_field, receptive_field_explorer
from dlcourse.teach.response import FILTERS, draw_response, response_explorer
from dlcourse.teach.seeing import (
    ascent_explorer,
    draw_ascent,
    draw_heatmaps,
    draw_journey,
    draw_patterns,
    heatmap_explorer,
)
from dlcourse.teach.setup import setup
from dlcourse.teach.shifting import draw_shift_curve, draw_shifted, shift, shift_explorer
from dlcourse.teach.sliding import draw_sliding_window, sliding_window_explorer
from dlcourse.teach.tensors import (
    broadcast_explorer,
    draw_broadcast,
    draw_descent,
    draw_tensor_ranks,
    learning_rate_explorer,
)
from dlcourse.teach.tuning import draw_open_layers, draw_smoothed, smoothing_explorer

__all__ = [
    "BOOK",
    "FILTERS",
    "activation_explorer",
    "augmentation_explorer",
    "ascent_explorer",
    "block_explorer",
    "broadcast_explorer",
    "compare",
    "confusion_matrix",
    "curves",
    "curves_over",
    "draw_activations",
    "draw_augmented",
    "draw_ascent",
    "draw_block",
    "draw_broadcast",
    "draw_convolution",
    "draw_descent",
    "draw_feature_maps",
    "draw_filters",
    "draw_framework_interest",
    "draw_heatmaps",
    "draw_hierarchy",
    "draw_journey",
    "draw_intervals",
    "draw_keras_stack",
    "draw_local_patterns",
    "draw_response",
    "draw_shift_curve",
    "draw_shifted",
    "draw_open_layers",
    "draw_patterns",
    "draw_pooling",
    "draw_reading",
    "draw_resolution",
    "draw_samples",
    "draw_stages",
    "draw_receptive_field",
    "draw_sliding_window",
    "draw_smoothed",
    "draw_swapped_classifiers",
    "feature_map",
    "draw_tensor_ranks",
    "feature_map_explorer",
    "feature_maps",
    "first_filters",
    "handin",
    "heatmap_explorer",
    "image_grid",
    "keep_history",
    "kept_history",
    "interval",
    "ladder",
    "learning_rate_explorer",
    "misses",
    "pooling_explorer",
    "predict",
    "resolution_explorer",
    "response_explorer",
    "setup",
    "shift",
    "shift_explorer",
    "receptive_field_explorer",
    "sliding_window_explorer",
    "smoothing_explorer",
    "worst_mistakes",
]
