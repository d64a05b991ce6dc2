"""Twilio's leg of a call: its protocol, what is heard and what is played."""
