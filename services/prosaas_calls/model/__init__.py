"""OpenAI's leg of a call: one Realtime session after the other, and the turns in it."""
