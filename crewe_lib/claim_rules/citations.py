"""Pages and years that the 2020 report cites, against its own contents and list of references."""

from __future__ import annotations

from crewe_lib.claim_classes import Recomputed
from crewe_lib.claim_register import Reader
from crewe_lib.claim_rules.registry import RuleFunction, add_rule, rule


def cited(source: str, note: str) -> RuleFunction:
    """A page or year cited, against the entry of the contents or of the list of references."""

    def compute(reader: Reader) -> Recomputed:
        other = reader.claim(source)
        return Recomputed(f"as printed in the {other.place}", words=other.value, differs="minor", note=note)

    return compute


@rule("r2.ref.fig14_page", "cited source")
def _figure_14(reader: Reader) -> Recomputed:
    first, after = (int(reader.text(f"r2.ref.{name}_page")) for name in ("app4", "app5"))
    return Recomputed(
        f"Appendix 4, in which the figure stands, runs from page {first} to {after - 1}",
        choices=tuple(map(float, range(first, after))),
        differs="minor",
    )


def _citations() -> None:
    contents = "The contents of the report give this page."
    for name in ("findings", "evolution", "methods"):
        add_rule(f"r2.ref.{name}_page", cited(f"r2.ref.{name}_contents", contents), "cited source")
    add_rule("r2.ref.kim_year", cited("r2.ref.kim_list", "The list of references gives this year."), "cited source")
    add_rule(
        "r2.ref.population_year",
        cited("r2.ref.population_list", "The list has only projections of this year by the same office."),
        "cited source",
    )


_citations()
