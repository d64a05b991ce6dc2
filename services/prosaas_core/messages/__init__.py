"""WhatsApp messages: what one says, how it is kept, and until when it may be answered."""
