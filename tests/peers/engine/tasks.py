"""Runs the engine benchmark's tasks with a public tool and prints one JSON line per task.

    python tasks.py duckdb|duckdb-tables|polars FOLDER [REPETITIONS]

FOLDER holds the Parquet files of `registers.py`. Every tool does what its users would write: joins on the person's id,
spells valid on the day, events within the interval. `seconds` is the best of the repetitions, files warm; `peak_mb` is
the most memory the process held in that task (Linux); `check` lists the numbers that other tools must agree on.
"""

import datetime
import gc
import json
import os
import sys
import time

DAY = datetime.date(2018, 1, 1)
ALIVE_ON_DAY = "(death is null or death >= date '2018-01-01')"
AGE_LIMITS = (30, 45, 60, 70, 80)
SHARES = (0.1, 0.25, 0.5, 0.75, 0.9)
DENSE = ("sex", "birth", "country", "death")
SPELLS = ("municipality", "marital", "education", "income")
EVENTS = ("diagnosis", "dispensing")


def peak_mb():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM")) / 1024


def forget_peak():
    with open("/proc/self/clear_refs", "w") as file:
        file.write("5")


def report(tool, task, work, repetitions):
    seconds = []
    for _ in range(repetitions):
        gc.collect()
        forget_peak()
        begun = time.perf_counter()
        check = work()
        seconds.append(time.perf_counter() - begun)
    line = {"tool": tool, "task": task, "seconds": min(seconds), "peak_mb": peak_mb(), "check": check}
    print(json.dumps(line), flush=True)


def whole_grid(counts):
    """Counts by sex and number of events, for every number that occurs; a combination that nobody has is 0."""
    sexes, numbers = (sorted(set(values)) for values in zip(*counts))
    return [counts.get((sex, number), 0) for sex in sexes for number in numbers]


class DuckDb:
    """SQL over Parquet files, or over tables in DuckDB's own format."""

    def __init__(self, folder, own_tables):
        import duckdb

        self.name = f"DuckDB {duckdb.__version__}" + (" (tables)" if own_tables else " (Parquet)")
        self.db = duckdb.connect(os.path.join(folder, "peer.duckdb") if own_tables else ":memory:")
        for register in (*DENSE, *SPELLS, *EVENTS):
            kind = "table" if own_tables else "view"
            file = os.path.join(folder, f"{register}.parquet")
            self.db.sql(f"create {kind} if not exists {register} as from '{file}'")
        if own_tables:
            self.db.sql("checkpoint")

    AGE_GROUP = "case " + " ".join(
        f"when 2018 - birth // 100 < {limit} then {i}" for i, limit in enumerate(AGE_LIMITS)
    ) + f" else {len(AGE_LIMITS)} end"

    @staticmethod
    def linked():
        columns = ["sex.unit_id", *(f"{name}.value as {name}" for name in (*DENSE, *SPELLS))]
        joins = [f"left join {name} on sex.unit_id = {name}.unit_id" for name in DENSE[1:]]
        on_day = "start <= date '2018-01-01' and (stop is null or stop >= date '2018-01-01')"
        joins += [
            f"left join (select unit_id, value from {name} where {on_day}) {name} on sex.unit_id = {name}.unit_id"
            for name in SPELLS
        ]
        return f"select {', '.join(columns)} from sex {' '.join(joins)}"

    def filtered(self, source):
        education_group = "case when education < 3 then 0 when education < 6 then 1 else 2 end"
        return (
            f"(select *, {self.AGE_GROUP} as age_group, {education_group} as education_group from {source} "
            f"where {ALIVE_ON_DAY} and birth < 200001 and municipality is not null and education is not null)"
        )

    def count_per_person(self, register, where, first, last):
        return (
            f"(select unit_id, count(*) as n from {register} where {where} "
            f"and start between date '{first}' and date '{last}' group by unit_id)"
        )

    def by_number(self, events):
        rows = self.db.sql(
            f"select sex, least(coalesce(n, 0), 3) as k, count(*) from linked w left join {events} e "
            "on w.unit_id = e.unit_id group by 1, 2"
        ).fetchall()
        return whole_grid({(sex, k): persons for sex, k, persons in rows})

    def t1(self):
        self.db.sql(f"create or replace temp table linked as {self.linked()}")
        counts = ", ".join(f"count({name})" for name in (*DENSE, *SPELLS))
        return list(self.db.sql(f"select count(*), {counts} from linked").fetchall()[0])

    def t2(self):
        rows = self.db.sql(
            f"select sex, age_group, education_group, count(*) from {self.filtered('(' + self.linked() + ')')} f "
            "group by all order by all"
        ).fetchall()
        return [row[3] for row in rows]

    def t3(self):
        rows = self.db.sql(
            f"select municipality, avg(income), quantile_cont(income, {list(SHARES)}) from {self.filtered('linked')} f "
            "where income is not null group by 1"
        ).fetchall()
        return [len(rows), sum(row[1] for row in rows), *(sum(row[2][i] for row in rows) for i in range(len(SHARES)))]

    def t4a(self):
        return self.by_number(self.count_per_person("diagnosis", "value = 'I21'", "2015-01-01", "2019-12-31"))

    def t4b(self):
        events = self.count_per_person("diagnosis", "true", "2015-01-01", "2019-12-31")
        rows = self.db.sql(
            f"select sex, {self.AGE_GROUP}, avg(cast(coalesce(n, 0) as double)) from linked w left join {events} e "
            "on w.unit_id = e.unit_id group by 1, 2 order by 1, 2"
        ).fetchall()
        return [row[2] for row in rows]

    def t4c(self):
        return self.by_number(self.count_per_person("dispensing", "value like 'C%'", "2018-01-01", "2018-12-31"))


class Polars:
    """Lazy queries over Parquet files, with the streaming engine."""

    def __init__(self, folder):
        import polars

        self.pl = polars
        self.name = f"Polars {polars.__version__}"
        self.folder = folder

    def scan(self, register):
        return self.pl.scan_parquet(os.path.join(self.folder, f"{register}.parquet"))

    @staticmethod
    def collect(query):
        return query.collect(engine="streaming")

    def lazily_linked(self):
        col = self.pl.col
        linked = self.scan("sex").rename({"value": "sex"})
        for name in DENSE[1:]:
            linked = linked.join(self.scan(name).rename({"value": name}), on="unit_id", how="left")
        for name in SPELLS:
            on_day = (col("start") <= DAY) & (col("stop").is_null() | (col("stop") >= DAY))
            values = self.scan(name).filter(on_day).select("unit_id", col("value").alias(name))
            linked = linked.join(values, on="unit_id", how="left")
        return linked

    def age_group(self):
        age = 2018 - self.pl.col("birth") // 100
        group = self.pl.when(age < AGE_LIMITS[0]).then(0)
        for i, limit in enumerate(AGE_LIMITS[1:], 1):
            group = group.when(age < limit).then(i)
        return group.otherwise(len(AGE_LIMITS)).cast(self.pl.Int8)

    def filtered(self, linked):
        col, when = self.pl.col, self.pl.when
        education = when(col("education") < 3).then(0).when(col("education") < 6).then(1).otherwise(2)
        return linked.filter(
            (col("death").is_null() | (col("death") >= DAY))
            & (col("birth") < 200001)
            & col("municipality").is_not_null()
            & col("education").is_not_null()
        ).with_columns(age_group=self.age_group(), education_group=education.cast(self.pl.Int8))

    def count_per_person(self, register, first, last, condition=None):
        events = self.scan(register).filter((self.pl.col("start") >= first) & (self.pl.col("start") <= last))
        if condition is not None:
            events = events.filter(condition)
        return events.group_by("unit_id").len("n")

    def by_number(self, events):
        number = self.pl.col("n").fill_null(0).clip(upper_bound=3)
        joined = self.linked.lazy().select("unit_id", "sex").join(events, on="unit_id", how="left")
        counted = self.collect(joined.with_columns(number).group_by("sex", "n").len("persons"))
        return whole_grid({(sex, k): persons for sex, k, persons in counted.rows()})

    def t1(self):
        self.linked = self.collect(self.lazily_linked())
        return [len(self.linked), *(self.linked[name].count() for name in (*DENSE, *SPELLS))]

    def t2(self):
        groups = ("sex", "age_group", "education_group")
        return self.collect(self.filtered(self.lazily_linked()).group_by(*groups).len("n").sort(*groups))["n"].to_list()

    def t3(self):
        income = self.pl.col("income")
        percentiles = [income.quantile(share, "linear").alias(f"p{share}") for share in SHARES]
        grouped = self.filtered(self.linked.lazy()).group_by("municipality")
        rows = self.collect(grouped.agg(income.mean().alias("mean"), *percentiles))
        return [len(rows), rows["mean"].sum(), *(rows[f"p{share}"].sum() for share in SHARES)]

    def t4a(self):
        heart = self.pl.col("value") == "I21"
        return self.by_number(
            self.count_per_person("diagnosis", datetime.date(2015, 1, 1), datetime.date(2019, 12, 31), heart)
        )

    def t4b(self):
        events = self.count_per_person("diagnosis", datetime.date(2015, 1, 1), datetime.date(2019, 12, 31))
        joined = self.linked.lazy().select("unit_id", "sex", "birth").join(events, on="unit_id", how="left")
        rows = joined.with_columns(self.pl.col("n").fill_null(0), age_group=self.age_group())
        rows = rows.group_by("sex", "age_group").agg(self.pl.col("n").mean()).sort("sex", "age_group")
        return self.collect(rows)["n"].to_list()

    def t4c(self):
        cardiac = self.pl.col("value").str.starts_with("C")
        return self.by_number(
            self.count_per_person("dispensing", datetime.date(2018, 1, 1), datetime.date(2018, 12, 31), cardiac)
        )


def main():
    which, folder = sys.argv[1:3]
    repetitions = int(sys.argv[3]) if len(sys.argv) > 3 else 3
    peer = Polars(folder) if which == "polars" else DuckDb(folder, which == "duckdb-tables")
    for task in ("t1", "t2", "t3", "t4a", "t4b", "t4c"):
        report(peer.name, task.upper(), getattr(peer, task), repetitions)


if __name__ == "__main__":
    main()
