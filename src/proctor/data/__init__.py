"""Tasks: where they come from, and in which order they are trained on.

A *source* is a string: a built-in generator, a `reasoning_gym` data set, a file, or a data set of the Hugging Face hub.
Loading turns it into `proctor.core.Task` records and says which column became what. This room does not grade, render or
tokenise anything, and imports neither torch nor transformers.
"""

from proctor.data.columns import ColumnMapping
from proctor.data.config import DataConfig
from proctor.data.generators import GENERATORS
from proctor.data.loaders import LoadedTasks, content_hash, load_tasks, load_train_and_test, load_training_tasks, num_shared_prompts
from proctor.data.mixture import Mixture

__all__ = [
    "GENERATORS",
    "ColumnMapping",
    "DataConfig",
    "LoadedTasks",
    "Mixture",
    "content_hash",
    "load_tasks",
    "load_train_and_test",
    "load_training_tasks",
    "num_shared_prompts",
]
