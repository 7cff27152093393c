-- The ledger's own rules, kept by the database: one way in, no way to change or remove.
-- Roles are granted EXECUTE on these functions and nothing on the tables they write (cases/operations/grants.py).

CREATE SEQUENCE custody_event_number;

-- The one way in. Takes the subject's lock, checks `previous` when the caller names it, stamps time and door.
-- The canonical row is RFC 8785: every string below is limited to characters that JSON does not escape.
CREATE FUNCTION custody_append(
    p_subject text, p_event text, p_actor text, p_detail_hash text, p_previous text DEFAULT NULL,
    OUT id bigint, OUT seq bigint, OUT at timestamptz, OUT leaf text, OUT previous text
) LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
DECLARE
    head custody_custodyhead%ROWTYPE;
    door text := regexp_replace(session_user, '^holdfast_', '');
    canonical text;
BEGIN
    IF p_subject !~ '^[RC]-[0-9A-Z]{12}$' OR p_event !~ '^[a-z_]+:[a-z_]+$' OR p_actor !~ '^[A-Za-z0-9:._-]{1,60}$'
        OR p_detail_hash !~ '^[0-9a-f]{64}$' THEN
        RAISE EXCEPTION 'custody: malformed event' USING ERRCODE = 'check_violation';
    END IF;
    -- A door that faces the internet speaks only for the people it serves, and only of their acts.
    IF door = 'public' AND NOT (p_subject ~ '^R-' AND p_actor = 'reporter' AND p_event IN (
            'report:started', 'answer:saved', 'files:age_answered', 'evidence:acquired', 'evidence:taken_out', 'evidence:quarantined',
            'report:submitted', 'report:opened_by_reporter', 'message:posted', 'message:read', 'looks:shown', 'consent:answered'))
        OR door = 'partner' AND NOT (p_subject ~ '^C-' AND p_actor ~ '^P-' AND p_event IN ('package:collected', 'referral:answered')) THEN
        RAISE EXCEPTION 'custody: the % door may not record this', door USING ERRCODE = 'insufficient_privilege';
    END IF;
    INSERT INTO custody_custodyhead AS h (subject, seq, leaf, at) VALUES (p_subject, 0, repeat('0', 64), '-infinity')
        ON CONFLICT (subject) DO NOTHING;
    SELECT * INTO head FROM custody_custodyhead h WHERE h.subject = p_subject FOR UPDATE;
    IF p_previous IS NOT NULL AND p_previous <> head.leaf THEN
        RAISE EXCEPTION 'custody: the chain has moved on' USING ERRCODE = 'serialization_failure';
    END IF;
    id := nextval('custody_event_number');
    seq := head.seq + 1;
    previous := head.leaf;
    at := greatest(date_trunc('microseconds', clock_timestamp()), head.at);
    canonical := format(
        '{"actor":"%s","at":"%s","detail_hash":"%s","door":"%s","event":"%s","id":%s,"previous":"%s","seq":%s,"subject":"%s"}',
        p_actor, to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), p_detail_hash, door, p_event, id,
        previous, seq, p_subject);
    leaf := encode(sha256('\x00'::bytea || convert_to(canonical, 'UTF8')), 'hex');
    INSERT INTO custody_custodyevent (id, subject, seq, event, actor, door, at, detail_hash, previous, canonical, leaf)
        VALUES (id, p_subject, seq, p_event, p_actor, door, at, p_detail_hash, previous, canonical, leaf);
    UPDATE custody_custodyhead h SET seq = custody_append.seq, leaf = custody_append.leaf, at = custody_append.at
        WHERE h.subject = p_subject;
END $$;

-- The public keys of one report or case, from its first event. The public door may ask this and nothing else of the ledger.
CREATE FUNCTION custody_founding(p_subject text, OUT canonical text, OUT founding text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    SELECT e.canonical, d.founding FROM custody_custodyevent e JOIN custody_custodydetail d ON d.event_id = e.id
    WHERE e.subject = p_subject AND e.seq = 1;
$$;

CREATE FUNCTION custody_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'custody: % on % is refused: the ledger only grows', TG_OP, TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$;

-- The sequencer gives an event its place in the tree, once; nothing else of an event ever changes.
CREATE FUNCTION custody_place_once() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.tree_index IS NOT NULL OR NEW.tree_index IS NULL
        OR to_jsonb(OLD) - 'tree_index' <> to_jsonb(NEW) - 'tree_index' THEN
        RAISE EXCEPTION 'custody: UPDATE on % is refused: the ledger only grows', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;

-- A checkpoint gets its time stamp once; nothing else of it ever changes.
CREATE FUNCTION custody_stamp_once() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.time_stamp <> ''::bytea OR to_jsonb(OLD) - 'time_stamp' <> to_jsonb(NEW) - 'time_stamp' THEN
        RAISE EXCEPTION 'custody: UPDATE on % is refused: the ledger only grows', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER custody_checkpoint_stamped BEFORE UPDATE ON custody_checkpoint FOR EACH ROW EXECUTE FUNCTION custody_stamp_once();
CREATE TRIGGER custody_event_placed BEFORE UPDATE ON custody_custodyevent FOR EACH ROW EXECUTE FUNCTION custody_place_once();
CREATE TRIGGER custody_event_stays BEFORE DELETE ON custody_custodyevent FOR EACH ROW EXECUTE FUNCTION custody_refuse();
CREATE TRIGGER custody_event_not_truncated BEFORE TRUNCATE ON custody_custodyevent EXECUTE FUNCTION custody_refuse();
CREATE TRIGGER custody_checkpoint_stays BEFORE DELETE ON custody_checkpoint FOR EACH ROW EXECUTE FUNCTION custody_refuse();
CREATE TRIGGER custody_opening_stays BEFORE UPDATE OR DELETE ON custody_custodyopening FOR EACH ROW EXECUTE FUNCTION custody_refuse();

REVOKE ALL ON FUNCTION custody_append, custody_founding FROM PUBLIC;
