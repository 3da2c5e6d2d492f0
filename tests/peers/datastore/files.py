"""Writes a variable's spells as the public datastore keeps them: python files.py FOLDER NAME

FOLDER holds NAME.unit, NAME.value (int64), NAME.start and NAME.stop (int32, the greatest number while ongoing), in the
byte order of this machine. NAME.parquet has the columns of the public store with its types: 48-bit pseudonyms, days in
16 bits, a text for a code; written by pyarrow as the public tools do, with its defaults.
"""

import os
import sys

import numpy
import pyarrow
from pyarrow import compute, parquet

ONGOING = 2**31 - 1


def column(folder, name, part, kind):
    return numpy.fromfile(os.path.join(folder, f"{name}.{part}"), dtype=kind)


def main(folder, name):
    stops = column(folder, name, "stop", numpy.int32)
    ongoing = stops == ONGOING
    values = pyarrow.array(column(folder, name, "value", numpy.int64))
    if name.endswith("CODE"):
        values = compute.cast(values, pyarrow.string())
    table = pyarrow.table(
        {
            "unit_id": pyarrow.array(column(folder, name, "unit", numpy.int64)),
            "value": values,
            "start_epoch_days": pyarrow.array(column(folder, name, "start", numpy.int32).astype(numpy.int16)),
            "stop_epoch_days": pyarrow.array(numpy.where(ongoing, 0, stops).astype(numpy.int16), mask=ongoing),
        }
    )
    parquet.write_table(table, os.path.join(folder, f"{name}.parquet"))


if __name__ == "__main__":
    main(*sys.argv[1:])
