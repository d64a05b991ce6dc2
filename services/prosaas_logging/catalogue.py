"""Every event of the product, declared once: the level here is the whole logging policy.

``he`` and ``en`` are the text of the line; fields that they do not name follow as ``name=value``. A declaration without
texts is all ``name=value``. The docstring is what the operator's guide says of the event. ``fold`` is its worth in a
call that has more to say than its budget: 0 is always written, 1 makes room first, the others after those.
"""

from __future__ import annotations

from typing import Final

from .errors import ExcInfo
from .events import event
from .levels import DEBUG, ERROR, INFO, WARNING

TOOL_LABELS: Final = {
    "check_availability": ("בדיקת זמינות", "checking availability"),
    "book_appointment": ("קביעת פגישה", "booking an appointment"),
    "reschedule_appointment": ("העברת פגישה", "moving an appointment"),
    "cancel_appointment": ("ביטול פגישה", "cancelling an appointment"),
    "my_appointments": ("התורים של הלקוח", "the caller's appointments"),
    "find_customer": ("חיפוש לקוח", "looking up the customer"),
    "transfer_to_human": ("העברה לנציג", "transferring to a person"),
    "end_call": ("סיום שיחה", "ending the call"),
    "take_message": ("רישום הודעה", "taking a message"),
    "stay_on_the_line": ("המשך השיחה", "going on with the call"),
}
_TOOL: Final = {"tool": TOOL_LABELS}

# --- Calls: what production always says ---


@event(INFO, "🚀", fold=0)
def CALL_START(*, call_sid: str = "", business_id: str = "", direction: str, mode: str) -> None:
    """A call begins: its id, the business, the direction and the mode."""


@event(INFO, "✅", tag="DB", he="נטען הקשר לקוח: name={name}, phone={phone}",
       en="customer context loaded: name={name}, phone={phone}", fold=0)  # fmt: skip
def DB_CONTEXT(*, name: str, phone: str) -> None:
    """The customer's context was loaded from the database."""


@event(WARNING, "⚠️", tag="DB", he="מסד הנתונים לא זמין: {error}", en="database unavailable: {error}")
def DB_UNAVAILABLE(*, error: str, exc_info: ExcInfo = None) -> None:
    """The database did not answer; the call goes on without the customer's context."""


@event(INFO, "🔌", tag="REALTIME", he="התחבר ל-OpenAI ב-{ms}ms", en="connected to OpenAI in {ms}ms", fold=0)
def REALTIME_CONNECTED(*, ms: float) -> None:
    """The connection to OpenAI stands, and how long it took."""


@event(WARNING, "🔁", tag="REALTIME", he="ניסיון חיבור {attempt} נכשל: {error}", en="attempt {attempt} failed: {error}")
def REALTIME_RETRY(*, attempt: int, error: str) -> None:
    """Connecting to OpenAI failed and is tried again."""


@event(INFO, "🔌", tag="REALTIME", he="החיבור ל-OpenAI חודש ב-{ms}ms", en="session renewed in {ms}ms", fold=0)
def REALTIME_RENEWED(*, ms: float) -> None:
    """The session with OpenAI was renewed before its time limit."""


@event(ERROR, "❌", tag="REALTIME", he="שגיאת OpenAI: {code}: {message}", en="OpenAI error: {code}: {message}")
def REALTIME_ERROR(*, code: str, message: str, exc_info: ExcInfo = None) -> None:
    """OpenAI reported an error that the call may not survive."""


@event(INFO, "🎤", he="מנגן ברכה", en="playing the greeting", fold=0)
def GREETING() -> None:
    """The greeting is being played."""


@event(
    INFO, "⏳", he="הלקוח ממתין בשקט, נאמר לו להמתין רגע", en="the caller waits in silence and hears a word of comfort"
)
def COMFORT() -> None:
    """The caller has waited in silence, for the model, a tool or a connection, and hears that we are still there."""


@event(INFO, "💬", tag="TRANSCRIPT", he='לקוח: "{text}"', en='customer: "{text}"', speech=("text",))
def TRANSCRIPT_CUSTOMER(*, text: str) -> None:
    """What the customer said, a turn at a time, never word by word."""


@event(INFO, "💬", tag="TRANSCRIPT", he='AI: "{text}"', en='AI: "{text}"', speech=("text",))
def TRANSCRIPT_AI(*, text: str) -> None:
    """What the agent said, a turn at a time."""


@event(INFO, "🤖", fold=1)
def RESPONSE_CREATED(*, response_id: str) -> None:
    """The agent began a response."""


@event(INFO, "🏁", he="response_id={response_id}, {status}, {ms}ms", en="response_id={response_id}, {status}, {ms}ms",
       fold=1)  # fmt: skip
def RESPONSE_DONE(*, response_id: str, status: str, ms: float) -> None:
    """The agent's response ended: how, and how long it took."""


@event(INFO, "📅", he="{tool}: {summary}", en="{tool}: {summary}", labels=_TOOL)
def TOOL_CALL(*, tool: str, summary: str) -> None:
    """The agent called a tool (appointments and the like)."""


@event(INFO, "✅", he="{summary}", en="{summary}", hidden=("tool",))
def TOOL_RESULT(*, tool: str, summary: str) -> None:
    """What the tool answered."""


@event(INFO, "↩️", he="{summary}", en="{summary}", hidden=("tool",))
def TOOL_REFUSED(*, tool: str, summary: str) -> None:
    """A tool refused what was asked for: nothing failed, and nothing was done."""


@event(ERROR, "❌", he="{tool} נכשל: {error}", en="{tool} failed: {error}", labels=_TOOL)
def TOOL_FAILED(*, tool: str, error: str, exc_info: ExcInfo = None) -> None:
    """A tool failed; the agent is told so and the call goes on."""


@event(INFO, "✋", he="הלקוח קטע את התשובה אחרי {heard_ms}ms", en="the caller interrupted after {heard_ms}ms")
def BARGE_IN(*, heard_ms: float) -> None:
    """The caller interrupted the agent, once for each interruption."""


@event(INFO, "🤫", he="הלקוח שותק, נשאל בפעם ה-{time} אם הוא על הקו",
       en="the caller is silent and is asked whether they are there, time {time}", fold=2)  # fmt: skip
def CALLER_SILENT(*, time: int) -> None:
    """The caller has said nothing for a while and is asked whether they are still there; in the end we hang up."""


@event(DEBUG, he="קול של הלקוח שלא היה קטיעה: resumed={resumed}",
       en="a sound of the caller's that was no interruption: resumed={resumed}")  # fmt: skip
def SPOKEN_THROUGH(*, resumed: bool) -> None:
    """A word of assent, a cough or an echo over the agent's words, which went on or were taken up again."""


@event(INFO, "🌫️", he="רעש רצוף בקו מזה {seconds} שניות, בפעם ה-{count}",
       en="noise on the line for {seconds} seconds without a pause, time {count}", fold=2)  # fmt: skip
def LINE_NOISY(*, seconds: float, count: int) -> None:
    """Something sounds on the caller's side without an end: the agent answers what it understood, or says so."""


@event(INFO, "🔢", he="הוקשו {count} ספרות", en="{count} digits pressed")
def DTMF(*, count: int) -> None:
    """Keys were pressed: how many, never which."""


@event(INFO, "📋", he="תורים נוספים: {turns} ב-{seconds}s, עד כה {so_far}",
       en="turns since: {turns} in {seconds}s, so far {so_far}", speech=("last",), fold=0)  # fmt: skip
def CALL_GOES_ON(
    *,
    turns: int,
    seconds: float,
    so_far: int,
    barge_ins: int | None = None,
    tools: str | None = None,
    last: str | None = None,
    lines: int,
) -> None:
    """A long call goes on: the turns, interruptions and tools, each with its outcome, in place of their own lines."""


@event(INFO, "🔚", he="משך={duration_s}s, סיבה={reason}", en="duration={duration_s}s, reason={reason}", fold=0)
def CALL_END(
    *,
    duration_s: float,
    reason: str,
    turns: int | None = None,
    barge_ins: int | None = None,
    false_interruptions: int | None = None,
    tools: int | None = None,
    first_audio_ms: float | None = None,
    response_p50_ms: float | None = None,
    response_p95_ms: float | None = None,
    frames_in: int | None = None,
    frames_out: int | None = None,
    folded: int | None = None,
    explains: str | None = None,
) -> None:
    """The call ended: how long, why, its metrics, how many lines were folded away, and what explains a crash."""


@event(DEBUG, he="רשומת השיחה נשמרה: {record}", en="call record saved: {record}")
def CALL_RECORD_SAVED(*, record: str) -> None:
    """The call's record is in the database."""


@event(WARNING, "💾", he="מסד הנתונים לא זמין, רשומת השיחה נשמרה בקובץ {path}",
       en="the database is unavailable, the call record is spooled in {path}")  # fmt: skip
def CALL_RECORD_SPOOLED(*, path: str) -> None:
    """The call's record waits in a file until the database is back."""


@event(WARNING, "⚠️", tag="CALL_JOURNAL", he="השיחות לא נכתבות לדיסק, ונפילה תאבד אותן: {error}",
       en="calls are not written to disk, a crash would lose them: {error}")  # fmt: skip
def CALL_JOURNAL_FAILED(*, error: str) -> None:
    """What happens in calls cannot be written to disk; it is tried again twice a second, and nothing is forgotten."""


@event(INFO, "💾", tag="CALL_JOURNAL", he="השיחות שוב נכתבות לדיסק", en="calls are written to disk again")
def CALL_JOURNAL_BACK() -> None:
    """The disk takes what happens in calls again."""


@event(WARNING, "⛔", he="שיחה נדחתה: {reason}", en="call refused: {reason}")
def CALL_REFUSED(*, reason: str) -> None:
    """A call was not admitted."""


@event(WARNING, "⛔", he="אסימון השיחה נדחה: {reason}", en="call token rejected: {reason}")
def TOKEN_REJECTED(*, reason: str) -> None:
    """A media stream came without a valid single-use token."""


@event(WARNING, "⚠️", he="הודעת Media Streams לא תקינה: {error}", en="malformed Media Streams message: {error}")
def MEDIA_MALFORMED(*, error: str) -> None:
    """A message from the telephone leg was not understood and was skipped."""


@event(WARNING, "⛔", he="{count} חיבורים נוספים לא היו שיחות ונסגרו, הסיבה האחרונה: {error}",
       en="{count} more connections were no calls and were closed, the last one because of: {error}")  # fmt: skip
def STRANGERS_SHOWN_OUT(*, count: int, error: str) -> None:
    """Who connected to the phone line and was no call, counted: they get a line a second in all."""


@event(INFO, "🚦", he="לא מקבל עוד עבודה, פעילות: {active}", en="no new work, active: {active}")
def DRAIN_START(*, active: int) -> None:
    """The service takes no more calls or jobs and waits for the running ones."""


@event(INFO, "🚦", he="סיום המתנה, נותרו: {left}", en="drained, left: {left}")
def DRAIN_END(*, left: int) -> None:
    """The wait for running calls or jobs is over; what is left was cut off."""


# --- Calls: what only development sees ---


@event(DEBUG, tag="TX_RESPONSE", he="start response_id={response_id}", en="start response_id={response_id}")
def TX_RESPONSE_START(*, response_id: str) -> None:
    """The first audio of a response goes to the caller."""


@event(DEBUG, tag="TX_RESPONSE", he="end response_id={response_id}", en="end response_id={response_id}")
def TX_RESPONSE_END(*, response_id: str) -> None:
    """The last audio of a response went to the caller."""


@event(DEBUG)
def AUDIO_DELTA(*, response_id: str, bytes: int) -> None:
    """A piece of the agent's audio, frame by frame."""


@event(DEBUG)
def MEDIA_IN(*, seq: int, bytes: int) -> None:
    """A frame of the caller's audio, every 20 ms."""


@event(DEBUG)
def RMS(*, rms: float) -> None:
    """The loudness of a frame."""


@event(DEBUG)
def WATCHDOG(*, idle_s: float) -> None:
    """The watchdog looked at a call and found it alive."""


@event(DEBUG)
def QUEUE_SIZE(*, size: int) -> None:
    """The length of the queue of outgoing audio."""


@event(DEBUG)
def MARK(*, name: str, action: str) -> None:
    """A mark was sent or came back."""


@event(DEBUG, speech=("preview",))
def PAYLOAD_PREVIEW(*, type: str, preview: str) -> None:
    """The beginning of a message on the wire."""


@event(DEBUG)
def HEALTH_PING(*, path: str) -> None:
    """A health check was answered."""


@event(DEBUG, tag="REALTIME", he="שגיאה שאינה מזיקה: {code}: {message}", en="harmless error: {code}: {message}")
def REALTIME_BENIGN(*, code: str, message: str) -> None:
    """OpenAI reported an error that is part of normal operation."""


# --- Every service ---


@event(INFO, "🟢", he="{service} עלה: version={version}, level={level}, listen={listen}",
       en="{service} is up: version={version}, level={level}, listen={listen}")  # fmt: skip
def SERVICE_START(*, service: str, version: str, level: str, listen: str) -> None:
    """A process is up, with its version, level and address."""


@event(INFO, "⚫", he="השירות נעצר: {reason}", en="stopped: {reason}")
def SERVICE_STOP(*, reason: str) -> None:
    """A process ends in an orderly way."""


@event(
    WARNING,
    "🎭",
    he="מצב הדגמה: הסוכן הקולי מדומה. ליציאה: להגדיר DEMO=0 ואת מפתחות הספקים ב-.env ולהריץ make up-prod",
    en="the voice agent is simulated. To leave: set DEMO=0 and the providers' keys in .env and run make up-prod",
)
def DEMO() -> None:
    """The service runs against the simulator."""


@event(WARNING, "⚠️", he="ערך לא תקין {name}={value}, ערכים תקינים: {valid}. ממשיך עם {fallback}",
       en="invalid {name}={value}, valid: {valid}. Going on with {fallback}")  # fmt: skip
def CONFIG_INVALID(*, name: str, value: str, valid: str, fallback: str) -> None:
    """A logging setting has a value that is not understood."""


@event(WARNING, "🕳️", he="אבדו {total} שורות לוג: {losses}", en="{total} log lines were lost: {losses}")
def LOG_DROPPED(*, total: int, losses: str) -> None:
    """Lines were lost since the last such line: how many, by level and cause."""


@event(WARNING, "🎚️", he="רמת הלוג של {target}: {level} למשך {for_s}s", en="log level of {target}: {level} for {for_s}s")
def LOG_LEVEL_CHANGED(*, level: str, target: str, for_s: float, by: str) -> None:
    """An operator changed a level while the service ran."""


@event(
    WARNING, "🎚️", he="רמת הלוג של {target} חזרה ל-{level} ({why})", en="log level of {target} is {level} again ({why})"
)
def LOG_LEVEL_REVERTED(*, level: str, target: str, why: str) -> None:
    """A temporary level ended."""


@event(
    WARNING,
    "📼",
    he="{records} רשומות של הקלטת הדיבוג נכתבו ל-{path}",
    en="{records} recorded entries written to {path}",
)
def BLACKBOX_WRITTEN(*, path: str, records: int) -> None:
    """The flight recorder of a call, request or job was written out."""


@event(
    WARNING,
    "📼",
    he="הקלטות דיבוג שלא נכתבו: {count} ({error})",
    en="flight recordings not written: {count} ({error})",
)
def BLACKBOX_FAILED(*, count: int, error: str) -> None:
    """What the flight recorder held of a call, request or job could not be written out, or was too much at once."""


@event(
    INFO,
    "🗂️",
    he="קופלו {count} שורות שגרה: {loggers}. {where}",
    en="{count} routine lines folded away: {loggers}. {where}",
    labels={
        "where": {
            "recorder": (
                "הן נשמרות רק אם הטיפול נכשל; LOG_FOLDED=file שומר אותן תמיד",
                "They are kept only if this fails; LOG_FOLDED=file always keeps them",
            )
        }
    },
)
def LINES_FOLDED(*, count: int, loggers: str, where: str) -> None:
    """A scope ended with lines folded away that no line had told of: how many, whose, and where they are."""


@event(INFO, "🏷️", he="{former} הוא {now}", en="{former} is {now}")
def SCOPE_NAMED(*, former: str, now: str) -> None:
    """The id of a call became known after it had begun; what was said before went by another one."""


@event(WARNING, "🔁", he="חזר {count} פעמים ב-{seconds}s: {last}", en="repeated {count} times in {seconds}s: {last}")
def REPEATED(*, count: int, seconds: float, last: str) -> None:
    """The same warning or error kept coming; this line stands for the ones that were not written."""


@event(INFO, he="{text}", en="{text}")
def STDOUT(*, text: str) -> None:
    """Something printed to standard output."""


@event(WARNING, he="{text}", en="{text}")
def STDERR(*, text: str) -> None:
    """Something printed to standard error."""


# --- prosaas-api ---


@event(DEBUG, he="{method} {path} {status} {ms}ms", en="{method} {path} {status} {ms}ms")
def HTTP_REQUEST(*, method: str, path: str, status: int, ms: float) -> None:
    """A request was answered."""


@event(ERROR, "❌", he="{method} {path} נכשל", en="{method} {path} failed")
def HTTP_FAILED(*, method: str, path: str, exc_info: ExcInfo = None) -> None:
    """A request failed with an error of ours."""


@event(INFO, "📞")
def VOICE_WEBHOOK(*, call_sid: str = "", business_id: str = "", from_number: str = "") -> None:
    """Twilio asked what to do with an incoming call."""


@event(WARNING, "⛔", he="שיחה נדחתה: {reason}", en="call refused: {reason}")
def VOICE_REFUSED(*, reason: str) -> None:
    """An incoming call was not accepted."""


@event(WARNING, "⛔", he="חתימה שגויה מ-{source}: {reason}", en="bad signature from {source}: {reason}")
def SIGNATURE_REJECTED(*, source: str, reason: str) -> None:
    """A webhook's signature does not match."""


@event(WARNING, "⛔", he="גוף בקשה לא תקין מ-{source}: {reason}", en="bad body from {source}: {reason}")
def BODY_REJECTED(*, source: str, reason: str) -> None:
    """A webhook's body was not understood."""


@event(INFO, "📲", he="תוצאת ההעברה לנציג: {status}", en="what became of the transfer: {status}")
def TRANSFER_RESULT(*, status: str) -> None:
    """Twilio reported whether a person took the transferred call; if none did, the caller is back with the agent."""


@event(INFO, "📞")
def CALL_STATUS(*, call_sid: str = "", status: str, duration_s: float | None = None) -> None:
    """Twilio reported how a call ended."""


@event(INFO, "🟩")
def WHATSAPP_STATUS(*, status: str, channel: str, number: str | None = None, limit: str | None = None) -> None:
    """The state of the WhatsApp connection changed: verified, working again, or what the provider tells of it."""


@event(WARNING, "🟥", tag="WHATSAPP_STATUS")
def WHATSAPP_IMPAIRED(
    *, status: str, channel: str, code: str = "", number: str | None = None, limit: str | None = None
) -> None:
    """WhatsApp works badly or not at all: a refused token, a limit reached, an account or a number restricted."""


@event(INFO, "📩")
def WHATSAPP_RECEIVED(*, message_id: str, channel: str) -> None:
    """A WhatsApp message came in: its id, never its content."""


@event(DEBUG)
def WHATSAPP_DUPLICATE(*, message_id: str) -> None:
    """A WhatsApp message came in once more and was ignored."""


@event(WARNING, "❓", he="אין עסק למספר {to_number}", en="no business has the number {to_number}")
def UNKNOWN_BUSINESS(*, to_number: str) -> None:
    """A call or a message is for a number that no business has."""


# --- worker ---


@event(INFO, "🟢")
def WORKER_START(*, version: str = "", queues: str, concurrency: int) -> None:
    """The worker takes jobs."""


@event(INFO, "📥", hidden=("key",))
def JOB_ENQUEUED(*, job: str, job_id: str = "", key: str = "") -> None:
    """A job was added."""


@event(INFO, "✅", he="{job} הסתיים ב-{ms}ms", en="{job} done in {ms}ms", fold=0)
def JOB_DONE(*, job: str, ms: float) -> None:
    """A job ended well."""


@event(WARNING, "🔁", he="{job} נכשל בניסיון {attempt}, שוב בעוד {delay_s}s: {error}",
       en="{job} failed at attempt {attempt}, again in {delay_s}s: {error}")  # fmt: skip
def JOB_RETRY(*, job: str, attempt: int, delay_s: float, error: str) -> None:
    """A job failed and will be tried again."""


@event(ERROR, "❌", he="{job} נכשל אחרי {attempts} ניסיונות", en="{job} failed after {attempts} attempts")
def JOB_FAILED(*, job: str, attempts: int, exc_info: ExcInfo = None) -> None:
    """A job failed for good."""


@event(INFO, "🧹", tag="WHATSAPP_SESSION", he="Check #{check}: Found {count} stale sessions",
       en="Check #{check}: Found {count} stale sessions")  # fmt: skip
def WHATSAPP_SESSION_STALE(*, check: int, count: int) -> None:
    """Stale WhatsApp sessions were found, only when there are any."""


@event(DEBUG, he="Check #{check}: Found 0 stale sessions", en="Check #{check}: Found 0 stale sessions")
def WHATSAPP_SESSION(*, check: int) -> None:
    """The sweep for stale WhatsApp sessions found none."""


@event(INFO, "📤")
def WHATSAPP_SENT(*, sent_id: str, channel: str) -> None:
    """A message of ours went out: its id; that of the message it answers stands at the end of the line."""


@event(WARNING, "⚠️", he="שליחת WhatsApp נכשלה: {error}", en="sending WhatsApp failed: {error}")
def WHATSAPP_SEND_FAILED(*, error: str, message_id: str = "", exc_info: ExcInfo = None) -> None:
    """A WhatsApp message could not be sent."""


@event(WARNING, "🔁", he="{host} ענה {status}, ניסיון {attempt} בעוד {delay_s}s",
       en="{host} answered {status}, attempt {attempt} in {delay_s}s")  # fmt: skip
def OUTBOUND_RETRY(*, host: str, status: int | str, attempt: int, delay_s: float) -> None:
    """A request to another service is tried again."""


@event(WARNING, "🚧", he="{host} לא זמין, בקשות נעצרות", en="{host} is failing, requests are held back")
def CIRCUIT_OPEN(*, host: str) -> None:
    """Another service fails so often that it gets a rest."""


@event(INFO, "🚧", he="{host} חזר", en="{host} is back")
def CIRCUIT_CLOSED(*, host: str) -> None:
    """Another service answers again."""


@event(WARNING, "⚠️", he="התור לא זמין, מנסה שוב: {error}", en="the queue is out of reach, trying again: {error}")
def QUEUE_LOST(*, error: str, exc_info: ExcInfo = None) -> None:
    """The worker lost its connection to the queue; nothing is lost, jobs wait."""


@event(INFO, "🔌", he="התור חזר אחרי {away_s}s", en="the queue is back after {away_s}s")
def QUEUE_BACK(*, away_s: float) -> None:
    """The worker takes jobs again."""


@event(
    INFO, "💾", he="רשומת שיחה מהקובץ {path} נשמרה במסד הנתונים", en="the call record in {path} is in the database now"
)
def CALL_RECORD_IMPORTED(*, path: str, new: bool) -> None:
    """A call record that waited in a file is stored; new says whether the call had none before."""


@event(ERROR, "❌", he="הקובץ {path} אינו רשומת שיחה: {error}", en="{path} is no call record: {error}")
def CALL_RECORD_UNREADABLE(*, path: str, error: str) -> None:
    """A file in the spool cannot be read and was set aside beside it."""


@event(INFO, "🧹", he="נמחק בתום תקופת השמירה: {removed}", en="kept long enough and removed: {removed}")
def RETENTION(*, removed: str, ms: float) -> None:
    """The daily sweep removed what has been kept for as long as its setting says: how much of what."""


@event(ERROR, "❌", he="{chore} נכשל, שוב במועד הבא: {error}", en="{chore} failed, again at its next time: {error}")
def CHORE_FAILED(*, chore: str, error: str, exc_info: ExcInfo = None) -> None:
    """A recurring chore of the worker failed; it runs again at its next time."""
