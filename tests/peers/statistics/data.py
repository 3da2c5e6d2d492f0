"""The data of the statistics benchmark (ENG-001 T5 to T7): columns of doubles, one raw file each, missing as NaN.

    python data.py REGISTERS FOLDER ROWS

REGISTERS holds the Parquet files of `../engine/registers.py`. FOLDER gets four sets, a folder each:

    people    residents on 2018-01-01 born before 2000 with known education: what T5 and T6 regress
    infarcts  those of them with a heart attack 2015-2019, followed until death or 2023-12-31 (T7)
    hazards   ROWS / 5 times until an event, in whole days, with ten covariates
    panel     ROWS observations, ten of each unit, with five regressors

The same registers and the same number of rows give the same files.
"""

import os
import sys

import duckdb
import numpy as np

SEED = 403
EVENT_YEARS = "start between date '2015-01-01' and date '2019-12-31'"
COVARIATES = 10
REGRESSORS = 5
WAVES = 10

PEOPLE = f"""
with on_day as (
    select sex.unit_id, sex.value as sex, birth.value as birth, country.value as country, death.value as death,
        marital.value as marital, education.value as education, income.value as income
    from sex join birth using (unit_id) join country using (unit_id) left join death using (unit_id)
    join (from municipality where ON_DAY) municipality using (unit_id)
    join (from marital where ON_DAY) marital using (unit_id)
    join (from education where ON_DAY) education using (unit_id)
    left join (from income where ON_DAY) income using (unit_id)
), attacks as (
    select unit_id, min(start) as first from diagnosis where value = 'I21' and {EVENT_YEARS} group by unit_id
)
select 2018 - birth // 100 as age, (2018 - birth // 100) ** 2 as age_squared, sex = 1 as male, education, marital,
    country <> 0 as immigrant, income, first is not null as infarct
from on_day left join attacks using (unit_id)
where (death is null or death >= date '2018-01-01') and birth < 200001
order by unit_id
""".replace("ON_DAY", "start <= date '2018-01-01' and (stop is null or stop >= date '2018-01-01')")

INFARCTS = f"""
with attacks as (
    select unit_id, min(start) as first from diagnosis where value = 'I21' and {EVENT_YEARS} group by unit_id
)
select date_diff('day', first, coalesce(death.value, date '2023-12-31')) as time, death.value is not null as event,
    year(first) - birth.value // 100 as age, sex.value = 1 as male, education.value as education
from attacks join sex using (unit_id) join birth using (unit_id) left join death using (unit_id)
join (from education where start <= date '2018-01-01' and (stop is null or stop >= date '2018-01-01')) education
    using (unit_id)
where death.value is null or death.value >= first
order by unit_id
"""


def save(folder, name, columns):
    path = os.path.join(folder, name)
    os.makedirs(path, exist_ok=True)
    for column, values in columns.items():
        np.ma.filled(np.ma.asarray(values).astype(np.float64), np.nan).tofile(os.path.join(path, f"{column}.f64"))
    print(f"{name}: {len(next(iter(columns.values())))} rows", file=sys.stderr, flush=True)


def from_registers(registers, folder):
    db = duckdb.connect()
    for name in ("sex", "birth", "country", "death", "municipality", "marital", "education", "income", "diagnosis"):
        db.sql(f"create view {name} as from '{os.path.join(registers, name)}.parquet'")
    save(folder, "people", db.sql(PEOPLE).fetchnumpy())
    save(folder, "infarcts", db.sql(INFARCTS).fetchnumpy())


def hazards(random, folder, rows):
    """Half of the covariates are continuous, half are zeros and ones; two in three are followed until the event."""
    covariates = {f"x{j}": random.standard_normal(rows) for j in range(COVARIATES // 2)}
    covariates |= {f"x{j}": (random.random(rows) < 0.1 * j - 0.3).astype(float) for j in range(5, COVARIATES)}
    index = sum((0.1 + 0.03 * j) * (-1) ** j * x for j, x in enumerate(covariates.values()))
    until_event = np.ceil(1500 * random.exponential(np.exp(-index)))
    until_end = np.ceil(3650 * random.random(rows)) + 1
    time = np.minimum(until_event, until_end)
    save(folder, "hazards", {"time": time, "event": until_event <= until_end} | covariates)


def panel(random, folder, rows):
    """Regressors that go together with what is fixed about a unit."""
    units = rows // WAVES
    fixed = np.repeat(random.standard_normal(units), WAVES)
    regressors = {f"x{j}": 0.3 * fixed + random.standard_normal(units * WAVES) for j in range(REGRESSORS)}
    y = 2.0 + fixed + sum((0.5 + j) * x for j, x in enumerate(regressors.values()))
    y += 3 * random.standard_normal(units * WAVES)
    unit, wave = np.repeat(np.arange(units), WAVES), np.tile(np.arange(WAVES), units)
    save(folder, "panel", {"unit": unit, "wave": wave, "y": y} | regressors)


def main():
    registers, folder, rows = sys.argv[1], sys.argv[2], int(sys.argv[3])
    random = np.random.default_rng(SEED)
    from_registers(registers, folder)
    hazards(random, folder, rows // 5)
    panel(random, folder, rows)


if __name__ == "__main__":
    main()
