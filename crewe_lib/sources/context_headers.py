"""Which headers hold the figures beside the panel: factors found at assessment, plans open, need at any point,
primary need."""

from __future__ import annotations

from collections.abc import Mapping

from crewe_lib.tables import ALL_NEEDS

ASSESSED = "episodes_with_factors"
FACTOR = "factor_"
# Factor → how the headers of 2015 to 2017 name it; those of 2017 have two more and another name for the last.
_FACTORS: Mapping[str, str] = {
    "alcohol_misuse": "Alcoholmisuse",
    "drug_misuse": "Drugmisuse",
    "domestic_violence": "Domesticviolence",
    "mental_health": "Mentalhealth",
    "learning_disability": "Learningdisability",
    "physical_disability": "Physicaldisability",
    "young_carer": "Youngcarer",
    "privately_fostered": "Privatelyfostered",
    "unaccompanied_asylum_seeker": "Unaccompaniedasylumseeker",
    "going_or_being_missing": "Going/beingmissing",
    "child_sexual_exploitation": "Childsexualexploitation",
    "trafficking": "Trafficking",
    "gangs": "Gangs",
    "socially_unacceptable_behaviour": "Sociallyunacceptablebehaviour",
    "self_harm": "Self-harm",
    "neglect": "Neglect",
    "emotional_abuse": "Emotionalabuse",
    "physical_abuse": "Physicalabuse",
    "sexual_abuse": "Sexualabuse",
}


def _factors(span: str) -> dict[str, str]:
    """Measure → header, for a release with factors."""
    last = {"other": "OtherFactors", "female_genital_mutilation": "FGM", "abuse_linked_to_faith": "AbuseLinkedFaith"}
    more = last if span == "1617" else {"other": "Other"}
    return {ASSESSED: f"Episodeswithfactors{span}"} | {
        f"{FACTOR}{name}": f"Factor{span}{header}" for name, header in {**_FACTORS, **more}.items()
    }


# Year of the first-published file → measure → header.
FIRST_PUBLISHED: Mapping[int, Mapping[str, str]] = {
    **{
        year: {
            "plans_open_31_march": f"CPPAt3103{year - 2000}",
            "episodes_at_any_point": f"CINThro{year - 2001}{year - 2000}",
            "episodes_started": f"CINStarting{year - 2001}{year - 2000}",
        }
        | ({} if year == 2014 else _factors(f"{year - 2001}{year - 2000}"))
        for year in (2014, 2015, 2016)
    },
    2017: {
        "plans_open_31_march": "CPPAt310317",
        "episodes_at_any_point": "CINEpisodesThro1617",
        "children_at_any_point": "CINChildrenThro1617",
        "episodes_started": "CINEpisodesStarting1617",
    }
    | _factors("1617"),
}
REVISED: Mapping[str, str] = {
    "episodes_at_any_point": "Anypoint_episodes",
    "children_at_any_point": "Anypoint_child",
    "episodes_started": "Started_episodes",
}
# Measure, as `tables.PRIMARY_NEEDS` has it → header.
PRIMARY_NEED: Mapping[str, str] = {
    ALL_NEEDS: "At31_episodes",
    "need_n1": "N1_Abuse_or_neglect",
    "need_n2": "N2_Childs_disability_or_illness",
    "need_n3": "N3_Parents_disability_or_illness",
    "need_n4": "N4_Family_in_acute_stress",
    "need_n5": "N5_Family_dysfunction",
    "need_n6": "N6_Socially_unacceptable_behaviour",
    "need_n7": "N7_Low_income",
    "need_n8": "N8_Absent_parenting",
    "need_n9": "N9_Cases_other_than_CIN",
    "need_n0": "N0_Not_stated",
}
MEASURES = frozenset(REVISED).union(*FIRST_PUBLISHED.values())
