from __future__ import annotations

import pytest

from tests.cases.office import Office


@pytest.fixture
def office(running_opener: None) -> Office:
    return Office()
