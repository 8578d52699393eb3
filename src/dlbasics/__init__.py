"""Small, readable modules behind the book *Deep Learning Basics*: data, models, training, evaluation, figures."""

__version__ = "0.1.0"
