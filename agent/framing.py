"""The occasion of a question: clauses about who asks, what for and by when. They say nothing about the number, and are marked as such.

Read by their structure, from closed lists of English: a subject who asks or needs, a task, a purpose, thanks with a name. A clause with any
other word is no occasion, and its words have to be grounded.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache, lru_cache

from answerable.agent.words import Token

_PEOPLE = (
    "board|boss(?:es)?|manage(?:r|rs|ment)|directors?|ceo|cfo|coo|cto|cmo|vp|head|chief|officers?|executives?|execs?|leadership|investors?|"
    "auditors?|accountants?|controllers?|analysts?|bank|journalists?|press|reporters?|lawyers?|regulators?|colleagues?|coworkers?|"
    "team|teams|"
    "teammates?|department|office|partners?|vendors?|consultants?|advis[eo]rs?|shareholders?|committee|council|insurers?|owners?|founders?|"
    "presidents?|chair|chairman|chairwoman|secretary|assistant|intern|friend|everyone|everybody|somebody|someone|people|folks|guys|"
    "clients?|leads?|supervisors?|superiors?|mentor|"
    "tax office|ministry|union|landlord"
)
_THINGS = (
    "report|presentation|deck|slides?|meeting|call|review|newsletter|questionnaire|form|application|budget|planning|filing|audit|article|"
    "note|memo|mail|e mail|email|letter|post|blog|pitch|grant|tender|brief|briefing|summary|statement|dashboard|spreadsheet|sheet|document|"
    "paper|workshop|conference|interview|town hall|all hands|stand up|standup|offsite|talk|speech|poster|wall|website|one pager|update"
)
_SIGNS = "[.,:;!?|–—-]"
_START = rf"(?:^|(?<={_SIGNS} )|(?<= )(?=(?:and|so|but|because|as|since) ))"
_END = rf"(?= {_SIGNS}|$)"
_DET = "(?:the|our|my|your|their|his|her|a|an|this|that|one of the|one of our|some of our|some|today|tomorrow|next)"
_DAY = (
    "(?:(?:mon|tues|wednes|thurs|fri|satur|sun)day|today|tomorrow|tonight|now|noon|lunch|this (?:morning|afternoon|evening)|"
    "next week|the end of the day|eod|asap|(?:mon|tues|wednes|thurs|fri|satur|sun)day (?:morning|afternoon|evening))"
)
_DEPARTMENTS = (
    "finance|marketing|sales|hr|ops|operations|legal|product|engineering|support|accounting|procurement|controlling|compliance|audit|it"
)
SUBJECT = (
    rf"(?:(?:{_DEPARTMENTS})(?= (?:want|need|ask|keep|would|is asking|has asked|just))|i|we|they|he|she|you|it|"
    rf"{_DET}(?: [a-z]+){{0,2}}? (?:{_PEOPLE})|(?:{_PEOPLE}))"
)
TALKING = (
    rf"(?:some|any|every)(?:one|body)(?: (?:in|at|from|on) {_DET} (?:{_THINGS}|{_PEOPLE}|{_DEPARTMENTS}|phone|hallway|office))?|"
    rf"(?:people|folks|they)"
)
_NUMBER = "(?: (?:just )?(?:one|a|the|this|some|a few|two|a couple of) (?:number|figure|thing|stat|data point)s?)?"
_ADVERBS = "(?: (?:just|only|also|really|still|again|recently|kindly|quickly|urgently|currently|actually|simply|always|now|then|myself))*"
_HELPERS = "(?: (?:am|is|are|was|were|have|has|had|been|will|would|do|does|did|can|could|must|should|may|might|keep|keeps))*"
_KNOW = (
    "(?:know|see|hear|understand|learn|find out|find|check|confirm|verify|get|have|look at|look into|look up|tell|report|mention|show|"
    "present|explain|compare|work out|figure out|put together|prepare|include|double check|ask|share|note|give|quote|state|fill in|be told|"
    "be sure|get an idea of|get a sense of|get a feel for|pull|track|monitor|answer)"
)
_TELLING = rf"(?: (?:us|me|them|him|her|you|people|{_DET} (?:\w+ ){{0,2}}?(?:{_PEOPLE})))"
_GRATEFUL = rf"be (?:very |so )?(?:grateful|thankful|happy|glad|keen|interested)(?: (?:to {_KNOW}|if you could {_KNOW}))?"
_ASK = (
    rf"(?:(?:want|wants|wanted|need|needs|needed|like|love|hope|hoping|wish|try|trying|tries|going|supposed|about|due|plan|"
    rf"planning|have|has|had|"
    rf"got|asked|told) to {_KNOW}{_TELLING}?|want|wants|wanted|need|needs|needed|ask|asks|asked|"
    rf"asking|wonder|"
    rf"wonders|wondering|wondered|curious|like|interested|appreciate|{_GRATEFUL}|not sure|not certain|no idea|not know|not "
    rf"find|not remember|forgot|doubt|"
    rf"looking for|"
    rf"looking at|looking into|working on|in need of|after|call(?:ed)? to ask|wrote to ask|in a hurry)"
)
_WHOM = "(?: (?:me|us|you|for me|for us|of me|from me|again|today|yesterday|this morning|just now))*"
_WHERE = (
    rf"(?: (?:in|at|on|over|during|for|after|before|by|about) (?:{_DET} )?(?:\w+ )?(?:{_THINGS}|hallway|lunch|coffee|chat|slack|"
    rf"phone|kitchen|"
    r"corridor|lift|elevator|office|morning|afternoon|evening|dinner|breakfast))*"
)
_LINK = "(?: (?:about|for|of|whether|if|that|in|on|is|at|and))*"
_OPENERS = "(?:(?:because|as|since|so|and|but|well|ok|okay|hi|hello|hey|sorry|listen|look|quick question|question) )*"
_TASK = (
    rf"(?:prepar(?:e|ing)|writ(?:e|ing)|draft(?:ing)?|mak(?:e|ing)|build(?:ing)?|finish(?:ing)?|do(?:ing)?|work(?:ing)? on|"
    rf"fill(?:ing)? in|"
    rf"put(?:ting)? together|updat(?:e|ing)|present(?:ing)?|review(?:ing)?|hav(?:e|ing)|attend(?:ing)?|giv(?:e|ing)|"
    rf"hold(?:ing)?|run(?:ning)?|in|late (?:for|with)) "
    rf"(?:{_DET} )?(?:\w+ ){{0,2}}?(?:{_THINGS})"
)
_FOR_WHOM = rf"(?:for|to) {_DET} (?:\w+ ){{0,2}}?(?:{_PEOPLE}|{_THINGS})"
_FOR_DAY = rf"(?:for|on|by|before|due|until) (?:{_DAY})"
_THANKS = (
    "(?:many thanks|thanks(?: a lot| so much| a million)?|thank you(?: so much| very much)?|thx|ty|cheers|best|best regards|"
    "regards|kind regards)"
)
_GOOD = "(?:hi|hello|hey|dear|good morning|good afternoon|good evening|yo|hiya)"

_CLAUSES = (
    # who asks or needs, up to what is asked for: "our medical director just asked me in the hallway"
    rf"{_START}{_OPENERS}{SUBJECT}{_ADVERBS}{_HELPERS}{_ADVERBS} {_ASK}{_WHOM}{_NUMBER}{_WHERE}{_WHOM}{_LINK}(?= )",
    # the same without a subject, after another clause: "I'm preparing the slides and need …"
    rf"(?<=\| )(?:and|so|but){_ADVERBS}{_HELPERS}{_ADVERBS} {_ASK}{_WHOM}{_NUMBER}{_WHERE}{_WHOM}{_LINK}(?= )",
    # who asks: "I'm new in controlling"
    rf"{_START}{_OPENERS}i(?: am)?(?: quite| very| still| pretty)? new (?:here|(?:to|in|at|on) (?:the |this |our )?(?:{_DEPARTMENTS}|"
    rf"{_PEOPLE}|company|business|job|role|firm|place))(?= (?:and|so|but)\b| {_SIGNS}|$)",
    rf"{_START}{_OPENERS}i(?: have| only)?(?: just)? (?:started|joined)(?: here| today| this week| recently| last week)+(?= "
    rf"(?:and|so|but)\b|"
    rf" {_SIGNS}|$)",
    # what brings the question: "we got a question from a journalist", "since the board meets on Monday"
    rf"{_START}{_OPENERS}{SUBJECT}{_ADVERBS}{_HELPERS} (?:got|have|received|had|get) (?:a|an|this|another|the) (?:question|"
    rf"request|inquiry|"
    rf"enquiry|call|mail|email|message|letter) (?:from|by) {_DET} (?:\w+ ){{0,2}}?(?:{_PEOPLE}){_END}",
    rf"{_START}{_OPENERS}{SUBJECT}{_ADVERBS} (?:meets?|is meeting|are meeting|comes?|is coming)(?: us| up| in)? "
    rf"(?:{_FOR_DAY}|{_DAY}){_END}",
    rf"{_START}{_OPENERS}(?:is|are|would) there(?: be)? (?:any|a|some) (?:way|chance|possibility) (?:to|of|for me to|for us to) {_KNOW}"
    rf"(?: (?:me|us))?(?= )",
    rf"{_START}{_OPENERS}{SUBJECT} (?:was|were|am|is|are) told(?: that)? you can {_KNOW}(?: (?:me|us))?(?= )",
    rf"{_START}{_OPENERS}(?:can|could|would|will) (?:you|anyone|anybody|someone|somebody)(?: please| kindly)? help(?: me| "
    rf"us)?(?: out)? with(?= )",
    rf"^(?:in preparation|as preparation|as input|ahead|in view) (?:for|of) {_DET} (?:\w+ ){{0,2}}?(?:{_PEOPLE}|{_THINGS}){_END}",
    rf"(?<= )(?:asap|urgently|as soon as possible|right away){_END}",
    rf"{_START}(?:sorry|apologies) for (?:asking|bothering|bugging|disturbing|the trouble|the bother|the question)(?: "
    rf"you)?(?: again| so late| so"
    rf" early| this late)?{_END}",
    rf"{_START}(?:a |one |just a |another )?(?:quick|small|short|simple|silly|stupid|dumb|easy|tiny|little) (?:question|q|"
    rf"one|thing|ask|request)"
    rf"(?: for you)?{_END}",
    rf"{_START}{_OPENERS}(?:can|could|would|will) you(?: please)? (?:list|show|name|give|send|tell|check|find|pull|look|get)"
    rf"(?: (?:it|them|those|that|this|me|us|up|out))+{_END}",
    # whom it is for, at the end: "It is for the accountant"
    rf"{_START}(?:it|this|that)(?: is|'s)? (?:needed |meant |just )?for {_DET} (?:\w+ ){{0,2}}?(?:{_PEOPLE}|{_THINGS}){_END}",
    # a task, whole: "I'm preparing the slides for Thursday"
    rf"{_START}{_OPENERS}{SUBJECT}{_ADVERBS}{_HELPERS}{_ADVERBS} {_TASK}(?: {_FOR_WHOM})*(?: (?:{_FOR_DAY}|{_DAY}))?(?= (?:and|so|but)\b|"
    rf" {_SIGNS}|$)",
    # a purpose before all else or after it: "for the insurer's questionnaire", "for my report"
    rf"^{_FOR_WHOM}(?: {_FOR_DAY})?(?= (?:{_SIGNS}|i|we|can|could|please|what|how|which)\b| {_SIGNS})",
    rf"(?<= )for (?:the|our|my|their|his|her|your|a|an|this|tomorrow|today|next week) (?:\w+ )??(?:report|presentation|deck|slides|"
    rf"meeting|call|review|memo){_END}",
    # where help is sought: "I have no idea where to look", "can you help", "if it is not too much trouble"
    rf"{_START}{_OPENERS}{SUBJECT}{_HELPERS}(?: not)? (?:no idea|not sure|know|sure) (?:where|how|whom|who) to (?:look|find it|"
    rf"find this|ask){_END}",
    rf"{_START}{_OPENERS}(?:can|could|would|will) (?:you|anyone|anybody|someone|somebody)(?: please)? (?:help|help me|help us|"
    rf"help me out|assist)"
    rf"(?: (?:with this|with that|me with this|out|please))?{_END}",
    rf"{_START}(?:if (?:it is|that is|it|possible)(?: not)?(?: too)?(?: much)?(?: of)?(?: a)?(?: trouble| possible| bother)?|"
    rf"if you can|if you could|"
    rf"if you do not mind|if possible|when(?:ever)? you (?:have|get) a (?:minute|moment|second|sec|chance)|no rush|no hurry|asap|"
    rf"urgent|it is urgent|it urgent|as soon as possible){_END}",
    rf"(?<= )when(?:ever)? you (?:have|get) a (?:minute|moment|second|sec|chance){_END}",
    rf"{_START}{_OPENERS}i (?:keep forgetting|always forget|forgot(?: again)?){_END}",
    rf"{_START}(?:it|that) would (?:help|be (?:great|good|nice|helpful|useful|interesting))(?: me|"
    rf" us)?(?: to (?:{_KNOW[3:-1]}))?{_LINK}(?= |$)",
    rf"{_START}sorry to (?:bug|bother|trouble|disturb) (?:you|everyone|all)(?: (?:again|on a [a-z]+|this late|so late|so early|"
    rf"with this))?{_END}",
    rf"{_START}{_OPENERS}(?:can|could|would|will) (?:you|anyone|anybody|someone|somebody)(?: please| kindly)? (?:tell|show|check|confirm|"
    rf"say|verify|find out|let)(?: me| us)?(?: know)? (?:whether|if)(?= )",
    rf"{_START}{_OPENERS}do you(?: happen to)? know (?:whether|if)(?= )",
    rf"{_START}(?:remind me|remind us|tell me again|tell me|do you happen to know|any chance you know)(?= (?:what|how|which|who)\b)",
    rf"{_START}sorry if (?:this|that|it) is (?:a |an )?(?:silly|stupid|dumb|basic|obvious|odd|strange)(?: question| one)?{_END}",
    rf"{_START}(?:quick (?:question|one)(?: (?:before|after|for) (?:lunch|dinner|the weekend|the meeting|the call|you|today))?|"
    rf"not urgent|nothing urgent|i (?:am )?new here|new here|(?:my |so )?apologies|when you (?:have|get) a (?:sec|second|minute|"
    rf"moment|chance)|question|one question|a question|one more thing|another one|next question|just curious|out of curiosity|"
    rf"just checking|fyi|btw|by the way|sorry to bother you|sorry to bother|sorry|please help|help){_END}",
    r"^(?:great|perfect|cool|nice|got it|i see|interesting|alright|super|good|hm|hmm|understood|makes sense|thanks|thank you|yes|"
    r"wonderful|excellent|lovely|fine|aha|ah)(?= [,!.] )",
    # greetings and thanks, with a name that a comma or the end parts from the rest
    rf"^(?:morning|afternoon|evening)(?: (?:all|everyone|everybody|team|folks|guys))?(?= {_SIGNS})",
    rf"^{_GOOD}(?: (?:there|all|everyone|everybody|team|folks|guys|again|both))?(?= |$)",
    rf"^{_GOOD} [a-z]+(?= [,!|])",
    rf"{_START}{_THANKS}(?: in advance| again| upfront)?(?: [,!.|])?(?: [a-z]+)?$",
)  # fmt: skip
_COMMON = frozenset(
    """
    a an the of in on at to for from by with and or is are was were be been do does did not no this that these those it its last next week
    month day today yesterday tomorrow morning afternoon evening year any some much many new all both before after during over until about
    """.split()
)
_TELLING_WORDS = frozenset(re.findall("[a-z]+", " ".join(_CLAUSES))) - _COMMON
"""Words of the clauses that questions have no other use for: without any of them there is no clause, and nothing to compile."""


@cache
def _clauses() -> tuple[re.Pattern[str], ...]:
    return tuple(map(re.compile, _CLAUSES))


def frames(text: str, said: Sequence[Token]) -> list[tuple[int, int]]:
    """The spans of tokens, half-open and apart, that are the occasion of the question and not a part of it."""
    line, places = _line(text, said)
    return list(_found(line, tuple(places)))


@lru_cache(maxsize=64)
def _found(words: str, places: tuple[int, ...]) -> tuple[tuple[int, int], ...]:
    """The spans of a line; a question is looked at by several readers."""
    if not _TELLING_WORDS & {*re.findall("[a-z]+", words)}:
        return ()
    found: list[tuple[int, int]] = []
    while True:
        spans = [span for pattern in _clauses() for match in pattern.finditer(words) if (span := _whole(match, places))]
        new = [span for span in spans if not any(a < span[1] and span[0] < b for a, b in found)]
        if not new:
            return tuple(sorted(found))
        found.append(max(new, key=lambda span: (span[1] - span[0], -span[0])))
        words = _blotted(words, places, found[-1])


def whether(said: Sequence[Token], span: tuple[int, int]) -> bool:
    """Whether an occasion ends with "whether" or "if", so that what follows is asked to be true."""
    return span[1] > span[0] and said[span[1] - 1].word in ("whether", "if")


def _line(text: str, said: Sequence[Token]) -> tuple[str, list[int]]:
    """The tokens as one line of words, with a bar for a dash, a bracket or a new line; and where each token begins in it."""
    line, places = "", list[int]()
    for n, token in enumerate(said):
        gap = text[said[n - 1].end : token.start] if n else ""
        if re.search(r"\s[-–—]+\s|[\n()]", gap):
            line += "| "
        places.append(len(line))
        line += f"{token.word} "
    return line.rstrip(), places


def _whole(match: re.Match[str], places: Sequence[int]) -> tuple[int, int] | None:
    start, end = match.span()
    while end > start and match.string[end - 1] == " ":
        end -= 1
    inside = [n for n, place in enumerate(places) if start <= place < end]
    return (inside[0], inside[-1] + 1) if inside and end > start else None


def _blotted(words: str, places: Sequence[int], span: tuple[int, int]) -> str:
    """The line with a span's words as signs, so that what follows it begins a clause."""
    start = places[span[0]]
    end = places[span[1]] - 1 if span[1] < len(places) else len(words)
    return words[:start] + "|" * (end - start) + words[end:]
