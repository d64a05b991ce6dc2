"""What is known of one call when it is judged, whoever asks."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CallFacts:
    """Times in milliseconds, and None for what nobody knows."""

    call_sid: str
    end_reason: str = ""
    status: str = ""
    live: bool = False
    # Whether the audio stream of the call ever reached us, and whether the call was turned away at the door.
    reached: bool = True
    refused_at_door: str = ""
    # The number that was called, where no business has it.
    unknown_number: str = ""
    # Whether the log was asked, too; a list knows the records alone.
    looked_into: bool = True
    # Whether it is over and nobody knows how.
    lost: bool = False
    # Whether the database was asked for its record, and did not answer.
    unread: bool = False
    # How long after its beginning prosaas-calls died, and how, where it did.
    killed_after: str = ""
    killed_how: str = ""
    # How long before the call prosaas-calls had stopped, where it did not run, as a person says it.
    down_for: str = ""
    # How often the front door gave up a caller's webhook in the time of a call that never reached us.
    given_up: int = 0
    first_audio_ms: float | None = None
    slowest_ms: float | None = None
    # Whose time that wait was: "tool" where one ran in it, else "model"; "" where the log was not asked.
    slow_of: str = ""
    # How long the caller's last words went without an answer, until the call ended.
    unanswered_ms: float = 0.0
    # Refusals of tools that no later answer of the same tool made good.
    unmended: int = 0
    # How often the database did not answer.
    database_away: int = 0
    errors: int = 0
    reconnects: int = 0
    # How often a long noise kept the caller from being understood.
    noisy: int = 0
    turns: int | None = None
    # How many of the caller's turns nobody wrote down.
    unwritten: int = 0
    # Whether who called was taken out of the record: they were forgotten, or it is old.
    forgotten: bool = False
    # What the agent said was done although no tool had done it.
    false_claim: str = ""
    # What the model's connection said last, where it failed.
    cause: str = ""
    # Why no person took the call, where the caller came back from a transfer.
    returned: str = ""
