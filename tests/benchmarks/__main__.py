"""All that is measured against others, in one table: `python tests/benchmarks`. The book's build is `book.py`."""

import augmentation
import nt_xent
import timing
import training

timing.run(nt_xent.benchmark, augmentation.benchmark, training.benchmark)
