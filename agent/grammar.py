"""The closed grammar of questions: words that say how to compute, and words that say nothing. From the language, not from a catalogue.

A word that is neither here nor in the catalogue nor a time is a gap: it is never skipped.
"""

from __future__ import annotations

from functools import lru_cache

from answerable.agent.words import tokens

ROLES: dict[str, str] = {
    "by": """
        by | per | each | every | across | for each | for every | for each of | in each | in every | at each | at each of | of
        each | split by | split out by | split up by | split into | split across | split over | split between | broken down by |
        broken out by | break down by | breakdown by | breakdown per | broken down into | broken down per | grouped by | group
        by | grouped per | divided by | divided into | divided over | by each | by every | one line for each | one row per | one
        line per | separated by | separately by | separately for each | for the different | for the various | for all the
        different | as a breakdown by | segmented by | sliced by | cut by | itemised by | itemized by | distributed over |
        distributed across | distribution over | distribution across | for every single | according to | differ by | differ
        between the | differs between | differs between the | differ between | differ across | vary by | varies by | vary across
        | varies across | depending on | on a per | in terms of | with a breakdown by | with a split by | and for each |
        individually for each | for all of the | per each | within each | from each | break it down by | break that down by |
        break this down by | break them down by | break down per | split it by | split that by | split this by | split them by |
        split it up by | split that up by | and break it down by | and split it by""",
    "ranked by": """
        ranked by | measured by | sorted by | ordered by | rank by | sort by | order by | judged by | going by | based on | sort it
        by | sort them by | order it by | rank them by | ordered according to | sorted according to""",
    "and": "and | & | + | as well as | along with | together with | plus | and also | also | and then",
    "comma": ",",
    "or": "or",
    "not": """
        everything other than | everything except | everything except for | everyone except | everybody except | all except |
        all other than | all of them except | any other than | anything other than | not | except | except for | excepting |
        excluding | exclude | excludes | excl | without | other than | but not | leaving out | leave out | apart from | aside
        from | outside | outside of | not counting | not including | but without | non | neither | who are not | that are not |
        which are not | not in | not from | but no | anything but | everything but | all but | ignoring | ignore | disregarding
        | disregard | omitting | omit | skipping | skip | minus | barring | with the exception of | exclusive of | net of | that
        were not | which were not | who were not | that was not | that is not | which is not | not the | leaving aside | setting
        aside | putting aside | if we ignore | if you ignore | if we leave out | if you leave out | if we exclude | if you
        exclude | but excluding | but the | but | but leaving out | but except | but ignore | but leave out | but please leave
        out | but do not include | but do not count | not those from | not counting those | beyond just | not by | not via | not
        through | not at | not with | not for | if you do not count | if we do not count | if you do not include | if we do not
        include | not count | not include | not consider""",
    "nor": "nor",
    "leave": """
        leave | leaving | put | putting | set | setting | if you leave | if we leave | if you put | if we put | if you set | if
        we set | take | taking | if you take | if we take""",
    "aside": """
        aside | out | left out | excluded | apart | not included | left aside | taken out | removed | out of it | out of the
        picture""",
    "unknown": """
        unknown | missing | blank | empty | unspecified | undefined | not known | not set | not filled in | not given | null""",
    "no": """
        no | with no | having no | has no | have no | lacking | lacks | lack | who have no | that have no | with an unknown |
        with unknown""",
    "versus": """
        versus | compared to | compared with | in comparison to | in comparison with | against | compare with | compare to | as
        opposed to | relative to | as compared to | as compared with | next to | up against | set against | and compare it to |
        and compare it with | and compare that to | and compare that with | when compared to | when compared with""",
    "compare": """
        compare | comparison of | comparing | difference between | side by side | compared | the difference between | comparison
        between | difference in | put side by side | next to each other | a comparison of""",
    "than": "than | than in | than for | than at | than the",
    "top": "top | leading | our top",
    "bottom": "bottom",
    "best": "best | the best | best performing | top performing",
    "worst": "worst | the worst | worst performing",
    "most": """
        most | highest | largest | biggest | greatest | the most | busiest | highest number of | largest number of | strongest |
        peak | maximum | greatest number of | biggest number of | highest amount of | record | maximal | number one in | most
        often | topmost | best selling | top selling | bestselling | most sold | best sold | most common | most frequent |
        commonest | most popular""",
    "least": """
        least | fewest | lowest | smallest | lowest number of | weakest | quietest | the least | the fewest | minimum |
        slightest | minimal | smallest number of | least often | poorest | calmest | worst selling | least sold""",
    "most of:time": "longest | slowest",
    "least of:time": "shortest | fastest | quickest",
    "most of:money": "most expensive | dearest | costliest | priciest",
    "least of:money": "cheapest | least expensive",
    "descending": """
        highest first | largest first | biggest first | most first | descending | in descending order | from highest to lowest |
        from the highest to the lowest | from largest to smallest | from most to least | from top to bottom | best first |
        ranking of | ranking | ranked | rank | high to low | from high to low | sort it descending | sort descending | sorted
        descending | largest on top | biggest on top | highest on top | with the largest first | with the highest first | starting
        with the largest | starting with the highest""",
    "ascending": """
        lowest first | smallest first | ascending | in ascending order | from lowest to highest | worst first | low to high |
        sort it ascending | sort ascending | sorted ascending | from low to high | from smallest to largest""",
    ">": """
        more than | over | above | exceeding | exceeded | exceed | exceeds | greater than | higher than | > | larger than |
        bigger than | in excess of | upwards of | beyond | north of | surpassing | surpassed | surpass | topped | topping | was
        over | was above | longer than | better than""",
    ">=": """
        at least | >= | no less than | no fewer than | minimum of | a minimum of | not less than | not fewer than | at or above
        | not under | not below | reached | reaching | reach | hit""",
    "<": """
        less than | fewer than | under | below | lower than | < | smaller than | short of | south of | was under | was below |
        shorter than | worse than""",
    "<=": """
        at most | no more than | <= | maximum of | a maximum of | not more than | up to | at or below | not over | not above |
        no higher than""",
    "=": "exactly | equal to | precisely",
    "or more": "or more | or higher | or over | or above | and up | and above | and more | or better | plus more",
    "or less": "or less | or fewer | or lower | or under | or below | and below | and under",
    "count": """
        how many | number of | count of | the number of | total number of | count the number of | the count of | how many
        different | overall number of | counts of | numbers of | what number of | amount of different""",
    "much": "how much | amount of",
    "long": "how long | how quickly | how fast",
    "size": """
        how big is | how big was | how large is | how large was | size of | the size of | length of | the length of | level of |
        volume of | the volume of | the level of | level | volume""",
    "counted": """
        count | counts | by count | by number | in absolute numbers | absolute number | absolute numbers | as a number | in
        numbers | by volume | in total numbers | in absolute terms | as an absolute number""",
    "distinct": "different | distinct | unique | individual | separate",
    "people": "people | persons | person",
    "list": """
        list | list of | list all | show me all | show all | show me every | give me all | give me every | get me all | show us
        all | name | names of | enumerate | list out | listing of | list me | the list of | a list of | names for | the names of""",
    "asker": "who | where | whose | whom",
    "which": "which | what | which of our | which of the | which ones | whats",
    "moment": "when | when did | when was | when were | when has | when have | since when",
    "share": """
        as a share of all | as a share of the total | of the total | as a share of the whole | of the whole | as a percentage of
        the total | as a percentage of all | share of all | share of | share | percentage of | percent of | proportion of | % of
        | % | part of | what part of | fraction of | portion of | split of | the share of | the percentage of | the proportion
        of | percentage | proportion | distribution of | mix of | the split of | the distribution of | percent""",
    "between": "between",
    "among": "among | amongst | among all | amongst all | out of all | among all of",
    "as share": """
        as a share of | as share of | as a percent of | as a proportion of | as a fraction of | as percent of | as % of""",
    "in percent": """
        in percent | by what % | by what percentage | by what percent | by how many percent | how many percent | in % | as a
        percent | in percentages | in percents | percentage wise | as percentages | as percents | as a percentage | as a share |
        as shares""",
    "rate": "as a rate | as rate | rate of | rate | ratio of | the rate of",
    "conversion": """
        conversion | conversions | conversion rate | conversion of | converted | convert | conversion from | converted from |
        convert from | the conversion | conversion rate of | conversion rate from | converted into | convert into | convert to |
        converted to | turned into | turn into | turns into | resulted in | result in | results in""",
    "cumulative": """
        cumulative | cumulated | accumulated | running total of | running total | running sum | running sum of | cumulatively |
        rolling | moving | running | cumulative total | cumulative total of | accumulating | rolling total | rolling total of |
        moving total | rolling sum | rolling sum of | cumulative sum | cumulative sum of | cumulative number of""",
    "trend": """
        trend | trend of | trends | trend in | over time | develop | developed | development of | evolve | evolved | evolution
        of | trending | time series | time series of | history of | the history of | the development of | the evolution of |
        develop over time | trend for | progress | progressed | progression of | trend line | trendline | trend over time |
        curve of | course of | the course of | change over time | changed over time | developing | evolving""",
    "grow": """
        grow | grew | grown | change | changed | increase | increased | growth | growing | growth in | growth of | rate of
        growth | change in | increase in | changes in | growth rate | the growth of | rate of change | changing | increasing""",
    "rose": """
        the rise in | rise in | the jump in | jump in | a rise in | the surge in | rise | rose | risen | go up | gone up | went
        up | going up | up | climb | climbed | improve | improved | higher | gain | gained""",
    "fell": """
        the drop in | drop in | the decline in | the fall in | decline in | fall in | the decrease in | decrease in | a drop in
        | fall | fell | fallen | drop | dropped | decline | declined | decrease | decreased | go down | gone down | went down |
        going down | down | shrink | shrank | shrunk | lower | worse | worsen | worsened | weaker | dip | dipped | dropping |
        falling | declining""",
    "average": "average | on average | the average | average of | the average of | typical",
    "amount": """
        amount | total amount | value | total value | money | cash | value of | the value of | total value of | sum of | the sum
        of""",
    "more": "more | bigger | larger | greater | stronger | better",
    "less": "less | fewer | smaller",
    "times": """
        how often | how many times | number of times | times | the number of times | how frequently | how many times has | how
        regularly""",
    "once": "once | one time | a single time",
    "twice": "twice | two times",
    "never": "never | not once | not a single time | not ever",
    "over:day": "day over day | dod | day on day",
    "over:week": "week over week | wow | week on week | week to week change",
    "over:month": "month over month | mom | month on month | month over month change | month over month growth | m o m",
    "over:quarter": "quarter over quarter | qoq | quarter on quarter | quarter over quarter growth",
    "over:year": """
        year over year | yoy | year on year | y o y | year over year growth | year over year change | yoy growth | yoy change |
        on the year | annual growth""",
    "total": """
        total | overall | in total | altogether | total of | all together | combined | in all | all in all | taken together |
        the total | in sum | sum | grand total | the total of | overall total""",
    "only": "only | just | exclusively | solely | nothing but | purely",
    "with": """
        with | with their | with its | and their | having | that have | who have | that had | who had | which have | which had |
        that has | which has | who has | including | incl | include | includes | whose | showing | and its""",
    "came": """
        came in | come in | comes in | came through | come through | coming in | went through | brought in | brings in | bring
        in | came from | come from | comes from | coming from | comes out of | went to | goes to | going to | ended as | ended
        up as | ended up being | turned out to be | turned out as | came | come | went | brought | brings | bring""",
    "filler": """
        end up having | end up with | ended up with | ended up having | add up to | adds up to | amount to | amounts to |
        amounted to | send me | send us | please check | can you check | could you check | check how | check what | report how |
        account for | accounts for | find out | can you find | could you find | please find | find me | help me find | to find |
        let me find | i want to find | trying to find | where do we stand on | where do we stand with | where are we on | where
        are we with | where are we at with | stack up | stacks up | i mean | i meant | as a trend | for their | for its | good
        morning | good afternoon | good evening | hi team | hello team | hey team | could you | can you | would you | will you |
        can i | could i | may i | can we | could we | can someone | could someone | can anyone | could anyone | i need | we need
        | i would like | would like | i would need | i should like | we would like | i want | we want | i am looking for | we
        are looking for | looking for | figures for | figures of | figure for | in the table | in the database | in our data |
        in the data | numbers for | data for | data on | results for | values for | the numbers | the figures | the figure |
        both numbers | ok | okay | for me | for us | put together | do we know | do you know | do you have | do we have any idea
        | any idea | a quick look at | a look at | an overview of | overview of | summary of | a summary of | the breakdown of |
        breakdown of | a breakdown of | break down | broken down | a table of | table of | table with | a table with | a chart
        of | chart of | chart | plot | graph | visualise | visualize | a graph of | stats on | stats for | statistics on |
        statistics for | statistics of | the stats on | the stats for | report on | a report on | the report on | if possible |
        at all | right | so | in detail | the following | of ours | we had | there were | there was | were there | was there |
        are there | is there | have there been | had there been | have been | has been | had been | of them | of those | of
        these | in the end | to me | to us | in one table | in a table | as a table | as a list | as a chart | as a line chart |
        as a bar chart | as a pie chart | as a graph | as a diagram | as a plot | as a line graph | as table | with us | at our
        company | in our company | at the company | company wide | companywide | across the company | across the board | for the
        company | look that up | look it up | look this up | look them up | could you please | can you please | i was wondering
        | just wondering | wondering | curious | out of curiosity | by any chance | look like | looks like | looked like | how
        high is | how high was | how high are | how high were | how low is | how low was | is it possible to | by how much | one
        number | just one number | a number | the real number | the right number | the exact number | the number | a single
        number | the latest numbers | the latest number | is it possible to see | would it be possible to see | and please | for
        comparison | in question | we made | we have | we have had | we got""",
    "instead of": "instead of | rather than | in place of | and not by",
    "happened": "took place | take place | taken place | takes place | happened | occurred | happen | happens",
    "also": "as well | too | also | in addition | additionally | on top of that | add | add the | and add | and also add",
    "both": "both | both of them | for both | the two of them | of both",
    "is it true": """
        is it true that | is it true | true that | is it correct that | is it right that | is it the case that | did it happen
        that""",
    "again": """
        no wait | wait no | oh wait | oh no | no sorry | no i mean | no i meant | i mean | i meant | what about | how about |
        and what about | and how about | same for | the same | same | the same for | instead | same thing for | the same thing
        for | same again for | do the same for | now the same for | same but for | same but | the same but | now for | now | and
        now | now by | then | do that for | do it for | repeat for | repeat that for | the same with | same with | make it |
        make that | change it to | switch to | show it | show that | show me that | show this | and for | and the same for | but
        for | but""",
    "drop:filters": """
        drop the filter | drop the filters | drop all filters | without the filter | without the filters | without filters | no
        filter | no filters | remove the filter | remove the filters | remove all filters | unfiltered | without any filter |
        clear the filter | clear the filters | for everything | for all""",
    "drop:splits": """
        drop the breakdown | without the breakdown | no breakdown | as one number | in one number | just the total | only the
        total | not split | without the split | ungrouped""",
    "drop:limit": """
        all of them | show all of them | all not only the top | without the limit | no limit | the whole list | the full list""",
    "drop:time": """
        of all time | all time | for all time | over all time | no time limit | without the time | since the beginning | since
        ever""",
    "drop": "remove | forget | forget about | take out | without the | drop the | remove the | forget the | all",
    "unit:EUR": "in euro | in euros | in eur",
    "unit:USD": "in dollar | in dollars | in usd | in us dollars | in us dollar",
    "unit:GBP": "in pounds | in gbp | in pounds sterling",
    "unit:CHF": "in francs | in swiss francs | in chf",
    "unit:JPY": "in yen | in jpy",
    "end of:week": "at the end of each week | at the end of every week | at each week end",
    "end of:month": """
        at the end of each month | at the end of every month | at each month end | at month end | month end | end of month | at
        every month end | by month end""",
    "end of:quarter": """
        at the end of each quarter | at the end of every quarter | at quarter end | quarter end | at each quarter end""",
    "end of:year": "at the end of each year | at the end of every year | at year end | year end | at each year end",
    "grain:hour": "hourly | hour by hour",
    "grain:day": "daily | day by day | day to day | day over day | from day to day",
    "grain:week": "weekly | week by week | week to week | from week to week",
    "grain:month": "monthly | month by month | month to month | from month to month",
    "grain:quarter": "quarterly | quarter by quarter | from quarter to quarter",
    "grain:year": "yearly | annually | annual | year by year | year to year | from year to year",
    "part:day_of_week": "day of the week | day of week | weekday | days of the week",
    "part:hour_of_day": "hour of the day | hour of day | time of day | time of the day",
    "part:day_of_month": "day of the month | day of month",
    "part:month_of_year": "month of the year | calendar month",
}  # fmt: skip
"""Phrases by what they do."""

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
    a an the this that these those there here it its itself their them they he she our ours we us i me my you your
    is are was were be been being am do does did done have has had having get got gets
    of in on at for from to into about how please kindly thanks thank thx hi hello hey dear all
    show showing shows select tell give gives display see look know want wants let provide provided pull exactly quickly really
    make made making some any during throughout within
    what's how's 's . : ; ? ! ->
    fetch grab bring need needs put namely split splits via through using located based ones exist exists something wise looking figure
    figures ever still took take takes taken taking earn earned earns generated achieved recorded granted given gave incurred contribute
    contributes contributed actually currently approximately roughly basically simply
    """.split()) - {"currently"}  # fmt: skip
"""Articles, pronouns, helping verbs, politeness and the verbs of showing: they say nothing about what is asked."""

GETTING = frozenset("manage grant incur generate achieve produce record carry".split())
"""Verbs of having and giving that say nothing after "did": after all else they may be nouns."""

PRONOUNS = frozenset("us it me they he she i we you our".split())

ACTIONS = frozenset("""
    cancel send delete drop remove book set add refund update change create insert close open email mail message notify assign approve pay
    order buy sell
    schedule remind move rename translate convert write draft call ring post
    """.split())  # fmt: skip

LEAVES_OUT = frozenset({"drop", "delete", "remove"})
"""Actions that people also say of what a number should leave out."""

DEFINITIONS = (
    ("what is", ""), ("what's", ""), ("what are", ""), ("define", ""), ("definition of", ""), ("what is the definition of", ""),
    ("explain", ""), ("what does", "mean"), ("what do", "mean"), ("what do you mean by", ""), ("what is meant by", ""), ("meaning of", ""),
    ("what is the meaning of", ""), ("how is", "calculated"), ("how is", "computed"), ("how is", "defined"), ("how is", "measured"),
    ("how are", "calculated"), ("how are", "defined"), ("how do you calculate", ""), ("how do we calculate", ""), ("how do you define", ""),
    ("how do we define", ""), ("what counts as", ""), ("what counts as a", ""), ("what counts as an", ""), ("what does", "stand for"),
    ("how do we measure", ""), ("how do you measure", ""), ("how are", "computed"), ("how are", "measured"), ("how are", "counted"),
    ("how is", "counted"), ("what exactly is", ""), ("what exactly are", ""), ("what exactly counts as", ""), ("what do we mean by", ""),
    ("what do we mean with", ""), ("what do we call", ""), ("what is", "exactly"), ("what are", "exactly"), ("how do we count", ""),
    ("what do we count as", ""), ("what is included in", ""), ("what goes into", ""), ("what is behind", ""), ("formula for", ""),
    ("what is the formula for", ""), ("what is the formula of", ""), ("describe", ""), ("when is", "counted"), ("which", "count as"),
    ("what does", "include"), ("what does", "cover"), ("definition for", ""), ("give me the definition of", ""), ("explain what", "means"),
    ("can you explain", ""), ("can you define", ""), ("what is the formula behind", ""), ("what's the formula behind", ""),
    ("formula behind", ""), ("what's the formula for", ""),
    ("what's the definition of", ""), ("how do we arrive at", ""), ("how do you arrive at", ""),
    ("what is a", ""), ("what's a", ""), ("what is an", ""), ("meaning of", ""),
)  # fmt: skip

CATALOGUE = (
    "what can i ask", "what can i ask you", "what can you answer", "what can you do", "what can you tell me", "what do you know", "help",
    "what metrics are there", "which metrics are there", "which metrics do you know", "what metrics do you have",
    "which metrics do you have", "what kpis are there", "which kpis are there", "which kpis do you know", "what kpis do we have",
    "list metrics", "list all metrics", "show metrics", "what questions can i ask", "what can i ask about", "what data do you have",
    "what data is there", "what can we ask", "which numbers do you know", "what do you have", "which metrics do we have",
    "what metrics do we have", "list the metrics", "show me the metrics", "show all metrics", "what can you help with",
    "what can you help me with", "what are you able to answer", "which questions can you answer", "which questions can i ask",
)  # fmt: skip


@lru_cache(maxsize=1000)
def phrase(text: str) -> tuple[str, ...]:
    """The words of a grammar phrase as a question's tokens have them."""
    return tuple(token.word for token in tokens(text))


PHRASES: dict[tuple[str, ...], str] = {phrase(said.strip()): role for role, listed in ROLES.items() for said in listed.split("|")}
PHRASES |= {(dash,): "comma" for dash in "-–—"}
LONGEST = max(map(len, PHRASES))

DETERMINERS = frozenset("the a an all any every each this that these those my our your their its his her me us them it".split())
POLITE = frozenset("please kindly hi hello hey can could would you dear".split())
SMALL_TALK = frozenset(
    "hi hello hey thanks thank you good morning afternoon evening ok okay great nice bye so much very well done cool".split()
)
WEAK_DEFINITIONS = ("what is", "what's", "what are")
AUXILIARIES = frozenset("is was are were did do does has have had".split())
PERSONS = frozenset("""
    person patient customer client user member employee guest subscriber buyer shopper visitor student driver passenger tenant host provider
    doctor agent rep policyholder claimant viewer listener player applicant candidate participant attendee donor volunteer citizen resident
    worker nurse teacher pupil account lead contact signup registrant traveller traveler rider reader follower fan seller vendor merchant
    creator author parent child staff colleague consumer
    """.split()) - {"account"}  # fmt: skip
"""Nouns of people, of whom "people" may be said."""
STATES = frozenset("""
    open pending overdue outstanding unpaid unsolved unresolved unanswered running active waiting live due late backlog queued hold progress
    undelivered unassigned unfinished ongoing current
    """.split())  # fmt: skip
"""Words for a state that something is in now, which want no window."""
TIME_UNITS = frozenset("second minute hour day week month year".split())
