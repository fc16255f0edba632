"""DL Practical: dense nets, convnets and transfer learning in Keras 3.

One folder per verb: `data` gets data, `teach` shows, `check` tests, `build` makes notebooks,
`grade` grades them. Notebooks use the first three.
"""

__version__ = "0.1.0"
