"""The closed grammar of questions: words that say how to compute, and words that say nothing. From the language, not from a catalogue.

A word that is neither here nor in the catalogue nor a time is a gap: it is never skipped.
"""

from __future__ import annotations

from functools import lru_cache

from answerable.agent.words import tokens
from answerable.context.query import SemanticQuery

ROLES: dict[str, str] = {
    # splitting
    "by": "by", "per": "by", "for each": "by", "for every": "by", "each": "by", "every": "by", "for each of": "by", "across": "by",
    "in each": "by",
    "at each": "by", "at each of": "by", "of each": "by", "split by": "by", "split out by": "by", "split up by": "by",
    "broken down by": "by",
    "grouped by": "by", "group by": "by", "divided by": "by", "by each": "by", "by every": "by", "one line for each": "by",
    "separated by": "by",
    "break down by": "by", "breakdown by": "by", "for the different": "by", "for the various": "by",
    # joining
    "and": "and", "&": "and", ",": "comma", "as well as": "and", "along with": "and", "or": "or",
    # turning around
    "not": "not", "except": "not", "except for": "not", "excluding": "not", "exclude": "not", "excl": "not", "without": "not",
    "other than": "not",
    "but not": "not", "leaving out": "not", "leave out": "not", "apart from": "not", "aside from": "not", "outside": "not",
    "outside of": "not",
    "not counting": "not", "not including": "not", "but without": "not", "non": "not", "neither": "not", "nor": "nor", "who are not": "not",
    "that are not": "not", "which are not": "not", "not in": "not", "not from": "not", "but no": "not", "anything but": "not",
    "everything but": "not",
    # comparing
    "versus": "versus", "compared to": "versus", "compared with": "versus", "in comparison to": "versus", "in comparison with": "versus",
    "against": "versus", "compare": "compare", "comparison of": "compare", "compare with": "versus", "compare to": "versus",
    "comparing": "compare",
    "difference between": "compare", "side by side": "compare", "than": "than", "than in": "than",
    # ranking
    "top": "top", "bottom": "bottom", "most": "most", "highest": "most", "largest": "most", "biggest": "most", "greatest": "most",
    "the most": "most",
    "busiest": "most", "highest number of": "most", "largest number of": "most", "least": "least", "fewest": "least", "lowest": "least",
    "smallest": "least", "lowest number of": "least", "ranked by": "by", "measured by": "by", "sorted by": "by", "ordered by": "by",
    "highest first": "descending", "largest first": "descending", "descending": "descending", "from highest to lowest": "descending",
    "from the highest to the lowest": "descending", "from largest to smallest": "descending", "lowest first": "ascending",
    "smallest first": "ascending", "ascending": "ascending", "from lowest to highest": "ascending",
    # thresholds
    "more than": ">", "over": ">", "above": ">", "exceeding": ">", "exceeded": ">", "exceed": ">", "exceeds": ">", "greater than": ">",
    "higher than": ">", ">": ">", "larger than": ">", "at least": ">=", ">=": ">=", "no less than": ">=", "no fewer than": ">=",
    "minimum of": ">=",
    "less than": "<", "fewer than": "<", "under": "<", "below": "<", "lower than": "<", "<": "<", "smaller than": "<", "at most": "<=",
    "no more than": "<=", "<=": "<=", "maximum of": "<=", "or more": "or more", "or less": "or less", "or fewer": "or less",
    # counting and listing
    "how many": "count", "number of": "count", "count of": "count", "the number of": "count", "how much": "much", "amount of": "much",
    "list": "list", "list of": "list", "list all": "list", "name": "list", "names of": "list", "which": "which", "what": "which",
    "who": "which", "where": "which",
    # parts and growth
    "share of": "share", "share": "share", "percentage of": "share", "percent of": "share", "proportion of": "share", "% of": "share",
    "%": "share",
    "part of": "share", "as a share of": "as share", "as share of": "as share", "as a percent of": "as share", "in percent": "in percent",
    "rate of": "rate", "trend": "trend", "trend of": "trend", "trends": "trend", "over time": "trend", "develop": "trend",
    "developed": "trend",
    "development of": "trend", "evolve": "trend", "evolved": "trend", "evolution of": "trend",
    "grow": "grow", "grew": "grow", "grown": "grow", "change": "grow", "changed": "grow", "increase": "grow", "increased": "grow",
    # wholes
    "average": "average", "amount": "amount", "total amount": "amount", "more": "more", "fewer": "more", "less": "more",
    "total": "total", "overall": "total", "in total": "total", "altogether": "total", "total of": "total", "total number of": "count",
    "ever": "total",
    "only": "only", "just": "only", "with": "with", "with their": "with", "with its": "with", "and their": "with",
    # politeness and set phrases, which say nothing only as a whole
    "good morning": "filler", "good afternoon": "filler", "good evening": "filler", "hi team": "filler", "hello team": "filler",
    "hey team": "filler", "could you": "filler", "can you": "filler", "would you": "filler", "can i": "filler", "could i": "filler",
    "may i": "filler", "can we": "filler", "could we": "filler", "can someone": "filler", "could someone": "filler", "i need": "filler",
    "we need": "filler", "i would like": "filler", "would like": "filler", "i would need": "filler", "i should like": "filler",
    "figures for": "filler", "figures of": "filler", "in the table": "filler", "in the database": "filler",
    "numbers for": "filler", "numbers of": "filler", "data for": "filler",
    "data on": "filler", "results for": "filler", "values for": "filler", "the numbers": "filler", "the figures": "filler",
    "took place": "filler", "take place": "filler", "taken place": "filler", "happened": "filler", "occurred": "filler",
    "both numbers": "filler", "in numbers": "filler", "ok": "filler", "okay": "filler", "as well": "filler", "for me": "filler",
    # in a thread
    "what about": "again", "how about": "again", "and what about": "again", "same for": "again", "the same": "again", "same": "again",
    "the same for": "again",
    "instead": "again", "now only": "only",
    "in euro": "unit:EUR", "in euros": "unit:EUR", "in eur": "unit:EUR", "in dollar": "unit:USD", "in dollars": "unit:USD",
    "in usd": "unit:USD", "in us dollars": "unit:USD", "in pounds": "unit:GBP", "in gbp": "unit:GBP",
    # grains
    "hourly": "grain:hour", "daily": "grain:day", "weekly": "grain:week", "monthly": "grain:month", "quarterly": "grain:quarter",
    "yearly": "grain:year", "annually": "grain:year", "annual": "grain:year", "day by day": "grain:day", "week by week": "grain:week",
    "month by month": "grain:month", "quarter by quarter": "grain:quarter", "year by year": "grain:year",
    "day of the week": "part:day_of_week", "day of week": "part:day_of_week", "weekday": "part:day_of_week",
    "hour of the day": "part:hour_of_day",
    "hour of day": "part:hour_of_day", "day of the month": "part:day_of_month", "month of the year": "part:month_of_year",
}  # fmt: skip

UNITS = {
    "hour": "hour",
    "day": "day",
    "week": "week",
    "month": "month",
    "quarter": "quarter",
    "year": "year",
    "fiscal year": "fiscal_year",
    "fiscal quarter": "fiscal_quarter",
}

FILLER = frozenset("""
    a an the this that these there here it its itself their them they he she our ours we us i me my you your
    is are was were be been being am do does did done have has had having get got gets
    of in on at for from to into about how please kindly thanks thank hi hello hey dear all
    show showing select tell give gives display see look find know want wants let provide pull exactly quickly really
    make made making come came some any during throughout within
    what's how's 's . : ; ? ! ->
    """.split())  # fmt: skip
"""Articles, pronouns, helping verbs, politeness and the verbs of showing: they say nothing about what is asked."""

ACTIONS = frozenset("""
    cancel send delete drop remove book set add refund update change create insert close open email mail message notify assign approve pay
    order buy sell
    schedule move rename translate convert write draft call ring post
    """.split())  # fmt: skip

LEAVES_OUT = frozenset({"drop", "delete", "remove"})
"""Actions that people also say of what a number should leave out."""

DEFINITIONS = (
    ("what is", ""), ("what's", ""), ("what are", ""), ("define", ""), ("definition of", ""), ("what is the definition of", ""),
    ("explain", ""), ("what does", "mean"), ("what do", "mean"), ("what do you mean by", ""), ("what is meant by", ""), ("meaning of", ""),
    ("what is the meaning of", ""), ("how is", "calculated"), ("how is", "computed"), ("how is", "defined"), ("how is", "measured"),
    ("how are", "calculated"), ("how are", "defined"), ("how do you calculate", ""), ("how do we calculate", ""), ("how do you define", ""),
    ("how do we define", ""), ("what counts as", ""), ("what counts as a", ""), ("what counts as an", ""), ("what does", "stand for"),
)  # fmt: skip

CATALOGUE = (
    "what can i ask", "what can i ask you", "what can you answer", "what can you do", "what can you tell me", "what do you know", "help",
    "what metrics are there", "which metrics are there", "which metrics do you know", "what metrics do you have",
    "which metrics do you have",
    "list metrics", "list all metrics", "show metrics", "what questions can i ask", "what can i ask about",
)  # fmt: skip


@lru_cache(maxsize=1000)
def phrase(text: str) -> tuple[str, ...]:
    """The words of a grammar phrase as a question's tokens have them."""
    return tuple(token.word for token in tokens(text))


PHRASES: dict[tuple[str, ...], str] = {phrase(text): role for text, role in ROLES.items()}
LONGEST = max(map(len, PHRASES))

DETERMINERS = frozenset("the a an all any every each this that these those my our your their its his her me us them it".split())
POLITE = frozenset("please kindly hi hello hey can could would you dear".split())
SMALL_TALK = frozenset(
    "hi hello hey thanks thank you good morning afternoon evening ok okay great nice bye so much very well done cool".split()
)
WEAK_DEFINITIONS = ("what is", "what's", "what are")
NOTHING = SemanticQuery()
AUXILIARIES = frozenset("is was are were did do does has have".split())
