"""The jobs, one a file, and the timetable of those that recur."""

from math import inf

from prosaas_core.jobs import (
    APPOINTMENT_REMIND,
    BUSINESS_TELL,
    CALL_SUMMARISE,
    CALLS_IMPORT_SPOOL,
    RETENTION_SWEEP,
    SESSIONS_SWEEP,
    WHATSAPP_REPLY,
)
from prosaas_core.patience import Patience
from prosaas_worker.jobs import (
    appointment_remind,
    business_tell,
    call_summarise,
    calls_import_spool,
    retention_sweep,
    sessions_sweep,
    whatsapp_reply,
)

JOBS = {
    CALL_SUMMARISE: call_summarise.run,
    WHATSAPP_REPLY: whatsapp_reply.run,
    APPOINTMENT_REMIND: appointment_remind.run,
    BUSINESS_TELL: business_tell.run,
}

# How long each is tried: a reply for the day in which WhatsApp takes it, a reminder until its hour, which it knows
# itself, a summary for a week, word to the business for a day.
PATIENCE = {
    CALL_SUMMARISE: Patience(longest_s=1800, total_s=7 * 86_400),
    WHATSAPP_REPLY: Patience(total_s=86_400),
    APPOINTMENT_REMIND: Patience(total_s=inf),
    BUSINESS_TELL: Patience(total_s=86_400),
}

# Cron with a sixth field for seconds; one worker of several takes each turn.
TIMETABLE = {
    SESSIONS_SWEEP: ("*/5 * * * *", sessions_sweep.run),
    RETENTION_SWEEP: ("40 2 * * *", retention_sweep.run),
    CALLS_IMPORT_SPOOL: ("* * * * * */15", calls_import_spool.run),
}
