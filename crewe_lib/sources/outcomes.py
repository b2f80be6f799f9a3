"""Department for Education, Outcomes for children in need: absence from school, by authority and type of school.

Two releases with one layout but for two headers; four academic years stand in both. A file may hold other groups of
children: only those in need on 31 March of the year are read, other than those on a child protection plan or looked
after ('CINO at 31 March'). Nothing by authority was published for years before
2016/17, and 2019/20 stands in both files as not available.
"""

from __future__ import annotations

from collections.abc import Mapping

from crewe_lib.sources import Layout
from crewe_lib.sources.dfe import PUBLISHER
from crewe_lib.tables import ABSENCE_RELEASES

# Measure, as `tables.ABSENCE_COUNTS` has it → header. The last is in the later release only.
_MEASURES: Mapping[str, str] = {
    "pupils": "t_pupils",
    "sessions_possible": "t_sess_possible",
    "sessions_overall": "t_sess_overall",
    "sessions_authorised": "t_sess_authorised",
    "sessions_unauthorised": "t_sess_unauthorised",
    "persistent_absentees": "t_pupils_pa_10_exact",
}
_SEVERE = {"severe_absentees": "t_pupils_pa_50_exact"}
_PARTS = {
    "Total": "absence_total_",
    "State-funded primary": "absence_primary_",
    "State-funded secondary": "absence_secondary_",
    "Special": "skip",
    "Pupil referral unit": "skip",
    "State-funded alternative provision school": "skip",
}


def _absence(release: str, part: str, measures: Mapping[str, str]) -> Layout:
    return Layout(
        key=f"absence, {release} release",
        publisher=PUBLISHER,
        title="DfE, Outcomes for children in need, reporting year {newest}, absence of children in need at 31 March",
        columns={
            "academic_year": "time_period",
            "identifier": "time_identifier",
            "level": "geographic_level",
            "gss": "new_la_code",
            "name": "la_name",
            "group": "social_care_group",
            "part": part,
        },
        measures=measures,
        signature=("social_care_group", part, "t_sess_possible", *measures.values()),
        levels={"National": "england", "Local authority": "authority", "Regional": "skip"},
        parts=_PARTS,
        only={"group": "CINO at 31 March", "identifier": "Academic year"},
        vintage=release,
    )


LAYOUTS = (
    _absence(ABSENCE_RELEASES[0], "school_type", _MEASURES),
    _absence(ABSENCE_RELEASES[1], "phase_type_grouping", {**_MEASURES, **_SEVERE}),
)
