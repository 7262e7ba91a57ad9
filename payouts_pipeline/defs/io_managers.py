"""DataFrames between the assets: one Parquet file for each partition, in a folder or on S3 by the same code."""

import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from itertools import chain
from tempfile import TemporaryFile
from typing import IO, cast
from weakref import finalize

import dagster as dg
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from upath import UPath

from payouts_pipeline.domain.batches import Batches
from payouts_pipeline.errors import PayoutsError
from payouts_pipeline.failpoints import Failpoint, failpoint


class LoadedFrames(dict[str, Batches]):
    """``{day: frame}``; a day that has no file raises when it is asked for, so that it fails alone."""

    def __init__(self, frames: Mapping[str, Batches], missing: Mapping[str, PayoutsError]) -> None:
        super().__init__(frames)
        self._missing = missing

    def __missing__(self, day: str) -> Batches:
        raise self._missing.get(day) or KeyError(day)


class ParquetFiles(dg.UPathIOManager):
    """Takes a frame for each partition of the run, as ``{day: frame}``, and gives the same back."""

    extension = ".parquet"

    def handle_output(self, context: dg.OutputContext, obj: Mapping[str, Batches]) -> None:
        """Write a file for each partition; the base class knows only runs of one. A day that failed has no frame."""
        paths = self._get_paths_for_partitions(context)
        for day in obj:
            self.make_directory(paths[day].parent)
            self.dump_to_path(context, obj[day], paths[day])
        folder = next(iter(paths.values())).parent
        context.add_output_metadata({"path": dg.MetadataValue.path(str(folder))})

    def load_input(self, context: dg.InputContext) -> dict[str, Batches]:
        """Read the file of each partition; also of just one, so that an asset has one way to look at its input."""
        frames, missing = {}, {}
        for day, path in self._get_paths_for_partitions(context).items():
            try:
                frames[day] = self.load_from_path(context, path)
            except PayoutsError as error:
                missing[day] = error
        return LoadedFrames(frames, missing)

    def dump_to_path(self, context: dg.OutputContext, obj: Batches, path: UPath) -> None:
        """Write a file so that it is there whole or not at all, with a row group for each batch."""
        with failpoint(Failpoint.WRITE_FRAME), path.fs.transaction, path.fs.open(path.path, "wb") as file:
            _write(obj, file)

    def load_from_path(self, context: dg.InputContext, path: UPath) -> Batches:
        """Read a file; raises PayoutsError where the upstream asset was never materialised, or the file is damaged.

        It is read more than once, and may be replaced by another run meanwhile: so that is done of a copy, which has no
        name and is gone with the process.
        """
        stored = _Stored(f"'{context.asset_key.to_user_string()}' of {path.stem}", path)
        batches = Batches(stored.read)
        finalize(batches, stored.close)
        return batches


def _write(batches: Batches, file: IO[bytes]) -> None:
    tables = (pa.Table.from_pandas(frame, preserve_index=False) for frame in batches)
    first = next(tables)
    with pq.ParquetWriter(file, first.schema) as writer:
        for table in chain([first], tables):
            writer.write_table(table, row_group_size=max(len(table), 1))


class _Stored:
    """What the file of an asset was when it was asked for."""

    def __init__(self, name: str, path: UPath) -> None:
        self._name = name
        with self._said(), ExitStack() as failed:
            self._copy = failed.enter_context(TemporaryFile())
            with path.fs.open(path.path, "rb") as file:
                shutil.copyfileobj(file, self._copy)
            pq.ParquetFile(self._copy)
            failed.pop_all()

    def close(self) -> None:
        """Forget it."""
        self._copy.close()

    def read(self, columns: Sequence[str] | None) -> Iterator[pd.DataFrame]:
        """Row group by row group, with these columns or all."""
        with self._said():
            file = pq.ParquetFile(self._copy)
            names = list(columns) if columns is not None else file.schema_arrow.names
            for number in range(file.num_row_groups):
                yield self._as_frame(file.read_row_group(number, names))
            if not file.num_row_groups:
                yield self._as_frame(file.schema_arrow.empty_table().select(names))

    @staticmethod
    def _as_frame(table: pa.Table) -> pd.DataFrame:
        return cast("pd.DataFrame", table.to_pandas(types_mapper=pd.ArrowDtype))

    @contextmanager
    def _said(self) -> Iterator[None]:
        """What is wrong with the file, in a sentence."""
        try:
            yield
        except FileNotFoundError:
            raise PayoutsError(
                f"PAYOUTS_STORAGE has no {self._name}: materialise that asset of that day first."
            ) from None
        except (pa.ArrowInvalid, OSError) as error:
            raise PayoutsError(
                f"PAYOUTS_STORAGE has no readable {self._name}: materialise that asset of that day again."
            ) from error


class ParquetIOManager(dg.ConfigurableIOManagerFactory[ParquetFiles]):
    """Parquet files below a folder or an ``s3://`` address; for S3, boto3's own environment says the rest."""

    storage: str

    def create_io_manager(self, context: dg.InitResourceContext) -> ParquetFiles:
        """Open the storage; its address decides which file system it is."""
        return ParquetFiles(UPath(self.storage))
