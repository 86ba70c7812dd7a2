-- purpose: what needs attention at some sites together
-- returns: one row
-- sources: main.gaps, analytics.disagreements, meta.is_by_nature
select
    (
        select count(*) from main.gaps where list_contains($sites, site_id) and not meta.is_by_nature(cause)
    )::integer as gaps,
    (
        select count(*)
        from analytics.disagreements
        where list_contains($sites, site_id) and coalesce(cause, 'unexplained') = 'unexplained'
    )::integer as unexplained
