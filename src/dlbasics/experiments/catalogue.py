"""The list of all experiments; add one by declaring it in a module beside this file and naming it here."""

from dlbasics.experiments.attention import ATTENTION
from dlbasics.experiments.augmentation import AUGMENTATION
from dlbasics.experiments.batch_sizes import BATCH_SIZES
from dlbasics.experiments.characters import CHARACTERS
from dlbasics.experiments.clinic import CLINIC
from dlbasics.experiments.codes import CODES
from dlbasics.experiments.compute import COMPUTE
from dlbasics.experiments.contrastive_sweep import CONTRASTIVE_SWEEP
from dlbasics.experiments.controls import CONTROLS
from dlbasics.experiments.declaration import Experiment
from dlbasics.experiments.decoding import DECODING
from dlbasics.experiments.dense_layers import DENSE_LAYERS
from dlbasics.experiments.depth import DEPTH, INITIALISATION, SLOWER_DEPTH
from dlbasics.experiments.depth_or_width import DEPTH_OR_WIDTH
from dlbasics.experiments.encoders import AUTOENCODERS, CONTRASTIVE, MASKED, SUPERVISED
from dlbasics.experiments.head_start import HEAD_START
from dlbasics.experiments.held_out_classes import HELD_OUT_CLASSES
from dlbasics.experiments.image_architectures import IMAGE_ARCHITECTURES
from dlbasics.experiments.invariances import INVARIANCES
from dlbasics.experiments.label_efficiency import LABEL_EFFICIENCY
from dlbasics.experiments.layer_probes import LAYER_PROBES
from dlbasics.experiments.localisation import LOCALISATION
from dlbasics.experiments.maps import MAPS
from dlbasics.experiments.mask_ratio import MASK_RATIO
from dlbasics.experiments.measures import MEASURED
from dlbasics.experiments.memory import MEMORY
from dlbasics.experiments.optimisers import OPTIMISER_SWEEP
from dlbasics.experiments.regularisers import REGULARISERS
from dlbasics.experiments.schedules import CLIPPING, SCHEDULED
from dlbasics.experiments.sick_runs import SICK_RUNS
from dlbasics.experiments.training_maps import TRAINING_MAPS
from dlbasics.experiments.transfer import TRANSFER
from dlbasics.experiments.unlabelled import UNLABELLED
from dlbasics.experiments.views_left_out import VIEWS_LEFT_OUT
from dlbasics.experiments.weight_sharing import DEEP_DENSE, WEIGHT_SHARING
from dlbasics.experiments.where_curves_meet import WHERE_CURVES_MEET

EXPERIMENTS: tuple[Experiment, ...] = (
    CONTRASTIVE,
    AUTOENCODERS,
    MASKED,
    SUPERVISED,
    AUGMENTATION,
    MAPS,
    LABEL_EFFICIENCY,
    CONTROLS,
    DENSE_LAYERS,
    CONTRASTIVE_SWEEP,
    WHERE_CURVES_MEET,
    HEAD_START,
    UNLABELLED,
    INITIALISATION,
    DEPTH,
    SLOWER_DEPTH,
    WEIGHT_SHARING,
    DEEP_DENSE,
    TRANSFER,
    LOCALISATION,
    DECODING,
    CODES,
    MASK_RATIO,
    MEMORY,
    ATTENTION,
    CHARACTERS,
    IMAGE_ARCHITECTURES,
    LAYER_PROBES,
    HELD_OUT_CLASSES,
    INVARIANCES,
    VIEWS_LEFT_OUT,
    MEASURED,
    TRAINING_MAPS,
    SICK_RUNS,
    CLINIC,
    REGULARISERS,
    OPTIMISER_SWEEP,
    SCHEDULED,
    CLIPPING,
    BATCH_SIZES,
    COMPUTE,
    DEPTH_OR_WIDTH,
)


def find(name: str) -> Experiment:
    """The experiment of this name; KeyError lists the names there are."""
    for experiment in EXPERIMENTS:
        if experiment.name == name:
            return experiment
    raise KeyError(f"no experiment {name!r}; there are {', '.join(e.name for e in EXPERIMENTS)}")
