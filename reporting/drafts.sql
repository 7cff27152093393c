-- What a door may change of a report by a function and in no other way. Applied after schema.sql.

-- Whether a report is a draft, by its row and by the ledger; its row stays locked until the
-- transaction ends.
CREATE OR REPLACE FUNCTION public.reporting_is_draft(p_report text) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM FROM public.reporting_report r WHERE r.id = p_report AND r.state = 'draft' FOR UPDATE;
    RETURN FOUND AND NOT EXISTS (SELECT FROM public.custody_custodyevent event
        WHERE event.subject = p_report AND event.event = 'report:submitted');
END $$;

-- What the public door removes of its own. Functions, because the right to DELETE is the right to
-- LOCK the table.
CREATE OR REPLACE FUNCTION public.reporting_end_visit(p_token_hash text) RETURNS void
LANGUAGE sql VOLATILE SECURITY DEFINER
BEGIN ATOMIC
    DELETE FROM public.reporting_reportersession visit WHERE visit.token_hash = p_token_hash;
END;

CREATE OR REPLACE FUNCTION public.reporting_end_visits(p_report text) RETURNS void
LANGUAGE sql VOLATILE SECURITY DEFINER
BEGIN ATOMIC
    DELETE FROM public.reporting_reportersession visit WHERE visit.report_id = p_report;
END;

-- One reservation, or none, and all that ended by themselves.
CREATE OR REPLACE FUNCTION public.reporting_release(p_reservation bigint) RETURNS void
LANGUAGE sql VOLATILE SECURITY DEFINER
BEGIN ATOMIC
    DELETE FROM public.reporting_uploadreservation reservation
        WHERE reservation.id = p_reservation OR reservation.until <= clock_timestamp();
END;

REVOKE ALL ON FUNCTION public.reporting_end_visit, public.reporting_end_visits,
    public.reporting_release FROM PUBLIC;

-- Before sending, the reporter takes an answer or item out: the row goes, the caller records the
-- act beside it. The report is locked, so that sending and taking out cannot pass each other. What
-- is quarantined stays. Returns the name of a file's object in the vault, or an empty text; null
-- when nothing was taken out.
CREATE OR REPLACE FUNCTION public.reporting_take_out(p_report text, p_thing text) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    vault_name text;
BEGIN
    IF NOT public.reporting_is_draft(p_report) OR EXISTS (SELECT
        FROM public.reporting_quarantined(p_report) q
            WHERE q.thing = p_thing AND q.state <> 'released') THEN
        RETURN NULL;
    END IF;
    DELETE FROM public.reporting_evidenceitem i WHERE i.id = p_thing AND i.report_id = p_report
        RETURNING i.vault_name INTO vault_name;
    IF FOUND THEN
        RETURN vault_name;
    END IF;
    DELETE FROM public.reporting_answer a WHERE a.id = p_thing AND a.report_id = p_report
        AND a.question NOT IN (
        'age', 'who', 'what', 'shown_adult');
    RETURN CASE WHEN FOUND THEN '' END;
END $$;

-- The office's wraps of a report that is being sent: only of a draft, and whatever lay there before
-- goes.
CREATE OR REPLACE FUNCTION public.reporting_wrap_for_office(p_report text, p_key_ids text[],
    p_wraps bytea[])
RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF NOT public.reporting_is_draft(p_report) THEN
        RAISE EXCEPTION 'reporting: only a draft is wrapped for the office here'
            USING ERRCODE = 'restrict_violation';
    END IF;
    DELETE FROM public.reporting_officewrap w WHERE w.subject = p_report;
    INSERT INTO public.reporting_officewrap (subject, key_id, wrapped)
        SELECT p_report, wrap.key_id, wrap.wrapped
            FROM unnest(p_key_ids, p_wraps) AS wrap (key_id, wrapped);
END $$;

-- A draft that nobody has touched for long is forgotten: its wrap and everything sealed under it
-- go, the ledger stays. False when the draft is not idle, was sent, or holds something quarantined
-- or preserved.
CREATE OR REPLACE FUNCTION public.reporting_expire_draft(p_report text,
    p_idle interval) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    last_touched timestamptz;
BEGIN
    IF p_idle < interval '7 days' THEN
        RAISE EXCEPTION 'reporting: a draft lasts seven days at least'
            USING ERRCODE = 'restrict_violation';
    END IF;
    IF NOT public.reporting_is_draft(p_report) THEN
        RETURN false;
    END IF;
    SELECT greatest(r.started_at, (SELECT max(at) FROM public.reporting_answer
        WHERE report_id = r.id),
                    (SELECT max(at) FROM public.reporting_evidenceitem WHERE report_id = r.id),
                    (SELECT max(used_at) FROM public.reporting_reportersession
                        WHERE report_id = r.id))
        INTO last_touched FROM public.reporting_report r WHERE r.id = p_report;
    IF last_touched > now() - p_idle OR EXISTS (SELECT FROM public.reporting_quarantined(p_report) q
            WHERE q.state IN ('quarantined', 'preserved')) THEN
        RETURN false;
    END IF;
    UPDATE public.reporting_report SET state = 'erased' WHERE id = p_report;
    DELETE FROM public.reporting_reportersession WHERE report_id = p_report;
    DELETE FROM public.reporting_returncodewrap WHERE report_id = p_report;
    DELETE FROM public.reporting_officewrap WHERE subject = p_report;
    DELETE FROM public.reporting_answer WHERE report_id = p_report;
    DELETE FROM public.reporting_evidenceitem WHERE report_id = p_report;
    DELETE FROM public.reporting_filegroup WHERE report_id = p_report;
    DELETE FROM public.reporting_person WHERE report_id = p_report;
    DELETE FROM public.custody_custodydetail d USING public.custody_custodyevent e
        WHERE e.id = d.event_id AND e.subject = p_report AND d.founding = '';
    RETURN true;
END $$;

-- Somebody who is not the reporter marked it as sent: it goes to nobody. Its signature is checked
-- by the worker, which records the act; PostgreSQL checks none.
CREATE OR REPLACE FUNCTION public.reporting_set_aside(p_report text) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    UPDATE public.reporting_report SET state = 'not_sent' WHERE id = p_report
        AND state = 'received';
    RETURN FOUND;
END $$;

REVOKE ALL ON FUNCTION public.reporting_set_aside, public.reporting_is_draft,
    public.reporting_take_out, public.reporting_wrap_for_office, public.reporting_expire_draft
    FROM PUBLIC;

-- Wraps written anew by the worker, whose act names what stands then; `p_drop_others`: those for
-- other keys go.
CREATE OR REPLACE FUNCTION public.reporting_replace_wraps(
    p_subject text, p_key_ids text[], p_wraps bytea[], p_drop_others boolean
) RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF cardinality(p_key_ids) = 0 THEN
        RAISE EXCEPTION 'reporting: a key keeps a wrap' USING ERRCODE = 'restrict_violation';
    END IF;
    DELETE FROM public.reporting_officewrap w WHERE w.subject = p_subject
        AND (p_drop_others OR w.key_id = ANY (p_key_ids));
    INSERT INTO public.reporting_officewrap (subject, key_id, wrapped)
        SELECT p_subject, wrap.key_id, wrap.wrapped
            FROM unnest(p_key_ids, p_wraps) AS wrap (key_id, wrapped);
END $$;

REVOKE ALL ON FUNCTION public.reporting_replace_wraps FROM PUBLIC;
