"""The words of the problems: phrasings per task, names, things, everyday words, things to decline.

Each phrasing list is split by `split`: its last `HELD_OUT` entries are never trained on.
"""
HELD_OUT = 4


def lines(text: str) -> list[str]:
    """The non-empty lines of text, stripped."""
    return [line.strip() for line in text.strip().splitlines() if line.strip()]


def split(phrasings: list[str], held_out: bool) -> list[str]:
    """The held-out or the training part of a phrasing list."""
    return phrasings[-HELD_OUT:] if held_out else phrasings[:-HELD_OUT]


# {e} is an expression such as `4821 + 1397` or `12 plus 7`; it serves +, - and x.
EXPRESSION = lines("""
What is {e}?
What is {e}?
What's {e}?
{e}
{e}
{e} =
{e} = ?
{e}=
{e}?
Calculate {e}.
Compute {e}
How much is {e}?
Work out {e}
Find {e}
Evaluate {e}
Solve {e}
Tell me {e}
What does {e} equal?
What do you get for {e}?
Give me the result of {e}.
I need the answer to {e}
Can you calculate {e}?
Could you tell me what {e} is?
Do you know what {e} is?
Determine the value of {e}
The answer to {e} is?
what would {e} be?
whats {e}
Let me know what {e} comes to.
Simplify {e}
Q: {e}
Math question: {e}
How about {e}?
And {e}?
Now {e}
I want to know {e}
Do this: {e}
My homework asks for {e}. What should I write?
What is the value of {e}?
What is the result of {e}?
What number is {e}?
What will {e} give?
Help me with {e}
{e}, please
{e} equals what?
Figure out {e} for me
Quick, {e}
What's the answer to {e}?
Can you do {e}?
Please evaluate the expression {e}
""")

ADD = lines("""
Add {a} and {b}.
Add {a} to {b}
What is the sum of {a} and {b}?
Find the sum of {a} and {b}.
What do I get if I add {a} and {b}?
Sum {a} and {b}
The sum of {a} and {b} is?
What is {a} added to {b}?
Total of {a} and {b}
What's the total of {a} and {b}?
Add together {a} and {b}
{a} and {b} together make what?
Add up {a} and {b}.
What is {a} increased by {b}?
Increase {a} by {b}
How much are {a} and {b} together?
What is {b} more than {a}?
If you add {b} to {a}, what do you get?
Put {a} and {b} together. What is the total?
Please sum up {a} and {b}
Calculate the sum of {a} and {b}
What do {a} and {b} add up to?
Give me the total of {a} and {b}
""")

# a - b
SUBTRACT = lines("""
Subtract {b} from {a}.
Take {b} from {a}
What is the difference between {a} and {b}?
Find the difference of {a} and {b}
Take away {b} from {a}
What is {a} decreased by {b}?
What is {b} subtracted from {a}?
What is {b} less than {a}?
What do I get if I subtract {b} from {a}?
{a} take away {b}
Decrease {a} by {b}
What is left when you take {b} from {a}?
If you take {b} away from {a}, what remains?
What is {a} reduced by {b}?
Remove {b} from {a}
How much is left if {b} is taken from {a}?
Subtracting {b} from {a} gives what?
Deduct {b} from {a}
What remains of {a} after subtracting {b}?
What is the result of subtracting {b} from {a}?
If I subtract {b} from {a}, what do I have?
Reduce {a} by {b}
Calculate the difference between {a} and {b}
What is {a} less {b}?
""")

MULTIPLY = lines("""
Multiply {a} by {b}.
Multiply {a} and {b}
What is the product of {a} and {b}?
Find the product of {a} and {b}.
What do I get if I multiply {a} by {b}?
What is {a} multiplied by {b}?
The product of {a} and {b} is?
Product of {a} and {b}
How much is {a} times {b}?
Multiply {a} with {b}
If you multiply {a} by {b}, what do you get?
What is {a} lots of {b}?
Calculate the product of {a} and {b}
Take {a} times {b}
Give me {a} multiplied by {b}
Multiplying {a} by {b} gives what?
What's {a} by {b}?
What does multiplying {a} and {b} give?
Give the product of {a} and {b}
What is the result of multiplying {a} by {b}?
Please find {a} multiplied by {b}
Work out the product of {a} and {b}
What are {a} times {b}?
""")

# {m} is one of the words of the wanted direction.
COMPARE = lines("""
Which is {m}, {a} or {b}?
Which is {m}: {a} or {b}?
What is {m}, {a} or {b}?
Which number is {m}, {a} or {b}?
Which one is {m}, {a} or {b}?
{a} or {b}, which is {m}?
{a} or {b}: which one is {m}?
Which of {a} and {b} is {m}?
Which of these is {m}: {a}, {b}?
Tell me which is {m}, {a} or {b}
Compare {a} and {b}: which is {m}?
Of {a} and {b}, which is {m}?
Between {a} and {b}, which is {m}?
Find the {m} of {a} and {b}
Pick the {m} number: {a} or {b}
Which is the {m} number, {a} or {b}?
Say which is {m}: {a} or {b}
Given {a} and {b}, which one is {m}?
which is {m} {a} or {b}
What's {m}: {a} or {b}?
{m}: {a} or {b}?
Which has the {m} value, {a} or {b}?
I have {a} and {b}. Which is {m}?
Which number is {m}: {a} or {b}?
Choose the {m} of {a} and {b}
What is the {m} number: {a} or {b}?
Do you know which is {m}, {a} or {b}?
Name the {m} number of {a} and {b}
""")
COMPARE_PLAIN = lines("""
Compare {a} and {b}.
Compare {a} with {b}
{a} vs {b}
{a} vs. {b}
{a} or {b}?
Compare the numbers {a} and {b}
Compare these: {a}, {b}
{a} versus {b}
How do {a} and {b} compare?
Please compare {a} to {b}
compare {a} {b}
Can you compare {a} and {b}?
""")
COMPARE_YES_NO = lines("""
Is {a} {m} than {b}?
is {a} {m} than {b}
Would you say {a} is {m} than {b}?
Is it true that {a} is {m} than {b}?
{a} is {m} than {b}, right?
Is the number {a} {m} than {b}?
True or false: {a} is {m} than {b}
Tell me if {a} is {m} than {b}
Is {a} really {m} than {b}?
Do you think {a} is {m} than {b}?
Can you tell me whether {a} is {m} than {b}?
Check whether {a} is {m} than {b}
""")
MORE = ["larger", "bigger", "greater", "higher", "more", "larger", "bigger", "greater"]
LESS = ["smaller", "less", "lower", "smaller", "less"]
MOST = ["largest", "biggest", "greatest", "highest", "maximum"]
LEAST = ["smallest", "lowest", "least", "minimum"]

SORT = lines("""
Sort {l}.
Sort {l}
Sort these numbers: {l}
Sort the numbers {l}
Sort the list {l}
Order these numbers: {l}
Order {l}
Put these numbers in order: {l}
Put {l} in order
Arrange {l}
Arrange these numbers in order: {l}
Sort the following: {l}
Sort the following numbers: {l}
Can you sort {l}?
Could you sort these for me: {l}?
{l} sorted
Give me {l} in order.
Rank these numbers: {l}
How do you sort {l}?
I need these sorted: {l}
What is {l} in order?
List these numbers in order: {l}
Here are some numbers: {l}. Sort them
{l}. Put them in order
{l} - sort these
Order the following numbers: {l}
What do you get when you sort {l}?
Please order the list {l}
Take {l} and sort them
Arrange the following numbers: {l}
""")
ASCENDING = ["", "", "", "", " in ascending order", " from smallest to largest", " from small to large", " from low to high",
             " in increasing order", " ascending", " (smallest first)", " from lowest to highest", " from least to greatest"]
DESCENDING = [" in descending order", " from largest to smallest", " from large to small", " from high to low",
              " in decreasing order", " descending", " (largest first)", " from highest to lowest", " in reverse order",
              " from biggest to smallest", " from greatest to least"]
EXTREME = lines("""
What is the {m} of {l}?
Which is the {m}: {l}?
Find the {m} number in {l}
What is the {m} number in {l}?
Which of these numbers is the {m}: {l}?
{m} of {l}
Tell me the {m} of {l}
Which is {m}, {l}?
Pick the {m} from {l}
What's the {m} of these: {l}?
Give me the {m} number of {l}
Which number is the {m}: {l}?
""")

# {c} is the letter as written, {w} the word as written.
COUNT = lines("""
How many {c}s are in {w}?
How many {c}'s are in {w}?
How many {c}'s in {w}?
How many {c}s in {w}
How many {c} are there in {w}?
How many {c}'s are there in the word {w}?
How many times does {c} appear in {w}?
How many times does the letter {c} appear in {w}?
How many times does the letter {c} occur in the word {w}?
Count the letter {c} in {w}.
Count the {c}s in {w}
Count the {c}'s in {w}
Count {c} in {w}
How often does {c} appear in {w}?
How often does the letter {c} occur in {w}?
How many letters {c} are in {w}?
What is the number of {c}s in {w}?
Tell me how many {c}'s {w} has
How many {c}'s does {w} have?
How many {c}s does the word {w} contain?
Number of {c} in {w}
In {w}, how many {c}'s are there?
In the word {w}, how many times does {c} appear?
Count how many times {c} is in {w}
How many of the letter {c} are in {w}?
Please count the letter {c} in the word {w}
The word {w} has how many {c}s?
{w}: how many {c}'s?
How many instances of {c} are in {w}?
Find the number of times {c} appears in {w}
Can you count the {c}'s in {w}?
Does {w} have any {c}? How many?
How many occurrences of the letter {c} are in {w}?
Give me the number of {c}'s in the word {w}
For the word {w}, count the letter {c}
""")

# One-step word problems: {n} {p} {q} names, {t} thing, {a} {b} numbers.
STORY_ADD = lines("""
{n} has {a} {t} and buys {b} more. How many {t} does {n} have now?
{n} has {a} {t}. {p} gives {n} {b} more. How many {t} does {n} have?
{n} has {a} {t} and {p} has {b} {t}. How many {t} do they have together?
{n} has {a} {t} and {p} has {b}. How many do they have in total?
There are {a} {t} in one box and {b} in another. How many {t} are there altogether?
{n} found {a} {t} on Monday and {b} on Tuesday. How many did {n} find in all?
{n} picked {a} {t} and then picked {b} more. How many {t} did {n} pick?
A shop sold {a} {t} in the morning and {b} in the afternoon. How many {t} did it sell?
{n} had {a} {t}. Then {n} got {b} more. How many {t} now?
There are {a} {t} on the table. {n} puts {b} more there. How many are there now?
If {n} has {a} {t} and finds {b} more, how many {t} does {n} have?
{n} collected {a} {t}. {p} collected {b} {t}. What is the total number of {t}?
{n} bought {a} {t} yesterday and {b} {t} today. How many {t} is that?
A farmer has {a} {t} and gets {b} new ones. How many {t} does the farmer have?
{n} made {a} {t} and {p} made {b}. How many {t} did they make altogether?
{n} starts with {a} {t} and receives {b}. How many are there at the end?
{a} {t} are in a bag. {n} adds {b} {t}. How many {t} are in the bag?
{n} read {a} pages last week and {b} pages this week. How many pages did {n} read?
A train carries {a} people. At a stop {b} more get on. How many people are on the train?
{n} spent {a} dollars on food and {b} dollars on books. How much did {n} spend?
I have {a} {t} and you give me {b} more. How many {t} do I have?
I have {a} {t} and I buy {b} more. How many do I have now?
{n} scored {a} points and {p} scored {b} points. How many points together?
{n} owns {a} {t}. On her birthday she gets {b} more. How many {t} does she have now?
He had {a} {t} and won {b} more. How many {t} does he have now?
{n} walked {a} meters and then {b} meters. How far did {n} walk in total?
{n} has {a} {t} at home and {b} {t} at school. How many {t} does {n} have in all?
There were {a} {t}. Then {b} more arrived. How many {t} are there?
""")
STORY_SUBTRACT = lines("""
{n} has {a} {t} and gives {b} to {p}. How many {t} does {n} have left?
{n} has {a} {t} and eats {b}. How many are left?
{n} had {a} {t} and lost {b}. How many {t} remain?
There were {a} {t} in a box. {n} took {b}. How many {t} are left?
{n} has {a} {t}. {p} takes {b} of them. How many {t} does {n} still have?
A shop had {a} {t} and sold {b}. How many {t} are left?
{n} had {a} {t} and sold {b} of them. How many {t} does {n} have now?
If {n} has {a} {t} and gives away {b}, how many {t} are left?
{n} has {a} {t} and {p} has {b}. How many more {t} does {n} have than {p}?
There are {a} {t} on a tree. {b} fall down. How many stay on the tree?
{n} needs {a} {t} and already has {b}. How many more {t} does {n} need?
{n} started with {a} {t} and used {b}. How many {t} remain?
A bus carries {a} people. {b} get off. How many people are still on the bus?
{n} had {a} dollars and spent {b} dollars. How much money is left?
A book has {a} pages. {n} has read {b}. How many pages are left to read?
Of {a} {t}, {b} broke. How many {t} are still whole?
{n} bakes {a} {t}. The guests eat {b}. How many {t} are left over?
{n} had {a} {t}. After giving {p} {b} {t}, how many does {n} have?
I have {a} {t} and I give you {b}. How many do I have left?
I had {a} {t} but lost {b}. How many {t} do I have now?
There are {a} {t} and {b} are taken away. How many {t} remain?
{n} throws away {b} of {a} {t}. How many are left?
{n} had {a} {t}. She sold {b}. How many does she have now?
{b} of the {a} {t} are red and the rest are blue. How many are blue?
{n} has {a} {t} and drops {b} of them. How many {t} does {n} have left?
From {a} {t} in the store {b} were stolen. How many {t} are left?
{n} has {a} {t}. {b} of them are eaten by {p}. How many {t} are left?
{p} borrows {b} of {n}'s {a} {t}. How many {t} does {n} have now?
""")
STORY_MULTIPLY = lines("""
{n} has {a} boxes with {b} {t} each. How many {t} does {n} have?
There are {a} bags with {b} {t} in each bag. How many {t} are there?
{n} buys {a} packs of {b} {t}. How many {t} is that?
Each box holds {b} {t}. How many {t} are in {a} boxes?
{a} children have {b} {t} each. How many {t} do they have in total?
{n} reads {b} pages a day for {a} days. How many pages does {n} read?
A ticket costs {b} dollars. How much do {a} tickets cost?
There are {a} rows of {b} {t}. How many {t} are there in all?
{n} makes {b} {t} every day. How many {t} does {n} make in {a} days?
One {s} costs {b} dollars. How much do {a} {t} cost?
{a} shelves hold {b} {t} each. How many {t} altogether?
{n} fills {a} baskets with {b} {t} each. How many {t} are in the baskets?
A class has {a} tables with {b} students at each table. How many students are there?
If each of {a} friends brings {b} {t}, how many {t} are there?
Every bag has {b} {t}. {n} has {a} bags. How many {t} does {n} have?
{n} earns {b} dollars an hour and works {a} hours. How much does {n} earn?
A garden has {a} rows with {b} plants in each row. How many plants are there?
{n} has {a} jars. Each jar contains {b} {t}. How many {t} are there in total?
{n} bought {a} {t} for {b} dollars each. How much did {n} pay?
{a} trucks carry {b} {t} each. How many {t} do they carry?
I have {a} boxes and each one has {b} {t}. How many {t} do I have?
A car drives {b} miles every day. How many miles does it drive in {a} days?
Each {s} costs {b} dollars. What is the price of {a} {t}?
There are {b} {t} in a pack. How many {t} are in {a} packs?
{n} gives {b} {t} to each of {a} friends. How many {t} does {n} give away?
{n} plants {a} rows of {b} trees. How many trees does {n} plant?
{a} teams have {b} players each. How many players are there altogether?
A box weighs {b} pounds. How much do {a} boxes weigh?
""")

NAMES = """Anna Ben Carla David Emma Frank Grace Henry Ivy Jack Kate Liam Mia Noah Olivia Paul Quinn Rosa Sam Tom Uma Victor
Wendy Xavier Yara Zoe Alice Bob Clara Daniel Ella Felix George Hannah Isaac Julia Kevin Lily Mark Nina Oscar Peter Rachel Sarah
Tim Lucas Maria John Mary James Linda Maya Leo Omar Priya Chen Yuki Fatima Ahmed Sofia Diego Ravi Lena Max Susan Jane Alex""".split()

THINGS = """apple/s pear/s book/s pencil/s marble/s coin/s cookie/s stamp/s card/s egg/s orange/s ball/s flower/s sticker/s toy/s
candle/s shell/s stone/s cup/s plate/s car/s lemon/s banana/s button/s bead/s chair/s ticket/s cat/s dog/s chicken/s cow/s sheep/-
duck/s tree/s balloon/s cupcake/s muffin/s carrot/s potato/es tomato/es bottle/s lamp/s rose/s key/s hat/s shirt/s sock/s pen/s crayon/s
notebook/s magazine/s game/s doll/s kite/s block/s brick/s nail/s screw/s grape/s cherry/cherries candy/candies berry/berries fish/-
sandwich/es peach/es box/es brush/es watch/es letter/s photo/s picture/s song/s cake/s pie/s pizza/s donut/s seed/s leaf/leaves
mango/es plum/s melon/s onion/s bean/s nut/s chocolate/s lollipop/s token/s badge/s ribbon/s feather/s bag/s chip/s""".split()

PREFIXES = ["Please ", "please ", "Hi! ", "Hello, ", "Hey, ", "Hi, ", "Hello! ", "Quick question: ", "Question: ", "Okay, ",
            "Ok. ", "So, ", "Can you help me? ", "I have a question. ", "Dear Abacus, ", "Abacus, ", "Q: ", "Now: ", "Well, ",
            "Good morning! ", "Hey Abacus, ", "Excuse me, ", "Sorry, ", "One more: ", "Let's see. ", "Math: ", "Task: ", "  "]
SUFFIXES = [" Think step by step.", " Thanks!", " Thank you.", " please", ", please", " Please.", " Explain.", " Show your work.",
            " Answer briefly.", " Just the number.", " Be careful.", " Let's think step by step.", " Answer:", " Thanks",
            " Give only the answer.", " I'm curious.", " Take your time.", " Reason carefully.", " Quickly!", " Check your answer.",
            " Think carefully.", " pls", " thx", "  ", "\n", " Show the steps."]
SYSTEMS = ["You are a helpful assistant.", "You are Abacus.", "Answer briefly.", "You are a careful reasoner.", "Be concise.",
           "You are a helpful and harmless assistant.", "Think step by step.", "You are a math tutor.", "Help the user.",
           "You are an AI assistant. Answer the user's question."]
