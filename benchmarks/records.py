"""Time of a large simulated cohort: made, written, and (where the library can) checked.

    python -m benchmarks.records [families]

The issue's limits are for 100,000 families on two cores: made and written within a minute, checked within twenty
seconds.
"""

from __future__ import annotations

import importlib.util
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from time import perf_counter

from crewe_lib.synthetic import simulate, write_cohort

FAMILIES, SEED = 100_000, 1
LIMITS = {"made": 60, "checked": 20}


def time_of(work: Callable[[], object]) -> float:
    """Seconds that a piece of work takes."""
    start = perf_counter()
    work()
    return perf_counter() - start


def main() -> None:
    """Print the times and the size of the files."""
    families = int(sys.argv[1]) if len(sys.argv) > 1 else FAMILIES
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "cohort"
        made = time_of(lambda: write_cohort(simulate(families, SEED), out))
        size = sum(file.stat().st_size for file in out.iterdir()) / 1e6
        print(f"{families:,} families, {size:,.0f} MB")
        print(f"  made and written: {made:.1f} s (limit for {FAMILIES:,}: {LIMITS['made']} s)")
        if importlib.util.find_spec("crewe_lib.intake.check"):
            from crewe_lib.intake.check import check_folder

            faults: list[object] = []
            checked = time_of(lambda: faults.extend(check_folder(out)))
            print(f"  checked: {checked:.1f} s (limit for {FAMILIES:,}: {LIMITS['checked']} s), {len(faults)} faults")


if __name__ == "__main__":
    main()
