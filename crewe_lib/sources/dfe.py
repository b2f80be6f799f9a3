"""Department for Education: children in need statistics by authority, and the populations released with them.

Two vintages of the same years. *First published*: the underlying-data file of each year's release, 2010 to
2017, one row per authority. *Revised*: the files b1, b3, b5, b6, c1 and d3 of the latest releases, which hold all
years from 2013; in 2018 DfE changed how it counts closures and revised back to 2012-13 only.

What the first-published files do not carry stays missing:
- `rereferrals` in 2010: that file counts *children* referred more than once within the year
  (`ChildrenReferredIn0910MoreThanOnce`), not referrals within 12 months of an earlier one.
- `children_ended` before 2017: those files count episodes only.

`cpp_started` counts plans (episodes), not children. The 2017 file is the first to give both; its episodes
equal the revised `CPP_start` in all 150 authorities that have both, its children in 83. The earlier files'
single column equals `CPP_start` wherever both stand (2013 to 2016), so it counts plans too.

England is the row whose level is National. Its code must not be used: it is 921 (the Isle of Wight's number)
in 2010 to 2012 and E06000046 (the Isle of Wight's GSS code) in 2013, 2014, 2015 and 2017.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from crewe_lib.sources import FIRST_MARKS, Layout, context_headers, read_source

PUBLISHER = "Department for Education"


def _first_published(year: int, title: str, gss: str | None, measures: Mapping[str, str]) -> Layout:
    """A first-published underlying-data file; `gss` names the column of GSS codes, which begins in 2013."""
    columns = {"level": "geog_l", "la_code": "geog_c", "name": "geog_n"}
    return Layout(
        key=f"first published {year}",
        publisher=PUBLISHER,
        title=f"DfE {title}, underlying data",
        columns=columns | ({"gss": gss} if gss else {}),
        measures={**measures, **context_headers.FIRST_PUBLISHED.get(year, {})},
        signature=tuple(measures.values()),
        levels={"LA": "authority", "National": "england"},
        year=year,
        encoding="latin-1",
        marks=FIRST_MARKS,
        vintage="first_published",
    )


FIRST_PUBLISHED = (
    _first_published(
        2010,
        "OSR28/2010, Children in need in England",
        None,
        {
            "episodes_ended": "CINEnding0910",
            "episodes_ended_rc7": "CINEnding0910Other/NotInNeed",
            "episodes_ended_unknown_reason": "CINEnding0910RCmissing",
            "referrals": "Referrals0910",
            "cpp_started": "CPPIn0910",
            "cin_31_march": "CINAt310310",
            "population_0_17_in_release": "Mid2009Pop0-17",
        },
    ),
    _first_published(
        2011,
        "OSR26/2011, Characteristics of children in need in England",
        None,
        {
            "episodes_ended": "CINEnding1011",
            "episodes_ended_rc7": "CINEnding1011Other/NotInNeed",
            "episodes_ended_unknown_reason": "CINEnding1011RCmissing",
            "referrals": "Referrals1011",
            "rereferrals": "ReferralsWithin12mths1011",
            "cpp_started": "CPPIn1011",
            "cin_31_march": "CINAt310311",
            "population_0_17_in_release": "Mid2010Pop0-17",
        },
    ),
    _first_published(
        2012,
        "SFR27/2012, Characteristics of children in need in England",
        None,
        {
            "episodes_ended": "CINEnding1112",
            "episodes_ended_rc7": "CINEnding1112Other/NotInNeed",
            "episodes_ended_unknown_reason": "CINEnding1112RCmissing",
            "referrals": "Referrals1112",
            "rereferrals": "ReferralsWithin12mths1112",
            "cpp_started": "CPPStart1112",
            "cin_31_march": "CINAt310312",
            "population_0_17_in_release": "Mid2011Pop0-17",
        },
    ),
    _first_published(
        2013,
        "SFR45/2013, Characteristics of children in need in England",
        "new_la_code",
        {
            "episodes_ended": "CINEnding1213",
            "episodes_ended_rc7": "CINEnding1213Other/NotInNeed",
            "episodes_ended_unknown_reason": "CINEnding1213RCmissing",
            "referrals": "Referrals1213",
            "rereferrals": "ReferralsWithin12mths1213",
            "cpp_started": "CPPStart1213",
            "cin_31_march": "CINAt310313",
            "population_0_17_in_release": "Mid2012Pop0-17",
        },
    ),
    *(
        _first_published(
            year,
            f"{number}/{year}, Characteristics of children in need: {year - 1} to {year}",
            "new_la_code",
            {
                "episodes_ended": f"CINEnding{span}",
                "episodes_ended_rc7": f"CINEnding{span}OtherNotInNeed",
                "episodes_ended_unknown_reason": f"CINEnding{span}RCmissing",
                "referrals": f"Referrals{span}",
                "rereferrals": f"ReferralsWithin12mths{span}",
                "cpp_started": f"CPPStart{span}",
                "cin_31_march": f"CINAt3103{span[2:]}",
                "population_0_17_in_release": f"Mid{year - 1}Pop017",
            },
        )
        for year, number, span in ((2014, "SFR43", "1314"), (2015, "SFR41", "1415"), (2016, "SFR52", "1516"))
    ),
    _first_published(
        2017,
        "SFR61/2017, Characteristics of children in need: 2016 to 2017",
        "new_la_code",
        {
            "episodes_ended": "CINEpisodesEnding1617",
            "children_ended": "CINChildrenEnding1617",
            "episodes_ended_rc7": "CINEnding1617OtherNotInNeed",
            "episodes_ended_unknown_reason": "CINEnding1617RCmissing",
            "referrals": "Referrals1617",
            "rereferrals": "ReferralsWithin12mths1617",
            "cpp_started": "CPPEpisodesStart1617",
            # A slip in the header: the figures are of 31 March 2017 (England 389,430; the 2016 file has 394,400).
            "cin_31_march": "CINAt310316",
            "population_0_17_in_release": "Mid2016Pop017",
        },
    ),
)

_ALL_YEARS_COLUMNS = {
    "level": "geographic_level",
    "la_code": "old_la_code",
    "gss": "new_la_code",
    "name": "la_name",
    "region": "region_name",
    "year": "time_period",
}
_ALL_YEARS_LEVELS = {"Local authority": "authority", "National": "england", "Regional": "skip"}


def _revised(
    file: str, subject: str, signature: tuple[str, ...], measures: Mapping[str, str], *, regions: bool = False
) -> Layout:
    """A file of the latest releases that holds all years; one we know but do not need has no measures of ours. With
    `regions` their rows are read too.
    """
    return Layout(
        key=f"revised {file}",
        publisher=PUBLISHER,
        title=f"DfE, Children in need, reporting year {{newest}}, {file} {subject}",
        columns=_ALL_YEARS_COLUMNS | ({"region_code": "region_code"} if regions else {}),
        measures=measures,
        signature=signature,
        levels={**_ALL_YEARS_LEVELS, "Regional": "region" if regions else "skip"},
        vintage="revised",
        used=bool(measures),
    )


REVISED = (
    _revised(
        "b1",
        "children in need",
        ("Anypoint_episodes", "Started_episodes", "Ended_child", "awaiting_assessment"),
        {
            "episodes_ended": "Ended_episodes",
            "children_ended": "Ended_child",
            "cin_31_march": "At31_episodes",
            **context_headers.REVISED,
        },
    ),
    _revised(
        "b3",
        "primary need",
        ("N1_Abuse_or_neglect", "N5_Family_dysfunction", "N0_Not_stated"),
        context_headers.PRIMARY_NEED,
        regions=True,
    ),
    # Open and ended episodes come in the same bands, so only the column for all of them tells b4 from b5.
    _revised("b4", "duration of open episodes", ("At31_episodes", "3_months_or_less", "2years+"), {}),
    _revised(
        "b5",
        "duration of ended episodes",
        ("Ended_episodes", "3_months_or_less", "2years+"),
        {
            "ended_all_durations": "Ended_episodes",
            "ended_3_months_or_less": "3_months_or_less",
            "ended_3_to_6_months": "more_than_3_months_6_months",
            "ended_6_to_12_months": "more_than_6_months_less_than_1_year",
            "ended_1_to_2_years": "1_year_less_than_2_years",
            "ended_2_years_or_more": "2years+",
        },
    ),
    _revised(
        "b6",
        "reason for closure",
        ("unknown", "RC1_Adopted", "RC7_Other"),
        {"episodes_ended_rc7": "RC7_Other", "episodes_ended_unknown_reason": "unknown"},
    ),
    _revised(
        "c1",
        "referrals and re-referrals",
        ("referral_count", "rereferral_count", "referral_child_count"),
        {"referrals": "referral_count", "rereferrals": "rereferral_count"},
    ),
    _revised(
        "d3",
        "child protection plans, subsequent plan",
        ("CPP_start", "CPP_subsequent", "CPP_subsequent_percent"),
        {"cpp_started": "CPP_start"},
    ),
    _revised("d5", "child protection plans at 31 March by duration", ("CPP_At31", "2_years_or_more"), {}),
)


def _population(edition: str, measure: str, reaches: tuple[int, int]) -> Layout:
    """Children aged 0 to 17. Both editions have one header; only the rebased one goes past mid-2020."""
    return Layout(
        key=f"population 0-17 {edition}",
        publisher=f"Office for National Statistics, as released by the {PUBLISHER}",
        title=f"ONS mid-year population estimates, ages 0 to 17, {edition}, to mid-{{newest}}",
        columns=_ALL_YEARS_COLUMNS,
        measures={measure: "population_estimate"},
        signature=("age_group", "population_estimate"),
        levels=_ALL_YEARS_LEVELS,
        year_shift=1,
        reaches=reaches,
    )


POPULATIONS = (
    _population("before Census 2021", "population_0_17_pre_census_2021", (2012, 2020)),
    _population("rebased to Census 2021", "population_0_17_rebased", (2021, 2099)),
)
LAYOUTS = FIRST_PUBLISHED + REVISED + POPULATIONS


def read_dfe(path: Path) -> pd.DataFrame:
    """One DfE file of any known layout: cells of `sources.CELL_COLUMNS`, year ending 31 March. Raises DataError.

    Counts of authorities are exact (populations to 100 in some files); England's are rounded by the
    publisher, to 100 in the older releases and to 10 in the later ones, and are kept as released.
    """
    return read_source(path, LAYOUTS)[1]
