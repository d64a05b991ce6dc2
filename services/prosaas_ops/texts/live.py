"""The words of `make go-live`: what it asks, what providers say of it, and whether the world reaches this machine."""

from typing import Final

from prosaas_ops.texts import Text

# What is asked, and what became of it
MISSING: Final = Text("חסר {name}: {what}", "{name} is missing: {what}")
SET_IT: Final = Text("{name}= בקובץ .env, או make go-live בטרמינל", "{name}= in .env, or make go-live in a terminal")
NOT_SHOWN: Final = Text(" (לא יוצג)", " (not shown)")
NOT_SETTLED: Final = Text("{name} לא נקבע; דבר לא נכתב", "{name} is not settled; nothing was written")
NO_DEMO: Final = Text("הדמו, שממנו ממשיכים, לא רץ", "the demo is not running, and this command starts from it")
DEMO_FIRST: Final = Text("make up-prod ואז make go-live", "make up-prod, then make go-live")
STARTING: Final = Text("מפעילים את המערכת האמיתית", "starting it for real")
NOW_CALL: Final = Text(
    "עכשיו להתקשר אל {number}, ואז: make trace PHONE= עם המספר שממנו התקשרתם",
    "now call {number}, and then: make trace PHONE= with the number that you called from",
)
ADDRESS_OWN: Final = Text(
    "כתובת: {address}, מאחורי TLS proxy משלכם (PUBLIC_URL)",
    "address: {address}, behind a TLS proxy of your own (PUBLIC_URL)",
)
HOST: Final = Text(
    "השם שבו הספקים פונים למחשב הזה, למשל voice.example.com",
    "the name by which providers reach this machine, for example voice.example.com",
)
ADDRESS: Final = Text(
    "כתובת: https://{host}, הפורטים 80 ו-443 מובילים לכאן", "address: https://{host}, ports 80 and 443 lead here"
)
OPENAI_KEY: Final = Text("המפתח של OpenAI", "the OpenAI key")
OPENAI_GOOD: Final = Text("OpenAI: המפתח תקין ומורשה ל-{model}", "OpenAI: the key is good, and may use {model}")
ACCOUNT: Final = Text("ה-Account SID של Twilio, AC…", "Twilio's Account SID, AC…")
TOKEN: Final = Text("ה-Auth Token שלו", "its Auth Token")
TWILIO_GOOD: Final = Text("Twilio: החשבון תקין{hint}", "Twilio: the account is good{hint}")
NO_ACCOUNT: Final = Text("{said} אינו Account SID", "{said} is not an Account SID")
ACCOUNT_IS: Final = Text(
    "האותיות AC ואחריהן 32 ספרות, מ-console.twilio.com", "AC and 32 digits, from console.twilio.com"
)
NO_NUMBERS: Final = Text("בחשבון Twilio אין מספר טלפון", "the Twilio account has no phone number")
BUY_ONE: Final = Text("לרכוש מספר בקונסולה של Twilio ולהריץ שוב", "buy one in the Twilio console, run this again")
NUMBERS: Final = Text(
    "מספרי הטלפון של החשבון, ולאן השיחות אליהם מובילות עכשיו",
    "the account's phone numbers, and where their calls lead now",
)
HERE, NOWHERE = Text("לכאן", "here"), Text("לשום מקום", "nowhere")
WHICH: Final = Text("באיזה מהם לבחור", "which one is it to be")
NOT_OURS: Final = Text("{number} אינו מספר של החשבון הזה", "{number} is not a number of this account")
ONE_ABOVE: Final = Text("מספר מהרשימה שלמעלה, למשל PHONE={number}", "one of the list above, for example PHONE={number}")
LEAD_NUMBER: Final = Text("להפנות את השיחות אל {number} לכתובת {public}?", "let calls to {number} lead to {public}?")
LEFT: Final = Text("{number} נשאר כפי שהיה", "{number} was left as it is")
SAY_YES: Final = Text("שוב make go-live ולאשר, או YES=1", "make go-live again and say yes, or YES=1")
NUMBER_LEADS: Final = Text(
    "{number} מוביל לכאן: הוגדרו webhook קולי ו-status callback",
    "{number} leads here: voice webhook and status callback are set",
)
LEAD_SENDER: Final = Text(
    "הודעות אל {name} מובילות אל {now}: להפנות אותן אל {public}?",
    "messages to {name} lead to {now}: let them lead to {public}?",
)
SENDER_LEADS: Final = Text("{name} מוביל לכאן", "{name} leads here")
API_REFUSED: Final = Text("ה-api סירב: {said}", "the api did not take it: {said}")
BUSINESS_NAME: Final = Text("שם העסק", "the business's name")
BUSINESS_KEY: Final = Text(
    "עסק {id}, {name}; המפתח שלו לממשק REST, שמוצג רק עכשיו:",
    "business {id}, {name}; its key for the REST interface, shown only now:",
)
FRONT_DOOR: Final = Text("שער הכניסה", "the front door")
THEN_PATCH: Final = Text(
    "ברכה, שעות פתיחה ו-transfer_number: PATCH /v1/businesses/{id} אל {host}",
    "greeting, opening hours and transfer_number: PATCH /v1/businesses/{id} at {host}",
)

# The providers
NO_ANSWER: Final = Text("{name} לא עונה ב-{host}: {why}", "{name} does not answer at {host}: {why}")
GO_OUT: Final = Text(
    "האם המחשב הזה רשאי לפנות אליו? מאחורי proxy: export HTTPS_PROXY",
    "may this machine go out to it? behind a proxy, export HTTPS_PROXY",
)
OPENAI_REFUSES: Final = Text("OpenAI דוחה את המפתח הזה: {said}", "OpenAI refuses this key: {said}")
OPENAI_KEYS: Final = Text("מפתח מ-platform.openai.com, API keys", "a key from platform.openai.com, API keys")
NO_MODEL: Final = Text("המפתח הזה לא מורשה ל-{model}: {said}", "this key may not use {model}: {said}")
OTHER_MODEL: Final = Text(
    "מפתח של פרויקט אחר, או OPENAI_REALTIME_MODEL אחר בקובץ .env",
    "another project's key, or another OPENAI_REALTIME_MODEL in .env",
)
OPENAI_UNSURE: Final = Text("OpenAI לא השיב אם המפתח תקין: {said}", "OpenAI cannot say whether the key is good: {said}")
SOON: Final = Text("לנסות שוב בעוד רגע", "try again in a moment")
TWILIO_REFUSES: Final = Text("Twilio דוחה את האסימון הזה: {said}", "Twilio refuses this token: {said}")
SAME_ACCOUNT: Final = Text(
    "Account SID ו-Auth Token מ-console.twilio.com, של אותו חשבון",
    "Account SID and Auth Token from console.twilio.com, of the same account",
)
TWILIO_UNKNOWN: Final = Text("אין חשבון Twilio כזה: {said}", "there is no such Twilio account: {said}")
SID_IS: Final = Text("ה-Account SID, האותיות AC ואחריהן 32 ספרות", "the Account SID, AC and 32 digits")
TWILIO_UNSURE: Final = Text(
    "Twilio לא השיב אם החשבון תקין: {said}", "Twilio cannot say whether the account is good: {said}"
)
LATER: Final = Text("לנסות שוב מאוחר יותר", "try again later")
TWILIO_STATE: Final = Text("מצב החשבון ב-Twilio: {state}", "the Twilio account is {state}")
TWILIO_SAYS: Final = Text("הסיבה מופיעה ב-console.twilio.com", "console.twilio.com says why")
TRIAL: Final = Text(
    "חשבון ניסיון: המתקשרים ישמעו קודם את ההודעה של Twilio",
    "a trial account: callers hear Twilio's message first",
)
TWILIO_TOOK_NOT: Final = Text("Twilio סירב: {said}", "Twilio did not take it: {said}")

# Whether the world reaches this machine
NO_HOST: Final = Text("{host} אינו שם של שרת", "{host} is not a host name")
HOST_IS: Final = Text("שם כמו voice.example.com, בלי https://", "one like voice.example.com, without https://")
NOT_THERE: Final = Text("{host} לא קיים", "{host} does not exist")
A_RECORD: Final = Text("רשומת A עבורו שמובילה למחשב הזה", "an A record for it that leads to this machine")
NO_REASON: Final = Text("בלי סיבה", "no reason given")
PORTS_TAKEN: Final = Text(
    "הפורטים 80 ו-443 של המחשב הזה לא פנויים: {told}",
    "ports 80 and 443 of this machine are in use or blocked: {told}",
)
STOP_THEM: Final = Text("לעצור את מי שמשתמש בהם", "stop what uses them")
ELSEWHERE: Final = Text("{host} מוביל למחשב אחר ({address})", "{host} leads to another machine ({address})")
LEAD_HERE: Final = Text("להפנות את רשומת ה-A שלו למחשב הזה", "let its A record lead to this one")
CLOSED: Final = Text("הפורט {port} של {host} ({address}) סגור", "port {port} of {host} ({address}) is closed")
OPEN_IT: Final = Text(
    "לפתוח אותו ב-firewall או להעביר אותו למחשב הזה; אם רק הבדיקה הזאת נכשלת, כי הנתב לא מאפשר למחשב למצוא את עצמו "
    "בשם הזה: make go-live PUBLIC_HOST_AT={host}:127.0.0.1",
    "open it in the firewall, or forward it to this machine; a router that does not let a machine find itself by "
    "that name fails this check alone: make go-live PUBLIC_HOST_AT={host}:127.0.0.1",
)
WAITING: Final = Text("ממתינים ש-{public} יענה עם אישור TLS", "waiting for {public} to answer with a certificate")
ANSWERS: Final = Text("הוא עונה {said}", "it answers {said}")
DOOR_SAYS: Final = Text("; שער הכניסה מדווח: {why}", "; the front door says: {why}")
NOT_SERVED: Final = Text("{public} לא עונה כצפוי: {said}{why}", "{public} does not serve: {said}{why}")
DOOR_LOGS: Final = Text("make logs S=gateway, ואז להריץ שוב", "make logs S=gateway, then run this again")
