"""DataFrames between the assets: one Parquet file for each partition, in a folder or on S3 by the same code."""

import io
from collections.abc import Mapping

import dagster as dg
import pandas as pd
import pyarrow as pa
from upath import UPath

from payouts_pipeline.errors import PayoutsError
from payouts_pipeline.failpoints import Failpoint, failpoint


class LoadedFrames(dict[str, pd.DataFrame]):
    """``{day: frame}``; a day that has no file raises when it is asked for, so that it fails alone."""

    def __init__(self, frames: Mapping[str, pd.DataFrame], missing: Mapping[str, PayoutsError]) -> None:
        super().__init__(frames)
        self._missing = missing

    def __missing__(self, day: str) -> pd.DataFrame:
        raise self._missing.get(day) or KeyError(day)


class ParquetFiles(dg.UPathIOManager):
    """Takes a frame for each partition of the run, as ``{day: frame}``, and gives the same back."""

    extension = ".parquet"

    def handle_output(self, context: dg.OutputContext, obj: Mapping[str, pd.DataFrame]) -> None:
        """Write a file for each partition; the base class knows only runs of one. A day that failed has no frame."""
        paths = self._get_paths_for_partitions(context)
        for day in obj:
            self.make_directory(paths[day].parent)
            self.dump_to_path(context, obj[day], paths[day])
        folder = next(iter(paths.values())).parent
        context.add_output_metadata({"path": dg.MetadataValue.path(str(folder))})

    def load_input(self, context: dg.InputContext) -> dict[str, pd.DataFrame]:
        """Read the file of each partition; also of just one, so that an asset has one way to look at its input."""
        frames, missing = {}, {}
        for day, path in self._get_paths_for_partitions(context).items():
            try:
                frames[day] = self.load_from_path(context, path)
            except PayoutsError as error:
                missing[day] = error
        return LoadedFrames(frames, missing)

    def dump_to_path(self, context: dg.OutputContext, obj: pd.DataFrame, path: UPath) -> None:
        """Write a file so that it is there whole or not at all."""
        buffer = io.BytesIO()
        obj.to_parquet(buffer, index=False)
        with failpoint(Failpoint.WRITE_FRAME), path.fs.transaction, path.fs.open(path.path, "wb") as file:
            file.write(buffer.getbuffer())

    def load_from_path(self, context: dg.InputContext, path: UPath) -> pd.DataFrame:
        """Read a file; raises PayoutsError where the upstream asset was never materialised, or the file is damaged."""
        asset = context.asset_key.to_user_string()
        try:
            return pd.read_parquet(io.BytesIO(path.read_bytes()), dtype_backend="pyarrow")
        except FileNotFoundError:
            raise PayoutsError(
                f"PAYOUTS_STORAGE has no '{asset}' of {path.stem}: materialise that asset of that day first."
            ) from None
        except pa.ArrowInvalid as error:
            raise PayoutsError(
                f"PAYOUTS_STORAGE has no readable '{asset}' of {path.stem}: materialise that asset of that day again."
            ) from error


class ParquetIOManager(dg.ConfigurableIOManagerFactory[ParquetFiles]):
    """Parquet files below a folder or an ``s3://`` address; for S3, boto3's own environment says the rest."""

    storage: str

    def create_io_manager(self, context: dg.InitResourceContext) -> ParquetFiles:
        """Open the storage; its address decides which file system it is."""
        return ParquetFiles(UPath(self.storage))
