-- The ledger's own rules, kept by the database: one way in, no way to change or remove. Applied
-- after every migration, as often as you like. Roles are granted EXECUTE on these functions and
-- nothing on the tables they write (cases/operations/grants.py).
--
-- Every table is named with its schema, and `pg_temp` stands last in every search_path: PostgreSQL
-- looks for a table in the caller's temporary schema first unless told otherwise, and a caller's
-- table must not stand in for the ledger's. A body in BEGIN ATOMIC is bound to its tables when it
-- is created and needs no search_path.

CREATE SEQUENCE IF NOT EXISTS public.custody_event_number;

-- The door of this session: its database role without the common beginning.
CREATE OR REPLACE FUNCTION public.custody_door() RETURNS text LANGUAGE sql STABLE
RETURN replace(session_user, 'holdfast_', '');

-- Whether this door may record this act, and speak as this actor, on this subject.
CREATE OR REPLACE FUNCTION public.custody_may_record(p_subject text, p_event text,
    p_actor text) RETURNS boolean
LANGUAGE sql STABLE
RETURN public.custody_door_may(p_event, public.custody_door())
    AND (p_event = 'key:given') = (p_subject = 'O-000000000000') AND CASE public.custody_door()
    WHEN 'public' THEN p_actor = 'reporter' AND p_subject LIKE 'R-%'
    WHEN 'partner' THEN p_actor ~ '^P-[0-9A-Z]{12}$'
    WHEN 'staff' THEN p_actor ~ '^S-[0-9A-Z]{12}$'
    WHEN 'worker' THEN p_actor ~ '^job:[a-z_-]{1,40}$'
    WHEN 'opener' THEN p_actor ~ '^(S-[0-9A-Z]{12}|job:[a-z_-]{1,40})$'
    ELSE false END;

-- The one way in. Takes the subject's lock, checks `p_previous` when the caller names it, stamps
-- time and door, and stores the sealed detail (or, for a first event, the public keys in the clear)
-- in the same call. Hashes come as 32 bytes, so that nothing but hexadecimal digits gets into the
-- canonical row; other words are checked. The largest detail is the acquisition of a link or
-- account of budgets.LINE characters; what a reporter does beside giving something has a signature
-- in its detail, and a report takes 10,000 acts of the public door. Each statement sees what the
-- last holder of the lock has committed.
CREATE OR REPLACE FUNCTION public.custody_append(
    p_subject text, p_event text, p_actor text, p_object text, p_object_sha256 bytea,
        p_detail_hash bytea,
    p_sealed bytea, p_founding text, p_previous text,
    OUT id bigint, OUT seq bigint, OUT at timestamptz, OUT leaf text
) LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    door text := public.custody_door();
    sealed bytea := coalesce(p_sealed, '');
    founding text := coalesce(p_founding, '');
    sealed_sha256 text;
    previous text := repeat('0', 64);
    canonical text;
BEGIN
    IF public.custody_may_record(p_subject, p_event, p_actor) IS NOT TRUE THEN
        RAISE EXCEPTION 'custody: the % door may not record this', door
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    UPDATE public.custody_custodyhead AS head SET seq = head.seq + 1, at
        = greatest(clock_timestamp(), head.at)
        WHERE head.subject = p_subject RETURNING head.seq, head.at INTO seq, at;
    IF FOUND THEN
        SELECT last.leaf INTO previous FROM public.custody_custodyevent last
            WHERE last.subject = p_subject AND last.seq = custody_append.seq - 1;
    ELSE
        INSERT INTO public.custody_custodyhead AS head (subject, seq, at) VALUES (p_subject, 1,
            clock_timestamp())
            RETURNING head.seq, head.at INTO seq, at;
    END IF;
    IF (octet_length(p_object_sha256) = 32 AND octet_length(p_detail_hash) = 32
        AND public.custody_is_about(p_event, p_object, p_subject)
        AND (door <> 'public' OR seq <= 10000)
        AND octet_length(sealed) <= CASE WHEN door <> 'public' OR public.custody_keeps(p_event)
            THEN 131072 ELSE 4096 END
        AND CASE WHEN seq > 1 THEN previous IS NOT NULL AND founding = ''
            AND p_event NOT IN ('report:started', 'case:started')
            ELSE p_detail_hash = sha256(convert_to(founding, 'UTF8')) AND CASE p_event
                WHEN 'key:given' THEN founding = ''
                ELSE p_event IN ('report:started', 'case:started') AND founding
                    ~ ('^[0-9a-f]{32}\{"public_key":"age1[0-9a-z]{58}",'
                        || '"signing_key":"[0-9a-f]{0,64}"\}$') END
            END) IS NOT TRUE THEN
        RAISE EXCEPTION 'custody: malformed event' USING ERRCODE = 'check_violation';
    END IF;
    IF p_previous <> previous THEN
        RAISE EXCEPTION 'custody: the chain has moved on' USING ERRCODE = 'serialization_failure';
    END IF;

    id := nextval('public.custody_event_number');
    sealed_sha256 := encode(CASE seq WHEN 1 THEN p_detail_hash ELSE sha256(sealed) END, 'hex');
    canonical := concat('{"actor":', to_json(p_actor),
        ',"at":"', to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
        '","detail_hash":"', encode(p_detail_hash, 'hex'), '","detail_sealed_sha256":"',
            sealed_sha256,
        '","door":"', door, '","event":"', p_event, '","id":', id, ',"object":', to_json(p_object),
        ',"object_sha256":"', encode(p_object_sha256, 'hex'), '","previous":"', previous,
            '","seq":', seq,
        ',"subject":"', p_subject, '"}');
    leaf := encode(sha256('\x00'::bytea || convert_to(canonical, 'UTF8')), 'hex');
    WITH event AS (
        INSERT INTO public.custody_custodyevent (id, subject, seq, event, object, object_sha256,
            actor, door, at,
                detail_hash, detail_sealed_sha256, previous, canonical, leaf)
            VALUES (id, p_subject, seq, p_event, p_object, encode(p_object_sha256, 'hex'), p_actor,
                door, at,
                encode(p_detail_hash, 'hex'), sealed_sha256, previous, canonical, leaf)
    ), detail AS (
        INSERT INTO public.custody_custodydetail (event_id, founding, sealed) VALUES (id, founding,
            sealed)
    )
    INSERT INTO public.custody_waitingevent (event_id, leaf) VALUES (id, decode(leaf, 'hex'));
END $$;

-- The public keys of one report or case, from its first event.
CREATE OR REPLACE FUNCTION public.custody_founding(p_subject text, OUT canonical text,
    OUT founding text)
LANGUAGE sql STABLE SECURITY DEFINER
BEGIN ATOMIC
    SELECT event.canonical, detail.founding FROM public.custody_custodyevent event
        JOIN public.custody_custodydetail detail ON detail.event_id = event.id
        WHERE event.subject = p_subject AND event.seq = 1;
END;

-- The leaf of the newest event of a subject, held until the transaction ends: what the next act
-- follows. The public door holds no chain but a report's.
CREATE OR REPLACE FUNCTION public.custody_head(p_subject text) RETURNS text
LANGUAGE sql VOLATILE SECURITY DEFINER
BEGIN ATOMIC
    SELECT head.seq FROM public.custody_custodyhead head WHERE head.subject = p_subject
        AND (public.custody_door() <> 'public' OR p_subject LIKE 'R-%') FOR UPDATE;
    SELECT last.leaf FROM public.custody_custodyhead head
        JOIN public.custody_custodyevent last ON last.subject = head.subject AND last.seq = head.seq
        WHERE head.subject = p_subject AND (public.custody_door() <> 'public'
            OR p_subject LIKE 'R-%');
END;

-- Whether a stored thing is the one that an act of its report or case recorded at that time.
CREATE OR REPLACE FUNCTION public.custody_recorded(
    p_subject text, p_object text, p_object_sha256 text, p_at timestamptz
) RETURNS boolean LANGUAGE sql STABLE SECURITY DEFINER
BEGIN ATOMIC
    SELECT EXISTS (SELECT FROM public.custody_custodyevent event
        WHERE event.object = p_object AND event.subject = p_subject
            AND event.object_sha256 = p_object_sha256
            AND event.at = p_at AND public.custody_keeps(event.event));
END;

-- Whether an act of this name about this thing was recorded since this transaction began.
CREATE OR REPLACE FUNCTION public.custody_recorded_now(p_subject text, p_object text,
    p_events text[])
RETURNS boolean LANGUAGE sql STABLE SECURITY DEFINER
BEGIN ATOMIC
    SELECT EXISTS (SELECT FROM public.custody_custodyevent event
        WHERE event.object = p_object AND event.subject = p_subject AND event.event = ANY (p_events)
            AND event.at >= transaction_timestamp());
END;

-- An event is committed soon after its time: verify_ledger takes ten minutes from one to the other
-- (LONGEST_TRANSACTION) for a sign of tampering.
CREATE OR REPLACE FUNCTION public.custody_event_in_time() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF NEW.at < clock_timestamp() - interval '5 minutes' THEN
        RAISE EXCEPTION 'custody: % was recorded too long ago to be committed', NEW.event
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NULL;
END $$;

DROP TRIGGER IF EXISTS event_in_time ON public.custody_custodyevent;
CREATE CONSTRAINT TRIGGER event_in_time AFTER INSERT ON public.custody_custodyevent
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION public.custody_event_in_time();

CREATE OR REPLACE FUNCTION public.custody_refuse() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RAISE EXCEPTION 'custody: % on % is refused: the ledger only grows', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation';
END $$;

-- A checkpoint gets its time stamps once each; nothing else of it ever changes.
CREATE OR REPLACE FUNCTION public.custody_stamp_once() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF OLD.time_stamp <> ''::bytea AND OLD.time_stamp <> NEW.time_stamp
        OR OLD.outside_time_stamp <> ''::bytea AND OLD.outside_time_stamp <> NEW.outside_time_stamp
        OR to_jsonb(OLD) - 'time_stamp' - 'outside_time_stamp' <> to_jsonb(NEW) - 'time_stamp'
            - 'outside_time_stamp' THEN
        RAISE EXCEPTION 'custody: UPDATE on % is refused: the ledger only grows', TG_TABLE_NAME
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;

CREATE OR REPLACE TRIGGER custody_checkpoint_stamped BEFORE UPDATE ON public.custody_checkpoint
    FOR EACH ROW EXECUTE FUNCTION public.custody_stamp_once();
CREATE OR REPLACE TRIGGER custody_checkpoint_stays BEFORE DELETE ON public.custody_checkpoint
    FOR EACH ROW EXECUTE FUNCTION public.custody_refuse();
CREATE OR REPLACE TRIGGER custody_event_stays BEFORE UPDATE OR DELETE ON public.custody_custodyevent
    FOR EACH ROW EXECUTE FUNCTION public.custody_refuse();
CREATE OR REPLACE TRIGGER custody_event_not_truncated BEFORE TRUNCATE ON public.custody_custodyevent
    EXECUTE FUNCTION public.custody_refuse();
CREATE OR REPLACE TRIGGER custody_place_stays BEFORE UPDATE OR DELETE ON public.custody_place
    FOR EACH ROW EXECUTE FUNCTION public.custody_refuse();
CREATE OR REPLACE TRIGGER custody_detail_stays BEFORE UPDATE ON public.custody_custodydetail
    FOR EACH ROW EXECUTE FUNCTION public.custody_refuse();

-- The acts of one subject with their details. The public door reads, of a report, what its reporter
-- may read: the acts of the reporter, and those of the office that the reporter is told of; an
-- opening only once a key was given for it.
CREATE OR REPLACE FUNCTION public.custody_acts(p_subject text) RETURNS TABLE (
    id bigint, subject text, seq bigint, event text, object text, object_sha256 text, actor text,
        door text,
    at timestamptz, detail_hash text, detail_sealed_sha256 text, previous text, canonical text,
        leaf text,
    sealed bytea, founding text
) LANGUAGE sql STABLE SECURITY DEFINER
BEGIN ATOMIC
    SELECT e.id, e.subject, e.seq, e.event, e.object, e.object_sha256, e.actor, e.door, e.at,
        e.detail_hash,
        e.detail_sealed_sha256, e.previous, e.canonical, e.leaf, d.sealed, d.founding
    FROM public.custody_custodyevent e LEFT JOIN public.custody_custodydetail d ON d.event_id = e.id
    WHERE e.subject = p_subject AND (public.custody_door() <> 'public' OR e.subject LIKE 'R-%' AND (
        e.door = 'public' OR public.custody_told_to_reporter(e.event)
            AND (NOT public.custody_opens(e.event)
            OR EXISTS (SELECT FROM public.custody_custodyevent given
                WHERE given.event = 'key:given' AND given.object_sha256 = e.leaf))))
    ORDER BY e.seq;
END;

REVOKE ALL ON FUNCTION public.custody_append, public.custody_founding, public.custody_head,
    public.custody_acts,
    public.custody_recorded, public.custody_recorded_now FROM PUBLIC;
