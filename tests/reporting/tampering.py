"""What a database owner can do to the ledger in one statement, and how verify_ledger names it."""

from __future__ import annotations

_AT = "id = (SELECT event_id FROM custody_place WHERE tree_index = {})"
EVENT = "UPDATE custody_custodyevent SET {} WHERE " + _AT
_TEXT = "replace(canonical, 'reporter', 'nobody')"
_LEAF = f"encode(sha256('\\x00'::bytea || convert_to({_TEXT}, 'UTF8')), 'hex')"
_TEXT_AND_LEAF = f"actor = 'nobody', canonical = {_TEXT}, leaf = {_LEAF}"
_FLIPPED = "set_byte({0}, 40, get_byte({0}, 40) # 1)"
_FIRST_CHAIN = "(SELECT min(subject) FROM custody_custodyevent WHERE subject <> 'O-000000000000')"
_FORGED_TEXT = """
    '{{"actor":"reporter","at":"' || to_char(t AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
    || '","detail_hash":"' || h || '","detail_sealed_sha256":"' || h
    || '","door":"public","event":"report:submitted","id":' || number || ',"object":"' || subject
    || '","object_sha256":"' || repeat('0', 64) || '","previous":"' || leaf
    || '","seq":' || seq + 1 || ',"subject":"' || subject || '"}}'
"""
# A whole false act at the end of a chain, as good as an owner without the keys can make it.
FALSE_ACT = f"""
    WITH last AS (
        SELECT *, id + 1 AS number, {{time}} AS t, encode(sha256('sealed'), 'hex') AS h
        FROM custody_custodyevent ORDER BY id DESC LIMIT 1),
    made AS (SELECT *, {_FORGED_TEXT} AS made FROM last),
    event AS (
        INSERT INTO custody_custodyevent SELECT number, subject, seq + 1, 'report:submitted',
            subject, repeat('0', 64), 'reporter', 'public', t, h, h, leaf, made,
            encode(sha256('\\x00'::bytea || convert_to(made, 'UTF8')), 'hex')
        FROM made RETURNING *),
    detail AS (INSERT INTO custody_custodydetail SELECT id, '', 'sealed' FROM event),
    head AS (UPDATE custody_custodyhead h SET seq = h.seq + 1, at = event.at FROM event
        WHERE h.subject = event.subject)
    INSERT INTO custody_waitingevent SELECT id, decode(leaf, 'hex') FROM event
"""
FALSE_ACT_WITHOUT_A_PLACE = FALSE_ACT.replace(
    "INSERT INTO custody_waitingevent SELECT id, decode(leaf, 'hex') FROM event", "SELECT 1"
)
_EVENTS = {
    "number": (EVENT.format("id = 7000000000", 2), "event 7000000000"),
    "subject": (EVENT.format("subject = 'R-000000000000'", 2), "the column subject"),
    "seq": (EVENT.format("seq = 70", 2), "the column seq"),
    "event": (EVENT.format("event = 'x:y'", 2), "the column event"),
    "object": (EVENT.format("object = 'E-000000000000'", 2), "the column object"),
    "object's hash": (EVENT.format("object_sha256 = detail_hash", 2), "object_sha256"),
    "actor": (EVENT.format("actor = 'nobody'", 2), "the column actor"),
    "door": (EVENT.format("door = 'staff'", 2), "the column door"),
    "time": (EVENT.format("at = at + interval '1 microsecond'", 3), "the column at"),
    "an infinite time": (EVENT.format("at = 'infinity'", 3), "the column at"),
    "detail's hash": (EVENT.format("detail_hash = repeat('0', 64)", 2), "detail_hash"),
    "sealed detail's hash": (
        EVENT.format("detail_sealed_sha256 = repeat('0', 64)", 2),
        "detail_sealed_sha256",
    ),
    "previous": (EVENT.format("previous = repeat('0', 64)", 2), "the column previous"),
    "a short previous": (EVENT.format("previous = 'f'", 2), "the column previous"),
    "leaf": (EVENT.format("leaf = repeat('0', 64)", 2), "its leaf is not the hash"),
    "text": (EVENT.format("canonical = canonical || ' '", 2), "its leaf is not the hash"),
    "actor and text": (
        EVENT.format(f"actor = 'nobody', canonical = {_TEXT}", 2),
        "its leaf is not the hash",
    ),
    "actor, text and leaf": (EVENT.format(_TEXT_AND_LEAF, 2), "does not follow the entry before"),
    "the last of a chain, with text and leaf": (
        EVENT.format(_TEXT_AND_LEAF, 4),
        "tile 0/000 was made from other events: entry 4",
    ),
    "delete": ("DELETE FROM custody_custodyevent WHERE " + _AT.format(3), "is missing"),
    "delete a whole chain": (
        f"DELETE FROM custody_custodyevent WHERE subject = {_FIRST_CHAIN}",
        "the ledger says it has 6 entries and there is none",
    ),
    "false act of 2030": (FALSE_ACT.format(time="timestamptz '2030-01-01 UTC'"), "in the future"),
    "false act, not placed": (
        FALSE_ACT_WITHOUT_A_PLACE.format(time="now()"),
        "it has no place in the tree and does not wait for one",
    ),
}
_TREE = {
    "take a place": ("UPDATE custody_place SET tree_index = 500 WHERE tree_index = 1", "entry 1"),
    "cut the tail": ("DELETE FROM custody_place WHERE tree_index >= 8", "no place in the tree"),
    "a place of nothing": (
        "INSERT INTO custody_place VALUES (14, 8000000000)",
        "event 8000000000: it has a place",
    ),
    "a tile": (f"UPDATE custody_tile SET hashes = {_FLIPPED.format('hashes')}", "tile 0/000"),
    "no tile": ("DELETE FROM custody_tile", "tile 0/000 is missing"),
    "a tile too many": ("INSERT INTO custody_tile VALUES (3, 5, 1, sha256('x'))", "tile 3/005"),
    "a tile with more": (
        "UPDATE custody_tile SET hashes = hashes || sha256('x'), width = width + 1",
        "holds more than the tree",
    ),
    "waiting for nothing": (
        "INSERT INTO custody_waitingevent VALUES (8000000000, sha256('x'))",
        "event 8000000000: what waits",
    ),
    "waiting again": (
        "INSERT INTO custody_waitingevent SELECT id, decode(leaf, 'hex') FROM custody_custodyevent "
        "ORDER BY id LIMIT 1",
        "and waits for another",
    ),
}
_BESIDE = {
    "swap two details": (
        "UPDATE custody_custodydetail d SET sealed = o.sealed FROM custody_custodydetail o "
        "WHERE d.founding = '' AND o.founding = '' AND o.event_id <> d.event_id",
        "its detail is not what was recorded",
    ),
    "one detail": (
        "UPDATE custody_custodydetail SET sealed = sealed || 'x' WHERE event_id = "
        "(SELECT max(event_id) FROM custody_custodydetail)",
        "its detail is not what was recorded",
    ),
    "all details": ("DELETE FROM custody_custodydetail WHERE founding = ''", "details are missing"),
    "empty details": (
        "UPDATE custody_custodydetail SET sealed = '' WHERE founding = ''",
        "details are missing",
    ),
    "a detail in the clear": (
        "UPDATE custody_custodydetail SET founding = 'x' WHERE founding = ''",
        "its detail is not what was recorded",
    ),
    "a detail of nothing": (
        "INSERT INTO custody_custodydetail VALUES (8000000000, '', 'x')",
        "event 8000000000: its detail is there",
    ),
    "swap the public keys": (
        "UPDATE custody_custodydetail SET founding = replace(founding, 'age1', 'age2')",
        "its public keys",
    ),
    "no public keys": ("DELETE FROM custody_custodydetail WHERE founding <> ''", "its public keys"),
    "lower heads": ("UPDATE custody_custodyhead SET seq = seq - 1", "the ledger says it ends at"),
    "infinite heads": ("UPDATE custody_custodyhead SET at = 'infinity'", "says it ends at"),
    "earlier heads": ("UPDATE custody_custodyhead SET at = at - interval '1 s'", "says it ends at"),
    "no heads": ("DELETE FROM custody_custodyhead", "its end is not noted"),
    "no published checkpoints": ("DELETE FROM custody_checkpoint", "line 1 of checkpoints.log"),
    "another published note": (
        "UPDATE custody_checkpoint SET note = replace(note, E'\\n', E'\\n\\n')",
        "the published checkpoint of 7",
    ),
    "another time of signing": (
        "UPDATE custody_checkpoint SET at = at - interval '1 second'",
        "another time than in line 1",
    ),
}
ALL = _EVENTS | _TREE | _BESIDE
