"""The service: pods and capacity, caseloads, visits, criteria and training."""

from __future__ import annotations

import re

from crewe_lib.claim_classes import Recomputed
from crewe_lib.claim_register import Reader
from crewe_lib.claim_rules.common import product, restated, written
from crewe_lib.claim_rules.registry import RuleFunction, add_rule, rule

PHASES = ("p1", "p2", "p3", "p4")
WEEKS_PER_MONTH = 365.25 / 12 / 7


def quotient(whole: str, part: str, *, note: str = "") -> RuleFunction:
    """One claim divided by another."""

    def compute(reader: Reader) -> Recomputed:
        top, below = reader.number(whole), reader.number(part)
        return Recomputed(f"{written(top)} / {written(below)}", top / below, note=note)

    return compute


# Caseload of a pod = practitioners × cap, in either report.
for _id, _whole, _part in (
    ("r1.design.pod_size", "r1.design.swc_cases_after", "r1.design.fp_cap"),
    ("r1.design.pod_size_before", "r1.design.swc_cases_before", "r1.design.fp_cap"),
    ("r1.design.fp_cap", "r1.design.swc_cases_after", "r1.design.pod_size"),
    ("r2.design.swc_fps", "r2.design.cases_pod", "r2.design.fp_cap"),
    ("r2.design.swc_fps_before", "r2.design.cases_each", "r2.design.fp_cap"),
    ("sum.design.pod", "r1.design.swc_cases_after", "r1.design.fp_cap"),
    ("blog.pods", "r2.t1.p1.capacity", "r2.design.cases_pod"),
):
    add_rule(_id, quotient(_whole, _part), "arithmetic")
add_rule(
    "r2.design.fp_cap",
    quotient(
        "r2.design.cases_pod", "r2.design.swc_fps", note="Here the cap counts children, in the 2017 report cases."
    ),
    "arithmetic",
)
add_rule("r1.design.swc_cases_before", product("r1.design.pod_size_before", "r1.design.fp_cap"), "arithmetic")
add_rule("r1.design.swc_cases_after", product("r1.design.pod_size", "r1.design.fp_cap"), "arithmetic")
add_rule("r2.design.cases_pod", product("r2.design.swc_fps", "r2.design.fp_cap"), "arithmetic")


@rule("r2.design.cases_each", "arithmetic")
def _cases_each(reader: Reader) -> Recomputed:
    cap, practitioners = reader.number("r2.design.fp_cap"), reader.number("r2.design.swc_fps_before")
    return Recomputed(
        f"at most {written(cap)} for each practitioner; {written(practitioners)} × {written(cap)} = "
        f"{written(practitioners * cap)} for all of a consultant's",
        cap,
        differs="minor",
        note="The printed number is the caseload of a consultant; the sentence can also be read as that of each "
        "practitioner.",
    )


def _pods(reader: Reader, phase: str) -> float:
    return reader.number(f"r2.t1.{phase}.pods_crewe") + reader.number(f"r2.t1.{phase}.pods_macc")


def _capacity(phase: str) -> RuleFunction:
    """Pods of a phase × cases of a pod."""

    def compute(reader: Reader) -> Recomputed:
        pods, each, implied = _pods(reader, phase), reader.number("r2.design.cases_pod"), phase == PHASES[-1]
        if implied:
            reader.infer()
        return Recomputed(
            f"{written(pods)} pods × {written(each)} cases{', implied for a pod of this phase' if implied else ''}",
            pods * each,
            note="With the pods printed for the same phase the capacity would be this, if a pod held as many cases as "
            "before."
            if implied
            else "",
        )

    return compute


def _pods_of_town(phase: str, other: str) -> RuleFunction:
    """Pods in one town: capacity in pods, less the other town's."""

    def compute(reader: Reader) -> Recomputed:
        capacity, each = reader.number(f"r2.t1.{phase}.capacity"), reader.number("r2.design.cases_pod")
        rest = reader.number(f"r2.t1.{phase}.pods_{other}")
        return Recomputed(f"{written(capacity)} / {written(each)} − {written(rest)}", capacity / each - rest)

    return compute


def _pods_last_phase(other: str) -> RuleFunction:
    """Pods in one town in the last phase: the last number of the text, less the other town's."""

    def compute(reader: Reader) -> Recomputed:
        last = int(re.findall(r"\d+", reader.text("r2.t1.pod_sequence_text"))[-1])
        rest = reader.number(f"r2.t1.p4.pods_{other}")
        return Recomputed(f"{last} in the text − {written(rest)}", last - rest)

    return compute


for _phase in PHASES:
    add_rule(f"r2.t1.{_phase}.capacity", _capacity(_phase), "arithmetic")
    for _town, _other in (("crewe", "macc"), ("macc", "crewe")):
        _rule = _pods_last_phase(_other) if _phase == "p4" else _pods_of_town(_phase, _other)
        add_rule(f"r2.t1.{_phase}.pods_{_town}", _rule, "arithmetic")


@rule("r2.t1.pod_sequence_text", "total of a table")
def _pod_sequence(reader: Reader) -> Recomputed:
    pods = [_pods(reader, phase) for phase in PHASES]
    said = ", ".join(map(written, pods))
    words = f"{written(pods[0])} to {written(min(pods))}, later {written(pods[-1])}"
    return Recomputed(f"pods of both towns by phase: {said}", words=words, note="The text leaves out the second phase.")


@rule("r2.pods.manager_actual", "total of a table")
def _pods_overseen(reader: Reader) -> Recomputed:
    pods = [_pods(reader, phase) for phase in PHASES[1:]]
    words = f"{written(min(pods))} to {written(max(pods))}"
    return Recomputed(f"pods after the pilot: {', '.join(map(written, pods))}", words=words)


@rule("r2.t1.recommissions", "total of a table")
def _recommissions(reader: Reader) -> Recomputed:
    reader.infer()
    capacities = [reader.number(f"r2.t1.{phase}.capacity") for phase in PHASES]
    filled = [capacity for capacity in capacities if capacity > 0]
    names = {1: "one", 2: "two", 3: "three"}
    return Recomputed(
        f"phases in Table 1, by capacity {', '.join(map(written, filled))}, less the pilot",
        words=names.get(len(filled) - 1, str(len(filled) - 1)),
        differs="minor",
        note="Table 1 marks each year after the pilot as recommissioned; two of these years may share one contract.",
    )


add_rule(
    "r2.design.referrals_lt2",
    restated(
        "r2.design.referrals_max2",
        differs="minor",
        note="'Less than 2' lets in one earlier referral at most, 'a maximum of 2' lets in two.",
    ),
    "arithmetic",
)
add_rule(
    "r2.design.training_days_quote",
    restated(
        "r2.design.training_days_after",
        differs="minor",
        note="A member of staff speaks of three days; the training may have been cut more than once.",
    ),
    "arithmetic",
)


@rule("r1.caseload.extra", "arithmetic")
def _extra_cases(reader: Reader) -> Recomputed:
    reader.infer()
    pods, size = reader.number("r2.t1.p1.pods_crewe"), reader.number("r1.design.pod_size")
    cases = reader.number("r1.caseload.apr16")
    return Recomputed(
        f"{written(pods)} pods × {written(size)} practitioners × {written(cases)} cases in April 2016",
        pods * size * cases,
        note="A senior leader said it in an interview; the mean caseload behind the product is rounded.",
    )


for _id in ("r1.caseload.glossary", "r2.design.fp_cases"):
    add_rule(_id, restated("r1.caseload.nov16"), "arithmetic")


@rule("blog.caseload_drop", "cited source")
def _relief(reader: Reader) -> Recomputed:
    if reader.text("r1.caseload.sw_relief") != "no":
        none = "The 2017 report gives no size of the fall, so the printed one cannot be checked."
        return Recomputed("the 2017 report", uninformative=none)
    return Recomputed(
        "no fall in the 2017 report, which had interviews with social workers and leaders",
        value=0,
        differs="major",
        note="The 2017 report found no fall, since others took the place of the cases diverted; the class follows from "
        "that comparison. The article is later and cites data of the pilot; neither document shows caseloads before "
        "and after.",
    )


@rule("blog.visits", "arithmetic")
def _weekly_visits(reader: Reader) -> Recomputed:
    autumn, spring = reader.number("r1.visits.autumn"), reader.number("r1.visits.spring")
    mean = (autumn + spring) / 2
    return Recomputed(
        f"({written(autumn)} + {written(spring)}) / 2 visits a month / {WEEKS_PER_MONTH:.2f} weeks",
        mean / WEEKS_PER_MONTH,
        differs="minor",
        note="The report counts visits in a month, in two seasons; the article gives no count.",
    )


@rule("blog.contact_ratio", "arithmetic")
def _contact(reader: Reader) -> Recomputed:
    ratio = reader.number("r1.visits.ratio")
    return Recomputed(
        f"{written(ratio)} times as many visits in the 2017 report",
        ratio,
        differs="minor",
        note="The article counts time and the report visits; both can hold if visits of Project Crewe lasted longer.",
    )


add_rule("sum.visits.ratio", restated("r1.visits.ratio"), "arithmetic")
