-- What the public door may do to rows it can touch at all (its grants stand in cases/operations/grants.py).
-- Before she sends, what is hers is hers to change. Afterwards it is received: nothing is removed, an item can only be quarantined.

CREATE FUNCTION reporting_received_is_kept() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
DECLARE
    sent boolean := (SELECT state <> 'draft' FROM reporting_report WHERE id = OLD.report_id);
BEGIN
    IF session_user <> 'holdfast_public' OR NOT sent THEN
        RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
    END IF;
    IF TG_OP = 'UPDATE' AND TG_TABLE_NAME = 'reporting_evidenceitem'
        AND to_jsonb(NEW) ->> 'state' = 'quarantined' THEN
        RETURN NEW;
    END IF;
    IF TG_OP = 'UPDATE' AND TG_TABLE_NAME = 'reporting_filegroup' THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'reporting: % on % is refused: the report was received', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation';
END $$;

-- A quarantined item leaves quarantine by the named officer's decision only, and never by the public door.
CREATE FUNCTION reporting_quarantine_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.state IN ('quarantined', 'preserved') AND (TG_OP = 'DELETE' OR session_user = 'holdfast_public') THEN
        RAISE EXCEPTION 'reporting: a quarantined item stays' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
END $$;

CREATE FUNCTION reporting_public_only_sends() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF session_user = 'holdfast_public' AND NOT (
        OLD.state = 'draft' AND NEW.state = 'received'
        OR OLD.state <> 'draft' AND NEW.news_at IS NOT NULL AND to_jsonb(NEW) - 'news_at' = to_jsonb(OLD) - 'news_at') THEN
        RAISE EXCEPTION 'reporting: the public door can only send a draft, and say that there is news' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;

CREATE FUNCTION reporting_public_speaks_as_reporter() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF session_user = 'holdfast_public' AND NEW.from_office AND TG_OP = 'INSERT' THEN
        RAISE EXCEPTION 'reporting: the public door cannot speak for the office' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER answer_received BEFORE UPDATE OR DELETE ON reporting_answer FOR EACH ROW EXECUTE FUNCTION reporting_received_is_kept();
CREATE TRIGGER item_received BEFORE UPDATE OR DELETE ON reporting_evidenceitem FOR EACH ROW EXECUTE FUNCTION reporting_received_is_kept();
CREATE TRIGGER group_received BEFORE UPDATE OR DELETE ON reporting_filegroup FOR EACH ROW EXECUTE FUNCTION reporting_received_is_kept();
CREATE TRIGGER item_quarantine BEFORE UPDATE OR DELETE ON reporting_evidenceitem FOR EACH ROW EXECUTE FUNCTION reporting_quarantine_stays();
CREATE TRIGGER report_sent BEFORE UPDATE ON reporting_report FOR EACH ROW EXECUTE FUNCTION reporting_public_only_sends();
CREATE TRIGGER message_speaker BEFORE INSERT ON reporting_message FOR EACH ROW EXECUTE FUNCTION reporting_public_speaks_as_reporter();

-- A draft that nobody has touched for long is forgotten: its wrap and everything sealed under it go, the ledger stays. The one way in which
-- the staff role removes anything; false when the draft is not idle, was sent, or holds a locked item.
CREATE FUNCTION reporting_expire_draft(p_report text, p_idle interval) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
DECLARE
    last_touched timestamptz;
BEGIN
    IF p_idle < interval '7 days' THEN
        RAISE EXCEPTION 'reporting: a draft lasts seven days at least' USING ERRCODE = 'restrict_violation';
    END IF;
    PERFORM FROM reporting_report r WHERE r.id = p_report AND r.state = 'draft' FOR UPDATE;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    SELECT greatest(r.started_at, (SELECT max(at) FROM reporting_answer WHERE report_id = r.id),
                    (SELECT max(at) FROM reporting_evidenceitem WHERE report_id = r.id),
                    (SELECT max(used_at) FROM reporting_reportersession WHERE report_id = r.id))
        INTO last_touched FROM reporting_report r WHERE r.id = p_report;
    IF last_touched > now() - p_idle
        OR EXISTS (SELECT FROM reporting_evidenceitem WHERE report_id = p_report AND state IN ('quarantined', 'preserved')) THEN
        RETURN false;
    END IF;
    DELETE FROM reporting_reportersession WHERE report_id = p_report;
    DELETE FROM reporting_returncodewrap WHERE report_id = p_report;
    DELETE FROM reporting_answer WHERE report_id = p_report;
    DELETE FROM reporting_evidenceitem WHERE report_id = p_report;
    DELETE FROM reporting_filegroup WHERE report_id = p_report;
    DELETE FROM reporting_person WHERE report_id = p_report;
    UPDATE reporting_report SET state = 'erased' WHERE id = p_report;
    RETURN true;
END $$;

REVOKE ALL ON FUNCTION reporting_expire_draft FROM PUBLIC;
