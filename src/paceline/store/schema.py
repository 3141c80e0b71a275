"""Three tables hold a study: one row of `study`, a row a trial, a row a block of measured epochs.

    study         1 row: schema version, settings, environment, names of the measured columns
    trials        number -> configuration, seed, standing, score, curve
    measurements  (trial, fold, first_epoch) -> float32 (epochs, columns)

The scores are plain numbers, so that SQL can sort by them and a person can read them; where SQL can't hold the
exact value (NaN, minus zero) it stands in `exact` too. Long arrays are little-endian bytes: a curve is read or
skipped as a whole. A file holds one study, a PostgreSQL schema likewise.
"""

from sqlalchemy import (
    BigInteger,
    Column,
    Double,
    ForeignKey,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
)

VERSION = 3
"""Of the tables below. A store with a greater number was written by a newer Paceline and is refused; `upgrade` says
what a smaller one lacks."""

METADATA = MetaData()

STUDY = Table(
    "study",
    METADATA,
    Column("id", Integer, primary_key=True, autoincrement=False),  # always 1: a second study is refused by the key
    Column("version", Integer, nullable=False),
    Column("columns", Text, nullable=False),  # JSON list: what each column of the blocks measures
    Column("name", Text, nullable=False),
    Column("goal", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("settings", Text, nullable=False),  # JSON, like environment and summary
    Column("environment", Text, nullable=False),
    Column("summary", Text, nullable=False),
)

TRIALS = Table(
    "trials",
    METADATA,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("params", Text, nullable=False),  # JSON
    Column("seed", BigInteger, nullable=False),
    Column("cohort", Integer, nullable=False),
    Column("status", Text, nullable=False),
    Column("epoch", Integer, nullable=False),
    Column("score", Double),
    Column("score_sd", Double),
    Column("exact", LargeBinary),  # score and score_sd as two float64, where their own columns can't hold them
    Column("best_epoch", Integer, nullable=False),
    Column("reason", Text, nullable=False),
    Column("origin", Text, nullable=False),
    Column("parent", Integer),
    Column("born", Integer, nullable=False),  # `Trial.cloned_at`; the name of version 1
    Column("costs", LargeBinary),  # float64; NULL where there are none (since version 2)
    Column("ended_by", Text),  # "" while it runs; NULL in rows of before version 3
    Column("curve", LargeBinary, nullable=False),  # float64; last, so that reading the rest stays in the row's head
)

MEASUREMENTS = Table(
    "measurements",
    METADATA,
    Column("trial", Integer, ForeignKey("trials.number"), primary_key=True),
    Column("fold", Integer, primary_key=True, autoincrement=False),
    Column("first_epoch", Integer, primary_key=True, autoincrement=False),
    Column("epochs", Integer, nullable=False),
    Column("values", LargeBinary, nullable=False),  # float32, row-major
)
