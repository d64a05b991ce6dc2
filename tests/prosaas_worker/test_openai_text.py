"""What the worker reads of a text model's answer."""

import json

import httpx

from prosaas_worker import openai_text


def test_of_an_answer_there_is_left_what_a_column_takes() -> None:
    """A NUL in it would be refused at each try, and each try is paid for."""
    content = [{"type": "output_text", "text": "\0שלום"}, {"type": "output_text", "text": "\ud83d!\0 "}]
    body = {"output": [{"type": "reasoning"}, {"type": "message", "content": content}], "usage": {"total_tokens": 3}}
    assert openai_text._read(httpx.Response(200, content=json.dumps(body))) == ("שלום\ufffd!", {"total_tokens": 3})
