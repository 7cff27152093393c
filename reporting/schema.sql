-- What the database itself holds of a report's promises. Applied after every migration, as often as
-- you like. Functions name every table with its schema and put pg_temp last: see
-- custody/schema.sql.

-- Nothing is stored that no act of the record is about, and no act stores what is not there.
-- Checked at commit, so that an act and its row may come in any order of one transaction; whoever
-- may write neither reads the ledger for it.
CREATE OR REPLACE FUNCTION public.reporting_refuse_unrecorded(p_table text, p_id text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RAISE EXCEPTION 'custody: % in % is not what an act recorded', p_id, p_table
        USING ERRCODE = 'integrity_constraint_violation';
END $$;

CREATE OR REPLACE FUNCTION public.reporting_refuse_stranger() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    of_report boolean;
BEGIN
    EXECUTE format('SELECT public.reporting_of_report(($1).report_id, ($1).person_id, %s)',
        TG_ARGV[0])
        INTO of_report USING NEW;
    IF NOT of_report THEN
        RAISE EXCEPTION 'reporting: % is about a person or files of another report', NEW.id
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER answer_of_report BEFORE INSERT ON public.reporting_answer
    FOR EACH ROW EXECUTE FUNCTION public.reporting_refuse_stranger('($1).group_id');
CREATE OR REPLACE TRIGGER evidenceitem_of_report BEFORE INSERT ON public.reporting_evidenceitem
    FOR EACH ROW EXECUTE FUNCTION public.reporting_refuse_stranger('($1).group_id');
CREATE OR REPLACE TRIGGER consent_of_report BEFORE INSERT ON public.reporting_consent
    FOR EACH ROW EXECUTE FUNCTION public.reporting_refuse_stranger('NULL');

-- A row whose act names its hash. Arguments: the column of its report or case, and SQL for the hash
-- of row $1.
CREATE OR REPLACE FUNCTION public.reporting_row_recorded() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    recorded boolean;
BEGIN
    EXECUTE format('SELECT public.custody_recorded(($1).%I, ($1).id, %s, ($1).at)', TG_ARGV[0],
        TG_ARGV[1])
        INTO recorded USING NEW;
    IF NOT recorded THEN
        PERFORM public.reporting_refuse_unrecorded(TG_TABLE_NAME, NEW.id);
    END IF;
    RETURN NULL;
END $$;

-- An item's acquisition is the act's sealed detail, byte for byte.
CREATE OR REPLACE FUNCTION public.reporting_item_recorded() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM public.custody_custodyevent event
            WHERE event.object = NEW.id AND event.subject = NEW.report_id AND event.at = NEW.at
                AND event.event = 'evidence:acquired'
                AND event.detail_sealed_sha256 = encode(sha256(NEW.acquisition), 'hex')
                AND event.object_sha256 = public.reporting_evidenceitem_sha256(NEW))
            OR TG_OP = 'INSERT' AND NEW.state <> 'kept' THEN
        PERFORM public.reporting_refuse_unrecorded(TG_TABLE_NAME, NEW.id);
    END IF;
    RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION public.reporting_message_recorded() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM public.custody_custodyevent event
            WHERE event.object = NEW.id AND event.subject = NEW.report_id AND event.at = NEW.at
                AND event.event = 'message:posted'
                    AND event.object_sha256 = public.reporting_message_sha256(NEW)
                AND NEW.from_office = (event.door <> 'public')) THEN
        PERFORM public.reporting_refuse_unrecorded(TG_TABLE_NAME, NEW.id);
    END IF;
    RETURN NULL;
END $$;

-- The other way round: an act that stores something has stored it, and no other act has; what is
-- taken out or quarantined was given on this report. What is quarantined, destroyed or preserved is
-- not quarantined again: that would annul a proposal that waits, or a decision.
CREATE OR REPLACE FUNCTION public.reporting_act_stored() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    fault text := '';
BEGIN
    IF public.custody_keeps(NEW.event) THEN
        IF NOT (CASE left(NEW.object, 2)
            WHEN 'A-' THEN EXISTS (SELECT FROM public.reporting_answer r
                WHERE r.id = NEW.object AND r.report_id = NEW.subject)
            WHEN 'E-' THEN EXISTS (SELECT FROM public.reporting_evidenceitem r
                WHERE r.id = NEW.object AND r.report_id = NEW.subject)
            WHEN 'M-' THEN EXISTS (SELECT FROM public.reporting_message r
                WHERE r.id = NEW.object AND r.report_id = NEW.subject)
            WHEN 'K-' THEN EXISTS (SELECT FROM public.reporting_consent r
                WHERE r.id = NEW.object AND r.report_id = NEW.subject)
            ELSE NEW.subject LIKE 'C-%' END) THEN
            fault := 'it is not there';
        ELSIF EXISTS (SELECT FROM public.custody_custodyevent other WHERE other.object = NEW.object
                AND other.object <> other.subject AND other.id <> NEW.id
                    AND public.custody_keeps(other.event)) THEN
            fault := 'it was stored before';
        END IF;
    ELSIF NEW.subject LIKE 'R-%'
        AND NEW.event IN ('answer:taken_out', 'evidence:taken_out', 'evidence:quarantined') THEN
        IF NOT EXISTS (SELECT FROM public.custody_custodyevent given WHERE given.object = NEW.object
                AND given.object <> given.subject AND given.subject = NEW.subject
                AND public.custody_keeps(given.event)) THEN
            fault := 'it was not given on this report';
        ELSIF NEW.event = 'evidence:quarantined' AND (
            NOT EXISTS (SELECT FROM public.reporting_quarantine row
                WHERE row.thing = NEW.object AND row.report_id = NEW.subject
                    AND row.state = 'quarantined')
            OR (SELECT last.event FROM public.custody_custodyevent last
                WHERE last.object = NEW.object
                    AND last.object <> last.subject AND last.subject = NEW.subject
                        AND last.seq < NEW.seq
                    AND last.event IN ('evidence:quarantined', 'quarantine:destroyed',
                        'quarantine:preserved',
                        'quarantine:released')
                ORDER BY last.seq DESC LIMIT 1) <> 'quarantine:released') THEN
            fault := 'it is not listed, or was closed before';
        ELSIF NEW.event <> 'evidence:quarantined' AND (
            EXISTS (SELECT FROM public.custody_custodyevent sent WHERE sent.subject = NEW.subject
                AND sent.event = 'report:submitted' AND sent.seq < NEW.seq)
            OR EXISTS (SELECT FROM public.reporting_answer row WHERE row.id = NEW.object)
            OR EXISTS (SELECT FROM public.reporting_evidenceitem row WHERE row.id = NEW.object))
                THEN
            fault := 'it was sent, or is still there';
        END IF;
    END IF;
    IF fault <> '' THEN
        RAISE EXCEPTION 'custody: % of % is refused: %', NEW.event, NEW.object, fault
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NULL;
END $$;

-- What is removed was taken out by an act of this transaction, or went with an erased report.
CREATE OR REPLACE FUNCTION public.reporting_removal_recorded() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF NOT public.custody_recorded_now(OLD.report_id, OLD.id,
            ARRAY['answer:taken_out', 'evidence:taken_out'])
        AND NOT EXISTS (SELECT FROM public.reporting_report r WHERE r.id = OLD.report_id
            AND r.state = 'erased') THEN
        RAISE EXCEPTION 'custody: the removal of % from % is not on record', OLD.id, TG_TABLE_NAME
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NULL;
END $$;

-- A state changes together with the act that says so. Arguments: the columns of the report and of
-- the thing, and which act brings which state; a state that is not named is brought by none.
CREATE OR REPLACE FUNCTION public.reporting_move_recorded() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    moved jsonb := to_jsonb(NEW);
BEGIN
    IF NOT public.custody_recorded_now(moved ->> TG_ARGV[0], moved ->> TG_ARGV[1],
            ARRAY[TG_ARGV[2]::jsonb ->> NEW.state]) THEN
        RAISE EXCEPTION 'custody: % of % is not on record', NEW.state, moved ->> TG_ARGV[1]
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION public.reporting_quarantine_recorded() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM public.reporting_quarantined(NEW.report_id) q
            WHERE q.thing = NEW.thing AND q.state = NEW.state) THEN
        RAISE EXCEPTION 'custody: % of % is not on record', NEW.state, NEW.thing
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NULL;
END $$;

-- Rows that a function compares with the newest act about them. Arguments: the column of the id
-- that it takes, its name, and columns whose change needs no act.
CREATE OR REPLACE FUNCTION public.reporting_rows_recorded() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    thing text := to_jsonb(NEW) ->> TG_ARGV[0];
    free text[] := string_to_array(TG_ARGV[2], ' ');
    recorded boolean;
BEGIN
    IF TG_OP = 'UPDATE' AND to_jsonb(NEW) - free = to_jsonb(OLD) - free THEN
        RETURN NULL;
    END IF;
    EXECUTE format('SELECT %s($1)', TG_ARGV[1]) INTO recorded USING thing;
    IF NOT recorded THEN
        PERFORM public.reporting_refuse_unrecorded(TG_TABLE_NAME, thing);
    END IF;
    RETURN NULL;
END $$;

-- The times of a report are those of its acts. It begins with its row, in the same transaction.
CREATE OR REPLACE FUNCTION public.reporting_take_time() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF NEW.event = 'report:started' THEN
        UPDATE public.reporting_report SET started_at = NEW.at
            WHERE id = NEW.subject AND state = 'draft' AND news_at IS NULL;
        IF NOT FOUND AND NEW.object_sha256 <> repeat('0', 64) THEN
            RAISE EXCEPTION 'reporting: a report begins as a draft'
                USING ERRCODE = 'restrict_violation';
        END IF;
    ELSE
        UPDATE public.reporting_report SET state = 'received', submitted_at = NEW.at
            WHERE id = NEW.subject AND state = 'draft';
        IF NOT FOUND THEN
            RAISE EXCEPTION 'reporting: only a draft is sent' USING ERRCODE = 'restrict_violation';
        END IF;
    END IF;
    RETURN NULL;
END $$;

-- A draft is sent by its act alone, and forgotten by reporting_expire_draft alone; the office moves
-- a sent report with an act of its own.
CREATE OR REPLACE FUNCTION public.reporting_report_moves() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF public.custody_door() = 'public' AND NOT (OLD.state = 'draft' AND NEW.state = 'received')
        THEN
        RAISE EXCEPTION 'reporting: the public door can only send a draft'
            USING ERRCODE = 'restrict_violation';
    END IF;
    IF OLD.state = 'draft' AND NEW.state NOT IN ('received', 'erased') OR NEW.state = 'draft' THEN
        RAISE EXCEPTION 'reporting: % does not become %', OLD.state, NEW.state
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;

-- A receipt is issued by the act that sends.
CREATE OR REPLACE FUNCTION public.reporting_receipt_issued() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF NOT public.custody_recorded_now(NEW.report_id, NEW.report_id, ARRAY['report:submitted']) THEN
        RAISE EXCEPTION 'reporting: a receipt is issued when a report is sent'
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;

-- What the reporter adds to a sent report is news for the office, until a person has read it.
CREATE OR REPLACE FUNCTION public.reporting_notice_news() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF NEW.door = 'public' AND public.custody_keeps(NEW.event) THEN
        UPDATE public.reporting_report SET news_at = NEW.at WHERE id = NEW.subject
            AND state <> 'draft';
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
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
        EXECUTE FUNCTION public.reporting_row_recorded('report_id',
        'public.reporting_answer_sha256($1)');
CREATE CONSTRAINT TRIGGER evidenceitem_recorded
    AFTER INSERT OR UPDATE OF id, report_id, person_id, group_id, kind, acquisition, vault_name,
        ciphertext_size, ciphertext_sha256, at
    ON public.reporting_evidenceitem
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION public.reporting_item_recorded();
CREATE CONSTRAINT TRIGGER message_recorded AFTER INSERT OR UPDATE ON public.reporting_message
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION public.reporting_message_recorded();
CREATE CONSTRAINT TRIGGER consent_recorded AFTER INSERT OR UPDATE ON public.reporting_consent
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
        EXECUTE FUNCTION public.reporting_row_recorded('report_id',
        'CASE WHEN public.reporting_consent_stated($1)
            THEN public.reporting_consent_sha256($1) END');

-- PostgreSQL parses the condition of a trigger anew for each statement, so both ask only whether
-- the act is about a thing of its own (custody_append lets no other store one), and their functions
-- ask for the name of the act.
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
    EXECUTE FUNCTION public.reporting_move_recorded('report_id', 'id',
        '{"verified": "evidence:verified", "integrity_failed": "evidence:integrity_failed"}');
DROP TRIGGER IF EXISTS quarantine_recorded ON public.reporting_quarantine;
CREATE CONSTRAINT TRIGGER quarantine_recorded AFTER INSERT OR UPDATE ON public.reporting_quarantine
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
        EXECUTE FUNCTION public.reporting_quarantine_recorded();

CREATE OR REPLACE TRIGGER event_gives_time AFTER INSERT ON public.custody_custodyevent
    FOR EACH ROW WHEN (NEW.event IN ('report:started', 'report:submitted'))
    EXECUTE FUNCTION public.reporting_take_time();
DROP TRIGGER IF EXISTS report_recorded ON public.reporting_report;
CREATE CONSTRAINT TRIGGER report_recorded AFTER INSERT
    OR UPDATE OF language ON public.reporting_report
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION public.reporting_rows_recorded('id',
        'public.reporting_report_recorded');
DROP TRIGGER IF EXISTS event_names_report ON public.custody_custodyevent;
CREATE CONSTRAINT TRIGGER event_names_report AFTER INSERT ON public.custody_custodyevent
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
        WHEN (NEW.object LIKE 'R-%' AND NEW.object_sha256 <> repeat('0', 64))
    EXECUTE FUNCTION public.reporting_rows_recorded('subject',
        'public.reporting_report_recorded');
DROP TRIGGER IF EXISTS code_wrap_recorded ON public.reporting_returncodewrap;
CREATE CONSTRAINT TRIGGER code_wrap_recorded AFTER INSERT
    OR UPDATE ON public.reporting_returncodewrap
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
        EXECUTE FUNCTION public.reporting_rows_recorded('report_id',
        'public.reporting_report_recorded');
DROP TRIGGER IF EXISTS office_wrap_recorded ON public.reporting_officewrap;
CREATE CONSTRAINT TRIGGER office_wrap_recorded AFTER INSERT OR UPDATE ON public.reporting_officewrap
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.subject LIKE 'R-%')
    EXECUTE FUNCTION public.reporting_rows_recorded('subject',
        'public.reporting_report_recorded');

CREATE OR REPLACE TRIGGER report_moves BEFORE UPDATE OF state ON public.reporting_report
    FOR EACH ROW WHEN (OLD.state <> NEW.state) EXECUTE FUNCTION public.reporting_report_moves();
DROP TRIGGER IF EXISTS report_move_recorded ON public.reporting_report;
CREATE CONSTRAINT TRIGGER report_move_recorded AFTER UPDATE OF state ON public.reporting_report
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (OLD.state <> NEW.state)
    EXECUTE FUNCTION public.reporting_move_recorded('id', 'id',
        '{"received": "report:submitted", "not_sent": "report:not_sent",
          "in_triage": "report:taken",
          "accepted": "report:accepted", "joined": "report:joined", "declined": "report:declined",
          "out_of_scope": "report:out_of_scope", "erased": "report:expired"}');
CREATE OR REPLACE TRIGGER receipt_issued BEFORE INSERT ON public.reporting_receipt
    FOR EACH ROW EXECUTE FUNCTION public.reporting_receipt_issued();
CREATE OR REPLACE TRIGGER event_is_news AFTER INSERT ON public.custody_custodyevent
    FOR EACH ROW WHEN (NEW.object <> NEW.subject)
    EXECUTE FUNCTION public.reporting_notice_news();
