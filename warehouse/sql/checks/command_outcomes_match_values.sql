-- purpose: the outcome of a command agrees with what was read back, with its attempts, and with its reason
-- returns: site, command, what was asked and read back, the outcome, how often it was sent
-- sources: main.commands
select site_id, command_id, name, value_asked, value_after, outcome, attempts
from main.commands
-- tariffs are the same by their prices, so their checksums may differ; all other values are compared as they are, without a tolerance
where (outcome = 'applied' and value_after is null)
    or (outcome = 'applied' and name <> 'tariff' and value_after <> value_asked)
    or (outcome in ('accepted_unconfirmed', 'failed') and value_after = value_asked and vehicle is null)
    or (outcome = 'accepted_absent' and value_after is not null)
    or (outcome in ('accepted_unconfirmed', 'accepted_absent', 'rejected') and attempts = 0)
    -- a command to a car that did not wake is not sent, and may be later
    or (outcome in ('done', 'refused', 'needs_owner') and attempts = 0)
    or (outcome not in ('applied', 'done') and reason is null)
    or (may_have_succeeded and outcome <> 'failed')
order by site_id, command_id
