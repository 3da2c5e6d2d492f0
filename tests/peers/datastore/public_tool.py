"""Validates, packages and opens datasets with the public tool and prints one JSON line per task.

    python public_tool.py FOLDER KEYS WORK REPETITIONS TASK…

A task is validate:NAME, package:NAME or unpack:NAME, for a dataset NAME below FOLDER; KEYS has the key files, WORK is for
what the tool writes. `check` has the lines that the tool gives to a dataset with faults.
"""

import gc
import importlib.metadata
import json
import os
import shutil
import sys
import time
from pathlib import Path

from microdata_tools import package_dataset, unpackage_dataset, validate_dataset


def peak_mb():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM")) / 1024


def forget_peak():
    with open("/proc/self/clear_refs", "w") as file:
        file.write("5")


def fresh(folder):
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    return folder


def main(folder, keys, work, repetitions, *tasks):
    tool = f"microdata-tools {importlib.metadata.version('microdata-tools')}"
    folder, keys, work = Path(folder), Path(keys), Path(work)
    for task in tasks:
        what, name = task.split(":")
        seconds, processor, peak, check = [], [], 0, []
        for _ in range(int(repetitions)):
            out = fresh(work / what)
            gc.collect()
            forget_peak()
            begun, worked = time.perf_counter(), time.process_time()
            if what == "validate":
                check = validate_dataset(name, working_directory=str(out), input_directory=str(folder))
            elif what == "package":
                package_dataset(keys, folder / name, out)
            else:
                unpackage_dataset(work / "package" / f"{name}.tar", keys, out)
            seconds.append(time.perf_counter() - begun)
            processor.append(time.process_time() - worked)
            peak = max(peak, peak_mb())
        line = {"tool": tool, "task": task, "seconds": min(seconds), "processor": min(processor), "peak_mb": peak}
        print(json.dumps(line | {"check": check}), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
