"""Reads a variable out of the public store's Parquet with a public tool and prints one JSON line per task.

    python read.py pyarrow|polars|duckdb FOLDER DAY FROM TO REPETITIONS TASK…

A task is NAME:at (the values that hold on DAY), NAME:population (the same for the units of population.unit) or
NAME:interval (all spells that meet FROM to TO, with their days). pyarrow filters with the expressions that the public
data service builds; that service itself is not on PyPI, and its HTTP is left out here. The population is given to every
tool in its own form before the clock starts. `check` is the number of rows and a sum over them that depends on every
unit and value.
"""

import gc
import json
import os
import sys
import time

import numpy


def peak_mb():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM")) / 1024


def forget_peak():
    with open("/proc/self/clear_refs", "w") as file:
        file.write("5")


def check(units, values):
    units = units.astype(numpy.uint64)
    values = values.astype(numpy.int64).astype(numpy.uint64)
    total = (units * (values * numpy.uint64(2) + numpy.uint64(1))).sum(dtype=numpy.uint64)
    return [str(len(units)), str(total)]


class PyArrow:
    def __init__(self, folder, population):
        import pyarrow
        from pyarrow import dataset

        self.name = f"pyarrow {pyarrow.__version__}"
        self.folder, self.dataset = folder, dataset
        self.population = pyarrow.array(population)

    def at(self, name, day, population=False):
        field = self.dataset.field
        begun, open_end = field("start_epoch_days") <= day, ~field("stop_epoch_days").is_valid()
        holds = (begun & open_end) | (begun & (field("stop_epoch_days") >= day))
        if population:
            holds = field("unit_id").isin(self.population) & holds
        file = self.dataset.dataset(os.path.join(self.folder, f"{name}.parquet"))
        return file.to_table(filter=holds, columns=["unit_id", "value"])

    def interval(self, name, start, stop):
        field = self.dataset.field
        begun = field("start_epoch_days") <= stop
        meets = begun & (~field("stop_epoch_days").is_valid() | (field("stop_epoch_days") >= start))
        file = self.dataset.dataset(os.path.join(self.folder, f"{name}.parquet"))
        return file.to_table(filter=meets)

    def columns(self, table):
        return table["unit_id"].to_numpy(), table["value"].cast("int64").to_numpy()


class Polars:
    def __init__(self, folder, population):
        import polars

        self.name = f"Polars {polars.__version__}"
        self.folder, self.polars = folder, polars
        self.population = polars.DataFrame({"unit_id": population}).lazy()

    def scan(self, name):
        return self.polars.scan_parquet(os.path.join(self.folder, f"{name}.parquet"))

    def meets(self, start, stop):
        column = self.polars.col
        ends = column("stop_epoch_days")
        return (column("start_epoch_days") <= stop) & (ends.is_null() | (ends >= start))

    def at(self, name, day, population=False):
        rows = self.scan(name).filter(self.meets(day, day)).select("unit_id", "value")
        if population:
            rows = rows.join(self.population, on="unit_id", how="semi")
        return rows.collect()

    def interval(self, name, start, stop):
        return self.scan(name).filter(self.meets(start, stop)).collect()

    def columns(self, table):
        return table["unit_id"].to_numpy(), table["value"].cast(self.polars.Int64).to_numpy()


class DuckDb:
    def __init__(self, folder, population):
        import duckdb
        import pyarrow

        self.name = f"DuckDB {duckdb.__version__}"
        self.folder, self.db = folder, duckdb.connect()
        units = pyarrow.table({"unit_id": population})
        self.db.register("units", units)
        self.db.sql("create table population as select unit_id from units")

    def at(self, name, day, population=False):
        chosen = "and unit_id in (select unit_id from population)" if population else ""
        file = os.path.join(self.folder, f"{name}.parquet")
        return self.db.sql(
            f"select unit_id, value from '{file}' where start_epoch_days <= {day}"
            f" and (stop_epoch_days is null or stop_epoch_days >= {day}) {chosen}"
        ).to_arrow_table()

    def interval(self, name, start, stop):
        file = os.path.join(self.folder, f"{name}.parquet")
        return self.db.sql(
            f"select * from '{file}' where start_epoch_days <= {stop}"
            f" and (stop_epoch_days is null or stop_epoch_days >= {start})"
        ).to_arrow_table()

    def columns(self, table):
        return table["unit_id"].to_numpy(), table["value"].cast("int64").to_numpy()


def main(tool, folder, day, start, stop, repetitions, *tasks):
    day, start, stop = int(day), int(start), int(stop)
    population = numpy.fromfile(os.path.join(folder, "population.unit"), dtype=numpy.int64)
    peer = {"pyarrow": PyArrow, "polars": Polars, "duckdb": DuckDb}[tool](folder, population)
    for task in tasks:
        name, what = task.split(":")
        work = {
            "at": lambda: peer.at(name, day),
            "population": lambda: peer.at(name, day, population=True),
            "interval": lambda: peer.interval(name, start, stop),
        }[what]
        seconds, processor, peak, table = [], [], 0, None
        for _ in range(int(repetitions)):
            table = None
            gc.collect()
            forget_peak()
            begun, worked = time.perf_counter(), time.process_time()
            table = work()
            seconds.append(time.perf_counter() - begun)
            processor.append(time.process_time() - worked)
            peak = max(peak, peak_mb())
        line = {"tool": peer.name, "task": task, "seconds": min(seconds), "processor": min(processor), "peak_mb": peak}
        print(json.dumps(line | {"check": check(*peer.columns(table))}), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
