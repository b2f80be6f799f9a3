"""How chapter 04 writes its numbers: the bindings of its prose. Nothing is computed here."""

from __future__ import annotations

from collections.abc import Iterator

from crewe_lib.evidence import Binding
from crewe_lib.formats import agree, count, fixed, level, moved, p_phrase, spelt
from crewe_lib.risk_printed import EITHER

_SIGNED, _ONE, _SHARE = fixed(1, sign=True), fixed(1), fixed(1)


def _above(value: float) -> str:
    """A difference in change, whichever way both moved: 'was 1.2 points above'."""
    size = _ONE(abs(value))
    return "was the same as" if float(size) == 0 else f"was {size} points {'above' if value > 0 else 'below'}"


def _repeats(text: str) -> str:
    return "repeats" if text == "yes" else "does not repeat"


def _significance(text: str) -> str:
    """What a report says of a test, in its own words."""
    return "not statistically significant" if text == "n.s." else text


def _apart(value: float) -> str:
    """A difference between scores at one time."""
    size = _ONE(abs(value))
    return "as safe as" if float(size) == 0 else f"{size} points {'safer' if value > 0 else 'less safe'} than"


def _printed() -> Iterator[Binding]:
    for key in (
        "n",
        "n_treatment",
        "n_control",
        "followed",
        "followed_treatment",
        "followed_control",
        "lost",
        "child_age",
    ):
        yield Binding(f"printed_{key}", "printed", key, show=spelt)
    for key in ("referral", "latest", "riskier", "improved", "safer"):
        yield Binding(f"printed_{key}", "printed", key)
    yield Binding("start_repeated", "printed", "repeated", show=_repeats)
    yield Binding("tested", "printed", "tested", show=_significance)
    for end in ("low", "high"):
        yield Binding(f"scale_{end}", "printed", f"scale_{end}", show=fixed(0, sign=True))
    for arm in ("treatment", "control"):
        yield Binding(f"rise_{arm}", "printed", f"rise_{arm}", show=_ONE)
    yield Binding("dv_k", "sample", "k", {"factor": "dv"}, spelt)
    yield Binding("dv_exact", "sample", "exact", {"factor": "dv"})
    own = {"factor": "dv", "counted": "domestic violence"}
    yield Binding("dv_england", "official", "england", own, _SHARE)
    yield Binding("dv_cheshire_east", "official", "cheshire_east", own, _SHARE)
    yield Binding("dv_below", "official", "below", own, fixed(0))
    yield Binding("dv_above", "official", "above", own, fixed(0))
    yield Binding("sub_printed", "sample", "printed", {"factor": "sub"}, _SHARE)
    for id, words in (("drug", "drug misuse"), ("alcohol", "alcohol misuse"), ("both", EITHER)):
        yield Binding(f"{id}_england", "official", "england", {"counted": words}, _SHARE)
    yield Binding("counts", "beside", "counts", show=spelt)
    yield Binding("england_inside", "beside", "england_inside", show=spelt)
    yield Binding("cheshire_east_inside", "beside", "cheshire_east_inside", show=spelt)
    yield Binding("cheshire_east_higher", "beside", "cheshire_east_higher", show=spelt)
    for id, words in (("first", "2017 report, referral to latest"), ("second", "2020 report, latest to January 2019")):
        yield Binding(f"detectable_{id}", "detectable", "detectable", {"comparison": words}, _ONE)
    over = {"age_group": "over_11", "combine": "sum"}
    yield Binding("least_safe", "ranges", "low", over, fixed(0))
    yield Binding("safest", "ranges", "high", over, fixed(0, sign=True))
    yield Binding("nearest", "rise", "numbers.nearest", show=fixed(2))
    yield Binding("readings", "rise", "numbers.fitting", show=spelt)


def _records() -> Iterator[Binding]:
    yield Binding("cohort", "cohort", "name")
    for arm in ("treatment", "control"):
        yield Binding(f"{arm}_moved", "start", arm, show=moved(1))
        yield Binding(f"child_once_{arm}", "coded", "child_once", {"arm": arm}, count)
    yield Binding("difference", "summary", "difference", show=_SIGNED)
    yield Binding("above", "summary", "difference", show=_above)
    yield Binding("interval", "summary", "interval")
    yield Binding("p", "summary", "p_value", show=p_phrase)
    yield Binding("tests", "summary", "tests", show=count)
    yield Binding("tests_small", "summary", "small", show=agree("has", "have"))
    yield Binding("start_gap", "start", "start_gap", show=_apart)
    yield Binding("slope", "start", "slope", show=fixed(2))
    yield Binding("from_start", "start", "from_start", show=_SIGNED)
    yield Binding("adjusted", "start", "adjusted", show=_SIGNED)
    yield Binding("sd", "start", "sd", show=_ONE)
    yield Binding("specifications_all", "choices", "all", show=count)
    yield Binding("specifications_least", "choices", "least", show=_SIGNED)
    yield Binding("specifications_greatest", "choices", "greatest", show=_SIGNED)
    yield Binding("specifications_small", "choices", "small", show=agree("has", "have"))
    yield Binding("agreement_said", "coders", "text")


NUMBERS = (
    Binding("level", "settings", "confidence_level", show=level),
    Binding("power", "settings", "power", show=level),
    Binding("draws", "settings", "n_draws", show=count),
    Binding("combined", "settings", "combined"),
    Binding("combined_follow_up", "settings", "combined_follow_up"),
    Binding("alpha", "settings", "alpha", show=level),
    *_printed(),
    *_records(),
)
