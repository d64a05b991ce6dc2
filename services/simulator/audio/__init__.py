"""Sound as bytes: mu-law, speech-like audio, voice detection, watermarks."""
