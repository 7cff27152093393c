-- What an act's hash is taken over, and what the ledger says of a report: asked by schema.sql at
-- commit, by readers and by verify_ledger. Applied first of the three.

-- The hash of a row in the act about it: SHA-256 over the columns that stand in the clear, one a
-- line, and the sealed bytes after them. The id, the time, a message's side and an item's
-- acquisition stand in the act itself.
CREATE OR REPLACE FUNCTION public.reporting_row_sha256(p_columns text[], p_sealed bytea)
RETURNS text
LANGUAGE sql STABLE
RETURN encode(sha256(convert_to(array_to_string(p_columns || ''::text, E'\n', ''), 'UTF8')
    || p_sealed), 'hex');

CREATE OR REPLACE FUNCTION public.reporting_answer_sha256(p public.reporting_answer) RETURNS text
LANGUAGE sql STABLE
RETURN public.reporting_row_sha256(ARRAY[p.question, p.person_id, p.group_id], p.sealed);

CREATE OR REPLACE FUNCTION public.reporting_evidenceitem_sha256(p public.reporting_evidenceitem)
RETURNS text
LANGUAGE sql STABLE
RETURN public.reporting_row_sha256(ARRAY[p.kind, p.person_id, p.group_id, p.vault_name,
    p.ciphertext_size::text, p.ciphertext_sha256], ''::bytea);

CREATE OR REPLACE FUNCTION public.reporting_message_sha256(p public.reporting_message) RETURNS text
LANGUAGE sql STABLE
RETURN public.reporting_row_sha256(ARRAY[]::text[], p.sealed);

CREATE OR REPLACE FUNCTION public.reporting_consent_sha256(p public.reporting_consent) RETURNS text
LANGUAGE sql STABLE
RETURN public.reporting_row_sha256(ARRAY[]::text[], convert_to(p.statement, 'UTF8') || p.signature);

-- Whether the columns of a consent are those of the statement that the reporter signed, as RFC 8785
-- writes them. Text is compared, because a statement that is no JSON, or more than `jsonb` takes,
-- must not stop who looks for it.
CREATE OR REPLACE FUNCTION public.reporting_consent_stated(p public.reporting_consent)
RETURNS boolean
LANGUAGE sql STABLE
RETURN starts_with(p.statement, concat('{"answer":"', p.answer, '","expires_at":"',
        replace(to_char(p.expires_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US'),
            '.000000', ''), '+00:00","partner":"',
        p.partner, '","partner_name":"'))
    AND position(concat('","person":"', p.person_id, '","purpose":"') IN p.statement) > 0
    AND position(concat('","report":"', p.report_id, '","signed_at":"') IN p.statement) > 0;

-- Whether a person is one of a report, and a group of files theirs in it. Asked when something is
-- stored, so that no role can store what verify_ledger would name, and by verify_ledger.
CREATE OR REPLACE FUNCTION public.reporting_of_report(p_report text, p_person text, p_group text)
RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER
BEGIN ATOMIC
    SELECT EXISTS (SELECT FROM public.reporting_person person
            WHERE person.id = p_person AND person.report_id = p_report)
        AND (p_group IS NULL OR EXISTS (SELECT FROM public.reporting_filegroup files
            WHERE files.id = p_group AND files.report_id = p_report
                AND files.person_id = p_person));
END;
REVOKE ALL ON FUNCTION public.reporting_of_report FROM PUBLIC;

-- What the ledger says of the things of a report that were ever quarantined: the newest act about
-- each decides. Whether something is closed is asked here and nowhere else; the rows of
-- reporting_quarantine are the officer's list.
CREATE OR REPLACE FUNCTION public.reporting_quarantined(p_report text)
RETURNS TABLE (thing text, state text)
LANGUAGE sql STABLE SECURITY DEFINER
BEGIN ATOMIC
    SELECT DISTINCT ON (event.object) event.object, split_part(event.event, ':', 2)
    FROM public.custody_custodyevent event
    WHERE event.subject = p_report
        AND event.event IN ('evidence:quarantined', 'quarantine:destroyed',
        'quarantine:preserved', 'quarantine:released')
    ORDER BY event.object, event.seq DESC;
END;

-- What stands in the clear about a report, and every wrap of its key: acts that change them name
-- this hash, of one line a column or wrap. The id and the times are the acts' own, and states
-- follow from their names.
CREATE OR REPLACE FUNCTION public.reporting_report_sha256(p_report text) RETURNS bytea
LANGUAGE sql STABLE SECURITY DEFINER
BEGIN ATOMIC
    SELECT sha256(convert_to(concat_ws(E'\n', report.language,
        (SELECT string_agg(concat(wrap.lookup, ' ', encode(wrap.wrapped, 'hex')), E'\n'
            ORDER BY wrap.lookup)
            FROM public.reporting_returncodewrap wrap WHERE wrap.report_id = report.id),
        (SELECT string_agg(concat(wrap.key_id, ' ', encode(wrap.wrapped, 'hex')), E'\n'
            ORDER BY wrap.key_id)
            FROM public.reporting_officewrap wrap WHERE wrap.subject = report.id)), 'UTF8'))
    FROM public.reporting_report report WHERE report.id = p_report;
END;

-- Whether they stand as the newest act that changed them left them.
CREATE OR REPLACE FUNCTION public.reporting_report_recorded(p_report text) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER
BEGIN ATOMIC
    SELECT coalesce(encode(public.reporting_report_sha256(p_report), 'hex') = (
        SELECT event.object_sha256 FROM public.custody_custodyevent event
        WHERE event.subject = p_report AND event.object = p_report
            AND event.object_sha256 <> repeat('0', 64)
        ORDER BY event.seq DESC LIMIT 1), false);
END;

REVOKE ALL ON FUNCTION public.reporting_report_sha256, public.reporting_report_recorded,
    public.reporting_quarantined FROM PUBLIC;
