"""Django's PostgreSQL backend, but for how a request finds out that its connection still works."""

from __future__ import annotations

import select

from django.db.backends.postgresql import base


class DatabaseWrapper(base.DatabaseWrapper):
    def is_usable(self) -> bool:
        """Without asking the server: between two requests only the end of a connection, or a
        notice, arrives. Either way another connection is opened."""
        if self.connection is None or self.connection.closed:
            return False
        waiting = select.poll()
        waiting.register(self.connection.fileno(), select.POLLIN)
        return not waiting.poll(0)
