-- What the database itself holds of places, tiles and checkpoints. Applied after every migration,
-- after schema.sql.

-- A tile grows at its right end and is never changed or removed, so that what was proven from it
-- stays provable.
CREATE OR REPLACE FUNCTION public.custody_tile_grows() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF NEW.level <> OLD.level OR NEW.n <> OLD.n OR NEW.width < OLD.width
        OR substring(NEW.hashes FROM 1 FOR octet_length(OLD.hashes)) <> OLD.hashes THEN
        RAISE EXCEPTION 'custody: UPDATE on % is refused: the ledger only grows', TG_TABLE_NAME
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER custody_tile_grows BEFORE UPDATE ON public.custody_tile
    FOR EACH ROW EXECUTE FUNCTION public.custody_tile_grows();
CREATE OR REPLACE TRIGGER custody_tile_stays BEFORE DELETE ON public.custody_tile
    FOR EACH ROW EXECUTE FUNCTION public.custody_refuse();

DO $$
DECLARE
    kept text;
BEGIN
    FOREACH kept IN ARRAY ARRAY['place', 'tile', 'checkpoint'] LOOP
        EXECUTE format('CREATE OR REPLACE TRIGGER custody_%1$s_not_truncated BEFORE TRUNCATE '
            'ON public.custody_%1$s EXECUTE FUNCTION public.custody_refuse()', kept);
    END LOOP;
    IF NOT EXISTS (SELECT FROM pg_catalog.pg_constraint WHERE conname = 'custody_tile_is_whole')
        THEN
        ALTER TABLE public.custody_tile ADD CONSTRAINT custody_tile_is_whole
            CHECK (width BETWEEN 1 AND 256 AND octet_length(hashes) = 32 * width);
    END IF;
END $$;

-- Every event passes through the waiting table: without early vacuuming its index is mostly dead
-- rows.
ALTER TABLE public.custody_waitingevent SET (
    autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000,
        autovacuum_vacuum_cost_delay = 0,
    autovacuum_analyze_scale_factor = 0, autovacuum_analyze_threshold = 20000
);
-- Hashes do not compress; the attempt would cost every write.
ALTER TABLE public.custody_tile ALTER COLUMN hashes SET STORAGE EXTERNAL;
