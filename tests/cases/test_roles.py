"""Each role has the permissions it lists and no others."""

from __future__ import annotations

import pytest
from django.core.exceptions import PermissionDenied

from cases.staff import roles
from tests import factories

pytestmark = pytest.mark.django_db(transaction=True)


def test_each_role_has_the_permissions_it_lists_and_no_others() -> None:
    people = {key: factories.staff(key) for key in roles.ALL}
    for key, role in roles.ALL.items():
        for permission in roles.May:
            assert people[key].may(permission) == (permission in role.permissions)
            if permission not in role.permissions:
                with pytest.raises(PermissionDenied, match=permission.value):
                    people[key].check_may(permission)
