"""Every event of the product, declared once: the level here is the whole logging policy.

``he`` and ``en`` are the text of the line, and its fields follow as ``name=value``: so a line reads in order where
Hebrew and Latin meet. A text holds a value only where that is words too (labels.py) or the specification has it so. A
declaration without texts is all ``name=value``. The docstring is what the operator's guide says of it. ``fold`` is its
worth in a call that has more to say than its budget: 0 is always written, 1 makes room first, then the others.
"""

from __future__ import annotations

from .errors import ExcInfo
from .events import event
from .labels import BODIES, ENDS_OF_LEVELS, FOLDED, REFUSALS, SIGNATURES, STOPS, SUMMARIES, TOKENS, TOOLS, VALUES
from .levels import DEBUG, ERROR, INFO, WARNING

# --- Calls: what production always says ---


@event(INFO, "🚀", fold=0)
def CALL_START(*, call_sid: str = "", business_id: str = "", direction: str, mode: str) -> None:
    """A call begins: its id, the business, the direction and the mode."""


@event(INFO, "✅", tag="DB", he="נטען הקשר לקוח: name={name}, phone={phone}",
       en="customer context loaded: name={name}, phone={phone}", fold=0)  # fmt: skip
def DB_CONTEXT(*, name: str, phone: str) -> None:
    """The customer's context was loaded from the database."""


@event(WARNING, "⚠️", tag="DB", he="מסד הנתונים לא זמין", en="database unavailable")
def DB_UNAVAILABLE(*, error: str, exc_info: ExcInfo = None) -> None:
    """The database did not answer; the call goes on without the customer's context."""


@event(INFO, "🔌", tag="REALTIME", he="התחבר ל-OpenAI ב-{ms}ms", en="connected to OpenAI in {ms}ms", fold=0)
def REALTIME_CONNECTED(*, ms: float) -> None:
    """The connection to OpenAI was made, and how long that took."""


@event(WARNING, "🔁", tag="REALTIME", he="אין חיבור ל-OpenAI", en="no connection to OpenAI")
def REALTIME_RETRY(*, attempt: int, error: str) -> None:
    """The connection to OpenAI could not be made, or broke; it is tried again as long as that makes sense."""


@event(INFO, "🔌", tag="REALTIME", he="החיבור ל-OpenAI חודש", en="session with OpenAI renewed", fold=0)
def REALTIME_RENEWED(*, ms: float) -> None:
    """The session with OpenAI was renewed before its time limit."""


@event(ERROR, "❌", tag="REALTIME", he="התקבלה שגיאה מ-OpenAI", en="OpenAI reported an error")
def REALTIME_ERROR(*, code: str, message: str, exc_info: ExcInfo = None) -> None:
    """OpenAI reported an error that may end the call."""


@event(INFO, "🎤", he="מנגן ברכה", en="playing the greeting", fold=0)
def GREETING() -> None:
    """The greeting is being played."""


@event(INFO, "⏳", he="הלקוח ממתין בשקט ושומע שאנחנו עדיין על הקו",
       en="the caller waits in silence and hears that we are still there")  # fmt: skip
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


@event(INFO, "📅", he="{tool}: {summary}", en="{tool}: {summary}",
       labels={"tool": TOOLS, "summary": SUMMARIES})  # fmt: skip
def TOOL_CALL(*, tool: str, summary: str) -> None:
    """The agent called a tool (appointments and the like)."""


@event(INFO, "✅", he="{summary}", en="{summary}", hidden=("tool",))
def TOOL_RESULT(*, tool: str, summary: str) -> None:
    """What the tool answered."""


@event(INFO, "↩️", he="{summary}", en="{summary}", hidden=("tool",))
def TOOL_REFUSED(*, tool: str, summary: str) -> None:
    """A tool refused what was asked for: nothing failed, and nothing was done."""


@event(ERROR, "❌", he='הכלי "{tool}" נכשל', en='the tool "{tool}" failed', labels={"tool": TOOLS})
def TOOL_FAILED(*, tool: str, error: str, exc_info: ExcInfo = None) -> None:
    """A tool failed; the agent is told so and the call goes on."""


@event(INFO, "✋", he="הלקוח קטע את התגובה", en="the caller interrupted")
def BARGE_IN(*, heard_ms: float) -> None:
    """The caller interrupted the agent, once for each interruption."""


@event(WARNING, "⚠️", he="הנציגה הבטיחה דבר שלא נעשה", en="promised and not done", speech=("text",))
def PROMISE_UNKEPT(*, text: str) -> None:
    """The agent said that something was booked, moved, cancelled or noted, and no tool had done so."""


@event(INFO, "🤫", he="הלקוח שותק ונשאל אם הוא על הקו", en="the caller is silent and is asked whether they are there")
def CALLER_SILENT(*, time: int) -> None:
    """The caller has said nothing for a while and is asked whether they are still there; in the end we hang up."""


@event(DEBUG, he="קול של הלקוח שלא היה קטיעה", en="a sound of the caller's that was no interruption")
def SPOKEN_THROUGH(*, resumed: bool) -> None:
    """A word of assent, a cough or an echo over the agent's words, which went on or were taken up again."""


@event(INFO, "🌫️", he="רעש רצוף בקו", en="noise on the line without a pause")
def LINE_NOISY(*, seconds: float, count: int) -> None:
    """Something sounds on the caller's side without an end: the agent answers what it understood, or says so."""


@event(INFO, "🔢", he="הוקשו מקשים", en="keys pressed")
def DTMF(*, count: int) -> None:
    """Keys were pressed: how many, and never which."""


@event(INFO, "📋", he="השיחה נמשכת", en="the call goes on", speech=("last",), fold=0)
def CALL_GOES_ON(*, turns: int, seconds: float, barge_ins: int | None = None, tools: str | None = None,
                 last: str | None = None, lines: int) -> None:  # fmt: skip
    """A long call goes on: its turns so far, and in place of their own lines the tools, each with its outcome."""


@event(INFO, "📋", he="מה שעוד לא נכתב על השיחה", en="what no line has told of the call yet", speech=("last",), fold=0)
def CALL_DIGEST(*, turns: int, seconds: float, barge_ins: int | None = None, tools: str | None = None,
                last: str | None = None, lines: int) -> None:  # fmt: skip
    """The same once more before a call ends: its turns, and what no line has told yet."""


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
    tokens_in: int | None = None,
    tokens_out: int | None = None,
    cost: float | None = None,
    explains: str | None = None,
) -> None:
    """The call ended: how long, why, its metrics, folded lines, what it cost, and what explains a crash."""


@event(DEBUG, he="רשומת השיחה נשמרה", en="call record saved")
def CALL_RECORD_SAVED(*, record: str) -> None:
    """The call's record is in the database."""


@event(WARNING, "💾", he="מסד הנתונים לא זמין, ורשומת השיחה נשמרה בקובץ",
       en="the database is unavailable, the call record is spooled in a file")  # fmt: skip
def CALL_RECORD_SPOOLED(*, path: str) -> None:
    """The call's record waits in a file until the database is back."""


@event(WARNING, "⚠️", tag="CALL_JOURNAL", he="השיחות לא נכתבות לדיסק, ובקריסה הן יאבדו",
       en="calls are not written to disk, a crash would lose them")  # fmt: skip
def CALL_JOURNAL_FAILED(*, error: str) -> None:
    """What happens in calls cannot be written to disk; it is tried again twice a second, and nothing is forgotten."""


@event(INFO, "💾", tag="CALL_JOURNAL", he="השיחות שוב נכתבות לדיסק", en="calls are written to disk again")
def CALL_JOURNAL_BACK() -> None:
    """The disk takes what happens in calls again."""


@event(WARNING, "💰", he="העלות היומית קרובה לתקרה או הגיעה אליה",
       en="the day's cost is near its limit, or has reached it")  # fmt: skip
def DAY_COST(*, business_id: str = "", spent: float, currency: str, limit: float) -> None:
    """A business has spent four fifths of its budget for the day, or all of it: once a day each."""


@event(WARNING, "💰", he="אין מחיר למודל: הטוקנים נספרים, והעלות לא",
       en="the model has no price: its tokens are counted, its cost is not")  # fmt: skip
def PRICE_UNKNOWN(*, model: str) -> None:
    """A model that the service uses is in no file of prices; said once, when the service starts."""


@event(WARNING, "⛔", he="השיחה נדחתה", en="call refused")
def CALL_REFUSED(*, reason: str) -> None:
    """A call was turned away."""


@event(WARNING, "⛔", he="אסימון השיחה נדחה: {reason}", en="call token rejected: {reason}", labels={"reason": TOKENS})
def TOKEN_REJECTED(*, reason: str) -> None:
    """A media stream came without a valid single-use token."""


@event(WARNING, "⚠️", he="Twilio לא הצליח לפתוח את זרם השמע", en="Twilio could not open the audio stream")
def STREAM_FAILED(*, error: str) -> None:
    """Twilio did not get through to the media stream, or lost it: the caller heard nobody."""


@event(WARNING, "📵", he="שיחות לא הגיעו אל הנציגה", en="calls never reached the agent")
def CALLS_MISSED(*, count: int) -> None:
    """Calls that rang and ended without a word of ours; their businesses are told."""


@event(WARNING, "🕳️", he="שיחות אבדו עם המכונה שלהן", en="calls were lost with their machine")
def CALLS_LOST(*, count: int) -> None:
    """Calls that we had, that are over and left no record: their machine, and the journals on it, are away."""


@event(WARNING, "⚠️", he="הגיעה הודעה לא תקינה מ-Media Streams", en="malformed message from Media Streams")
def MEDIA_MALFORMED(*, error: str) -> None:
    """A message from the telephone leg is malformed and was skipped."""


@event(WARNING, "⛔", he="נסגרו חיבורים נוספים שלא היו שיחות", en="more connections that were no calls were closed")
def STRANGERS_SHOWN_OUT(*, count: int, error: str) -> None:
    """Who connected to the phone line and was no call, counted: they get a line a second in all."""


@event(INFO, "🚦", he="השירות לא מקבל עבודה חדשה וממתין לסיום מה שרץ", en="no new work, waiting for what runs")
def DRAIN_START(*, active: int) -> None:
    """The service takes no more calls or jobs and waits for the running ones."""


@event(INFO, "🚦", he="ההמתנה הסתיימה", en="the wait is over")
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
    """The beginning of a message as it goes over the wire."""


@event(DEBUG)
def HEALTH_PING(*, path: str) -> None:
    """A health check was answered."""


@event(DEBUG, tag="REALTIME", he="שגיאה לא מזיקה מ-OpenAI", en="harmless error from OpenAI")
def REALTIME_BENIGN(*, code: str, message: str) -> None:
    """OpenAI reported an error that is part of normal operation."""


# --- Every service ---


@event(INFO, "🟢", he="השירות עלה", en="the service is up")
def SERVICE_START(*, service: str, version: str, level: str, listen: str) -> None:
    """A process is up, with its version, level and address."""


@event(INFO, "⚫", he="השירות נעצר: {reason}", en="the service stopped: {reason}", labels={"reason": STOPS})
def SERVICE_STOP(*, reason: str) -> None:
    """A process ends in an orderly way."""


@event(
    WARNING,
    "🎭",
    he="מצב הדגמה: הנציגה הקולית מדומה. ליציאה: להגדיר את מפתחות הספקים ואת DEMO=0 בקובץ .env ולהריץ make up-prod",
    en="the voice agent is simulated. To leave: set DEMO=0 and the providers' keys in .env and run make up-prod",
)
def DEMO() -> None:
    """The service runs against the simulator."""


@event(WARNING, "⚠️", he="ערך לא תקין בהגדרת לוג, {name}={value}",
       en="invalid log setting, {name}={value}", labels={"valid": VALUES})  # fmt: skip
def CONFIG_INVALID(*, name: str, value: str, valid: str, fallback: str) -> None:
    """A logging setting has a value that is not valid."""


@event(WARNING, "🕳️", he="אבדו שורות לוג", en="log lines were lost")
def LOG_DROPPED(*, total: int, losses: str) -> None:
    """Lines were lost since the last such line: how many, by level and cause."""


@event(WARNING, "🕳️", he="חלק מה-spans לא נשלחו", en="some spans of traces were not sent")
def SPANS_LOST(*, count: int, error: str) -> None:
    """The receiver of traces did not take some; calls go on, and prosaas_spans_lost_total counts."""


@event(WARNING, "🎚️", he="רמת הלוג שונתה", en="log level changed")
def LOG_LEVEL_CHANGED(*, level: str, target: str, for_s: float, by: str) -> None:
    """An operator changed a level while the service ran."""


@event(WARNING, "🎚️", he="רמת הלוג חזרה לקודמת: {why}", en="log level taken back: {why}", labels={"why": ENDS_OF_LEVELS})
def LOG_LEVEL_REVERTED(*, level: str, target: str, why: str) -> None:
    """A temporary level is over or was taken back."""


@event(WARNING, "📼", he="הקופסה השחורה נכתבה", en="the black box was written")
def BLACKBOX_WRITTEN(*, path: str, records: int) -> None:
    """The black box of a call, request or job was written to a file."""


@event(WARNING, "📼", he="הקופסה השחורה לא נכתבה", en="the black box was not written")
def BLACKBOX_FAILED(*, count: int, error: str) -> None:
    """What the black box held of a call, request or job could not be written, or was too much at once."""


@event(INFO, "🗂️", he="שורות שגרתיות לא נכתבו ללוג. {where}",
       en="routine lines kept out of the log. {where}", labels={"where": FOLDED})  # fmt: skip
def LINES_FOLDED(*, count: int, loggers: str, where: str) -> None:
    """A scope ended, and no line told of the routine lines kept out of the log: how many, whose, where they are."""


@event(INFO, "🏷️", he="נודע מזהה השיחה", en="the id of the call became known")
def SCOPE_NAMED(*, former: str, now: str) -> None:
    """The id of a call became known after it had begun; what was said before went by another one."""


@event(WARNING, "🔁", he="אותה שורה חזרה שוב ושוב", en="the same line again")
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


@event(ERROR, "❌", he="הבקשה נכשלה", en="the request failed")
def HTTP_FAILED(*, method: str, path: str, exc_info: ExcInfo = None) -> None:
    """A request failed with an error of ours."""


@event(INFO, "📞")
def VOICE_WEBHOOK(
    *, call_sid: str = "", business_id: str = "", from_number: str = "", waited_ms: int | None = None
) -> None:
    """Twilio asked what to do with an incoming call."""


@event(WARNING, "⛔", he="השיחה נדחתה: {reason}", en="call refused: {reason}", labels={"reason": REFUSALS})
def VOICE_REFUSED(*, reason: str, attempt: int | None = None) -> None:
    """An incoming call was turned away."""


@event(WARNING, "⛔", he="הבקשה נדחתה: {reason}", en="request refused: {reason}", labels={"reason": SIGNATURES})
def SIGNATURE_REJECTED(*, source: str, reason: str) -> None:
    """A webhook's signature does not match."""


@event(WARNING, "⛔", he="גוף הבקשה לא תקין: {reason}", en="bad body: {reason}", labels={"reason": BODIES})
def BODY_REJECTED(*, source: str, reason: str) -> None:
    """A webhook's body is not valid."""


@event(INFO, "✏️", he="העסק שונה", en="the business was changed")
def BUSINESS_CHANGED(*, business_id: str, what: str, by: str) -> None:
    """Over the REST interface a business was made, fields of it changed, or a key of its own made or revoked."""


@event(INFO, "📲", he="תוצאת ההעברה לנציג", en="what became of the transfer")
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


@event(WARNING, "❓", he="המספר לא שייך לאף עסק", en="no business has the number")
def UNKNOWN_BUSINESS(*, to_number: str) -> None:
    """A call or a message is for a number that no business has."""


# --- worker ---


@event(INFO, "🟢", he="העובד עלה", en="the worker is up")
def WORKER_START(*, version: str = "", queues: str, concurrency: int) -> None:
    """The worker takes jobs."""


@event(INFO, "📥", hidden=("key",))
def JOB_ENQUEUED(*, job: str, queued_id: str = "", key: str = "") -> None:
    """A job was added."""


@event(INFO, "✅", he="המשימה הסתיימה", en="the job is done", fold=0)
def JOB_DONE(*, job: str, ms: float) -> None:
    """A job ended well."""


@event(WARNING, "🔁", he="המשימה נכשלה ותרוץ שוב", en="the job failed and will run again")
def JOB_RETRY(*, job: str, attempt: int, delay_s: float, error: str) -> None:
    """A job failed and will run again."""


@event(ERROR, "❌", he="המשימה נכשלה סופית", en="the job failed for good")
def JOB_FAILED(*, job: str, attempts: int, exc_info: ExcInfo = None) -> None:
    """A job failed for good."""


@event(INFO, "🧹", tag="WHATSAPP_SESSION", he="נמצאו sessions ישנות", en="stale sessions found")
def WHATSAPP_SESSION_STALE(*, check: int, count: int) -> None:
    """Stale WhatsApp sessions were found, only when there are any."""


@event(DEBUG, he="Check #{check}: Found 0 stale sessions", en="Check #{check}: Found 0 stale sessions")
def WHATSAPP_SESSION(*, check: int) -> None:
    """The sweep for stale WhatsApp sessions found none."""


@event(INFO, "📤")
def WHATSAPP_SENT(*, sent_id: str, channel: str) -> None:
    """A message of ours went out: its id; that of the message it answers stands at the end of the line."""


@event(INFO, "📤")
def SMS_SENT(*, sent_id: str) -> None:
    """A text message of ours went out, a reminder or word to the business: its id."""


@event(WARNING, "⚠️", he="ההודעה לא נשלחה", en="the message could not be sent")
def WHATSAPP_SEND_FAILED(*, error: str, message_id: str = "", exc_info: ExcInfo = None) -> None:
    """A WhatsApp message could not be sent."""


@event(WARNING, "⚠️", he="ההודעה לא נשלחה", en="the message could not be sent")
def SMS_SEND_FAILED(*, error: str) -> None:
    """A text message, a reminder or word to the business, could not be sent."""


@event(WARNING, "🔁", he="בקשה לשירות אחר נכשלה ותישלח שוב",
       en="a request to another service failed and will be sent again")  # fmt: skip
def OUTBOUND_RETRY(*, host: str, status: int | str, attempt: int, delay_s: float) -> None:
    """A request to another service failed and will be sent again."""


@event(WARNING, "🚧", he="שירות אחר נכשל שוב ושוב, והבקשות אליו נחסמות לזמן מה",
       en="another service keeps failing, requests to it are held back")  # fmt: skip
def CIRCUIT_OPEN(*, host: str) -> None:
    """Another service failed again and again, and requests to it are held back for a while (circuit breaker)."""


@event(INFO, "🚧", he="השירות האחר שוב זמין", en="the other service is back")
def CIRCUIT_CLOSED(*, host: str) -> None:
    """Another service answers again."""


@event(WARNING, "⚠️", he="תור המשימות לא זמין, וננסה שוב", en="the job queue is out of reach, trying again")
def QUEUE_LOST(*, error: str, exc_info: ExcInfo = None) -> None:
    """The worker lost its connection to the queue; nothing is lost, jobs wait."""


@event(INFO, "🔌", he="תור המשימות שוב זמין", en="the job queue is back")
def QUEUE_BACK(*, away_s: float) -> None:
    """The worker takes jobs again."""


@event(INFO, "💾", he="רשומת שיחה שהמתינה בקובץ נשמרה במסד הנתונים",
       en="a call record that waited in a file is in the database now")  # fmt: skip
def CALL_RECORD_IMPORTED(*, path: str, new: bool) -> None:
    """A call record that waited in a file is stored; `new` says whether the call had none before."""


@event(ERROR, "❌", he="קובץ שהמתין אינו רשומת שיחה", en="a file that waited is no call record")
def CALL_RECORD_UNREADABLE(*, path: str, error: str) -> None:
    """A file in the spool cannot be read and was set aside beside it."""


@event(INFO, "🧹", he="נמחק מה שתקופת השמירה שלו הסתיימה", en="what was kept long enough is removed")
def RETENTION(*, removed: str, ms: float) -> None:
    """The daily sweep removed what has been kept for as long as its setting says: how much of what."""


@event(ERROR, "❌", he="מטלה קבועה נכשלה ותרוץ שוב במועד הבא",
       en="a recurring chore failed and will run again at its next time")  # fmt: skip
def CHORE_FAILED(*, chore: str, error: str, exc_info: ExcInfo = None) -> None:
    """A recurring chore of the worker failed; it runs again at its next time."""
