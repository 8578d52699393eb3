"""The list of all experiments; add one by declaring it in a module beside this file and naming it here."""

from dlbasics.experiments.attention import ATTENTION
from dlbasics.experiments.augmentation import AUGMENTATION
from dlbasics.experiments.declaration import Experiment
from dlbasics.experiments.dense_layers import DENSE_LAYERS
from dlbasics.experiments.depth import DEPTH, INITIALISATION
from dlbasics.experiments.encoders import AUTOENCODERS, CONTRASTIVE, MASKED, SUPERVISED
from dlbasics.experiments.label_efficiency import LABEL_EFFICIENCY
from dlbasics.experiments.maps import MAPS
from dlbasics.experiments.memory import MEMORY
from dlbasics.experiments.weight_sharing import DEEP_DENSE, WEIGHT_SHARING

EXPERIMENTS: tuple[Experiment, ...] = (
    CONTRASTIVE,
    AUTOENCODERS,
    MASKED,
    SUPERVISED,
    AUGMENTATION,
    MAPS,
    LABEL_EFFICIENCY,
    DENSE_LAYERS,
    INITIALISATION,
    DEPTH,
    WEIGHT_SHARING,
    DEEP_DENSE,
    MEMORY,
    ATTENTION,
)


def find(name: str) -> Experiment:
    """The experiment of this name; KeyError lists the names there are."""
    for experiment in EXPERIMENTS:
        if experiment.name == name:
            return experiment
    raise KeyError(f"no experiment {name!r}; there are {', '.join(e.name for e in EXPERIMENTS)}")
