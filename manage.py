#!/usr/bin/env python
"""Every management command. Without DATABASE_URL it works on the demo in `.local/demo`, if there
is one."""

from __future__ import annotations

import os
import sys


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    import django
    from django.core.management import execute_from_command_line

    from config import doors
    from config.local import office

    with office.for_command(sys.argv):
        if set(sys.argv[1:2]) & set(doors.DOORS):  # a process of its own, such as the opener
            django.setup()
            from config import checks

            checks.refuse_to_start_if_wrong()
        execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
