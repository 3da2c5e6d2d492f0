"""Outputs of a study on made-up persons, checked by ACRO while they are made and written as a researcher would take them out.

Usage: outputs.py FOLDER. Each case gets a folder; `earlier` in it is what left before. Prints a line of JSON per case with
what ACRO says. ACRO sees the persons behind an output, since it makes the output itself; what it did not make it takes as a
custom output. The files are what is left when the output is on its way out.
"""

import json
import logging
import os
import sys
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
import openpyxl
import pandas as pd
import statsmodels.api as sm
from acro import ACRO

logging.disable(logging.CRITICAL)
ROOT = Path(sys.argv[1]).resolve()
DRAW = np.random.default_rng(20260101)
N = 2000

PERSONS = pd.DataFrame(
    {
        "sex": DRAW.choice(["men", "women"], N),
        "region": DRAW.choice(["north", "west", "east", "south", "islands"], N, p=[0.2, 0.25, 0.3, 0.2466, 0.0034]),
        "age": DRAW.integers(18, 90, N),
        "income": np.exp(DRAW.normal(13, 0.5, N)).round(),
        "treated": DRAW.integers(0, 2, N),
    }
)
PERSONS["weeks"] = np.ceil(DRAW.exponential(60, N)).clip(1, 100)
PERSONS["died"] = (PERSONS.weeks < 100).astype(int)
LARGE = PERSONS[PERSONS.region != "islands"]


def acro(make, suppress=False):
    """What ACRO says of the last output that `make` produces."""
    checker = ACRO(suppress=suppress)
    out = sys.stdout
    sys.stdout = open(os.devnull, "w")
    try:
        result = make(checker)
    except Exception as error:  # what ACRO refuses to make is its answer
        return {"status": "error", "summary": type(error).__name__}, None
    finally:
        sys.stdout.close()
        sys.stdout = out
    records = list(checker.results.results.values())
    last = records[-1]
    return {"status": last.status, "summary": str(last.summary)}, result


def case(name, text, said, files, declared=None, earlier=None):
    """Writes the files of a case and tells what ACRO said."""
    folder = ROOT / name / "release"
    folder.mkdir(parents=True)
    for file, write in files.items():
        write(folder / file)
    if declared:
        (folder / "egress.json").write_text(json.dumps({"outputs": declared}))
    if earlier is not None:
        before = ROOT / name / "earlier"
        before.mkdir()
        for file, write in earlier.items():
            write(before / file)
    print(json.dumps({"case": name, "text": text, "acro": said}), flush=True)


def csv(frame):
    return lambda path: frame.to_csv(path)


def text(content):
    return lambda path: path.write_text(content)


def custom(write, name):
    """A file that ACRO did not make."""
    path = ROOT / "work" / name
    write(path)
    return acro(lambda a: a.custom_output(str(path), "a file"))[0]


def rounded(table):
    return (table / 5).round() * 5


def identity_number():
    """A synthetic number (month + 80) with right control digits."""
    first, second = [3, 7, 6, 1, 8, 9, 4, 5, 2], [5, 4, 3, 2, 7, 6, 5, 4, 3, 2]
    for serial in range(1000):
        digits = [int(d) for d in f"019170{serial:03}"]
        for weights in (first, second):
            digits.append((11 - sum(d * w for d, w in zip(digits, weights)) % 11) % 11)
        if 10 not in digits:
            return "".join(map(str, digits))


def tables():
    of = lambda frame: pd.crosstab(frame.sex, frame.region)
    said = lambda frame, **more: acro(lambda a: a.crosstab(frame.sex, frame.region, **more))[0]
    case("counts", "cross table, all cells large", said(LARGE), {"t.csv": csv(of(LARGE))})
    case("counts-rounded", "the same, rounded to 5", said(LARGE), {"t.csv": csv(rounded(of(LARGE)).astype(int))})
    case("small-cells", "cross table with cells under 10", said(PERSONS), {"t.csv": csv(of(PERSONS))})
    masked, hidden = acro(lambda a: a.crosstab(PERSONS.sex, PERSONS.region), suppress=True)
    case("masked", "the same, suppressed by ACRO", masked, {"t.csv": csv(hidden)})
    total = pd.crosstab(PERSONS.sex, PERSONS.region, margins=True).astype(object)
    naive = total.where(~((total > 0) & (total < 10)), "*")
    case(
        "derivable",
        "small cells hidden, margins left",
        custom(csv(naive), "derivable.csv"),
        {"t.csv": csv(naive)},
    )
    fewer = LARGE.drop(LARGE[(LARGE.sex == "men") & (LARGE.region == "north")].index[:4])
    case(
        "differencing",
        "the cross table again, without 4 persons, after the first left",
        said(fewer),
        {"new.csv": csv(of(fewer))},
        earlier={"old.csv": csv(of(LARGE))},
    )
    shares = pd.crosstab(LARGE.sex, LARGE.region, normalize=True)
    case(
        "shares",
        "shares without counts",
        acro(lambda a: a.crosstab(LARGE.sex, LARGE.region, normalize=True))[0],
        {"t.csv": csv((shares * 100).round(1).stack().rename("percent").reset_index().set_index("sex"))},
    )
    group = LARGE[~((LARGE.region == "west") & (LARGE.treated == 0))]
    case(
        "group",
        "a region where all have the trait (a zero that tells)",
        acro(lambda a: a.crosstab(group.region, group.treated))[0],
        {"t.csv": csv(rounded(pd.crosstab(group.region, group.treated)).astype(int))},
    )


def statistics():
    def by(frame, what):
        table = frame.groupby("region").income.agg([what, "count"])
        return table.rename(columns={"count": "n"})

    said = lambda frame, what: acro(lambda a: a.pivot_table(frame, index=["region"], values=["income"], aggfunc=[what]))[0]
    case("means", "means with the persons behind them", said(LARGE, "mean"), {"t.csv": csv(by(LARGE, "mean").round(0))})
    few = pd.concat([LARGE, PERSONS[PERSONS.region == "islands"][:6]])
    case("means-few", "means, one of 6 persons", said(few, "mean"), {"t.csv": csv(by(few, "mean").round(0))})
    rich = LARGE.copy()
    rich.loc[rich[rich.region == "north"].index[0], "income"] = 4e9
    parts = [g.income.nlargest(2).tolist() + [g.income.sum()] for _, g in rich.groupby("region")]
    evidence = {
        "rest_percent": min((s - a - b) / a * 100 for a, b, s in parts),
        "top_two_share": max((a + b) / s for a, b, s in parts),
    }
    sums = by(rich, "sum")
    said_sum = said(rich, "sum")
    case("dominance", "sums, one person with most of a sum", said_sum, {"t.csv": csv(sums)})
    case(
        "dominance-declared",
        "the same, with the shares of the largest declared",
        said_sum,
        {"t.csv": csv(sums)},
        [{"file": "t.csv", "type": "magnitude", "dominance": evidence}],
    )
    case("largest", "largest values by region", said(LARGE, "max"), {"t.csv": csv(by(LARGE, "max"))})
    described = LARGE[["age", "income"]].describe()
    case("described", "description of the data, not made with ACRO", custom(csv(described), "described.csv"), {"t.csv": csv(described)})


def models():
    def coefficients(fit):
        table = pd.DataFrame({"coef": fit.params, "std err": fit.bse, "t": fit.tvalues, "P>|t|": fit.pvalues})
        return csv(table.rename_axis("term"))

    def design(y, x):
        x = np.asarray(x, dtype=float)
        dummies = [min(c.sum(), len(c) - c.sum()) for c in x.T if set(np.unique(c)) == {0.0, 1.0}]
        kappa = 0.0
        for j in range(x.shape[1]):
            others = np.delete(x, j, axis=1)
            left = x[:, j] - others @ np.linalg.lstsq(others, x[:, j], rcond=None)[0]
            kappa = max(kappa, float((left**2).max() / (left**2).sum()))
        found = {"observations": len(y), "parameters": x.shape[1], "concentration": round(kappa, 6)}
        return found | ({"smallest_dummy": int(min(dummies))} if dummies else {})

    def model(name, what, frame, columns, declare):
        x, y = sm.add_constant(frame[columns]), frame.income
        said, _ = acro(lambda a: a.ols(y, x))
        declared = [{"file": "fit.csv", "type": "regression", "design": design(y, x)}] if declare else None
        case(name, what, said, {"fit.csv": coefficients(sm.OLS(y, x).fit())}, declared)

    model("regression", "linear model", LARGE, ["age", "treated"], False)
    model("regression-declared", "the same, with its design declared", LARGE, ["age", "treated"], True)
    one = LARGE.assign(person=(LARGE.index == LARGE.index[7]).astype(int))
    model("one-person", "a term for one person", one, ["age", "person"], True)
    tiny = LARGE[:12].assign(**{f"x{i}": DRAW.normal(size=12) for i in range(8)})
    model("few-degrees", "3 degrees of freedom", tiny, [f"x{i}" for i in range(8)], True)

    def curve(frame):
        rows, at_risk = [], len(frame)
        for time, group in frame.groupby("weeks"):
            rows.append({"time": time, "at_risk": at_risk, "events": int(group.died.sum())})
            at_risk -= len(group)
        return pd.DataFrame(rows).set_index("time")

    said = lambda frame: acro(lambda a: a.surv_func(frame.weeks, frame.died, output="table"))[0]
    case("survival", "risk table of 2000 persons, week by week", said(PERSONS), {"t.csv": csv(curve(PERSONS))})
    case("survival-few", "risk table of 40 persons", said(PERSONS[:40]), {"t.csv": csv(curve(PERSONS[:40]))})


def files():
    def picture(path):
        plt.figure()
        plt.scatter(LARGE.age, LARGE.income, s=1)
        plt.savefig(path)
        plt.close()

    def workbook(path):
        book = openpyxl.Workbook()
        book.active.append(["sex", "n"])
        for row in [["men", 1000], ["women", 990]]:
            book.active.append(row)
        hidden = book.create_sheet("persons")
        for row in LARGE[["sex", "region", "age"]][:50].itertuples(index=False):
            hidden.append(list(row))
        hidden.sheet_state = "hidden"
        book.save(path)

    histogram = acro(lambda a: a.hist(LARGE, "age"))[0]
    case("histogram", "histogram", histogram, {"h.png": lambda p: (LARGE.age.hist(), plt.savefig(p), plt.close())})
    case("scatter", "scatter plot of persons", custom(picture, "s.png"), {"s.png": picture})
    rows = csv(PERSONS[["sex", "region", "age", "income"]])
    case("rows", "the persons themselves", custom(rows, "rows.csv"), {"rows.csv": rows})
    note = text(f"The outlier was checked by hand ({identity_number()}).\n")
    case("identity-number", "an identity number in a note", custom(note, "note.txt"), {"note.txt": note})
    case("hidden-sheet", "workbook with persons on a hidden sheet", custom(workbook, "t.xlsx"), {"t.xlsx": workbook})
    pickle = lambda path: LARGE.to_pickle(path)
    case("pickle", "a pickled data frame", custom(pickle, "d.pkl"), {"d.pkl": pickle})
    code = text("fit = ols('income ~ age', data=persons)\nprint(fit.summary())\n")
    case("code", "code", custom(code, "fit.py"), {"fit.py": code})


(ROOT / "work").mkdir(parents=True)
os.chdir(ROOT / "work")
tables()
statistics()
models()
files()
