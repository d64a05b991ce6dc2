"""The stand-in for OpenAI Realtime: a session, its conversation and its scripted model."""
