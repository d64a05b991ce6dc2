"""Alertmanager's configuration, from the receivers in .env; kept as a secret, because their addresses are secrets."""

import json
from collections.abc import Mapping
from typing import Any

from prosaas_ops.texts import Text

# As an engineer at night reads it: what people feel, the command to run next, the page to read. Each piece that is
# written from the left is isolated.
_WORDS = Text(
    """{{ range .Alerts }}{{ with .Annotations.summary_he }}{{ . }}{{ else }}{{ .Annotations.summary }}{{ end }}
הלאה: \u2066{{ .Annotations.next }}\u2069
לקריאה: \u2066{{ .Annotations.page }}\u2069
{{ end }}""",
    """{{ range .Alerts }}{{ .Annotations.summary }}
next: {{ .Annotations.next }}
read: {{ .Annotations.page }}
{{ end }}""",
)
_TITLE = "{{ .Status }}: {{ .CommonLabels.alertname }}"


def config(settings: Mapping[str, str], language: str) -> str:
    """The file, in JSON, which is YAML too; what it says to people in that language."""
    words = _WORDS.say(language)
    receiver: dict[str, Any] = {"name": "duty"}
    if url := settings.get("ALERT_WEBHOOK_URL"):
        receiver["webhook_configs"] = [{"url": url}]
    if url := settings.get("ALERT_SLACK_URL"):
        receiver["slack_configs"] = [{"api_url": url, "title": _TITLE, "text": words, "send_resolved": True}]
    if address := settings.get("ALERT_EMAIL_TO"):
        email = {
            "to": address,
            "from": settings.get("ALERT_EMAIL_FROM") or address,
            "smarthost": settings.get("ALERT_SMTP", ""),
            "headers": {"Subject": _TITLE},
            "text": words,
            "html": "",
            "send_resolved": True,
        }
        if user := settings.get("ALERT_SMTP_USER"):
            email |= {"auth_username": user, "auth_password": settings.get("ALERT_SMTP_PASSWORD", "")}
        receiver["email_configs"] = [email]
    return json.dumps(
        {
            "route": {
                "receiver": "duty",
                "group_by": ["alertname"],
                "group_wait": "10s",
                "group_interval": "1m",
                "repeat_interval": "4h",
            },
            # What follows from another trouble is not told beside it. Callers are answered without Postgres, so that
            # nobody does is a trouble of its own.
            "inhibit_rules": [
                _hides("PostgresAway", "NobodyWorks|SpoolNotEmpty|CallsEndBadly"),
                _hides("AnswersSlow", "FirstSoundLate"),
                _hides("NobodyAnswers", "NoCalls"),
            ],
            "receivers": [receiver],
        },
        ensure_ascii=False,
        indent=1,
    )


def _hides(cause: str, effects: str) -> dict[str, list[str]]:
    return {"source_matchers": [f"alertname={cause}"], "target_matchers": [f"alertname=~{json.dumps(effects)}"]}
