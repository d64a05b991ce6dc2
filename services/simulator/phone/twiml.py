"""TwiML as Twilio reads it: the verbs to follow, and the faults in them that Twilio would refuse."""

import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

_KNOWN: Final = {"Connect", "Say", "Play", "Pause", "Redirect", "Dial", "Hangup", "Reject"}
_PARAMETER_LIMIT: Final = 500


class TwimlError(Exception):
    """TwiML that Twilio would not run; the caller would hear an application error."""


@dataclass(frozen=True)
class Verb:
    """One instruction: `name` as in TwiML; `text` what is said, dialled or gone to; `number` how it is dialled."""

    name: str
    text: str = ""
    attributes: dict[str, str] = field(default_factory=dict)
    stream_url: str = ""
    parameters: dict[str, str] = field(default_factory=dict)
    number: dict[str, str] = field(default_factory=dict)


def parse(document: str) -> list[Verb]:
    """Return the verbs of a TwiML document in order."""
    try:
        root = ElementTree.fromstring(document)
    except ElementTree.ParseError as error:
        raise TwimlError(f"12100 not XML: {error}") from error
    if root.tag != "Response":
        raise TwimlError(f"12100 the root must be <Response>, is <{root.tag}>")
    return [_verb(element) for element in root]


def _verb(element: ElementTree.Element) -> Verb:
    if element.tag not in _KNOWN:
        raise TwimlError(f"12200 <{element.tag}> is not a verb that a phone call here can follow")
    if element.tag == "Connect":
        return _connect(element)
    text = "".join(element.itertext()).strip()
    number = element.find("Number")
    return Verb(element.tag, text, dict(element.attrib), number={} if number is None else dict(number.attrib))


def _connect(element: ElementTree.Element) -> Verb:
    streams = element.findall("Stream")
    if len(streams) != 1 or len(element) != 1:
        raise TwimlError("12200 <Connect> must hold exactly one <Stream>")
    stream = streams[0]
    url = urlsplit(stream.get("url", ""))
    if url.scheme != "wss" or not url.netloc:
        raise TwimlError(f"31920 <Stream> url must be wss://…, is {stream.get('url')!r}")
    if url.query or url.fragment:
        raise TwimlError(f"31920 <Stream> url must not have a query string, is {stream.get('url')!r}")
    parameters = {}
    for parameter in stream.findall("Parameter"):
        name, value = parameter.get("name", ""), parameter.get("value", "")
        if not name or len(name) + len(value) >= _PARAMETER_LIMIT:
            raise TwimlError(f"31920 <Parameter> {name!r}: name and value together reach {_PARAMETER_LIMIT} characters")
        parameters[name] = value
    return Verb("Connect", attributes=dict(stream.attrib), stream_url=url.geturl(), parameters=parameters)
