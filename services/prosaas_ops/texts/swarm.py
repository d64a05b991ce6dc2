"""What is said of a stack on several machines."""

from typing import Final

from prosaas_ops.texts import Text

# Before the start
NO_SWARM: Final = Text("ה-engine הזה לא שייך לשום סווארם", "this engine is in no Swarm")
MAKE_SWARM: Final = Text(
    "docker swarm init, או make up-prod למכונה אחת", "docker swarm init, or make up-prod for one host"
)
NO_MANAGER: Final = Text("הצומת הזה אינו manager", "this node is no manager")
ON_A_MANAGER: Final = Text(
    "להריץ על manager: הפקודה docker node promote הופכת צומת לכזה",
    "run this on one: docker node promote makes one",
)
RESTING: Final = Text("{node} במצב {state}: שום דבר חדש לא יגיע אליו", "{node} is {state}: nothing new comes to it")
NOT_READY: Final = Text("{node} במצב {state}", "{node} is {state}")
START_IT: Final = Text(
    "להפעיל את ה-engine שלו, או docker node rm --force {node}",
    "start its engine, or docker node rm --force {node}",
)
READY: Final = Text("{node} מוכן, engine {version}", "{node} is ready, engine {version}")
OLD_ENGINE: Final = Text(
    "ב-{node} יש engine {version}, ישן מ-{least}", "{node} has engine {version}, older than {least}"
)
NEWER_ON: Final = Text("להתקין חדש יותר על {node}", "a newer one on {node}")
DOORS: Final = Text("שער הכניסה על {nodes}", "the gateway is on {nodes}")
NO_DOOR: Final = Text("לאף צומת זמין אין התווית {label}=1", "no node that can be used has the label {label}=1")
LABEL_DOOR: Final = Text(
    "docker node update --label-add {label}=1 NODE, לכל צומת שהמתקשרים מגיעים אליו",
    "docker node update --label-add {label}=1 NODE, for each that callers reach",
)
HOME: Final = Text("מסד הנתונים על {node}", "the database is on {node}")
NO_HOME: Final = Text(
    "לאף צומת זמין אין התווית {label}=1, והנתונים נמצאים על אחד",
    "no node that can be used has the label {label}=1, and the data is on one",
)
HOMES: Final = Text(
    "התווית {label}=1 נמצאת על {nodes}, והנתונים נמצאים על אחד",
    "{nodes} all have the label {label}=1, and the data is on one",
)
LABEL_HOME: Final = Text(
    "docker node update --label-add {label}=1 NODE, לצומת שהנתונים על הדיסק שלו; או DATABASE_URL",
    "docker node update --label-add {label}=1 NODE, for the one whose disk has it; or DATABASE_URL",
)
ROOM: Final = Text(
    "על {nodes} צמתים יש {has} מגה-בייט; סכום המגבלות {limits}",
    "{has} MB on {nodes} nodes; the limits add up to {limits}",
)
NO_ROOM: Final = Text(
    "על {nodes} צמתים יש {has} מגה-בייט, וסכום המגבלות {limits}",
    "{has} MB on {nodes} nodes, and the limits add up to {limits}",
)
MORE_ROOM: Final = Text(
    "לצמצם את *_REPLICAS או את *_MEMORY ב-.env, או להוסיף צומת",
    "fewer *_REPLICAS, smaller *_MEMORY in .env, or another node",
)
NO_IMAGE: Final = Text("{node} לא הצליח להריץ את {image}: {why}", "{node} could not run {image}: {why}")
ITS_END: Final = Text("ההרצה הסתיימה", "it ended")
BRING_IMAGE: Final = Text(
    "להגדיר REGISTRY ב-.env, כזה שכל צומת מגיע אליו; או docker save IMAGE | ssh NODE docker load",
    "set REGISTRY in .env to one that every node reaches, or docker save IMAGE | ssh NODE docker load",
)
CLOCK: Final = Text(
    "השעון של {node} סוטה ב-{seconds} שניות משעון ה-manager הזה",
    "the clock of {node} is {seconds} s off this manager's",
)
SET_CLOCK: Final = Text(
    "שירות זמן על {node}: chrony או systemd-timesyncd", "a time service on {node}: chrony, or systemd-timesyncd"
)
LITTLE_DISK: Final = Text(
    "על {node} פנויים {free} מגה-בייט, וה-images צריכים {needed}", "{free} MB free on {node}, images need {needed}"
)
MORE_DISK: Final = Text(
    "docker image prune על {node}, או דיסק גדול יותר", "docker image prune on {node}, or a larger disk"
)
NO_WORD: Final = Text(
    "{node} הריץ את ה-image שלנו, ולא הגיעה ממנו אף שורה", "{node} ran our image, and no line of it arrived"
)
LINES_OF: Final = Text(
    "journalctl -u docker על {node}, ואז שוב make up-swarm", "journalctl -u docker on {node}, then make up-swarm again"
)
PORT_TAKEN: Final = Text("הפורט {port} על {node} תפוס", "port {port} of {node} is taken by something else")
OTHER_PORT: Final = Text("לעצור אותו, או API_PORT אחר ב-.env", "stop it, or set another API_PORT in .env")
SILENT: Final = Text(
    "צומת לא הריץ את {name} תוך {seconds} שניות: docker service ps {name}",
    "a node did not run {name} within {seconds} s: docker service ps {name}",
)

# The rollout
PUSHING: Final = Text("דוחפים את {image}", "pushing {image}")
NEVER_BUILT: Final = Text("prosaas/{name} לא נבנה כאן מעולם", "prosaas/{name} was never built here")
BUILD_IT: Final = Text("make up-swarm בלי BUILD=0", "make up-swarm without BUILD=0")
NO_REGISTRY: Final = Text("אין REGISTRY: כל צומת צריך את {images}", "no REGISTRY: every node needs {images}")
NOT_CARRIED: Final = Text(
    "אי אפשר לצרף את {path} לכל צומת: סווארם נושא קבצים קיימים בלבד",
    "{path} cannot be mounted on every node: a Swarm carries files, and those that are there",
)
NOT_TEXT: Final = Text(
    "{path} אינו טקסט ב-UTF-8, וסווארם נושא כאן טקסט בלבד: להוציא אותו מהתיקייה, או לבנות אותו לתוך image",
    "{path} is no text in UTF-8, and nothing else is carried to the nodes: move it away, or build it into an image",
)
NOTHING_CARRIED: Final = Text(
    "אין ב-{path} אף קובץ לצרף: להחזיר את הקבצים שלו מ-git",
    "{path} has no file that could be mounted: bring its files back from git",
)
NO_DIGEST: Final = Text(
    "ל-{image} אין digest ב-engine הזה, ובלעדיו אין לצמתים אותו image",
    "{image} has no digest on this engine, and without one nodes may run different images",
)
PUSH_IT: Final = Text("docker push {image}, ואז שוב make up-swarm", "docker push {image}, then make up-swarm again")
MIGRATING: Final = Text("מעדכנים את סכמת הנתונים, פעם אחת", "migrating the schema, once")
FAILED: Final = Text("נכשל", "it failed")
MIGRATION_LONG: Final = Text(
    "migrate לא הסתיים תוך {seconds} שניות: docker service ps {name}",
    "migrate did not end within {seconds} s: docker service ps {name}",
)
HEALTHY: Final = Text("{service}: {count} תקינים על {nodes}", "{service}: {count} healthy on {nodes}")
TAKEN_BACK: Final = Text("הסווארם החזיר אותו לאחור ({state})", "Swarm took it back ({state})")
NOT_HEALTHY: Final = Text("לא נעשה תקין", "it does not become healthy")
NO_DOOR_LEADS: Final = Text(
    "שער הכניסה לא מוביל ל-prosaas-api ({told})", "the front door does not lead to prosaas-api ({told})"
)
BACK_TO: Final = Text("מה שרץ קודם רץ שוב", "what ran before runs again")
NO_SUCH_RELEASE: Final = Text(
    "N={n}: גרסה מ-1 (הקודמת) עד {most}", "N={n}: a release from 1 (the one before) to {most}"
)
FEW_RELEASES: Final = Text(
    "יש {there} גרסאות קודמות לחזור אליהן, לא {n}", "there are {there} earlier releases to go back to, not {n}"
)
STAYS: Final = Text(
    "המשימות של {project} לא מסתיימות: docker stack ps {project}",
    "tasks of {project} do not end: docker stack ps {project}",
)

# What the commands say
UP: Final = Text(
    "המערכת עלתה תוך {seconds} שניות, גרסה {version}; כל העותקים תקינים",
    "up in {seconds} s, version {version}; every replica is healthy",
)
NEXT: Final = Text(
    "הלאה: make ps, make call (שיחה מדומה אחת), make logs", "next: make ps, make call (one simulated call), make logs"
)
ONE_MACHINE: Final = Text(
    "make {command} מיועדת למכונה אחת, והמערכת הזאת על סווארם",
    "make {command} is for one machine, and this stack is on a Swarm",
)
RUNS_HERE: Final = Text(
    "המערכת הזאת רצה על המכונה הזאת בלי סווארם, עם אותו מסד נתונים",
    "this stack runs on this machine without a Swarm, with the same database",
)
DOWN_FIRST: Final = Text("קודם make down, או להמשיך עם make up-swarm", "make down first, or go on with make up-swarm")
OTHER_CLONE: Final = Text("עותק אחר של המאגר הזה", "another clone of this repository")
IN_ENV: Final = Text(
    "את הערך החדש ב-.env, ואז make up-swarm: סוד שהשתנה מתפרס",
    "the new value in .env, then make up-swarm: a changed secret rolls out",
)
BY_HAND: Final = Text(
    "כשהמערכת רצה (make up-swarm), pg_dump ו-pg_restore על הצומת של מסד הנתונים: docs/scaling.md",
    "while it runs (make up-swarm), pg_dump and pg_restore on the node that has the database: docs/scaling.md",
)
WAITING: Final = Text(
    "ממתינים לשיחות החיות בכל הצמתים, לכל היותר {seconds} שניות",
    "waiting for live calls on every node, at most {seconds} s",
)
DOWN: Final = Text(
    "המערכת ירדה; הנתונים נשארים ב-volumes של הצמתים, ו-make up-swarm מעלה אותה שוב",
    "down; the data stays in the nodes' volumes, and make up-swarm starts it again",
)
ROLLED_BACK: Final = Text(
    "הגרסה ההיא רצה שוב, על הסכמה כמו שהיא; make up-swarm פורס את זו שבתיקייה",
    "that release runs again, on the schema as it is; make up-swarm deploys this folder's",
)
NO_DIFFERENCE: Final = Text(
    "אין הבדל בהגדרות; האם הקוד השתנה, רק בנייה תגיד: make up-swarm",
    "the settings are the same; whether the code is, only a build says: make up-swarm",
)

# Reaching into another node
NOT_RUN: Final = Text("{command} לא רצה ב-{name}: {why}", "{command} in {name} did not run: {why}")
NO_END: Final = Text("היא לא הסתיימה", "it did not end")
NOT_DESCRIBED: Final = Text("אי אפשר לתאר את {name}: {why}", "{name} cannot be described: {why}")
ITS_NODE_AWAY: Final = Text("הצומת שלו לא עונה", "its node is away")
NODE_AWAY: Final = Text(
    "הצומת {node} לא עונה: מה שנכתב שם חסר כאן עד שיחזור",
    "{node} is away: what was written there is missing here until it is back",
)
GONE: Final = Text("הוא כבר לא שם", "it is gone")
NO_ANSWER: Final = Text(
    "{name} לא עונה תוך {seconds} שניות: docker node ls",
    "{name} does not answer within {seconds} s: docker node ls",
)
SPOILED: Final = Text(
    "התשובה של {node} לא נפתחת: משהו אחר כתב ביומן של המכונה הזאת",
    "the answer of {node} cannot be opened: something else wrote into that machine's log",
)
NOT_ASKED: Final = Text(
    "אי אפשר לשאול את {nodes}, וייתכן שיש שם קבצים: להפעיל את ה-engine, או docker node update --availability active, "
    "ואם הצומת לא יחזור, docker node rm",
    "{nodes} cannot be asked, and may have files: start its engine, or docker node update --availability active; "
    "if it is gone for good, docker node rm",
)
