"""The voice service: one WebSocket per phone call, between Twilio Media Streams and OpenAI Realtime."""
