"""The caller's side: the telephone, its line, its ear and mouth, Twilio's webhooks."""
