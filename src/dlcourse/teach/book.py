"""The book's own numbers, and the ladder of results that the course climbs.

From the lecture slides on chapters 2 and 5 of François Chollet, *Deep Learning with Python*
(Manning, first edition); the section of the book stands beside each number.
"""

from dataclasses import dataclass

# Section of the course -> name of the number -> its value in the book.
BOOK = {
    # Section 2.1, listings 2.1 to 2.5.
    "02_mnist_dense": {
        "parameters": 407_050,
        "training accuracy": 0.989,
        "test accuracy": 0.978,
    },
    # Section 5.1, listings 5.1 to 5.3. The drop in error rate is the one that the slides state; it
    # does not follow from the accuracies, as the notebook shows.
    "03_convnets": {
        "base parameters": 55_744,
        "parameters": 93_322,
        "test accuracy": 0.991,
        "drop in error rate": 0.68,
    },
    # Sections 5.1.1 and 5.1.2. The slides round the weights of the dense layer to 15.8 million.
    "04_convolution_arithmetic": {
        "coefficients without pooling": 30_976,
        "weights of a Dense 512 on top": 15_800_000,
    },
    # Sections 5.2.1 to 5.2.4, listings 5.4 to 5.10. The summary's shapes have no axis of samples.
    "05_small_data": {
        "year of the competition": 2013,
        "pictures in the competition": 25_000,
        "pictures of each kind": 12_500,
        "megabytes of the archive": 543,
        "training pictures": 2_000,
        "validation pictures": 1_000,
        "test pictures": 1_000,
        "batch of pictures": (20, 150, 150, 3),
        "batch of labels": (20,),
        "summary": (
            ("Conv2D", (148, 148, 32), 896),
            ("MaxPooling2D", (74, 74, 32), 0),
            ("Conv2D", (72, 72, 64), 18_496),
            ("MaxPooling2D", (36, 36, 64), 0),
            ("Conv2D", (34, 34, 128), 73_856),
            ("MaxPooling2D", (17, 17, 128), 0),
            ("Conv2D", (15, 15, 128), 147_584),
            ("MaxPooling2D", (7, 7, 128), 0),
            ("Flatten", (6_272,), 0),
            ("Dense", (512,), 3_211_776),
            ("Dense", (1,), 513),
        ),
        "parameters": 3_453_121,
        "epochs": 30,
        "validation accuracy": (0.70, 0.72),
        "epoch of the lowest validation loss": 5,
    },
    # Section 5.2.5, listings 5.11 to 5.14. The shear is in radians, as Keras had it at that time.
    "06_augmentation": {
        "rotation in degrees": 40,
        "shift, shear and zoom": 0.2,
        "dropout": 0.5,
        "parameters": 3_453_121,
        "batch": 32,
        "steps": 100,
        "epochs": 100,
        "validation accuracy": 0.82,
        "with more regularisation": (0.86, 0.87),
    },
    # Section 5.3.1. The accuracies are on the validation pictures. The second one is from a Keras
    # in which weights frozen this way still trained; frozen in fact it is about the first, and
    # readers who prepare the pictures as VGG16 wants them report more than the third.
    "07_feature_extraction": {
        "images of ImageNet": 1_400_000,
        "classes of ImageNet": 1_000,
        "base parameters": 14_714_688,
        "features": 8_192,
        "parameters": 16_812_353,
        "tensors before freezing": 30,
        "tensors after freezing": 4,
        "recorded features": 0.90,
        "with augmentation": 0.96,
        "reported with preprocess_input": 0.97,
    },
    # Section 5.3.2; the competition as the slides on section 5.2 tell of it. They give its winner
    # 95%. The leaderboard of Kaggle's "Dogs vs. Cats" (2013) says 98.9%, on Kaggle's own pictures.
    "08_fine_tuning": {
        "trainable in the base": 7_079_424,
        "trainable with the head": 9_177_089,
        "trainable tensors": 10,
        "learning rate": 1e-5,
        "test accuracy": 0.97,
        "training pictures": 2_000,
        "pictures in the competition": 25_000,
        "winner in the slides": 0.95,
        "winner on Kaggle's test set": 0.989,
        "pictures of Kaggle's test set": 12_500,
    },
}


@dataclass(frozen=True)
class Step:
    """One rung: what was tried and how often the book's network was right.

    low, high: the book's accuracy as fractions of one; the same number where it gives only one.
    measured_on: "test" or "validation". section: of the course. where: section of the book.
    data: the data set, by its name in `dlcourse.data.DATASETS`. borrowed: whether the network
    stands on a pretrained base.
    """

    title: str
    low: float
    high: float
    measured_on: str
    section: str
    where: str
    data: str = "cats-and-dogs"
    borrowed: bool = False

    @property
    def book(self) -> str:
        """The book's number as it is written: "97.8%" or "70–72%"."""
        low, high = (f"{100 * value:.3g}" for value in (self.low, self.high))
        return f"{low}%" if low == high else f"{low}–{high}%"


LADDER = {
    "mnist_dense": Step("MNIST, dense network", 0.978, 0.978, "test", "02", "2.1", "mnist"),
    "mnist_convnet": Step("MNIST, convnet", 0.991, 0.991, "test", "03", "5.1", "mnist"),
    "scratch": Step("cats and dogs from scratch", 0.70, 0.72, "validation", "05", "5.2.4"),
    "augmented": Step("+ augmentation and dropout", 0.82, 0.82, "validation", "06", "5.2.5"),
    "features": Step("pretrained features", 0.90, 0.90, "validation", "07", "5.3.1", borrowed=True),
    "features_augmented": Step(
        "+ augmentation", 0.96, 0.96, "validation", "07", "5.3.1", borrowed=True
    ),
    "fine_tuned": Step("fine-tuned", 0.97, 0.97, "test", "08", "5.3.2", borrowed=True),
}
