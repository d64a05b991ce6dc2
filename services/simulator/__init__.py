"""The far ends of a phone call, simulated: Twilio's caller, OpenAI's Realtime model, the REST services around."""
