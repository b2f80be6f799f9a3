"""How each target of the calibration is measured: one function for each row of calibration_targets.csv."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from scipy import stats

from crewe_lib.targets import measures as measures
from crewe_lib.targets import risk_rows as risk
from crewe_lib.targets.risk_rows import Context, Found, counts
from crewe_lib.targets.shape import STEEP, describe_shape


def _of(column: str, *, known: bool = False) -> Callable[[Context], tuple[str, str]]:
    """'k/n' of a yes-or-no column in each arm; of the known ones if some are missing."""

    def count(context: Context) -> tuple[str, str]:
        pair = []
        for arm in context.arms:
            values = arm[column].dropna() if known else arm[column]
            pair.append(f"{int(values.sum())}/{len(values)}")
        return pair[0], pair[1]

    return count


def _both(column: str) -> Callable[[Context], Found]:
    return lambda context: Found(_of(column)(context))


def _numbers(column: str) -> Callable[[Context], Found]:
    return lambda context: counts(*(arm[column].sum() for arm in context.arms))


def _one(column: str, arm: int) -> Callable[[Context], Found]:
    return lambda context: Found((_of(column, known=True)(context)[arm],))


def _equals(column: str, value: str) -> Callable[[Context], Found]:
    def count(context: Context) -> Found:
        return Found(tuple(f"{int((arm[column] == value).sum())}/{len(arm)}" for arm in context.arms))

    return count


def _arms_randomised(context: Context) -> Found:
    arms = context.records.families["arm"].value_counts()
    return counts(arms["treatment"], arms["control"])


def _arms_complete(context: Context) -> Found:
    return counts(*(arm[column].notna().sum() for column in ("closed_1", "rereferred_2") for arm in context.arms))


def _closed_total(context: Context) -> Found:
    known = context.outcomes["closed_1"].dropna()
    return Found((f"{int(known.sum())}/{len(known)}",))


def _effect(context: Context) -> Found:
    return Found((f"{measures.fit_closure(context.outcomes).all_points:.3f}",))


def _effect_history(context: Context) -> Found:
    with_history = (arm.loc[arm["history"], "closed_1"].dropna().astype(float).mean() for arm in context.arms)
    raw = 100 * -float(np.diff(list(with_history))[0])
    return Found((f"{raw:.3f}", f"{measures.fit_closure(context.outcomes).history_points:.3f}"))


def _history_share(context: Context) -> Found:
    known = context.outcomes[context.outcomes["closed_1"].notna()]
    return Found((f"{known['history'].mean():.3f}",))


def _effect_tests(context: Context) -> Found:
    fit = measures.fit_closure(context.outcomes)
    return Found((f"{fit.all_p:.3f}", f"{fit.history_p:.3f}"), min(fit.all_p, fit.history_p) > measures.ALPHA)


def _curves(context: Context) -> tuple[measures.Array, measures.Array]:
    last = (context.dates.pilot_end - context.dates.pilot_start).days
    made = []
    for arm in context.arms:
        own = arm[arm["closed_1"].notna()]
        made.append(measures.estimate_open(own["days_open"].to_numpy(int), own["closed_1"].to_numpy(bool), last))
    return made[0], made[1]


def _survival_start(context: Context) -> Found:
    return Found(tuple(f"{curve[0]:g}" for curve in _curves(context)))


def _survival_end(context: Context) -> Found:
    return Found(tuple(f"{curve[-1]:.4f}" for curve in _curves(context)))


def _survival_shape(context: Context) -> Found:
    shape = describe_shape(*_curves(context))
    words = (
        f"falls by {shape.fall[0]:.2f} and {shape.fall[1]:.2f} from day {STEEP[0]} to {STEEP[1]}",
        f"control {'below' if shape.below else 'not below'} there",
        f"crossing on day {', '.join(map(str, shape.crossings)) or 'none'}",
    )
    return Found(words, shape.holds)


def _days_open(context: Context) -> Found:
    return Found(tuple(f"{arm['days_open'].dropna().mean():.2f}" for arm in context.arms))


def _window(context: Context) -> Found:
    known = context.outcomes[context.outcomes["closed_1"].notna()]
    followed = (context.dates.pilot_end - known["referred_on"]).dt.days
    return counts(followed.max(), followed.min())


def _pupils(context: Context) -> Found:
    phase = measures.describe_absence(context.records, context.dates)["phase"]
    return counts(len(phase), (phase == "primary").sum(), (phase == "secondary").sum())


def _absence(context: Context) -> Found:
    pupils = measures.describe_absence(context.records, context.dates)
    found = measures.fit_absence(pupils)
    words = tuple(f"{name} {gap:+.2f} days (p = {p:.2f})" for name, (gap, p) in found.items())
    return Found(words, measures.absence_fits(pupils))


def _sdq_direction(context: Context) -> Found:
    tests = measures.compare_sdq(context.records)
    total = tests.set_index("scale").loc["total"]
    words = (f"mean total {total['mean_treatment']:.2f} and {total['mean_control']:.2f}",)
    return Found((*words, f"n = {int(total['n_treatment'])} and {int(total['n_control'])}"), measures.sdq_fits(tests))


def _sdq_tests(context: Context) -> Found:
    tests = measures.compare_sdq(context.records)
    return Found((f"least p = {tests['p'].min():.2f}",), bool((tests["p"] > measures.ALPHA).all()))


def _closed_test(context: Context) -> Found:
    logit = measures.find_closed_2_p(context.outcomes)
    table = [[int(arm["closed_2"].sum()), int((~arm["closed_2"]).sum())] for arm in context.arms]
    fisher = float(stats.fisher_exact(table).pvalue)
    return Found((f"{logit:.3f}", f"{fisher:.3f}"), min(logit, fisher) > measures.ALPHA)


MEASURES: Mapping[str, Callable[[Context], Found]] = {
    "sample.families": lambda c: counts(len(c.records.families)),
    "sample.children": lambda c: counts(len(c.records.children)),
    "sample.arms_randomised": _arms_randomised,
    "sample.arms_case_data": lambda c: counts(*map(len, c.arms)),
    "sample.arms_complete": _arms_complete,
    "closure.treatment": _one("closed_1", 0),
    "closure.control": _one("closed_1", 1),
    "closure.total": _closed_total,
    "closure.effect": _effect,
    "closure.effect_history": _effect_history,
    "closure.history_share": _history_share,
    "closure.tests": _effect_tests,
    "survival.start": _survival_start,
    "survival.end": _survival_end,
    "survival.shape": _survival_shape,
    "survival.days_open": _days_open,
    "survival.window": _window,
    "rereferral.pilot": _numbers("rereferred_1"),
    "attendance.pupils": _pupils,
    "attendance.direction": _absence,
    "sdq.direction": _sdq_direction,
    "sdq.tests": _sdq_tests,
    "risk.cases": risk.risk_cases,
    "risk.table_2": risk.table_2,
    "risk.referral": risk.box("referral", -6, 2),
    "risk.latest": risk.box("latest", 2, 6),
    "risk.ordering": risk.risk_ordering,
    "risk.decomposition": risk.risk_decomposition,
    "follow_up.cases": risk.follow_up_cases,
    "follow_up.treatment": risk.follow_up("treatment"),
    "follow_up.control": risk.follow_up("control"),
    "follow_up.decomposition": risk.follow_up_decomposition,
    "long.closed_treatment": _one("closed_2", 0),
    "long.closed_control": _one("closed_2", 1),
    "long.closed_test": _closed_test,
    "long.rereferred_treatment": _one("rereferred_2", 0),
    "long.rereferred_control": _one("rereferred_2", 1),
    "long.escalated": _numbers("escalated"),
    "long.female": _equals("sex", "female"),
    "long.under_11": _both("under_11"),
    "long.aged_out": _both("aged_out"),
    "long.disability": lambda c: counts(*((arm["disability"] == "1").sum() for arm in c.arms)),
    "long.other_cin": _both("other_cin"),
    "long.white_british": _equals("ethnicity", "white_british"),
    "long.white_other": _equals("ethnicity", "white_other"),
    "long.crossovers": lambda c: counts(c.arms[1]["crossed"].sum()),
}
