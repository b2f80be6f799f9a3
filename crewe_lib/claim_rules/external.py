"""Figures of other sources that the reports quote, held against the official tables where these have them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pandas as pd

from crewe_lib.claim_classes import Recomputed
from crewe_lib.claim_register import Reader
from crewe_lib.claim_rules.registry import add_rule, rule
from crewe_lib.formats import fixed
from crewe_lib.la_did import CHESHIRE_EAST, ENGLAND

# The year ending March that the first report's source, the release of 2016, is about.
CITED = 2016
# The newest year that the second report could have had.
NEWEST = 2019
# Columns of a release → factor, by the row of Table 2.
FACTORS: Mapping[str, str] = {"dv": "domestic_violence", "mh": "mental_health", "sub": "drug_misuse"}
SUBSTANCES: Mapping[str, str] = {"alcohol_misuse": "alcohol misuse", "drug_misuse": "drug misuse"}
VINTAGES: Mapping[str, str] = {"first_published": "as first published", "revised": "as revised"}
# What was printed beside each other: area → claim.
REREFERRALS: Mapping[str, str] = {
    "Cheshire East": "r1.power.baseline",
    "region": "r1.power.region",
    "England": "r1.power.england",
}
# How far a rate may lie from one printed with one decimal.
PRINTED_ALIKE = 0.05
number, share = fixed(0), fixed(2)


def read_count(reader: Reader, measure: str, year: int, *, vintage: str = "first_published") -> float:
    """England's number of one measure beside the panel."""
    rows = reader.table("context_counts")
    keys = {"authority": ENGLAND, "year": year, "vintage": vintage, "measure": measure}
    return float(rows.loc[(rows[list(keys)] == pd.Series(keys)).all(axis=1), "number"].iloc[0])


def read_panel(reader: Reader, column: str, authority: str, year: int, *, vintage: str = "first_published") -> float:
    """One number of the panel."""
    rows = reader.table("la_panel")
    keys = {"authority": authority, "year": year, "vintage": vintage}
    return float(rows.loc[(rows[list(keys)] == pd.Series(keys)).all(axis=1), column].iloc[0])


def derive_rereferral_rates(panel: pd.DataFrame) -> pd.DataFrame:
    """Re-referrals per 100 referrals by area, year and vintage: Cheshire East, the regions, England.

    Columns: area, year, vintage, rereferrals, referrals, rate. Only authorities with both numbers count.
    """
    known = panel[panel["rereferrals"].notna() & panel["referrals"].notna()]
    region = known["region"].replace("", "England").str.replace(r"^(Inner|Outer) London$", "London", regex=True)
    own = known[known["authority"] == CHESHIRE_EAST].assign(area="Cheshire East")
    rows = pd.concat([known.assign(area=region), own])
    sums = rows.groupby(["area", "year", "vintage"], as_index=False)[["rereferrals", "referrals"]].sum()
    return sums.assign(rate=100 * sums["rereferrals"].astype(float) / sums["referrals"].astype(float))


def find_region(panel: pd.DataFrame) -> str:
    """The region that Cheshire East lies in."""
    return str(panel.loc[panel["authority"] == CHESHIRE_EAST, "region"].iloc[0])


def find_edition(reader: Reader, rates: pd.DataFrame, areas: Mapping[str, str]) -> tuple[int, str]:
    """The year and vintage whose rates are those printed; areas: name in `rates` → claim.

    Where several would print alike, the first published, which the authors had; where none does, the nearest.
    """
    keyed = rates.set_index(["year", "vintage"])
    gaps = [(keyed.loc[keyed["area"] == area, "rate"] - reader.claim(id).number).abs() for area, id in areas.items()]
    worst = pd.concat(gaps, axis=1).max(axis=1)
    table = worst.rename("gap").reset_index().sort_values(["vintage", "year"])
    fitting = table[table["gap"] <= PRINTED_ALIKE]
    best = fitting.iloc[0] if len(fitting) else table.loc[table["gap"].idxmin()]
    return int(best["year"]), str(best["vintage"])


def _rereferral_rate(area: str) -> Callable[[Reader], Recomputed]:
    """The rate of an area in the release that the two other printed rates point to."""

    def compute(reader: Reader) -> Recomputed:
        reader.infer()
        panel = reader.table("la_panel")
        rates, home = derive_rereferral_rates(panel), find_region(panel)
        named = {home if name == "region" else name: id for name, id in REREFERRALS.items() if name != area}
        year, vintage = find_edition(reader, rates, named)
        place = home if area == "region" else area
        keys = {"area": place, "year": year, "vintage": vintage}
        row = rates.loc[(rates[list(keys)] == pd.Series(keys)).all(axis=1)].iloc[0]
        return Recomputed(
            f"{number(row['rereferrals'])} / {number(row['referrals'])} referrals, {place}, year ending March {year}, "
            f"{VINTAGES[vintage]}",
            value=float(row["rate"]),
            note="The report names no year; the year and release are implied by the two rates printed beside it.",
        )

    return compute


@rule("r1.power.region_name", "official data")
def find_region_named(reader: Reader) -> Recomputed:
    """The region whose rate is the one printed, in the release that the other two rates point to."""
    reader.infer()
    rates = derive_rereferral_rates(reader.table("la_panel"))
    year, vintage = find_edition(reader, rates, {k: v for k, v in REREFERRALS.items() if k != "region"})
    here = rates[rates["year"].eq(year) & rates["vintage"].eq(vintage) & ~rates["area"].isin(REREFERRALS)]
    printed = reader.number("r1.power.region")
    nearest = here.loc[(here["rate"] - printed).abs().idxmin()]
    said = here.set_index("area")["rate"]
    return Recomputed(
        f"year ending March {year}: {nearest['area']} {share(nearest['rate'])}%, "
        f"North East {share(said['North East'])}%",
        words=str(nearest["area"]),
        differs="minor",
        note="The printed rate is that of the North West, in which Cheshire East lies; the name looks like a slip."
        if nearest["area"] == find_region(reader.table("la_panel"))
        else "",
    )


@rule("r1.ext.cin_2016", "official data")
def check_children_in_need(reader: Reader) -> Recomputed:
    """Children in need on 31 March 2016."""
    value = read_panel(reader, "cin_31_march", ENGLAND, CITED)
    begun = read_count(reader, "episodes_started", CITED)
    return Recomputed(
        f"children in need in England at 31 March {CITED}, as first published",
        value=value,
        note=f"It is the number on one day, not of those referred and assessed in the year: {number(begun)} episodes "
        "began.",
    )


def _open_plans(reader: Reader) -> Recomputed:
    """Child protection plans open on 31 March over children in need on that day."""
    care = " It counts plans alone, though the sentence names looked-after children too."
    plans, need = read_count(reader, "plans_open_31_march", CITED), read_panel(reader, "cin_31_march", ENGLAND, CITED)
    begun, flow = read_count(reader, "episodes_started", CITED), read_panel(reader, "cpp_started", ENGLAND, CITED)
    passing = read_count(reader, "episodes_at_any_point", CITED)
    return Recomputed(
        f"{number(plans)} plans / {number(need)} children in need, England, 31 March {CITED}",
        value=100 * plans / need,
        note=(
            f"Which counts were meant is not stated. Open plans over episodes begun in the year give "
            f"{share(100 * plans / begun)}%; plans begun in the year over episodes open at any time of it, which is "
            f"nearer to a rate of escalation, {share(100 * flow / passing)}%."
            f"{care if reader.checking == 'r1.ext.cin_cp_lac_12' else ''}"
        ),
    )


for _id in ("r1.ext.cin_cp_lac_12", "r1.cost.escal_nat_text", "r1.cost.escal_nat_table"):
    add_rule(_id, _open_plans, "official data")


@rule("r2.mi.national_escalation", "official data")
def check_national_escalation(reader: Reader) -> Recomputed:
    """Plans begun in the year over children in need at any time of it."""
    rates = {}
    for year in range(CITED, NEWEST + 1):
        plans = read_panel(reader, "cpp_started", ENGLAND, year, vintage="revised")
        rates[year] = 100 * plans / read_count(reader, "children_at_any_point", year, vintage="revised")
    early = {year: rate for year, rate in rates.items() if year < NEWEST}
    return Recomputed(
        f"plans begun / children in need at any time, England, year ending March {NEWEST}, as revised",
        value=rates[NEWEST],
        differs="minor",
        note=(
            "The report names neither source nor year nor counts. The same ratio was "
            + ", ".join(f"{share(rate)}% in {year}" for year, rate in early.items())
            + ". It leaves out children who came into care, whom the rate of the service includes."
        ),
    )


def _factor(row: str) -> Callable[[Reader], Recomputed]:
    """The share of assessed episodes in which a factor was found."""

    def compute(reader: Reader) -> Recomputed:
        found = read_count(reader, FACTORS[row], CITED)
        assessed = read_count(reader, "episodes_with_factors", CITED)
        return Recomputed(
            f"{number(found)} / {number(assessed)} assessed episodes, England, year ending March {CITED}",
            value=100 * found / assessed,
            note="The number counts drug misuse alone, and alcohol misuse stands in another column."
            if row == "sub"
            else "",
        )

    return compute


@rule("r1.t2.sub.meaning", "official data")
def find_substance(reader: Reader) -> Recomputed:
    """Which of the two kinds of misuse has the percentage that is printed."""
    assessed, printed = read_count(reader, "episodes_with_factors", CITED), reader.number("r1.t2.sub.nat")
    rates = {words: 100 * read_count(reader, key, CITED) / assessed for key, words in SUBSTANCES.items()}
    nearest = min(rates, key=lambda words: abs(rates[words] - printed))
    least, most = max(rates.values()), sum(rates.values())
    return Recomputed(
        "; ".join(f"{words} {share(rate)}%" for words, rate in rates.items()),
        words=nearest,
        differs="minor",
        note=f"Either of the two was found in between {share(least)}% and {share(most)}% of the episodes, by how far "
        "they overlap. The comparison with the sample's share is therefore not of like with like.",
    )


@rule("r2.ext.population", "official data")
def check_population(reader: Reader) -> Recomputed:
    """Residents of Cheshire East in the middle of 2018, which goes with the year ending March 2019."""
    value = read_panel(reader, "population_all_ages", CHESHIRE_EAST, 2019, vintage="revised")
    return Recomputed("residents of all ages, Cheshire East, mid-2018", value=value)


for _area, _id in REREFERRALS.items():
    add_rule(_id, _rereferral_rate(_area), "official data")
for _row in FACTORS:
    add_rule(f"r1.t2.{_row}.nat", _factor(_row), "official data")
