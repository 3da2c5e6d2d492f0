"""Synthetic registers for the engine's benchmark, as Parquet files sorted by unit.

    python registers.py FOLDER [PERSONS]

The same number of persons gives the same files: one random generator with a fixed seed is drawn from in a fixed order.
Distributions are made to resemble national registers in size, width and skew, not in content. Times are days since
1970-01-01. A file has the columns `unit_id` and `value`, and `start` and `stop` where the variable changes with time
(no stop: ongoing).
"""

import os
import sys

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

SEED = 42
FIRST_UNIT = 10_000_000_000
ROW_GROUP = 1 << 17
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
HEART_ATTACK = "I21"


def day(text):
    """Days since 1970-01-01."""
    return (np.datetime64(text) - np.datetime64("1970-01-01")).astype(int)


REGISTERS_BEGIN = day("2008-01-01")
REGISTERS_END = day("2023-12-31")
NEVER = day("2099-12-31")


def dates(days, missing=None):
    """A date column; missing where `missing` is true."""
    return pa.array(days.astype(np.int32), mask=missing).cast(pa.date32())


def skewed(random, codes, exponent):
    """Probabilities of codes: few are common, most are rare, in no order."""
    weights = 1 / np.arange(1, codes + 1) ** exponent
    weights = weights[random.permutation(codes)]
    return weights


class Registers:
    """Draws the persons first, then one register after the other."""

    def __init__(self, folder, persons):
        self.folder = folder
        self.persons = persons
        self.random = np.random.default_rng(SEED)
        os.makedirs(folder, exist_ok=True)

    def save(self, name, **columns):
        path = os.path.join(self.folder, f"{name}.parquet")
        table = pa.table(columns)
        pq.write_table(table, path, compression="zstd", compression_level=1, row_group_size=ROW_GROUP)
        print(f"{name}: {table.num_rows} rows", file=sys.stderr, flush=True)

    def persons_and_deaths(self):
        random, n = self.random, self.persons
        # Ids are sparse pseudonyms, not numbers from 0 on.
        self.units = np.cumsum(random.integers(1, 30000, n)).astype(np.int64) + FIRST_UNIT
        self.sex = random.integers(1, 3, n).astype(np.int8)
        self.birth_year = (1925 + 95 * random.beta(1.6, 1.25, n)).astype(np.int32)
        month = random.integers(1, 13, n).astype(np.int32)
        self.birth_day = ((self.birth_year - 1970) * 365.25 + (month - 1) * 30.4).astype(np.int32)
        native = random.random(n) < 0.82
        country = np.where(native, 0, random.integers(100, 700, n)).astype(np.int16)
        self.save("sex", unit_id=self.units, value=self.sex)
        self.save("birth", unit_id=self.units, value=(self.birth_year * 100 + month).astype(np.int32))
        self.save("country", unit_id=self.units, value=country)
        # Mortality grows with age and is higher for men.
        age = np.clip(2014 - self.birth_year, 0, 105)
        hazard = 12 * np.exp(-9.9 + 0.092 * age) * np.where(self.sex == 1, 1.25, 1.0) * 1.2
        died = random.random(n) < 1 - np.exp(-hazard)
        self.death_day = random.integers(REGISTERS_BEGIN, REGISTERS_END, n).astype(np.int32)
        self.died = died & (self.death_day > self.birth_day + 30)
        self.last_day = np.where(self.died, self.death_day, NEVER).astype(np.int32)
        self.save("death", unit_id=self.units[self.died], value=dates(self.death_day[self.died]))

    def spells(self, name, changes, draw, first_day):
        """A status that changes: spells follow each other without gap; the last is open or ends with death.

        Gives the last value of every person.
        """
        random, n = self.random, self.persons
        number = 1 + random.poisson(changes, n)
        rows = number.sum()
        who = np.repeat(np.arange(n, dtype=np.int32), number)
        ends = np.cumsum(number)
        begins = ends - number
        latest = np.maximum(np.minimum(self.last_day, REGISTERS_END), first_day + 1)
        start = (first_day[who] + random.random(rows) * (latest - first_day)[who]).astype(np.int32)
        start[begins] = first_day
        start = start[np.lexsort((start, who))]
        stop = np.empty(rows, np.int32)
        stop[:-1] = start[1:] - 1
        stop[ends - 1] = np.where(self.died, self.death_day, 0)
        ongoing = np.zeros(rows, bool)
        ongoing[ends - 1] = ~self.died
        value = draw(rows)
        keep = ongoing | (stop >= start)
        self.save(
            name,
            unit_id=self.units[who[keep]],
            value=value[keep],
            start=dates(start[keep]),
            stop=dates(stop[keep], ongoing[keep]),
        )
        return value[ends - 1]

    def statuses(self):
        random = self.random
        municipalities = np.sort(random.choice(np.arange(301, 5636), 356, replace=False)).astype(np.int16)
        size = 1 / np.arange(1, 357) ** 0.85
        size /= size.sum()
        size = size[random.permutation(356)]
        self.spells(
            "municipality",
            2.0,
            lambda rows: municipalities[random.choice(356, rows, p=size)].astype(np.int16),
            np.maximum(self.birth_day, day("1960-01-01")),
        )
        marital = [0.5, 0.33, 0.1, 0.05, 0.02]
        self.spells(
            "marital", 0.9, lambda rows: random.choice([1, 2, 3, 4, 5], rows, p=marital).astype(np.int8), self.birth_day + 0
        )
        levels = [0.03, 0.05, 0.25, 0.12, 0.25, 0.05, 0.17, 0.07, 0.01]
        self.education = self.spells(
            "education",
            0.9,
            lambda rows: random.choice(np.arange(0, 9), rows, p=levels).astype(np.int8),
            self.birth_day + 16 * 365,
        )

    def income(self):
        """Income of ten years, for those of 17 and more who lived on 1 January."""
        random, n = self.random, self.persons
        level = np.exp(12.2 + 0.25 * (self.sex == 1) + 0.07 * self.education + 0.5 * random.standard_normal(n))
        years = np.arange(2010, 2020)
        present = np.zeros((n, 10), bool)
        amount = np.zeros((n, 10), np.int64)
        for j, year in enumerate(years):
            age = year - self.birth_year
            present[:, j] = (age >= 17) & (self.last_day > day(f"{year}-01-01"))
            by_age = np.exp(-(((age - 48) / 35.0) ** 2))
            amount[:, j] = level * (1 + 0.03 * j) * by_age * np.exp(0.2 * random.standard_normal(n))
        who, which = np.nonzero(present)
        first = np.array([day(f"{y}-01-01") for y in years], np.int32)
        last = np.array([day(f"{y}-12-31") for y in years], np.int32)
        self.save(
            "income",
            unit_id=self.units[who],
            value=amount[who, which],
            start=dates(first[which]),
            stop=dates(last[which]),
        )
        self.income_2019 = amount[:, 9].copy()

    def events(self, name, target, codes, probabilities, extra=None):
        """Events with codes: more with age, and few persons with very many."""
        random, n = self.random, self.persons
        by_age = np.clip(2016 - self.birth_year, 1, 95) / 45.0
        number = random.poisson(random.gamma(0.7, target / n / 0.7, n) * by_age / by_age.mean())
        rows = int(number.sum())
        who = np.repeat(np.arange(n, dtype=np.int32), number)
        code = random.choice(len(codes), rows, p=probabilities).astype(np.int16)
        start = self.while_alive(who, REGISTERS_BEGIN)
        if extra is not None:
            who, start, code = (np.concatenate(pair) for pair in zip((who, start, code), extra))
        order = np.lexsort((start, who))
        who, start, code = who[order], start[order], code[order]
        value = pa.DictionaryArray.from_arrays(pa.array(code), pa.array(codes.tolist())).cast(pa.string())
        stop = start + random.integers(0, 6, len(start)).astype(np.int32)
        self.save(name, unit_id=self.units[who], value=value, start=dates(start), stop=dates(stop))

    def while_alive(self, who, registers_begin):
        first = np.maximum(self.birth_day, registers_begin)
        last = np.maximum(np.minimum(self.last_day, REGISTERS_END), first + 1)
        return (first[who] + self.random.random(len(who)) * (last - first)[who]).astype(np.int32)

    def health(self):
        random, n = self.random, self.persons
        every = np.array(sorted(f"{l}{i:02d}" for l in LETTERS for i in range(100) if (l, i) != ("I", 21)))
        some = every[np.sort(random.choice(len(every), 1999, replace=False))]
        diagnoses = np.array(sorted(set(some) | {HEART_ATTACK}))
        diagnosis_weights = skewed(random, len(diagnoses), 0.9)
        heart_attack = int(np.where(diagnoses == HEART_ATTACK)[0][0])
        diagnosis_weights[heart_attack] = 1e-9
        diagnosis_weights /= diagnosis_weights.sum()
        substances = {
            f"{l}{random.integers(1, 17):02d}{a}{b}{random.integers(1, 60):02d}"
            for l in "ABCDGHJLMNPRSV"
            for a in "ABCDEFG"
            for b in "ABCDEFGHIJK"
            for _ in range(2)
        }
        substances = np.array(sorted(substances))[:1500]
        substance_weights = skewed(random, len(substances), 0.9)
        substance_weights /= substance_weights.sum()
        # Heart attacks depend on age, sex, education and income, so that models have something to find.
        risk = np.exp(
            -7.6
            + 0.055 * np.clip(2017 - self.birth_year, 0, 95)
            + 0.7 * (self.sex == 1)
            - 0.08 * self.education
            - 0.15 * np.log1p(self.income_2019) / 12
        )
        who = np.repeat(np.arange(n, dtype=np.int32), random.poisson(risk * 2.2))
        start = self.while_alive(who, day("2010-01-01"))
        heart_attacks = (who, start, np.full(len(who), heart_attack, np.int16))
        self.events("diagnosis", 20_000_000 * n / 5_500_000, diagnoses, diagnosis_weights, heart_attacks)
        self.events("dispensing", 40_000_000 * n / 5_500_000, substances, substance_weights)


def main():
    registers = Registers(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 5_500_000)
    registers.persons_and_deaths()
    registers.statuses()
    registers.income()
    registers.health()


if __name__ == "__main__":
    main()
