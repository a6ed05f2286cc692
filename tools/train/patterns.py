"""Patterns of phrasings per task (`grammar.expand` reads them), beside the lists they widen."""
import declines
import phrasings as ph
import stories

LISTS = {"expression": ph.EXPRESSION, "add": ph.ADD, "subtract": ph.SUBTRACT, "multiply": ph.MULTIPLY,
         "compare": ph.COMPARE, "compare plain": ph.COMPARE_PLAIN, "compare yes no": ph.COMPARE_YES_NO,
         "compare sign": ph.COMPARE_SIGN, "sort": ph.SORT, "extreme": ph.EXTREME, "count": ph.COUNT,
         "story add": stories.STORY_ADD, "story subtract": stories.STORY_SUBTRACT, "story multiply": stories.STORY_MULTIPLY,
         "decline": declines.DECLINE + declines.DECLINE_HELD_OUT}

NAMED = {
    "ask": "||||can you|could you|would you|will you|please|kindly|i want you to|i need you to|i'd like you to|help me|"
           "try to|let's|now|go ahead and|you have to|it is time to|could you please|can you please|your task is to",
    "find": "find|compute|calculate|work out|figure out|determine|get|evaluate|solve|do|obtain|tell me|give me|show me|return|"
            "write down|report|answer|simplify|derive|reckon|process|handle",
    "want": "i want|i need|i'd like|i am looking for|give me|show me|tell me|find|get me|let me have|let me see|please give|we need|"
            "looking for|tell us|write|return|print|name|say|state|what is|what's|compute|calculate|find me|work out|determine",
    "what": "what is|what's|whats|what is|what would be|what will be|what was|tell me|say|give me|find|what could be",
    "end": "|||||for me|please|now|quickly|for us|exactly|right now|if you can|in your head|carefully|today|once more",
    "how_much": "what|how much|which number|what number|what value|what result|what total",
    "know": "tell me|let me know|show me|explain|i wonder|i want to know|i'd like to know|i need to know|say|write down|do you know|"
            "can you say|can you tell me|could you say|find out|any idea|who knows|i forgot|remind me|teach me|please say",
    "makes": "makes|gives|equals|is|comes to|amounts to|results in|yields|leads to|will be|would be|will give|should be|becomes|\
produces",
    "who": "i|you|we|one|someone|people|they",
    "lead": "so|and|now|then|next|ok|well|hey|first|again|one more|another one|next one|next up|my question|the question|problem|\
exercise|"
            "task|question|homework|quiz|sum|calculation|expression|today's problem|maths|arithmetic|listen|look|input|number 3|here \
goes|"
            "easy one|last one|please|problem 7|test|challenge|riddle|here is one|try this|try|this one|what about|how about|what of",
    "group": "|the|these|this|my|those|all|the following|all these|our|some|a few|these few",
    "numbers": "numbers|list|values|integers|set|sequence|series|figures|scores|entries|row of numbers|items|ones|collection|group",
    "sorting": "sort|order|arrange|rank|organize|organise|reorder|line up|sort out|sequence|put in order|sort through|tidy up",
    "sorted": "sorted|ordered|in order|arranged|in the right order|in sorted order|ranked|properly sorted|put in order",
    "them": "them|these|it|the list|the numbers|these numbers|all of them|everything|those|the values",
    "c1": "the letter {c}|letter {c}|the character {c}|{c}|{c}|a {c}|the {c}|an {c}",
    "cs": "{c}'s|{c}s|{c}|{c}'s|{c}s|letter {c}'s|letters {c}|of the letter {c}|letter {c}|characters {c}|times {c}",
    "these_cs": "{c}'s|{c}s|the {c}'s|the {c}s|all {c}'s|letters {c}|every {c}|each {c}|the letters {c}|all the {c}s|letter {c}|the \
{c}",
    "w": "{w}|{w}|{w}|the word {w}|the text {w}|the string {w}|the term {w}|the letters of {w}|the spelling of {w}|word {w}",
    "in": "in|in|in|inside|within|inside of|throughout",
    "pick": "find|pick|choose|select|name|give|give me|tell me|show me|say|get|identify|i want|i need|what is|what's|which is|return|"
            "point out|pick out|take|spot|report|print|write|look for|let me know|can you find|could you pick",
    "m_one": "{m}|{m}|{m} one|{m} number|{m} value|{m} of them|{m} element|{m} entry|{m} of all|{m} member|{m} figure",
    "two": "{a} or {b}|{a} and {b}|{a} or {b}|{a}, {b}|{a} vs {b}|{a} and {b}|{a} versus {b}|{a}; {b}|{a} / {b}|the numbers {a} and \
{b}",
    "place": "the kitchen|the garden|the box|the left|the shelf|the bag|the first room|the car|the office|the park|town|the desk|the \
gym|"
             "the attic|the big box|the top drawer|the table|the north side|the field|the blue bowl|the hall|the barn|the library|the \
boat",
    "place2": "the bathroom|the yard|the basket|the right|the floor|the pocket|the second room|the van|the shop|the street|the village|"
              "the chair|the lobby|the cellar|the small box|the bottom drawer|the bench|the south side|the forest|the red bowl|the \
tent",
    "time": "in the morning|on friday|last month|in june|at first|before lunch|on the first day|last year|early|in spring|at noon",
    "time2": "in the evening|on saturday|this month|in july|later|after lunch|the next day|this year|late|in autumn|at night",
    "did": "bought|found|made|ate|sold|picked|saw|caught|drew|wrote|won|brought|counted|baked|collected|used|packed|washed|painted|got",
    "has": "has|had|owns|owned|keeps|got|holds|carries|brought|counted|started with|starts with|bought|begins with|has got|collected",
    "gains": "gets|got|buys|bought|finds|found|receives|received|collects|wins|won|picks up|is given|was given|makes|made|adds|picked|\
gains",
    "more": "more|more {t}|{t}|extra {t}|new ones|additional {t}|others|other {t}|more of them|new {t}|extra",
    "loses": "gives|gave|lost|loses|sold|sells|ate|eats|broke|used|uses|drops|dropped|threw away|throws out|donates|returned|hides|"
             "misplaced|burned|gave away|sends away|hands out|lends|shipped|spent|cuts off|takes away|removes|leaves",
    "then": ".| and| and then|, then|. then|. later|. after that|. yesterday|. today|. now| and later|; then|. a day later|, and",
    "total": "how many( {t}|) (does {n} have|are there|does she have|does he have|is that|are there now|does that make|is it|are they|"
             "does {n} own)( now| in total| altogether| together| at the end| all together| overall| by the end|)|what is the total|"
             "find the total|what is the total number of {t}|how many {t} altogether|how many in total|count all {t}|how many now|"
             "how many {t} now|what is the sum|how many {t} in total|how many {t} are there in total",
    "did_total": "how many( {t}|)( did {n} <do>|) (in total|altogether|in all|over all|in the end|all together|on both days)|"
                 "what is the total|how many {t} is that|how many {t} are those|how many( {t}|) did {n} <do>",
    "do": "buy|find|make|eat|sell|pick|see|get|count|use|collect",
    "both": "how many( {t}|) (do they have|do both have|are there|is that|have they|do the two have|do they own)( in total| together|"
            " altogether| in all| combined| all together|)|how many {t} do {n} and {p} have( together| in total|)|what is the total|"
            "how many {t} together|how many together|how many {t} in all",
    "left": "how many( {t}|) (are left|remain|are left over|does {n} have left|does {n} still have|does {n} keep|does she have now|"
            "does he have now|are still there|has {n} left|does {n} have now|stay|are there now|still remain|does that leave)|"
            "what is left|what remains|how many {t} now|how many now|what number of {t} is left|how many does {n} have after that",
    "gone": "lost|sold|broken|green|small|given away|gone|used|missing|old|ripe|taken|empty|rotten|white|wet|thrown away|bad|closed",
    "people": "children|students|friends|workers|farmers|girls|boys|people|players|teachers|kids|guests|neighbors|nurses|men|women|\
cousins",
    "come": "come|join|arrive|land|walk in|get in|come in|enter|show up|sit down|join them|appear|come along|follow",
    "go": "leave|fly away|go home|walk out|left|escape|go away|run away|disappear|go out|depart|get up and go|move away",
    "money": "dollars|euros|cents|coins|pounds|dollars",
    "how_much_left": "how much (is left|remains|does {n} have left|does {n} still have|money is left|does {n} have now)|what is left|"
                     "how many <money> (are left|remain|does {n} have left)|what remains",
    "sum_money": "how much (is that|did {n} <pay>|does that make|does {n} have|money is that)( in total| altogether| in all| together|\
)|"
                 "what is the total|how many <money> is that",
    "pay": "spend|pay|earn|save|get",
    "mul_total": "how many {t} (is that|are there|does {n} have|are those|are there together|is it|does that make)( in total| \
altogether|"
                 " in all| together| all together|)|what is the total|how many {t} altogether|how many {t} in all|how many is that|"
                 "find the number of {t}|what is the total number of {t}|how many {t}|how many {t} in total",
    "operation": "quotient|ratio|average|mean|lcm|median|remainder|root|log|least common multiple|square root|logarithm|{w}|{v}|half|\
inverse|"
                 "greatest divisor|factorial|modulus|power|hypotenuse|percentage|distance|probability|gap in {w}|{w} {v}|square|cube|\
digit",
    "other_sign": "divided by|into|per|/|÷|mod|modulo|%|to the power of|^|**|percent of|out of|upon|split by|shared by|choose|//|&|=|\
:|!|"
                  "of|for every|squared plus|root|log|raised to|xor|{w}|{v}|over the {w} of|percent more than|in base|at|#|@",
    "left_over": "how many are left|how many now|how many {w}s does {name} have|what remains|how many in total",
    "cost": "how much (do|would|will) {a} {t} cost|what do {a} {t} cost|what is the price of {a}|how much are {a} {t}|"
            "{n} buys {a}. how much does {n} (pay|spend|need)|how much for {a}|how much is it for {a} {t}|how much must {n} pay for \
{a}|"
            "what will {n} pay for {a} {t}",
}

LINKED = [
    (("box", "boxes"), [("box", "boxes"), ("bag", "bags"), ("pack", "packs"), ("basket", "baskets"), ("crate", "crates"), ("jar", \
"jars"),
                        ("bowl", "bowls"), ("tray", "trays"), ("pile", "piles"), ("stack", "stacks"), ("drawer", "drawers"),
                        ("bundle", "bundles"), ("bucket", "buckets"), ("envelope", "envelopes"), ("shelf", "shelves"), ("truck", \
"trucks"),
                        ("room", "rooms"), ("table", "tables"), ("page", "pages"), ("cart", "carts"), ("row", "rows"), ("line", \
"lines")]),
    (("day", "days"), [("day", "days"), ("week", "weeks"), ("hour", "hours"), ("month", "months"), ("minute", "minutes"), ("year", \
"years"),
                       ("night", "nights"), ("morning", "mornings"), ("shift", "shifts"), ("game", "games"), ("trip", "trips")]),
    (("unit", "units"), [("mile", "miles"), ("page", "pages"), ("lap", "laps"), ("letter", "letters"), ("dollar", "dollars"), ("cup", \
"cups"),
                         ("kilometer", "kilometers"), ("point", "points"), ("step", "steps"), ("photo", "photos"), ("word", "words")]),
    (("move", "moved"), [("run", "ran"), ("drive", "drove"), ("ride", "rode"), ("swim", "swam"), ("cycle", "cycled"), ("fly", "flew"),
                         ("hike", "hiked"), ("climb", "climbed"), ("sail", "sailed"), ("travel", "traveled")]),
]

PATTERNS = {name: ph.lines(text) for name, text in {
    "expression": """
<ask> <find> {e} <end>
<ask> <find> {e}
<ask> <find> (the |)(value|result|answer|outcome|solution|output|number|total) (of|for|to|from)( the| this|)( expression| calculation|\
 problem| exercise| task| sum|)(:|) {e}
<ask> <find> (the|this|the following|this little|that)( expression| calculation| problem| exercise| task| sum| equation| question| \
term| operation)(:|,|) {e} <end>
what( is|'s|s| would be| will be)( the (value|result|outcome|solution|total) (of|for|to|from)|)( this| the|)( expression| calculation|\
)(:|) {e}
what (number|value|result|) (do|does|will|would|could) <who> (get|have|obtain|see) (from|for|with|by|out of) {e}
<lead>(,|:| -|.|) {e} <end>
<lead>(,|:|) {e}
{e} <makes> <how_much>
{e}(,|:|;| -|.|) (what is it|what is that|what does it make|how much is it|how much is that|can you work it out|solve it|compute it|\
work it out|calculate that|find it|answer it|go|what's the result|tell me|evaluate this|result|answer|your turn|do you know)
<know> (what|how much) {e} <makes> <end>
<know>(,|:|) {e}
(do|would) you (know|happen to know|see) (what|how much) {e} <makes>
(my|the|our) (teacher|friend|boss|brother|homework|book|sister|son|test|worksheet|exam) (asks|asked|wants to know|says|wants|needs) \
(for|what is|how much is|about|me for|me to do|to know|) {e}
i (have to|need to|want to|must|should|am trying to|would like to|can't|cannot) (solve|do|compute|calculate|know|find|work out|\
evaluate|answer) {e} <end>
(fill in|complete|finish|fill in the blank|fill the gap)(:|) {e} =( _| ?| ...|)
if <who> (type|enter|put|key) {e} (in|into) a calculator, (what (do i get|comes out|is shown|appears)|what does it show)
here is (a|my|the|another|one more) (sum|problem|calculation|question|exercise|expression|task)(:|.|,) {e}
(the|an|one|this) (expression|calculation|sum|problem|question|exercise)(:| is| reads|) {e}
<how_much> (does|will|would|do) {e} (make|give|equal|come to|amount to|yield|result in|be|produce|mean)
""",
    "add": """
<ask> (add|sum|total|combine|join|sum up|add up|put together|add together|tally) {a} (and|with|to|plus|together with|&) {b} <end>
<ask> (add|put|pile) {b} (onto|on top of|to) {a} <end>
<what> the (sum|total|combined total|combined value|grand total|addition|whole sum|full amount) (of|for|from|over) {a} (and|with|\
plus) {b}
<ask> <find> the (sum|total|combined value|sum total|result of adding|result of adding up) (of|for|from|) {a} (and|with|plus) {b} <end>
<how_much> (is|are|do|would be|makes) {a} and {b} (together|in total|combined|altogether|in all|added|summed|put together|added up|\
taken together)
{a} (added to|increased by|raised by|together with|combined with|summed with|and another|on top of|joined with) {b}( <makes> \
<how_much>|)
<what> {a} (added to|increased by|raised by|together with|combined with|summed with|and another|on top of|plus an extra) {b}
<ask> (increase|raise|grow|boost|lift|extend|bump) {a} by {b} <end>
(start|begin) (with|at|from) {a}(,| and|) (add|then add|go up by|count up) {b}
(the|) (sum|total|addition|sum total)(:| of) {a} and {b}
<what> the number (that is |){b} (more than|on top of|above|past) {a}
(i|you|we) have {a} and (get|add|receive|gain) {b}( more| extra|). what is the (total|sum)
adding (up |together |){a} (and|to|with) {b} <makes> <how_much>
<how_much> (comes out|results|do i get|is the result) (when|if|after) <who> (add|sum|combine|put together) {a} (and|with|to) {b}
{a} and {b}(,|:|.| -) (add them|sum|the sum|total|add|what is the total|what is their sum|sum them up|add these)
<know> the (sum|total) (of|for) {a} and {b}
if {a} (grows|rises|goes up|increases) by {b}(,|) <how_much> (is it|do you get|does it become)
""",
    "subtract": """
<ask> (subtract|take|deduct|remove|take away|withdraw|cut|strip|drop|pull|knock|discount) {b} (from|off|out of|away from) {a} <end>
<ask> (subtract|take|deduct|remove|take away) {b} from {a} <end>
<ask> (decrease|lower|cut|diminish|drop|shrink|lessen|bring down|reduce|cut down|trim|make) {a} (by|by|down by|smaller by) {b} <end>
{a} (minus|take away|decreased by|reduced by|lowered by|diminished by|cut by|without|cut down by|after losing|shrunk by|dropped by|\
lessened by) {b}( <makes> <how_much>|)
<what> {a} (minus|decreased by|lowered by|after subtracting|if you take away|without|after losing|after taking away|take away|after \
removing|reduced by|cut by|diminished by|once you remove) {b}
<what> (left|left over|remaining) (of|from) {a} (when|if|after|once) <who> (take away|subtract|remove|deduct|lose|spend|take off|use \
up) {b}
<how_much> (is left|remains|stays|is still there|do i keep) (of|from) {a} (without|after taking away|after losing|after you remove|\
when you remove|minus|once {b} is gone, that is without) {b}
<what> the (difference|remainder left|result) (between|of|for|when going from) {a} (and|minus|less|take away) {b}
<ask> <find> the difference (between|of|for|from) {a} (and|minus|less|to|with) {b} <end>
(the |)difference(:| of| between) {a} (and|,|minus) {b}
(start with|take|begin with|from|start at|i have|you have|we have) {a}(,|) (and|then|and then|and now) (subtract|take away|remove|\
deduct|go down by|lose|drop|take off) {b}( <end>|)
(subtracting|taking|removing|deducting|taking away) {b} (from|off) {a} <makes> <how_much>
{b} (less than|taken from|subtracted from|removed from|deducted from|off|taken away from|under|below) {a}( <makes> <how_much>|)
<what> {b} (less than|taken from|subtracted from|removed from|deducted from|off|taken away from|below) {a}
<what> the number (that is |){b} (below|under|less than) {a}
if {a} (shrinks|drops|falls|goes down|decreases|sinks|is lowered|is cut|gets smaller) by {b}(,|) <how_much> (is it|is left|do you get|\
does it become|remains)
if <who> (lower|cut|shrink|decrease|diminish|drop) {a} by {b}(,|) <how_much> (is left|remains|is it|do i get|comes out)
<how_much> (comes out|results|is the result) (when|if|after) (you|we|i) (subtract|take|remove|deduct) {b} from {a}
{a} is (reduced|lowered|decreased|cut|diminished|shortened) by {b}. <how_much> is (it|left|that|the result)
(lowering|cutting|decreasing|reducing|shrinking|dropping) {a} by {b} <makes> <how_much>
<know> the difference (of|between|for) {a} and {b}
""",
    "multiply": """
<ask> (multiply|times) {a} (by|with|and|times) {b} <end>
<ask> multiply (together |the numbers |)(:|) {a} and {b} <end>
<ask> <find> the (product|multiple|result of multiplying|multiplication) (of|for|from|) {a} (and|with|times|by) {b} <end>
<what> the (product|multiplication|result) (of|from|for) {a} (and|with|times|multiplied by) {b}
{a} (times|multiplied by|multiplied with|lots of|groups of|sets of|rows of|taken times) {b}( <makes> <how_much>|)
<what> {a} (times|multiplied by|multiplied with|lots of|groups of|sets of|rows of) {b}
multiplying {a} (by|with|and|times) {b} <makes> <how_much>
<how_much> (is|are|do|does|would be) {a} (times|multiplied by|lots of|groups of|sets of|multiplied with) {b}( make| give| equal|)
(the|) (product|multiplication)(:| of) {a} and {b}
(start with|take|begin with|use|from) {a}(,| and|) (multiply|then multiply|and multiply)( it|) (by|with) {b}
<how_much> (comes out|results|is the result|do we get) (when|if|after) <who> multiply {a} (by|with|and) {b}
if {a} is multiplied (by|with) {b}(,|) <how_much> (is it|do you get|comes out|results)
{a} and {b}(,|:|.| -) (multiply them|the product|product|multiply|what is their product|multiply these)
<know> the product (of|for) {a} and {b}
<ask> scale {a} by (a factor of |){b}
""",
    "compare": """
(which|what)( one| number| value| of these| of the two| of them| of those|)( is|'s| would be| must be) (the |)<m_one>(:|,|) <two>
<two>(:|,| -|.|?|) (which|what)( one| number| of them| of the two|) is (the |)<m_one>
(between|out of|of|from|among|given|comparing|considering|looking at|take) {a} and {b}(,|:|) (which|what|tell me which|say which|tell \
me what)( one| number|) is (the |)<m_one>
<pick> the <m_one>(:| of| out of| between| from| among|,) <two>
(what|which) is the <m_one> (of|out of|between|among|from) {a} and {b}
is {a} or {b} (the |)<m_one>
<know> (which|what)( one| number|) is (the |)<m_one>(:|,| of|) <two>
(the |)<m_one>( of|:|,| out of) {a} (and|or|,) {b}
(i have|there are|here are|i see|we have|take|consider|look at) (two numbers, |){a} and {b}(.|:|,) (which|what)( one| number|) is \
(the |)<m_one>
(would|should|could) {a} or {b} be (the |)<m_one>
""",
    "compare plain": """
<ask> compare (the |these |two |both |)(numbers |values |)(:|) {a} (and|with|to|vs|against|versus|or|,) {b} <end>
how does {a} (compare|measure up|stack up|relate)( to| with| against) {b}
{a} (vs|versus|against|or|compared with|compared to|next to|in comparison with|beside|set against) {b}
<ask> (do|make|run|give|write|give me|show me) a comparison (of|between) {a} and {b}
(a |the |)comparison (of|between|for) {a} (and|with) {b}
<what> the comparison (of|between) {a} and {b}
(look at|take|consider|here are|given) {a} and {b}(.|:|,) (compare|compare them|compare these|how do they compare|now compare)
{a} and {b}(:|,|.| -|) (compare|compare them|compare these numbers|please compare|comparison)
(comparing|when comparing) {a} (and|with|to) {b}
""",
    "compare yes no": """
is {a} (really|actually|truly|definitely|indeed|even|in fact|) {m} than {b}
(is it|would it be|could it be) (true|right|correct|the case|fair to say|a fact|so) that {a} is {m} than {b}
(tell me|say|check|verify|see|find out|decide|determine|confirm|i wonder|test)( whether| if) {a} is {m} than {b}
{a} is {m} than {b}(, right|, true or false|, correct|, yes or no|. true|, is that so|, isn't it|. agree|, no|, true)
(do you think|would you say|do you agree|i say|i believe|someone says|my friend says|am i right|yes or no:|true or false:|right or \
wrong:|correct or not:|is it so)( that|) {a} is {m} than {b}
{a} {m} than {b}( or not| yes or no| true or false|)
(is|are) the (number|value|figure) {a} {m} than( the number| the value|) {b}
""",
    "compare sign": """
(is|check|true or false:|verify|tell me if|say whether|does it hold that|is it right that|yes or no:) {a} {m} {b}
{a} {m} {b}(, yes or no| or not|, correct|. true|, is that so|. is this true)
(is the|check the|is this) (statement|claim|inequality|formula)( true|)(:|) {a} {m} {b}
""",
    "sort": """
<ask> <sorting> <group> <numbers>( for me|)(:|) {l}
<ask> <sorting>(:|) {l} <end>
<ask> <sorting>( the| these|)( numbers| values|)(:|) {l}
<ask> (list|write|put|place|give|show|say|set|print|line up|name) (these |the |)(numbers |values |numbers: |){l} (in order|in the \
right order|in sorted order)
{l}(:|,|.| -|) <ask> (sort|order|arrange|rank)( <them>|)
{l}(:|,|.| -|) <ask> put <them> in order
<what> (the |)(sorted order|sorted version|ordered list|sorted list|right order|correct order|order|sorting|ranking|proper order) (of|\
for) (the numbers |these numbers |){l}
(i have|here are|given|these are|we have|look at|i wrote down|i got|consider) (the numbers|some numbers|a list|these numbers|numbers|\
a few numbers|my list|)(:|) {l}(.|,|;) <ask> (sort|order|arrange|rank|now sort) <them>
<want> {l} <sorted>
<want> <group> <numbers> <sorted>(:|) {l}
(sorted|ordered|in order|sorting|sort order|ranking|order)(:|) {l}
how (would|should|can|could) <who> (sort|order|arrange|rank) {l}
what( is| would be|'s) the (result|outcome) (of|from|after) (sorting|ordering|arranging|ranking)( the numbers|) {l}
<how_much> (comes out|will i see|do i have|results) (if|once|after) <who> (sort|order|arrange|rank)( the list|) {l}
<ask> (grab|use|take|read|get) (the numbers |the list |this: |){l}(,| and|, then|;) (order|arrange|rank|organize|put in order|line \
up)( <them>|)
<know> (the order of|how to sort|how to order|how to arrange) {l}
(sorting|ordering|arranging) {l}( gives what| makes what| please|)
""",
    "extreme": """
<pick> the <m_one> (of|in|out of|among|within|:|from)( the numbers| these| this list| the list| the set| these numbers|)(:|) {l}
(of|out of|from|among|in|given|looking at|considering|take) (the numbers |the list |){l}(,|:|;|) (which|what|tell me which|say \
which)( number| one| value|) is (the |)<m_one>
(of|out of|from|among|in) {l}(,|:|) (find|pick|name|tell me|give me|choose|select|say) the <m_one>
{l}(:|.|,| -|;|) (which|what)( one| number| of these|) is (the |)<m_one>
{l}(:|.|,| -|;|) <pick> the <m_one>
(which|what)( one| number| value| of these| of these numbers| element|) (is|would be|has to be) (the |)<m_one>(:| of| in| among| out \
of|) {l}
(the |)<m_one>( of| in| from|:| among) {l}
<know> (the|which is the|what is the) <m_one> (of|in|among|:) {l}
(i have|here are|we have|there are|consider)( the numbers| these numbers| some numbers|)(:|) {l}(.|,) (which|what)( one|) is the <m_one>
is there a <m_one> (in|among|of) {l}( and which| and what is it|, which one)
""",
    "count": """
how many <cs> (are|are there|can you find|do you see|do you count|can you count|exist|appear|occur|show up|do we have|stand|do you \
spot) <in> <w>
how many <cs> <in> <w>
how many times (does|do|will|can) <c1> (appear|occur|show up|come up|turn up|come|stand|happen|be found|be seen|get used|repeat) <in> \
<w>
how (often|many times|frequently) (can you see|can you find|do you see|do you find|do we meet|do i write) <c1> <in> <w>
how (often|many times) is <c1> (used|found|present|written|seen|there|repeated|contained) <in> <w>
how many (instances|copies|appearances|repetitions|examples) of <c1> (are|are there|exist|do you see|) <in> <w>
how many <cs> (does|do|would|will) <w> (have|contain|hold|include|use|need|get|possess|show|consist of)
<w> (has|contains|holds|includes|uses|is written with|shows|got|is spelled with) how many <cs>
<ask> (count|find|tell me|give|work out|report|figure out|determine|state) (the |)(number|count|amount|total|frequency|quantity) of \
<these_cs> <in> <w> <end>
<ask> count <these_cs> (in|inside|within|of|from) <w> <end>
<ask> count <these_cs>(:|,| -) <w>
<ask> (count|check|see|look|find out|tell me|say) how many <cs> (there are|are|you find|you see|exist|appear) <in> <w> <end>
<ask> (count|check|see|find out|tell me|say|let me know) how (many times|often) <c1> (is|appears|occurs|shows up|stands|comes up|is \
written) <in> <w>
(in|inside|within|looking at|take|given|consider|look at|read|about|using) <w>(,|:|.|) how many <cs> (are there|do you see|do you \
find|can you count|are|stand|exist)
(in|inside|within|looking at|take|given|consider|look at|read|for|about) <w>(,|:|.|) how (many times|often) (does|can|will) <c1> \
(appear|occur|show up|come up|be found)
(in|inside|within|looking at|take|given|consider|look at|read) <w>(,|:|.|) (count|find|find all|count up|number|report) <these_cs>
<w>(:|,|.| -|;|) (how many <cs>|count <these_cs>|number of <cs>|<these_cs>|how often <c1>|how many times <c1>|the count of <cs>)
(number|count|total|amount|frequency|total number)(:| of) <these_cs> <in> <w>
(is|are) there (a|an|any|some) (letter |){c}('s|s|) <in> <w>(,|?|.|) (if so, |and |and if so |tell me |say |)how many( are there| \
times| of them|)
(can|do) you (see|find|spot|notice) (any|a|an|some) (letter |){c}('s|s|) <in> <w>(?|,|.) (how many|how many are there|count them|how \
often|and how many)
does <c1> (appear|occur|show up|come up|exist|stand) <in> <w>(?|,|.) (how many times|how often|and how often|if so, how often|how \
many are there)
(has|did|would|will) the (spelling|writing) of {w} (need|needed|use|used|get|take)( an| a|) {c}(?|,|.) (how many times|how often|count them)
<c1> (is|may be|might be|could be|stands|occurs) <in> <w>(.|?|,) (how many times|how often|count it|how many are there)
(any|some) {c}('s|s|) <in> <w>(?|,|.) how many
<ask> (spell|write|spell out|read) <w>(.|,|:| and) (how many <cs> (did you use|are there|are in it|do you need|are used|did you \
write)|count <these_cs>|say how many <cs> it has)
<what> the (number|count|frequency|total|amount) of <these_cs> <in> <w>
<know> how many <cs> (are|there are|you see) <in> <w>
<know> how (often|many times) <c1> (is|appears|occurs|stands) <in> <w>
<want> (the |)(number|count) of <these_cs> <in> <w>
if <who> (spell|write|type|print|say) <w>(,|) how many (<cs> are there|times is {c} used|{c}'s do you write|times do you write {c})
<w> is (a word|my word|the word|my name|written here)(.|:|;|,) (how many <cs> are in it|how many <cs> does it have|count its {c}'s|\
how many {c}s has it)
search <w> for <these_cs>( and count them| and say how many|. how many|: how many are there)
how many letters (of|in|inside) <w> (are|equal|match|are equal to|are the letter) {c}
""",
    "story add": """
{n} <has> {a} {t}<then> (|she |he |{n} |){n} <gains> {b} <more>. <total>
{n} <has> {a} {t}<then> <gains> {b} <more>. <total>
(there are|{n} has|{n} sees|{n} counts|{n} put|a shop has|we have|i have|{n} keeps|{n} found|there were|{n} hid) {a} {t} (in|on|at|by|\
near) <place> and {b}( {t}| more|) (in|on|at|by|near) <place2>. <total>
(in|on|by|near) <place> (there are|are|you see|{n} has) {a} {t}(,| and|;|.) (in|on|by|near) <place2>( there are|) {b}( {t}| more|). \
<total>
{n} <did> {a} {t}(,| and|;| while| but|.) {p} <did> {b}( {t}| of them| more|). <both>
{n} has {a} {t}(,| and|;| while| but|.) {p} (has|owns|holds|keeps) {b}( {t}| of them|). <both>
{n} <did> {a} {t} <time> and {b}( {t}| more| others|) <time2>. <did_total>
<time> {n} <did> {a} {t}(,| and|;|.) <time2> (she |he |{n} |)<did> {b}( {t}| more| others|). <did_total>
{n} <moved> {a} <units> <time> and( another|) {b}( <units>| more|) <time2>. (how many <units> (is that|did {n} <move>)|how far did \
{n} <move>|what distance is that|what is the total)
{n} (earned|paid|saved|spent|got|won) {a} <money> <time> and {b}( <money>| more|) <time2>. <sum_money>
{a} <people> (are|sit|wait|stand|play) (in|on|at|by|near) <place>. (then |later |)( another|) {b} more( <people>|) <come>. how many( \
<people>|) (are there|are there now|is that|are in <place>)( in total| now|)
(my|your|her|his|our) (brother|sister|mother|uncle|friend|team|class) has {a} {t} and i have {b}( {t}|). how many {t} (do we have|are \
there)( together| in total| altogether| in all|)
{n} (gives|sends|brings|hands|sells|lends) {p} {a} {t} and (later|then|after that|again|another time|also) {b}( more|). how many {t} \
did {p} (get|receive)( in total| in all| altogether|)
(a|the|one) (box|shop|bus|farm|zoo|team|class|book|jar|pond) (has|holds|got|contains) {a} {t} and (a second one|the other|another|the \
next one) (has|holds|contains) {b}( {t}|). how many {t} (do they have|are there|is that)( together| in total| altogether| in all|)
{n} (already |)has {a} {t}(.| and) {p} (gives|hands|brings|sends|lends) (her|him|{n}) {b}( more| {t}| others|). <total>
after (getting|finding|buying|receiving|winning) {b} more {t}(,|) {n}, who had {a}, has how many( {t}|)
""",
    "story subtract": """
{n} <has> {a} {t}<then> <loses> {b}( of them| {t}| of the {t}|)( to {p}|). <left>
{n} <has> {a} {t}<then> {p} (takes|took|steals|eats|ate|breaks|buys|bought|hides|grabs|removes|keeps|uses|picks) {b}( of them| {t}| \
of the {t}|). <left>
there (are|were) {a} {t} (in|on|at|by|near) <place>. ({n}|someone|a thief|the dog|the wind|{p}) (takes|took|steals|eats|ate|breaks|\
removed|hides|grabs|moves) {b}( of them| {t}|). <left>
{b} of (the|{n}'s|her|his|my|our|these|those) {a} {t} (are|were|got|have been) <gone>. how many( {t}|) (are not|are left|are still \
there|remain|are the others|are not <gone>|are fine)
(out of|of|from) (the |{n}'s |her |his |my |our |){a} {t}(,|) {b} (are|were|got) <gone>. how many( {t}|) (are not|are left|are still \
there|remain|are not <gone>|are fine)
{n} <loses> {b} of (the|her|his|my|those|these) {a} {t}. <left>
{n} <loses> {b} {t} (out of|from) (the |her |his |a box of |a total of |){a}. <left>
{n} has {a} {t}(,| and|;| while| but|.) {p} has( only|) {b}( {t}|). how many more( {t}|) (does {n} have than {p}|has {n}|has {n} got|\
does {n} have)
{n} has {a} {t}(,| and|;| while| but|.) {p} has( only|) {b}( {t}|). how many fewer( {t}|) (does {p} have|has {p}|does {p} have than {n})
{n} (wants|must collect|has to make|hopes for|is looking for|would like|needs) {a} {t}(,| and| but|.) (already has|made|found|got|has|\
has collected) {b}( so far| already|). how many( more|)( {t}|) (are missing|does {n} still need|are still needed|are to go|to go|does \
{n} need)
{a} <people> (are|were|sit|wait|stand|play) (in|on|at|by|near) <place>. (then |later |){b}( <people>| of them|) <go>. how many( \
<people>|) (are left|stay|remain|are still there|are there now)
{n} (has|had|got|saved|owns|earned) {a} <money>(.| and| but|, then| and then) (spends|spent|paid|lost|pays|gave away|lends {p}|owes \
{p}) {b}( <money>|)( on (food|a book|shoes|a toy|a ticket|gifts)|). <how_much_left>
(a|the) (trip|road|film|race|rope|wall|river|book|walk|fence) is {a} <units> long. {n} has (done|gone|painted|seen|finished|covered|\
read) {b}. how (much|many <units>) (is left|are left|remain|are to go)
(if|when|suppose|say) {n} (has|had|owns) {a} {t} and <loses> {b}( of them|)(,|.) <left>
after (losing|selling|eating|giving away|using|breaking|dropping) {b} (of her |of his |){t}(,|) {n}, who had {a}, has how many( {t}|\
)( left|)
{n} <has> {a} {t}(.|,| but) {b} (of them |of those |)(are|were|got) <gone>. <left>
{p} (got|received|bought|won) {b} (of the|out of {n}'s|from the) {a} {t} {n} had. <left>
{n} (lent|gave|sold|mailed|handed) {p} {b} (of her|of his|of the|out of her|out of his) {a} {t}. <left>
""",
    "story multiply": """
{n} (has|buys|fills|packs|carries|owns|made|moves|orders|keeps) {a} <boxes> (with|of|holding|containing|that hold) {b} {t}( each| in \
each| in every one| in each <box>|). <mul_total>
there are {a} <boxes>(.|, and|;| and) (each|every one|every <box>|each one|each <box>) (has|holds|contains|is filled with|carries) \
{b} {t}. <mul_total>
(each|every|one|a single|a) <box> (has|holds|contains|carries|is filled with|comes with) {b} {t}. how many {t} (are|do you get|fit|\
are there|come) (in|with|on) {a} <boxes>
{a} <people> (each (have|bring|carry|buy|make|eat|get|hold|own|pick) {b} {t}|(have|bring|carry|buy|make|eat|get|hold|own|pick) {b} \
{t} each). <mul_total>
(each|every one) of (the |){a} <people> (gets|receives|needs|wants|has|brings|eats|buys) {b} {t}. (<mul_total>|how many {t} are needed)
{n} (puts|places|lays|stores|packs|hides) {b} {t} (in|into|on) (each|every one) of( the|) {a} <boxes>. (<mul_total>|how many {t} does \
{n} need|how many {t} does {n} use)
{n} (hands|sends|mails|lends|brings|offers) (each|every one) of {a} <people> {b} {t}. (<mul_total>|how many {t} does {n} need|how \
many {t} leave)
(a|one|each|every) {s} (costs|is|is sold for|sells for|goes for) {b} <money>. <cost>
{n} (buys|sells|orders|needs|gets|takes) {a} {t} (at|for) {b} <money> (each|apiece|a piece|per {s}). how much (is that|does {n} (pay|\
spend|get|need))( in total| altogether| in all|)
{n} (makes|reads|runs|writes|saves|drinks|does|counts|covers|earns) {b} <units> (a|per|each|every) <day>. how many <units> (is that|\
does {n} <make>|are there|are those) (in|after|over|for|within) {a} <days>
(in|for|over) {a} <days>(,|) {n} (makes|reads|runs|writes|saves|covers|earns) {b} <units> (a|per|each|every) <day>. how many <units> \
(is that|are those|altogether|in all|in total)
(a|the|our) (wall|hall|field|page|cinema|parking lot|yard|theatre|farm|train) has {a} <boxes> (of|with) {b} {t}( each| in each|). how \
many {t} (are there|does it have|is that)( in total| altogether| in all|)
(every|each) <day>(,|) {n} (eats|sells|finds|washes|paints|uses|buys) {b} {t}. how many {t} (is that|are those|does {n} <do>) (in|\
after|over) {a} <days>
(if|when|suppose) (each|every|one) <box> (has|holds|contains) {b} {t}(,|) how many {t} are in {a} <boxes>
{n} (does|makes|repeats) {a} (rounds|trips|turns|visits) and (carries|brings|moves|takes) {b} {t} (each time|every time|per trip|on \
each one). <mul_total>
""",
    "decline": """
<what> the <operation> of {n} and {m}
<what> the <operation> (of|between|for) {n}
<ask> <find> the <operation> (of|between|for|from) {n} (and|with|to|by) {m}
<what> {n} <other_sign> {m}
{n} <other_sign> {m}
<lead>(,|:|) {n} <other_sign> {m}
<ask> <find> {n} <other_sign> {m} <end>
what is {n} {w} {m}
{n} {w} {m}
<ask> {w} {n} (and|by|with|from|to) {m}
<ask> <find> {n} (+|-|*|plus|minus|times) {m} (+|-|*|plus|minus|times|/) {k}
{n}(+|-|*){m}(+|-|*|/){k}
<ask> (add|sum|multiply|subtract) {n}, {m}(, and| and|,) {k}
(alert|echo|printf|puts|system.out.println|fmt.println|log|write|return|say|eval)(:|) "{w}" (+|-|*|,|%) {n}
(alert|echo|printf|puts|system.out.println|fmt.println|document.write)["{w}" + {n}];
(let|var|const|int|x =|y =|return|val|auto) {w} = {n};
(x|y|n|{w}) = {w}[{n}] + {m}
for {c} in {w}: {v} += {n}
while {c} != {n}: {c} = {c} * {m}
if {w} == {n}: return {m}
{w}.{v}[{n}, {m}]
how many (hours|weeks|months|inches|grams|pounds|cents|feet|days|meters|years) (are|are there|) in {m} (days|kilograms|yards|dollars|\
years|miles|decades|weeks)
how many (legs|wheels|planets|people|cats|stars|books|teeth|countries|players|strings) (does|do|are there in|are in|has) (a|the|my|) {w}
how many {w}s (does|has|did) {name} (have|eat|buy|own|)
how many (vowels|letters|syllables|consonants|characters|words|capitals) (are in|has|does it have|are there in|in) {w}
does {w} (start|end|begin) with {c}
is {c} a (vowel|consonant|letter|number|word)
(which|what) letter comes (after|before) {c}
(what is|find|tell me) the (last|second|third|middle|first) letter (of|in) {w}
<ask> (remove|delete|replace|drop|add|put|insert) {c} (from|in|to|into) {w}
<ask> (spell|write|type|pronounce|repeat|print|shout|rhyme|capitalize) {w} <end>
(write|spell|say) {w} (without|with two|with) {c}
<ask> (reduce|evaluate|sort|order|compare|simplify|calculate|sum up|work out|subtract|count|find|arrange|rank) (my|the|a|some|your|) \
{w}( {v}|) <end>
<ask> (sort|order|arrange|rank|compare|count) {w}, {v} and {u}
<ask> (sort|order|arrange|rank) (my |the |)(words|books|files|names|cards|photos|cities|months|colors) {w} {v} {u}
(order|buy|get|bring|sell) me {m} {w}s
(which|what) is (better|nicer|older|faster|tastier|heavier|prettier|cheaper|funnier)(,|:|) {w} or {v}
(which|what) is the (best|nicest|oldest|fastest|funniest|cheapest|hottest)(,|:| of|) {w}(,| and| or) {v}( or {u}|)
(is|are|was) {w} (better|worse|older|faster|heavier|bigger|smaller|larger) than {v}
is {n} (an even|an odd|a prime|a lucky|a perfect|a square|a good|a round) number
is {n} (divisible by|a multiple of|a factor of|close to|the same as) {m}
{name} (is|was|turned) {n} years old
{name} (has|had|lost|bought|found) {n} {w}s. (what color are they|why|is that a lot|where are they|is she happy|who gave them|how \
heavy are they)
{name} (has|had|bought|found) {n} {w}s and {m} {v}s. (why|is that a lot|which are nicer|what should she do|draw them)
{name} has {n} {w}s, (gets|buys|finds) {m} and (loses|eats|gives away|sells) {k}. <left_over>
{name} (shares|divides|splits) {n} {w}s (among|between|with) {m} (friends|children|people). how many does each (get|one get|have)
{name} (drives|runs|walks|flies) {n} miles in {m} hours. (what is the speed|how fast is that|how fast is {name})
(solve|find x|solve for x|what is x)(:| if| when|) {m}x (+|-) {k} = {n}
(factor|factorise|integrate|differentiate|plot|graph|expand|expand|invert) {m}x (+|-) {n}
(convert|change|turn|express|write) {n} (to|into|in|as) (hex|binary|octal|a fraction|a percentage|words|meters|miles|euros|kelvin|\
inches|a decimal|roman numerals)
(who|why|when|where|how) (is|was|did|does|do|are|can|will) (the |a |my |)({w}|{x}|{name})( {v}|)
(what|who|why|when|where|how) {s}
(can|do|does|did|will|would|should|is|are|was) (you|i|he|she|they|it|we|{w}|{name}) {s}
(please|can you|could you|i want to|i need to|help me|tell me how to) (paint|cook|fix|learn|build|clean|open|sell|plant|translate|\
draft|plan|describe|imagine|sing|design|review|find|read|play) (a |the |my |some |){w}
<ask> (translate|rewrite|summarize|paraphrase|correct|quote|explain|describe|criticize|continue)(:|) {s}
<ask> (write|compose|draft|invent|make up|tell me|give me) (a|an|some|the|one) (poem|story|song|joke|email|letter|recipe|riddle|\
program|speech|list|plan|tweet|essay|summary|name|fact|quote) (about|for|on|with|to) {x}
{w} (is|are|was|has|loves|wants) {v}
(half|a third|a quarter|twice|double|triple|ten percent|two thirds) of {n}
(round|halve|double|square|cube|negate|reverse|factor|split|divide|triple|invert) {n}
(the |)(next|previous|first) (number|prime|one) (after|before|in) {n}
""",
}.items()}
NAMED["make"] = "make|read|do|cover|save|get|write"

FILLERS = ("just now really quickly simply maybe kindly perhaps actually then exactly um uh well so again also still today here right "
           "carefully please, basically ok hey dear hmm, quick! yes, again, friend, right, hello, all though gladly truly "
           "oh, er, like, first, finally next").split()
IDLE = set("the a an is are do does you me i can could please this these there would it will be number numbers value result letter \
word "
           "what's tell give for my your all now that's one".split())
