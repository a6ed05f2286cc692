"""Phrasings of the one-step word problems; split like those of phrasings.py."""
from phrasings import lines

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
