-- What the database itself holds of hand-overs and decisions. Applied after every migration, as
-- often as you like. Functions name every table with its schema and put pg_temp last: see
-- reporting/custody/schema.sql.

-- Quarantine ends by a decision that one person proposed and another confirmed: the act that ends
-- it is refused without a proposal of that choice by another person, younger than the act that
-- closed the thing last. An earlier decision opens nothing that was closed again, and what was
-- destroyed or preserved stays so. That the two differ is a CHECK of the decision's table. The
-- proposal's act names the SHA-256 of its choice.
CREATE OR REPLACE FUNCTION public.cases_quarantine_decided() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM public.cases_quarantinedecision decision
        JOIN public.staff_staffmember proposer ON proposer.id = decision.proposed_by_id
        JOIN public.staff_staffmember confirmer ON confirmer.id = decision.confirmed_by_id
        JOIN public.custody_custodyevent proposed ON proposed.event = 'quarantine:proposed'
            AND proposed.object = NEW.object AND proposed.subject = NEW.subject
                AND proposed.actor = proposer.actor_id
            AND proposed.object_sha256 = encode(sha256(convert_to(decision.choice, 'UTF8')), 'hex')
        WHERE decision.quarantine_id = NEW.object AND 'quarantine:' || decision.choice = NEW.event
            AND confirmer.actor_id = NEW.actor AND proposed.seq < NEW.seq
            AND proposed.seq > (SELECT CASE last.event WHEN 'evidence:quarantined' THEN last.seq END
                FROM public.custody_custodyevent last
                WHERE last.object = NEW.object AND last.subject = NEW.subject AND last.seq < NEW.seq
                    AND last.event IN ('evidence:quarantined', 'quarantine:destroyed',
                        'quarantine:preserved',
                        'quarantine:released')
                ORDER BY last.seq DESC LIMIT 1)) THEN
        RAISE EXCEPTION 'cases: % leaves quarantine by a decision of two people', NEW.object
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NULL;
END $$;

DROP TRIGGER IF EXISTS quarantine_decided ON public.reporting_quarantine;
DROP TRIGGER IF EXISTS quarantine_decided ON public.custody_custodyevent;
CREATE CONSTRAINT TRIGGER quarantine_decided AFTER INSERT ON public.custody_custodyevent
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
    WHEN (NEW.event IN ('quarantine:destroyed', 'quarantine:preserved', 'quarantine:released'))
    EXECUTE FUNCTION public.cases_quarantine_decided();

-- A note is stored together with the act that added it.
CREATE OR REPLACE FUNCTION public.cases_note_sha256(p_note text) RETURNS text LANGUAGE sql STABLE
    SECURITY DEFINER
BEGIN ATOMIC
    SELECT public.reporting_row_sha256(ARRAY[]::text[], note.sealed) FROM public.cases_note note
        WHERE note.id = p_note;
END;
REVOKE ALL ON FUNCTION public.cases_note_sha256 FROM PUBLIC;

DROP TRIGGER IF EXISTS note_recorded ON public.cases_note;
CREATE CONSTRAINT TRIGGER note_recorded AFTER INSERT OR UPDATE ON public.cases_note
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
    EXECUTE FUNCTION public.reporting_row_recorded('case_id', 'public.cases_note_sha256(($1).id)');

-- An assessment is the one that the newest act about the report's band recorded, and the harms in
-- the clear beside it. Asked at commit of a row that becomes or was the current one, by the queue
-- for the lines of its page, and every night.
CREATE OR REPLACE FUNCTION public.cases_band_sha256(
    p_report text, p_band smallint, p_actionability smallint, p_by text, p_reasons jsonb
) RETURNS bytea LANGUAGE sql STABLE SECURITY DEFINER
BEGIN ATOMIC
    SELECT sha256(convert_to(concat_ws('|', p_band, p_actionability, p_by, p_reasons,
        (SELECT string_agg(concat_ws(' ', i.id, i.person_id, i.reported_type), '|' ORDER BY i.id)
            FROM public.reporting_incident i WHERE i.report_id = p_report)), 'UTF8'));
END;

CREATE OR REPLACE FUNCTION public.cases_assessment_recorded(p_report text) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER
BEGIN ATOMIC
    SELECT (SELECT event.object_sha256 || event.at FROM public.custody_custodyevent event
            WHERE event.subject = p_report AND event.object = 'B-' || substr(p_report, 3)
                AND event.event IN ('report:banded', 'report:band_changed')
            ORDER BY event.seq DESC LIMIT 1)
        IS NOT DISTINCT
            FROM (SELECT encode(public.cases_band_sha256(p_report, a.band, a.actionability, a.by,
            a.reasons),
            'hex') || a.at FROM public.cases_assessment a WHERE a.report_id = p_report
                AND a.current);
END;

DROP TRIGGER IF EXISTS assessment_recorded ON public.cases_assessment;
CREATE CONSTRAINT TRIGGER assessment_recorded AFTER INSERT OR UPDATE ON public.cases_assessment
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
        EXECUTE FUNCTION public.reporting_rows_recorded('report_id',
        'public.cases_assessment_recorded');
REVOKE ALL ON FUNCTION public.cases_assessment_recorded, public.cases_band_sha256 FROM PUBLIC;

-- What changes has the hash of its rows in each act that changes it: SHA-256 of their PostgreSQL
-- `jsonb` text without nulls, so that a column added later changes no hash taken before. A referral
-- is hashed with the partner's key, its package and its disclosure, and with a salt, because the
-- acts of a report are in packages; a case with its reports and the wraps of its key.
CREATE OR REPLACE FUNCTION public.cases_handover_sha256(p_referral text) RETURNS bytea
LANGUAGE sql STABLE SECURITY DEFINER SET timezone = 'UTC'
BEGIN ATOMIC
    SELECT sha256(convert_to(jsonb_strip_nulls(to_jsonb(referral) - 'build_failed_at'
        - 'build_failure'
        || jsonb_build_object('partner_key', to_jsonb(key), 'package', to_jsonb(package),
            'disclosure', to_jsonb(disclosure)))::text, 'UTF8'))
    FROM public.cases_referral referral
    LEFT JOIN public.cases_partnerkey key ON key.id = referral.partner_key_id
    LEFT JOIN public.cases_package package ON package.referral_id = referral.id
    LEFT JOIN public.cases_disclosure disclosure ON disclosure.referral_id = referral.id
    WHERE referral.id = p_referral;
END;

CREATE OR REPLACE FUNCTION public.cases_case_sha256(p_case text) RETURNS bytea
LANGUAGE sql STABLE SECURITY DEFINER SET timezone = 'UTC'
BEGIN ATOMIC
    SELECT sha256(convert_to(jsonb_strip_nulls(to_jsonb(c) || jsonb_build_object(
        'reports', (SELECT jsonb_agg(to_jsonb(r) ORDER BY r.id) FROM public.cases_casereport r
            WHERE r.case_id = c.id),
        'wraps', (SELECT jsonb_object_agg(w.key_id, encode(w.wrapped, 'hex'))
            FROM public.reporting_officewrap w
            WHERE w.subject = c.id)))::text, 'UTF8'))
    FROM public.cases_case c WHERE c.id = p_case;
END;

-- Whether the rows stand as the newest act that changed them left them.
CREATE OR REPLACE FUNCTION public.cases_handover_recorded(p_referral text) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER
BEGIN ATOMIC
    SELECT coalesce(encode(public.cases_handover_sha256(p_referral), 'hex') = (
        SELECT event.object_sha256 FROM public.custody_custodyevent event
        WHERE event.object = p_referral AND event.object <> event.subject
            AND event.object_sha256 <> repeat('0', 64)
        ORDER BY event.id DESC LIMIT 1), false);
END;

CREATE OR REPLACE FUNCTION public.cases_case_recorded(p_case text) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER
BEGIN ATOMIC
    SELECT coalesce(encode(public.cases_case_sha256(p_case), 'hex') = (
        SELECT event.object_sha256 FROM public.custody_custodyevent event
        WHERE event.subject = p_case AND event.object = p_case
            AND event.object_sha256 <> repeat('0', 64)
        ORDER BY event.seq DESC LIMIT 1), false);
END;

REVOKE ALL ON FUNCTION public.cases_handover_sha256, public.cases_case_sha256,
    public.cases_handover_recorded,
    public.cases_case_recorded FROM PUBLIC;

-- No change of them is committed without an act that names it; that a build failed is none.
DROP TRIGGER IF EXISTS referral_recorded ON public.cases_referral;
CREATE CONSTRAINT TRIGGER referral_recorded AFTER INSERT OR UPDATE ON public.cases_referral
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
        EXECUTE FUNCTION public.reporting_rows_recorded('id', 'public.cases_handover_recorded',
        'build_failed_at build_failure');
DROP TRIGGER IF EXISTS package_recorded ON public.cases_package;
CREATE CONSTRAINT TRIGGER package_recorded AFTER INSERT OR UPDATE ON public.cases_package
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
        EXECUTE FUNCTION public.reporting_rows_recorded('referral_id',
        'public.cases_handover_recorded');
DROP TRIGGER IF EXISTS disclosure_recorded ON public.cases_disclosure;
CREATE CONSTRAINT TRIGGER disclosure_recorded AFTER INSERT OR UPDATE ON public.cases_disclosure
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
        EXECUTE FUNCTION public.reporting_rows_recorded('referral_id',
        'public.cases_handover_recorded');
DROP TRIGGER IF EXISTS case_recorded ON public.cases_case;
CREATE CONSTRAINT TRIGGER case_recorded AFTER INSERT OR UPDATE ON public.cases_case
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
        EXECUTE FUNCTION public.reporting_rows_recorded('id', 'public.cases_case_recorded');
DROP TRIGGER IF EXISTS casereport_recorded ON public.cases_casereport;
CREATE CONSTRAINT TRIGGER casereport_recorded AFTER INSERT OR UPDATE ON public.cases_casereport
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
        EXECUTE FUNCTION public.reporting_rows_recorded('case_id', 'public.cases_case_recorded');

DROP TRIGGER IF EXISTS case_wrap_recorded ON public.reporting_officewrap;
CREATE CONSTRAINT TRIGGER case_wrap_recorded AFTER INSERT OR UPDATE ON public.reporting_officewrap
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.subject LIKE 'C-%')
    EXECUTE FUNCTION public.reporting_rows_recorded('subject', 'public.cases_case_recorded');

-- The partner door reads and changes a hand-over by its collection code, and by nothing else. It
-- may read no table of the office: whoever takes it over learns only what the codes typed meanwhile
-- open.
CREATE OR REPLACE FUNCTION public.cases_collection(p_code text) RETURNS TABLE (
    referral text, case_id text, report text, partner text, partner_name text, package text,
        vault_name text,
    size bigint, sha256 text, expires_at timestamptz, collected_at timestamptz,
        taken_back_at timestamptz, answer text,
    collectable boolean
) LANGUAGE sql STABLE SECURITY DEFINER
BEGIN ATOMIC
    SELECT d.referral_id, r.case_id, r.report_id, p.id, p.name, k.name, k.vault_name,
        k.encrypted_size,
        k.encrypted_sha256, d.expires_at, d.collected_at, d.taken_back_at, d.answer,
        d.taken_back_at IS NULL AND d.answer <> 'rejected' AND public.cases_handover_recorded(r.id)
            AND NOT EXISTS (SELECT FROM public.custody_custodyevent ended
                WHERE ended.object = d.referral_id AND ended.subject = r.case_id
                    AND ended.event IN ('referral:closed', 'referral:taken_back',
                        'referral:recalled'))
            AND NOT EXISTS (SELECT FROM public.reporting_quarantined(r.report_id) q
                WHERE q.state <> 'released' AND k.items ? q.thing)
    FROM public.cases_disclosure d
    JOIN public.cases_referral r ON r.id = d.referral_id
    JOIN public.cases_package k ON k.referral_id = r.id
    JOIN public.cases_partnerkey pk ON pk.id = r.partner_key_id
    JOIN public.cases_partner p ON p.id = pk.partner_id
    WHERE d.token_hash = encode(sha256(convert_to(p_code, 'UTF8')), 'hex')
        AND d.expires_at > clock_timestamp();
END;

-- The partner begins to take the package. Null when it may no longer be collected, else the hash
-- that the caller's act names. Under the locks of the report and of the hand-over, so that neither
-- quarantining nor taking back can pass it.
CREATE OR REPLACE FUNCTION public.cases_collect(p_code text) RETURNS bytea
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    waiting record;
BEGIN
    SELECT * INTO waiting FROM public.cases_collection(p_code);
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    PERFORM FROM public.reporting_report report WHERE report.id = waiting.report FOR UPDATE;
    PERFORM FROM public.cases_disclosure disclosure
        WHERE disclosure.referral_id = waiting.referral FOR UPDATE;
    SELECT * INTO waiting FROM public.cases_collection(p_code);
    IF NOT FOUND OR NOT waiting.collectable THEN
        RETURN NULL;
    END IF;
    UPDATE public.cases_disclosure SET collected_at = clock_timestamp()
        WHERE referral_id = waiting.referral AND collected_at IS NULL;
    RETURN public.cases_handover_sha256(waiting.referral);
END $$;

-- The partner's answer, once: received or rejected. A rejection closes the collection. Null when it
-- was answered before or the hand-over is not as recorded, else the hash that the caller's act
-- names.
CREATE OR REPLACE FUNCTION public.cases_answer(p_code text, p_answer text) RETURNS bytea
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    waiting record;
BEGIN
    SELECT * INTO waiting FROM public.cases_collection(p_code);
    IF NOT FOUND OR p_answer NOT IN ('received', 'rejected') THEN
        RETURN NULL;
    END IF;
    PERFORM FROM public.reporting_report report WHERE report.id = waiting.report FOR UPDATE;
    IF NOT public.cases_handover_recorded(waiting.referral) THEN
        RETURN NULL;
    END IF;
    UPDATE public.cases_referral SET state = CASE p_answer WHEN 'received'
        THEN 'acknowledged' ELSE 'rejected' END
        WHERE id = waiting.referral AND state IN ('disclosed', 'silent');
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    UPDATE public.cases_disclosure SET acknowledged_at = clock_timestamp(), answer = p_answer
        WHERE referral_id = waiting.referral;
    RETURN public.cases_handover_sha256(waiting.referral);
END $$;

REVOKE ALL ON FUNCTION public.cases_collection, public.cases_collect, public.cases_answer
    FROM PUBLIC;

-- The partner door records what a partner did with a code, and nothing else: the act names the
-- hand-over, its case or report, and the partner it went to, and that hand-over was collected or is
-- answered in this transaction.
CREATE OR REPLACE FUNCTION public.cases_partner_acted() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM public.cases_disclosure d
            JOIN public.cases_referral r ON r.id = d.referral_id
            JOIN public.cases_partnerkey k ON k.id = r.partner_key_id
            WHERE d.referral_id = NEW.object AND k.partner_id = NEW.actor
                AND d.token_hash IS NOT NULL
                AND CASE NEW.event
                    WHEN 'package:collected' THEN NEW.subject = r.case_id
                        AND d.collected_at IS NOT NULL
                    ELSE NEW.subject = r.report_id
                        AND d.acknowledged_at >= transaction_timestamp() END) THEN
        RAISE EXCEPTION 'cases: a partner acts with a code, on what was handed over to it'
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NULL;
END $$;

DROP TRIGGER IF EXISTS partner_acted ON public.custody_custodyevent;
CREATE CONSTRAINT TRIGGER partner_acted AFTER INSERT ON public.custody_custodyevent
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.door = 'partner')
    EXECUTE FUNCTION public.cases_partner_acted();
