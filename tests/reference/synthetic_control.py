"""Reference values for crewe_lib.models.synthetic_control and synthetic_did.

Run from the repository root in an environment with azcausal, pysyncon and cvxpy:
    python tests/reference/synthetic_control.py > tests/reference/synthetic_control.csv

Three independent solvers: cvxpy with Clarabel (interior point, tolerances 1e-12) for every quadratic programme;
pysyncon (SLSQP) for synthetic control, plain and penalised; azcausal (Frank-Wolfe, a port of the authors' R package
synthdid) for synthetic difference in differences, both as it comes and run until it moves no more. The panel is made
here from a fixed seed, so that no data of others are stored: azcausal downloads California's Proposition 99 and does
not ship it, and the compilation behind it is not the package's to license.
"""

from importlib.metadata import version
from pathlib import Path

import cvxpy
import numpy as np
import pandas as pd
from azcausal.core.frame import CausalDataFrame
from azcausal.core.panel import CausalPanel
from azcausal.estimators.panel.sdid import SDID
from azcausal.util import to_panels
from azcausal.util.solver import FrankWolfe
from pysyncon.base import VanillaOptimMixin
from pysyncon.penalized import PenalizedOptimMixin

INPUT = Path("tests/reference/synthetic_control_input.csv")
N_PRE, PENALTY = 8, 0.1
rows = []


def add(case, solver, unit, quantity, values):
    for index, value in enumerate(np.atleast_1d(values)):
        rows.append((case, solver, unit, quantity, index, f"{value:.15g}"))


def made_panel():
    """Thirty units, twelve periods, two factors; unit 0 gains six from period 8 on."""
    rng = np.random.default_rng(20150801)
    factors = rng.normal(size=(2, 12)).cumsum(axis=1)
    y = 300 + 15 * rng.normal(size=(30, 1)) + 5 * rng.normal(size=(30, 2)) @ factors + rng.normal(size=(30, 12))
    y[0, N_PRE:] += 6
    return np.round(y, 3)


def exact(x, y, penalty=0.0, ridge=0.0):
    """The quadratic programme by Clarabel, on discrepancies scaled to one."""
    gaps = x - y[:, None]
    scale = np.abs(gaps).max()
    w = cvxpy.Variable(x.shape[1], nonneg=True)
    cost = cvxpy.sum_squares(gaps / scale @ w) + penalty * ((gaps / scale) ** 2).sum(axis=0) @ w
    cost += ridge / scale**2 * cvxpy.sum_squares(w)
    tolerances = {name: 1e-12 for name in ("tol_gap_abs", "tol_gap_rel", "tol_feas")}
    cvxpy.Problem(cvxpy.Minimize(cost), [cvxpy.sum(w) == 1]).solve(solver=cvxpy.CLARABEL, **tolerances)
    return w.value


def synthetic_control(y, unit):
    donors = np.delete(y, unit, axis=0)[:, :N_PRE].T
    target = y[unit, :N_PRE]
    add("control", "clarabel", unit, "weight", exact(donors, target))
    add("control", "pysyncon", unit, "weight", VanillaOptimMixin.w_optimize(np.eye(N_PRE), donors, target)[0])
    add("penalised", "clarabel", unit, "weight", exact(donors, target, penalty=PENALTY))
    slsqp = PenalizedOptimMixin.w_optimize(np.eye(N_PRE), donors, target, PENALTY)[0]
    add("penalised", "pysyncon", unit, "weight", slsqp)


def did_exact(y, unit):
    """Weights and estimate with the quadratic programmes by Clarabel."""
    controls, treated = np.delete(y, unit, axis=0), y[unit]
    pre, post = controls[:, :N_PRE], controls[:, N_PRE:].mean(axis=1)
    noise = np.diff(pre, axis=1).std(ddof=1)
    ridge = N_PRE * (y.shape[1] - N_PRE) ** 0.5 * noise**2
    omega = exact(pre.T - pre.T.mean(axis=0), treated[:N_PRE] - treated[:N_PRE].mean(), ridge=ridge)
    lam = exact(pre - pre.mean(axis=0), post - post.mean(), ridge=len(pre) * 1e-12 * noise**2)
    gaps = treated - omega @ controls
    return omega, lam, gaps[N_PRE:].mean() - lam @ gaps[:N_PRE]


def did_azcausal(y, unit, solver=None):
    long = pd.DataFrame(
        [(f"{u:02d}", t, y[u, t], int(u == unit and t >= N_PRE)) for u in range(len(y)) for t in range(y.shape[1])],
        columns=["unit", "time", "outcome", "intervention"],
    )
    frame = CausalDataFrame(long)
    panels = to_panels(frame, "time", "unit", ["outcome", "intervention"])
    panel = CausalPanel(panels).setup(outcome="outcome", intervention="intervention", time="time", unit="unit")
    effect = (SDID() if solver is None else SDID(solver=solver)).fit(panel).effect
    return effect["omega"].to_numpy(), effect["lambd"].to_numpy(), effect.value


def main():
    y = made_panel()
    pd.DataFrame(y).to_csv(INPUT, index=False, header=False, float_format="%.3f")
    for unit in (0, 1, 7, 19):
        synthetic_control(y, unit)
    converged = FrankWolfe(max_iter=200_000, tol=1e-9, intercept=True)
    fits = {
        "clarabel": did_exact(y, 0),
        "azcausal": did_azcausal(y, 0),
        "azcausal_converged": did_azcausal(y, 0, converged),
    }
    for solver, (omega, lam, estimate) in fits.items():
        add("did", solver, 0, "unit_weight", omega)
        add("did", solver, 0, "time_weight", lam)
        add("did", solver, 0, "estimate", estimate)
    controls = y[1:]
    add("did", "clarabel", 0, "placebo", [did_exact(controls, unit)[2] for unit in range(len(controls))])
    print("#", ", ".join(f"{name} {version(name)}" for name in ("azcausal", "pysyncon", "cvxpy", "clarabel", "numpy")))
    print("case,solver,unit,quantity,index,value")
    for row in rows:
        print(",".join(str(part) for part in row))


if __name__ == "__main__":
    main()
