"""Fixtures that several modules share."""

import pytest
from IPython import display as ipython

from crewe_lib import provenance
from crewe_lib.evidence import Chapter


@pytest.fixture
def shown(monkeypatch):
    """What a chapter displays, as notebook outputs."""
    outputs = []

    def record(data, raw=False, metadata=None):
        outputs.append({"data": data if raw else {"text/markdown": data.data}, "metadata": metadata or {}})

    monkeypatch.setattr(ipython, "display", record)
    yield outputs
    provenance.stop_recording()


@pytest.fixture
def chapter(shown):
    """A chapter that is being run, its displays recorded."""
    return Chapter("05_cost_benefit", parameters={})
