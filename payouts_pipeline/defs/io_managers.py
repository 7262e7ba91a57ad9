"""DataFrames between the assets: one Parquet file for each partition, in a folder or on S3 by the same code."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import chain
from typing import IO, cast

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
        """Read a file; raises PayoutsError where the upstream asset was never materialised, or the file is damaged."""
        stored = _Stored(context.asset_key.to_user_string(), path)
        with stored.open():
            return Batches(stored.read)


def _write(batches: Batches, file: IO[bytes]) -> None:
    tables = (pa.Table.from_pandas(frame, preserve_index=False) for frame in batches)
    first = next(tables)
    with pq.ParquetWriter(file, first.schema) as writer:
        for table in chain([first], tables):
            writer.write_table(table, row_group_size=max(len(table), 1))


class _Stored:
    """A file of an asset, of which every reading begins anew, with the same content."""

    def __init__(self, asset: str, path: UPath) -> None:
        self._asset, self._path = asset, path
        self._version: str | None = None

    def read(self, columns: Sequence[str] | None) -> Iterator[pd.DataFrame]:
        """Row group by row group, with these columns or all."""
        with self.open() as file:
            names = list(columns) if columns is not None else file.schema_arrow.names
            for number in range(file.num_row_groups):
                yield self._as_frame(file.read_row_group(number, names))
            if not file.num_row_groups:
                yield self._as_frame(file.schema_arrow.empty_table().select(names))

    @staticmethod
    def _as_frame(table: pa.Table) -> pd.DataFrame:
        return cast("pd.DataFrame", table.to_pandas(types_mapper=pd.ArrowDtype))

    @contextmanager
    def open(self) -> Iterator[pq.ParquetFile]:
        """The file; what is wrong with it is said in a sentence."""
        try:
            self._require_same(self._path.fs.ukey(self._path.path))
            with self._path.fs.open(self._path.path, "rb") as file, pq.ParquetFile(file) as parquet:
                yield parquet
        except FileNotFoundError:
            raise PayoutsError(
                f"PAYOUTS_STORAGE has no {self._name}: materialise that asset of that day first."
            ) from None
        except (pa.ArrowInvalid, OSError) as error:
            raise PayoutsError(
                f"PAYOUTS_STORAGE has no readable {self._name}: materialise that asset of that day again."
            ) from error

    def _require_same(self, version: str) -> None:
        """What was found out in one reading must hold in the next."""
        if self._version not in (None, version):
            raise PayoutsError(f"Another run has replaced {self._name} while it was read: materialise the day again.")
        self._version = version

    @property
    def _name(self) -> str:
        return f"'{self._asset}' of {self._path.stem}"


class ParquetIOManager(dg.ConfigurableIOManagerFactory[ParquetFiles]):
    """Parquet files below a folder or an ``s3://`` address; for S3, boto3's own environment says the rest."""

    storage: str

    def create_io_manager(self, context: dg.InitResourceContext) -> ParquetFiles:
        """Open the storage; its address decides which file system it is."""
        return ParquetFiles(UPath(self.storage))
