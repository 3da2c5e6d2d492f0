"""Fits the models of the statistics benchmark with public tools and prints one JSON line per task.

    python fit.py duckdb|polars|statsmodels|lifelines|linearmodels FOLDER [REPETITIONS]

FOLDER holds the data of `data.py`. Each tool begins with its data in memory in the form its users have them in: DuckDB a
table, Polars and pandas a frame, statsmodels the finished matrix. `seconds` is the best of the repetitions; what takes more
than ten seconds is not repeated. `check` lists coefficients (the constant last), then standard errors, then what else must
agree.
"""

import gc
import json
import os
import sys
import time

import numpy as np

LONG = 10.0
TERMS = (
    ["age", "age_squared", "male"]
    + [f"education = {k}" for k in range(1, 9)]
    + [f"marital = {k}" for k in range(2, 6)]
    + ["immigrant"]
)


def load(folder, name):
    path = os.path.join(folder, name)
    return {file[:-4]: np.fromfile(os.path.join(path, file)) for file in sorted(os.listdir(path))}


def complete(columns, y):
    keep = ~np.isnan(columns[y])
    return {name: values[keep] for name, values in columns.items()}


def report(tool, task, work, repetitions, exact=None):
    """`exact` works to more digits than `work`, where that stops too early to be compared; it is not timed."""
    seconds, processor = [], []
    for _ in range(repetitions):
        gc.collect()
        begun, worked = time.perf_counter(), time.process_time()
        check = work()
        seconds.append(time.perf_counter() - begun)
        processor.append(time.process_time() - worked)
        if seconds[0] > LONG:
            break
    check = [float(x) for x in (exact() if exact else check)]
    told = {"tool": tool, "task": task, "seconds": min(seconds), "processor": min(processor), "check": check}
    print(json.dumps(told), flush=True)


def constant_last(b, se):
    return [*b[1:], b[0], *se[1:], se[0]]


def least_squares(x, y):
    """By the normal equations, with HC1."""
    inverse = np.linalg.inv(x.T @ x)
    b = np.linalg.solve(x.T @ x, x.T @ y)
    residuals = y - x @ b
    meat = (x * (residuals**2)[:, None]).T @ x
    rows, size = x.shape
    return constant_last(b, np.sqrt(np.diag(inverse @ meat @ inverse) * rows / (rows - size)))


def logit(x, y):
    """By Newton's method, until no coefficient moves by 1e-8."""
    b = np.zeros(x.shape[1])
    for _ in range(25):
        p = 1 / (1 + np.exp(-(x @ b)))
        information = (x * (p * (1 - p))[:, None]).T @ x
        step = np.linalg.solve(information, x.T @ (y - p))
        b += step
        if np.abs(step).max() < 1e-8:
            break
    return constant_last(b, np.sqrt(np.diag(np.linalg.inv(information))))


def with_duckdb(people, repetitions):
    import duckdb

    db = duckdb.connect()
    db.register("columns", {name: values for name, values in people.items()})
    db.sql("create table people as from columns")
    db.unregister("columns")

    def of(y):
        terms = ", ".join(f"cast({term} as double) as x{j}" for j, term in enumerate(TERMS))
        found = db.sql(f"select 1.0::double as one, {terms}, {y} as y from people where not isnan({y})").fetchnumpy()
        y = found.pop("y")
        return np.column_stack(list(found.values())), y

    tool = f"numpy, DuckDB {duckdb.__version__}"
    report(tool, "T5", lambda: least_squares(*of("income")), repetitions)
    report(tool, "T6", lambda: logit(*of("infarct")), repetitions)


def with_polars(people, repetitions):
    import polars as pl

    frame = pl.DataFrame(people)

    def column(term):
        name, *code = term.split(" = ")
        return (pl.col(name) == float(code[0]) if code else pl.col(name)).cast(pl.Float64).alias(term)

    def of(y):
        columns = [pl.lit(1.0).alias("one"), *map(column, TERMS), pl.col(y).alias("y")]
        found = frame.lazy().filter(pl.col(y).is_not_nan()).select(columns).collect(engine="streaming").to_numpy()
        return found[:, :-1], found[:, -1]

    tool = f"numpy, Polars {pl.__version__}"
    report(tool, "T5", lambda: least_squares(*of("income")), repetitions)
    report(tool, "T6", lambda: logit(*of("infarct")), repetitions)


def with_statsmodels(people, repetitions):
    import statsmodels
    import statsmodels.api as sm

    def matrix(columns):
        values = []
        for term in TERMS:
            name, *code = term.split(" = ")
            values.append((columns[name] == float(code[0])).astype(float) if code else columns[name])
        return np.column_stack([np.ones(len(values[0])), *values])

    def of(fitted):
        return constant_last(fitted.params, fitted.bse)

    tool = f"statsmodels {statsmodels.__version__}"
    earners = complete(people, "income")
    y, x = earners["income"], matrix(earners)
    report(tool, "T5", lambda: of(sm.OLS(y, x).fit(cov_type="HC1")), repetitions)
    del earners, x
    y, x = people["infarct"], matrix(people)
    report(tool, "T6", lambda: of(sm.Logit(y, x).fit(method="newton", tol=1e-8, disp=False)), repetitions)


def with_lifelines(folder, repetitions):
    import lifelines
    import pandas as pd

    tool = f"lifelines {lifelines.__version__}"
    infarcts = pd.DataFrame(load(folder, "infarcts"))[["time", "event", "age", "male", "education"]]

    def cox(frame, **options):
        fitted = lifelines.CoxPHFitter().fit(frame, "time", "event", fit_options=options)
        return [*fitted.params_, *fitted.standard_errors_]

    def t7(**options):
        curve = lifelines.KaplanMeierFitter().fit(infarcts["time"], infarcts["event"])
        return [*cox(infarcts, **options), curve.predict(1000)]

    # By itself it stops when six digits are there.
    exact = {"precision": 1e-12, "r_precision": 1e-14}
    report(tool, "T7", t7, repetitions, lambda: t7(**exact))
    hazards = pd.DataFrame(load(folder, "hazards"))
    report(tool, "cox", lambda: cox(hazards), repetitions, lambda: cox(hazards, **exact))


def with_linearmodels(folder, repetitions):
    import linearmodels
    import pandas as pd

    frame = pd.DataFrame(load(folder, "panel")).set_index(["unit", "wave"])
    regressors = frame[[name for name in frame.columns if name.startswith("x")]]

    def panel():
        fitted = linearmodels.PanelOLS(frame["y"], regressors, entity_effects=True).fit()
        return [*fitted.params, *fitted.std_errors]

    report(f"linearmodels {linearmodels.__version__}", "panel", panel, repetitions)


def main():
    tool, folder = sys.argv[1], sys.argv[2]
    repetitions = int(sys.argv[3]) if len(sys.argv) > 3 else 3
    match tool:
        case "duckdb":
            with_duckdb(load(folder, "people"), repetitions)
        case "polars":
            with_polars(load(folder, "people"), repetitions)
        case "statsmodels":
            with_statsmodels(load(folder, "people"), repetitions)
        case "lifelines":
            with_lifelines(folder, repetitions)
        case "linearmodels":
            with_linearmodels(folder, repetitions)


if __name__ == "__main__":
    main()
