-- What the database itself holds of a report's promises. Applied after every migration, as often as you like.
-- Functions name every table with its schema and put pg_temp last: see custody/schema.sql.

-- Nothing is stored that no act of the record is about, and no act stores what is not there. Checked at commit, so that
-- an act and its row may come in any order of one transaction; whoever may write neither reads the ledger for it.
CREATE OR REPLACE FUNCTION public.reporting_refuse_unrecorded(p_table text, p_id text) RETURNS void LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RAISE EXCEPTION 'custody: % in % is not what an act recorded', p_id, p_table
        USING ERRCODE = 'integrity_constraint_violation';
END $$;

CREATE OR REPLACE FUNCTION public.reporting_answer_recorded() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF NOT public.custody_recorded(NEW.report_id, NEW.id, encode(sha256(NEW.sealed), 'hex'), NEW.at) THEN
        PERFORM public.reporting_refuse_unrecorded(TG_TABLE_NAME, NEW.id);
    END IF;
    RETURN NULL;
END $$;

-- A file's act names the SHA-256 of its object in the vault; its acquisition is the act's sealed detail, byte for byte.
CREATE OR REPLACE FUNCTION public.reporting_item_recorded() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM public.custody_custodyevent event
            WHERE event.object = NEW.id AND event.subject = NEW.report_id AND event.at = NEW.at
                AND event.event = 'evidence:acquired'
                AND event.detail_sealed_sha256 = encode(sha256(NEW.acquisition), 'hex')
                AND event.object_sha256 = CASE NEW.kind WHEN 'file' THEN NEW.ciphertext_sha256
                    ELSE encode(sha256(NEW.acquisition), 'hex') END) THEN
        PERFORM public.reporting_refuse_unrecorded(TG_TABLE_NAME, NEW.id);
    END IF;
    RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION public.reporting_message_recorded() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM public.custody_custodyevent event
            WHERE event.object = NEW.id AND event.subject = NEW.report_id AND event.at = NEW.at
                AND event.event = 'message:posted' AND event.object_sha256 = encode(sha256(NEW.sealed), 'hex')
                AND NEW.from_office = (event.door <> 'public')) THEN
        PERFORM public.reporting_refuse_unrecorded(TG_TABLE_NAME, NEW.id);
    END IF;
    RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION public.reporting_consent_recorded() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF NOT public.custody_recorded(NEW.report_id, NEW.id,
            encode(sha256(convert_to(NEW.statement, 'UTF8') || NEW.signature), 'hex'), NEW.at) THEN
        PERFORM public.reporting_refuse_unrecorded(TG_TABLE_NAME, NEW.id);
    END IF;
    RETURN NULL;
END $$;

-- The other way round: an act that stores something has stored it.
CREATE OR REPLACE FUNCTION public.reporting_act_stored() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF public.custody_keeps(NEW.event) AND NOT (CASE left(NEW.object, 2)
        WHEN 'A-' THEN EXISTS (SELECT FROM public.reporting_answer r WHERE r.id = NEW.object AND r.report_id = NEW.subject)
        WHEN 'E-' THEN EXISTS (SELECT FROM public.reporting_evidenceitem r
            WHERE r.id = NEW.object AND r.report_id = NEW.subject)
        WHEN 'M-' THEN EXISTS (SELECT FROM public.reporting_message r WHERE r.id = NEW.object AND r.report_id = NEW.subject)
        WHEN 'K-' THEN EXISTS (SELECT FROM public.reporting_consent r WHERE r.id = NEW.object AND r.report_id = NEW.subject)
        ELSE NEW.subject LIKE 'C-%' END) THEN
        RAISE EXCEPTION 'custody: % stores % and it is not there', NEW.event, NEW.object
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NULL;
END $$;

-- What is removed was taken out by an act of this transaction, or went with an erased report.
CREATE OR REPLACE FUNCTION public.reporting_removal_recorded() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF NOT public.custody_recorded_now(OLD.report_id, OLD.id, ARRAY['answer:taken_out', 'evidence:taken_out'])
        AND NOT EXISTS (SELECT FROM public.reporting_report r WHERE r.id = OLD.report_id AND r.state = 'erased') THEN
        RAISE EXCEPTION 'custody: the removal of % from % is not on record', OLD.id, TG_TABLE_NAME
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NULL;
END $$;

-- A state changes together with the act that says so.
CREATE OR REPLACE FUNCTION public.reporting_item_moved() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF NOT public.custody_recorded_now(NEW.report_id, NEW.id, ARRAY['evidence:' || NEW.state]) THEN
        RAISE EXCEPTION 'custody: % of % is not on record', NEW.state, NEW.id
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION public.reporting_quarantine_recorded() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF NOT public.custody_recorded_now(NEW.report_id, NEW.thing,
            ARRAY[CASE NEW.state WHEN 'quarantined' THEN 'evidence:quarantined' ELSE 'quarantine:decided' END]) THEN
        RAISE EXCEPTION 'custody: % of % is not on record', NEW.state, NEW.thing
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NULL;
END $$;

-- Before sending, and never after, the public door moves a report on: from draft to received, with the act on record.
-- The office moves it with an act of its own; a draft is forgotten by reporting_expire_draft alone.
CREATE OR REPLACE FUNCTION public.reporting_report_moves() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF public.custody_door() = 'public' AND NOT (OLD.state = 'draft' AND NEW.state = 'received') THEN
        RAISE EXCEPTION 'reporting: the public door can only send a draft' USING ERRCODE = 'restrict_violation';
    END IF;
    IF OLD.state = 'draft' AND NEW.state NOT IN ('received', 'erased') OR NEW.state = 'draft' THEN
        RAISE EXCEPTION 'reporting: % does not become %', OLD.state, NEW.state USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;

CREATE OR REPLACE FUNCTION public.reporting_report_move_recorded() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF NOT public.custody_recorded_now(NEW.id, NEW.id, CASE NEW.state
            WHEN 'received' THEN ARRAY['report:submitted'] WHEN 'in_triage' THEN ARRAY['report:taken']
            WHEN 'erased' THEN ARRAY['report:expired'] ELSE ARRAY['report:' || NEW.state] END) THEN
        RAISE EXCEPTION 'custody: % of % is not on record', NEW.state, NEW.id
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NULL;
END $$;

-- A receipt is issued by the act that sends.
CREATE OR REPLACE FUNCTION public.reporting_receipt_issued() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF NOT public.custody_recorded_now(NEW.report_id, NEW.report_id, ARRAY['report:submitted']) THEN
        RAISE EXCEPTION 'reporting: a receipt is issued when a report is sent' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;

-- What the reporter adds to a sent report is news for the office, until a person has read it.
CREATE OR REPLACE FUNCTION public.reporting_notice_news() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF NEW.door = 'public' AND public.custody_keeps(NEW.event) THEN
        UPDATE public.reporting_report SET news_at = NEW.at WHERE id = NEW.subject AND state <> 'draft';
    END IF;
    RETURN NULL;
END $$;

DO $$
DECLARE
    sealed text;
BEGIN
    FOREACH sealed IN ARRAY ARRAY['answer', 'evidenceitem', 'message', 'consent'] LOOP
        EXECUTE format('DROP TRIGGER IF EXISTS %1$s_recorded ON public.reporting_%1$s', sealed);
    END LOOP;
END $$;
CREATE CONSTRAINT TRIGGER answer_recorded AFTER INSERT OR UPDATE ON public.reporting_answer
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION public.reporting_answer_recorded();
CREATE CONSTRAINT TRIGGER evidenceitem_recorded
    AFTER INSERT OR UPDATE OF id, report_id, kind, acquisition, vault_name, ciphertext_sha256, at
    ON public.reporting_evidenceitem
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION public.reporting_item_recorded();
CREATE CONSTRAINT TRIGGER message_recorded AFTER INSERT OR UPDATE ON public.reporting_message
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION public.reporting_message_recorded();
CREATE CONSTRAINT TRIGGER consent_recorded AFTER INSERT OR UPDATE ON public.reporting_consent
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION public.reporting_consent_recorded();

-- PostgreSQL parses the condition of a trigger anew for each statement, so both ask only whether the act is about a thing
-- of its own (custody_append lets no other store one), and their functions ask for the name of the act.
DROP TRIGGER IF EXISTS event_stored ON public.custody_custodyevent;
CREATE CONSTRAINT TRIGGER event_stored AFTER INSERT ON public.custody_custodyevent
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.object <> NEW.subject)
    EXECUTE FUNCTION public.reporting_act_stored();

DROP TRIGGER IF EXISTS answer_removed ON public.reporting_answer;
CREATE CONSTRAINT TRIGGER answer_removed AFTER DELETE ON public.reporting_answer
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION public.reporting_removal_recorded();
DROP TRIGGER IF EXISTS evidenceitem_removed ON public.reporting_evidenceitem;
CREATE CONSTRAINT TRIGGER evidenceitem_removed AFTER DELETE ON public.reporting_evidenceitem
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION public.reporting_removal_recorded();

DROP TRIGGER IF EXISTS evidenceitem_moved ON public.reporting_evidenceitem;
CREATE CONSTRAINT TRIGGER evidenceitem_moved AFTER UPDATE OF state ON public.reporting_evidenceitem
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (OLD.state <> NEW.state)
    EXECUTE FUNCTION public.reporting_item_moved();
DROP TRIGGER IF EXISTS quarantine_recorded ON public.reporting_quarantine;
CREATE CONSTRAINT TRIGGER quarantine_recorded AFTER INSERT OR UPDATE ON public.reporting_quarantine
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION public.reporting_quarantine_recorded();

CREATE OR REPLACE TRIGGER report_moves BEFORE UPDATE OF state ON public.reporting_report
    FOR EACH ROW WHEN (OLD.state <> NEW.state) EXECUTE FUNCTION public.reporting_report_moves();
DROP TRIGGER IF EXISTS report_move_recorded ON public.reporting_report;
CREATE CONSTRAINT TRIGGER report_move_recorded AFTER UPDATE OF state ON public.reporting_report
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (OLD.state <> NEW.state)
    EXECUTE FUNCTION public.reporting_report_move_recorded();
CREATE OR REPLACE TRIGGER receipt_issued BEFORE INSERT ON public.reporting_receipt
    FOR EACH ROW EXECUTE FUNCTION public.reporting_receipt_issued();
CREATE OR REPLACE TRIGGER event_is_news AFTER INSERT ON public.custody_custodyevent
    FOR EACH ROW WHEN (NEW.object <> NEW.subject)
    EXECUTE FUNCTION public.reporting_notice_news();

-- Before sending, the reporter takes an answer or item out: the row goes, the caller records the act beside it. The
-- report is locked, so that sending and taking out cannot pass each other. What is quarantined stays. Returns the name
-- of a file's object in the vault, or an empty text; null when nothing was taken out.
CREATE OR REPLACE FUNCTION public.reporting_take_out(p_report text, p_thing text) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    vault_name text;
BEGIN
    PERFORM FROM public.reporting_report r WHERE r.id = p_report AND r.state = 'draft' FOR UPDATE;
    IF NOT FOUND OR EXISTS (SELECT FROM public.reporting_quarantine q WHERE q.thing = p_thing AND q.state <> 'released') THEN
        RETURN NULL;
    END IF;
    DELETE FROM public.reporting_evidenceitem i WHERE i.id = p_thing AND i.report_id = p_report
        RETURNING i.vault_name INTO vault_name;
    IF FOUND THEN
        RETURN vault_name;
    END IF;
    DELETE FROM public.reporting_answer a WHERE a.id = p_thing AND a.report_id = p_report AND a.question NOT IN (
        'age', 'who', 'what', 'shown_adult');
    RETURN CASE WHEN FOUND THEN '' END;
END $$;

-- The office's wraps of a report that is being sent: only of a draft, and whatever lay there before goes.
CREATE OR REPLACE FUNCTION public.reporting_wrap_for_office(p_report text, p_key_ids text[], p_wraps bytea[])
RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM FROM public.reporting_report r WHERE r.id = p_report AND r.state = 'draft' FOR UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'reporting: only a draft is wrapped for the office here' USING ERRCODE = 'restrict_violation';
    END IF;
    DELETE FROM public.reporting_officewrap w WHERE w.subject = p_report;
    INSERT INTO public.reporting_officewrap (subject, key_id, wrapped)
        SELECT p_report, wrap.key_id, wrap.wrapped FROM unnest(p_key_ids, p_wraps) AS wrap (key_id, wrapped);
END $$;

-- A draft that nobody has touched for long is forgotten: its wrap and everything sealed under it go, the ledger stays.
-- False when the draft is not idle, was sent, or holds something quarantined or preserved.
CREATE OR REPLACE FUNCTION public.reporting_expire_draft(p_report text, p_idle interval) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    last_touched timestamptz;
BEGIN
    IF p_idle < interval '7 days' THEN
        RAISE EXCEPTION 'reporting: a draft lasts seven days at least' USING ERRCODE = 'restrict_violation';
    END IF;
    PERFORM FROM public.reporting_report r WHERE r.id = p_report AND r.state = 'draft' FOR UPDATE;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    SELECT greatest(r.started_at, (SELECT max(at) FROM public.reporting_answer WHERE report_id = r.id),
                    (SELECT max(at) FROM public.reporting_evidenceitem WHERE report_id = r.id),
                    (SELECT max(used_at) FROM public.reporting_reportersession WHERE report_id = r.id))
        INTO last_touched FROM public.reporting_report r WHERE r.id = p_report;
    IF last_touched > now() - p_idle OR EXISTS (SELECT FROM public.reporting_quarantine
            WHERE report_id = p_report AND state IN ('quarantined', 'preserved')) THEN
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

-- Holds a report until the transaction ends, for the worker: its role changes no column of a report, and without such a
-- right PostgreSQL locks no row.
CREATE OR REPLACE FUNCTION public.reporting_hold(p_report text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM FROM public.reporting_report r WHERE r.id = p_report FOR UPDATE;
END $$;

REVOKE ALL ON FUNCTION public.reporting_take_out, public.reporting_wrap_for_office, public.reporting_expire_draft,
    public.reporting_hold FROM PUBLIC;

-- Wraps written anew by the worker, with the act on record; `p_drop_others`: those for other keys go.
CREATE OR REPLACE FUNCTION public.reporting_replace_wraps(
    p_subject text, p_key_ids text[], p_wraps bytea[], p_drop_others boolean
) RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF NOT public.custody_recorded_now(p_subject, p_subject, ARRAY['wrap:added', 'wrap:dropped'])
        OR cardinality(p_key_ids) = 0 THEN
        RAISE EXCEPTION 'reporting: wraps change with an act on record' USING ERRCODE = 'restrict_violation';
    END IF;
    DELETE FROM public.reporting_officewrap w WHERE w.subject = p_subject
        AND (p_drop_others OR w.key_id = ANY (p_key_ids));
    INSERT INTO public.reporting_officewrap (subject, key_id, wrapped)
        SELECT p_subject, wrap.key_id, wrap.wrapped FROM unnest(p_key_ids, p_wraps) AS wrap (key_id, wrapped);
END $$;

REVOKE ALL ON FUNCTION public.reporting_replace_wraps FROM PUBLIC;
