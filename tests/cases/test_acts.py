"""Acts on a case: the order of its states."""

from __future__ import annotations

import pytest

from cases.casework import acts
from cases.errors import NotNext
from cases.models import Case
from tests import factories

pytestmark = pytest.mark.django_db(transaction=True)


def test_steps_of_a_case_cannot_be_skipped() -> None:
    worker = factories.staff()
    case = factories.case(factories.sent(), worker)
    with pytest.raises(NotNext):
        acts.move(case, Case.State.CLOSED, by=worker)
    acts.move(case, Case.State.ASSESSMENT, by=worker)
