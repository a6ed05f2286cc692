"""Phrasings per task, and what people put before and after a question.

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
{e} is
{e} is?
how much is {e}
hey what's {e}
can you tell me {e}
do {e}
result of {e}
i need {e}
whats {e}
what is the value of {e}
could you calculate {e} for me
i want to know {e}
what does {e} make
so what is {e}
Compute: {e}
answer {e}
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
{m} of {a} and {b}
{m}, {a} or {b}
which is {m}: {a}, {b}
is {a} or {b} {m}?
What's the {m} one, {a} or {b}?
Which of {a} or {b} is {m}?
{a} and {b}: which is {m}?
{a}, {b}: {m}?
tell me the {m} number: {a} or {b}
Which is the {m} one: {a} or {b}?
Which one is the {m}, {a} or {b}?
which number is {m} out of {a} and {b}
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
{a} versus {b}?
{a} vs {b}?
which, {a} or {b}?
compare: {a}, {b}
Compare {a} & {b}
{a} compared to {b}
Compare {a} to {b}
{a} against {b}
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
{a} {m} than {b}?
{a} is {m} than {b}?
{a} is {m} than {b}
Does {a} count as {m} than {b}?
Is {a} a {m} number than {b}?
could {a} be {m} than {b}?
I think {a} is {m} than {b}. Is that right?
Is it right that {a} is {m} than {b}?
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
COMPARE_SIGN = lines("""
Is {a} {m} {b}?
Is {a}{m}{b}?
{a} {m} {b}?
{a}{m}{b}?
{a} {m} {b}, true or false?
{a} {m} {b}
Is it true that {a} {m} {b}?
Does {a} {m} {b} hold?
{a} {m} {b}, right?
True or false: {a} {m} {b}
Is {a} {m} {b} true?
Check if {a} {m} {b}
""")
MORE = ["larger", "bigger", "greater", "higher", "more", "larger", "bigger", "greater"]
LESS = ["smaller", "less", "lower", "smaller", "less"]
MOST = ["largest", "biggest", "greatest", "highest", "maximum"]
LEAST = ["smallest", "lowest", "least", "minimum"]

SORT = lines("""
sort: {l}
order: {l}
{l} in order
sort them: {l}
sort this list: {l}
Sort the numbers: {l}
Sort these: {l}
Sort this: {l}
Please sort {l}
Put the numbers {l} in order
put in order: {l}
Arrange: {l}
Order the numbers {l}
Order this list: {l}
I want {l} in order
sort my numbers: {l}
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
{m}: {l}
{m} number: {l}
which is the {m} of {l}?
What is the {m} of these numbers: {l}?
What is the {m} number: {l}?
the {m} of {l}?
out of {l}, which is the {m}?
{l}: which is the {m}?
Which of {l} is the {m}?
Of {l}, which is {m}?
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
{c} in {w}
{c}s in {w}
{c}'s in {w}
{c} count in {w}
letters {c} in {w}
letter {c} in {w}
how many {c} in {w}
how many {c} {w}
How many letter {c} are in {w}?
how many letter {c}'s in {w}
How many {c}'s are in the word {w}?
How many {c}s are there in {w}?
{w} has how many {c}'s?
{w} contains how many {c}s?
How many times is {c} in {w}?
how many times is the letter {c} in the word {w}
how many {c}s can you find in {w}
count {c}: {w}
count of {c} in {w}
count the number of {c}s in {w}
Count the number of {c}'s in the word {w}
What's the count of {c} in {w}?
how many {c}'s are in the spelling of {w}
How many of the letters in {w} are {c}?
In the word {w}, how many letters are {c}?
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
