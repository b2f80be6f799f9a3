"""Absence of children in need by authority, phase and academic year: what data/official/cin_absence.csv looks like."""

from __future__ import annotations

import pandas as pd
import pandera.pandas as pa

from crewe_lib.tables import (
    ABSENCE_PHASES,
    ABSENCE_RELEASES,
    AUTHORITY,
    at_most,
    code_fits_authority,
    count_column,
    text,
)

_ROUNDED = 10  # the publisher rounds the counts of England to this


def _sessions_add_up(frame: pd.DataFrame) -> pd.Series[bool]:
    """Sessions with and without leave are all that were missed; England's three figures are each rounded."""
    gap = frame["sessions_authorised"] + frame["sessions_unauthorised"] - frame["sessions_overall"]
    allowed = frame["la_code"].eq("").map({True: 1.5 * _ROUNDED, False: 0.0})
    return (gap.abs().astype(float) <= allowed) | gap.isna()


def _has_every_phase(frame: pd.DataFrame) -> pd.Series[bool]:
    """An authority's year in a release has a row for each phase."""
    whole: pd.Series[bool] = frame.groupby(["authority", "year", "vintage"])["phase"].transform("size") == len(
        ABSENCE_PHASES
    )
    return whole


def _phases_fit(frame: pd.DataFrame) -> pd.Series[bool]:
    """Primary and secondary schools have no more pupils than all schools (England's figures are rounded)."""
    keys = [frame[key] for key in ("authority", "year", "vintage")]
    parts = frame["pupils"].where(frame["phase"] != "total").astype(float).groupby(keys).transform("sum")
    whole = frame["pupils"].where(frame["phase"] == "total").astype(float).groupby(keys).transform("max")
    return ~(parts > whole + 1.5 * _ROUNDED * frame["la_code"].eq(""))


CIN_ABSENCE = pa.DataFrameSchema(
    {
        **AUTHORITY,
        "year": pa.Column(
            "int64",
            pa.Check.in_range(2017, 2099, error="must be a year from 2017 on"),
            description="Academic year, by the year in which it ends: 2017 is 2016/17",
            metadata={"unit": "year", "minimum": 2017},
        ),
        "phase": text(
            "Phase of school: total is schools of every type, special ones and others too", allowed=ABSENCE_PHASES
        ),
        "vintage": text("Which of the two releases the figures stand in", allowed=ABSENCE_RELEASES),
        "pupils": count_column(
            "Pupils who were children in need on 31 March of the academic year, other than those on a child protection "
            "plan or looked after",
            "pupils",
        ),
        "sessions_possible": count_column("Sessions that they could have attended in the academic year", "sessions"),
        "sessions_overall": count_column("Sessions missed", "sessions"),
        "sessions_authorised": count_column("Sessions missed with leave", "sessions"),
        "sessions_unauthorised": count_column("Sessions missed without leave", "sessions"),
        "persistent_absentees": count_column("Pupils who missed 10% or more of their possible sessions", "pupils"),
        "severe_absentees": count_column(
            "Pupils who missed 50% or more of their possible sessions; not in the earlier release", "pupils"
        ),
    },
    checks=[
        at_most("sessions_overall", "sessions_possible"),
        at_most("persistent_absentees", "pupils"),
        at_most("severe_absentees", "persistent_absentees"),
        pa.Check(
            _sessions_add_up,
            name="authorised/overall",
            error="sessions_authorised and sessions_unauthorised must add up to sessions_overall",
        ),
        pa.Check(_has_every_phase, name="phase/year", error="an authority's year must have a row for each phase"),
        pa.Check(_phases_fit, name="pupils/year", error="the pupils of the phases must not exceed those of the total"),
        pa.Check(code_fits_authority, name="authority/la_code", error="la_code must be blank for England only"),
    ],
    unique=["authority", "year", "phase", "vintage"],
    strict=True,
    ordered=True,
    name="cin_absence",
)
