"""How long it takes until a borrowed base tells cats from dogs, and how well it does.

`python benchmarks/features.py [--base auto] [--side 150] [--epochs 30]` does what section 07 does
in the full profile: it records what the base makes of 2,000, 1,000 and 1,000 pictures, trains a
classifier on the first, and measures it once on the last. Imports are not counted.
"""

import argparse
import os
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("DLCOURSE_PROFILE", "full")

import keras

from dlcourse.build.networks import classifier, for_two_classes, read_pictures, record
from dlcourse.data import cats_and_dogs, pretrained_base
from dlcourse.data.cats_and_dogs import cats_and_dogs_origin
from dlcourse.teach.pretrained import interval

SEED = 7


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--base", default="auto", help="by its name in dlcourse.data.BASES")
    parser.add_argument("--side", type=int, default=150, help="of the pictures, in pixels")
    parser.add_argument("--epochs", type=int, default=30, help="of the classifier's training")
    options = parser.parse_args()
    folder, chosen = cats_and_dogs(), pretrained_base(options.base)
    print(cats_and_dogs_origin().where)
    print(chosen.where)
    keras.utils.set_random_seed(SEED)
    start = time.perf_counter()
    base = chosen.load((options.side, options.side, 3))
    splits = ("train", "validation", "test")
    train, validation, test = (
        record(base, chosen.preprocess, read_pictures(folder / name, options.side))
        for name in splits
    )
    recorded = time.perf_counter() - start
    model = for_two_classes(classifier(train[0].shape[1:]), 2e-5)
    fit = {"epochs": options.epochs, "batch_size": 20, "validation_data": validation, "verbose": 0}
    history = model.fit(*train, **fit).history
    accuracy = model.evaluate(*test, verbose=0)[1]
    seconds = time.perf_counter() - start
    low, high = interval(accuracy, len(test[1]))
    pictures = sum(len(labels) for _, labels in (train, validation, test))
    print(f"{pictures:,} pictures of {options.side} x {options.side} pixels: ", end="")
    print(f"recorded in {recorded:.0f} s, with the training {seconds:.0f} s")
    print(f"validation accuracy {history['val_accuracy'][-1]:.1%} after {options.epochs} epochs")
    print(f"test accuracy {accuracy:.1%}, 95% interval {low:.1%} to {high:.1%}, seed {SEED}")
    print(f"{os.cpu_count()} CPU cores, load average {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()
