"""The words of the console."""

from prosaas_ops.texts import Text

# What `make console` prints, before it serves.
LINK_PRINTED = Text("הקונסולה, לדפדפן אחד, פעם אחת:  {link}", "The console, for one browser, once:  {link}")
FROM_ELSEWHERE = Text(
    "ממחשב אחר, קודם:  ssh -N -L {port}:127.0.0.1:{port} {whose}",
    "from elsewhere, first:  ssh -N -L {port}:127.0.0.1:{port} {whose}",
)
ENDS_THERE = Text("היא מסתיימת במקום שבו הופעלה.", "It ends where it was started.")
ENDS_BY = Text(
    "Ctrl-C מסיים אותה, וכך גם {minutes} דקות שבהן איש לא הביט בה.",
    "Ctrl-C ends it, and so do {minutes} minutes in which nobody looks.",
)

CALLS, LIVE, TODAY = Text("שיחות", "Calls"), Text("עכשיו", "Live"), Text("היום", "Today")
OTHER_LANGUAGE = Text("English", "עברית")
SKIP = Text("לתוכן הדף", "to the page's content")
SEARCH = Text("מספר טלפון, מזהה שיחה או שם לקוח", "phone number, call id or customer's name")
FOUND_NONE = Text(
    "אין שיחה כזאת. אולי נדחתה לפני שנרשמה: ראו את שורות prosaas-api ברמת WARNING בדף ״עכשיו״.",
    "No such call. It may have been turned away before it had a record: see prosaas-api's lines at WARNING under Live.",
)
FOUND = Text("שיחות שנמצאו: {count}, החדשה ראשונה. השעות ב-UTC.", "Calls found: {count}, newest first. Times are UTC.")
FOUND_MORE = Text(
    "{count} השיחות החדשות ביותר; יש עוד. השעות ב-UTC.", "The newest {count}; there are more. Times are UTC."
)
WHEN, FROM, CUSTOMER = Text("מתי", "when"), Text("ממספר", "from"), Text("לקוח", "customer")
LASTED, FIRST_SOUND = Text("משך", "lasted"), Text("צליל ראשון", "first sound")
INTERRUPTIONS, WHAT = Text("קטיעות", "interruptions"), Text("סיום ומה השתבש", "ending, and what went wrong")
STORY_OF = Text("סיפור השיחה {call}", "story of call {call}")
NO_SUCH_CALL = Text(
    "אין שורת לוג ואין רשומה של {call}. חפשו לפי מספר טלפון.",
    "No log line and no record knows {call}. Look for it by phone number.",
)
SHOW_NUMBERS = Text("הצגת המספרים המלאים", "show the whole numbers")
NUMBERS = Text("{caller} אל {called}", "{caller} to {called}")
DEBUG_ON = Text("DEBUG לשיחה הזאת ל-15 דקות", "DEBUG for this call for 15 minutes")
DEBUG_UNTIL = Text("DEBUG לשיחה הזאת, נותרו {left}", "DEBUG for this call, {left} left")
DEBUG_OFF = Text("ביטול", "take it back")
NOT_LIVE = Text("השיחה הסתיימה, ואין מה להעביר ל-DEBUG.", "The call has ended; there is nothing to switch.")
LINES_OF_CALL = Text("השורות בזמן שהן נכתבות", "its lines as they are written")
RECORDER = Text("הקופסה השחורה", "black box")
NO_RECORDING = Text(
    "אין קופסה שחורה: השיחה הסתיימה כראוי, או לפני זמן רב.",
    "Nothing was recorded: the call ended well, or long ago.",
)
BACK_TO_STORY = Text("חזרה לסיפור השיחה", "back to the story")
CAPTURE = Text("הורדת קובץ עם כל זה", "download it all as one file")
LIVE_CALLS = Text("שיחות שמתנהלות עכשיו", "Calls in progress")
NO_LIVE_CALLS = Text("אין שיחה שמתנהלת עכשיו.", "No call is up now.")
UNKNOWN_LIVE = Text("לא ידוע: prosaas-calls פועל ואינו עונה.", "Unknown: prosaas-calls runs and does not answer.")
BUSINESS, SINCE = Text("עסק", "business"), Text("מאז", "since")
LINES = Text("שורות", "Lines")
ALL = Text("הכול", "all")
SERVICE, LEVEL, EVENT = Text("שירות", "service"), Text("רמה", "level"), Text("אירוע", "event")
TEXT, CALL = Text("טקסט", "text"), Text("שיחה", "call")
PAUSE, RESUME, CLEAR = Text("השהיה", "pause"), Text("המשך", "resume"), Text("ניקוי", "clear")
FOLLOWING, PAUSED = Text("בהמתנה לשורות", "following"), Text("בהשהיה", "paused")
AWAY = Text("החיבור נותק, מתבצע ניסיון נוסף", "the connection is gone, trying again")
HIDDEN = Text("שורות שלא הוצגו כאן: {count}", "lines not shown here: {count}")
LOST = Text("שורות ישנות מדי להצגה כאן: {count}", "lines too old to be shown here: {count}")
SIGNED_IN = Text("הכניסה אושרה. הדף ייפתח מיד.", "You are in. The page opens at once.")
STRANGER = Text(
    "הכניסה לדף הזה היא בקישור ש-make console מדפיס. הקישור תקף לכניסה אחת, והכניסה מסתיימת אחרי חצי שעה בלי שימוש.",
    "This page is entered by the link that make console prints. The link works once, and a visit ends after half an"
    " hour without a look.",
)
LINK_USED = Text(
    "כבר נעשה שימוש בקישור הזה, או שפג תוקפו. הפעילו שוב make console, או בקשו קישור ממי שנמצא בפנים.",
    "This link was used or is too old. Run make console again, or ask somebody who is in for another link.",
)
ANOTHER_LINK = Text("קישור לעוד אדם", "a link for somebody else")
LINK_IS = Text("הקישור, לכניסה אחת תוך חצי שעה: {link}", "The link, for one entry within half an hour: {link}")
PROBLEM = Text("משהו לא עובד: {what}", "Something does not work: {what}")
BY_HOUR = Text("שיחות לפי שעה (UTC) וסיום", "calls by hour (UTC) and ending")
FIRST_SOUNDS = Text("צליל ראשון לפי שעה, חציון במילישניות", "first sound by hour, median in ms")
ANSWERS = Text("תגובה איטית לפי שעה, חציון במילישניות", "slow answer by hour, median in ms")
UNENDED = Text("מתנהלות, או שסיומן לא ידוע", "live, or no ending known")
FIRST_SOUND_MS, ANSWER_MS = Text("צליל ראשון", "first sound"), Text("תגובה איטית", "slow answer")
LINES_A_CALL = Text(
    "שורות של prosaas-calls בשיחה לפי שעה; התקציב לכל השירותים הוא 30",
    "lines of prosaas-calls in one call by hour; the budget, for all services, is 30",
)
MOST = Text("השיחה עם הכי הרבה שורות", "the call with the most")
MESSAGES = Text("הודעות WhatsApp", "WhatsApp messages")
DIRECTION, STATUS, COUNT = Text("כיוון", "direction"), Text("מצב", "status"), Text("כמה", "count")
HELD_JOBS = Text("משימות מוחזקות", "Jobs held")
NO_HELD_JOBS = Text("אין משימות מוחזקות.", "No job is held.")
JOB, RETRY = Text("משימה", "job"), Text("ניסיון חוזר", "try again")
ALERTS = Text("התרעות", "Alerts")
NOTHING_TODAY = Text("אין שיחות ב-24 השעות האחרונות.", "No calls in the last 24 hours.")
