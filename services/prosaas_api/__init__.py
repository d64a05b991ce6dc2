"""The HTTP side: Twilio's and Meta's webhooks, and the REST that businesses are run by."""
