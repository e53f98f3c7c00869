"""Rows of a Hugging Face hub data set. The `datasets` package is an extra, imported when such a data set is asked for."""

from __future__ import annotations

from proctor.data.files import Row
from proctor.errors import ConfigError, TaskError, boundary


def read_hub_rows(name: str, *, subset: str | None, split: str, num_rows: int | None) -> list[Row]:
    """Download (or take from the local cache) one split of a hub data set.

    Args:
        name: such as "openai/gsm8k".
        subset: configuration name, for data sets that have several.
        split: such as "train".
        num_rows: read only the first so many; None: all.

    Raises:
        ConfigError: the `datasets` package is not installed.
        TaskError: the data set, subset or split is not to be had, or is empty.
    """
    try:
        import datasets  # pyright: ignore[reportMissingImports]
    except ImportError as error:
        raise ConfigError(
            f"data source {name!r} is a hub data set, which needs the datasets package: pip install 'proctor[datasets]'. "
            "A local file needs a path that ends in .jsonl, .json, .parquet or .csv"
        ) from error
    which = f"hub data set {name!r}" + (f", subset {subset!r}" if subset else "") + f", split {split!r}"
    with boundary(TaskError, f"load {which} (check the name, data.subset, data.split_train, data.split_test and the network)"):
        loaded = datasets.load_dataset(name, subset, split=split)
        if num_rows is not None and num_rows < len(loaded):
            loaded = loaded.select(range(num_rows))
        rows = [Row(values, f"{name} [{split}]: row {number}") for number, values in enumerate(loaded.to_list(), start=1)]
    if not rows:
        raise TaskError(f"{which} is empty")
    return rows
