"""Small talk abacus answers."""
from phrasings import lines, split

GREETINGS = lines("""
hi
hello
hey
hi there
hello there
hey there
good morning
good afternoon
good evening
greetings
howdy
hiya
hi my friend
hello my friend
good evening everyone
good morning abacus
yo
hello abacus
hi abacus
hey abacus
hello friend
hi everyone
hello again
hi, nice to meet you
nice to meet you
hello, anyone there
are you there
hi hi
heya
hello world
what's up
sup
good day
pleased to meet you
hey buddy
morning
hello there abacus
good morning my friend
hey hi
hi buddy
""")
HOW_ARE_YOU = lines("""
how are you
how are you doing
how are you today
how's it going
how is it going
how are you feeling
how is everything
how do you do
hi, how are you
hello, how are you
hey, how are you doing today
how is your day
how have you been
how do you feel
are you ok
hello! how are you doing
how are things
hello, how are things today
hey, how is it going
hi, how have you been today
how are you feeling today
""")
THANKS = lines("""
thanks
thank you
thank you very much
thanks a lot
thanks so much
great answer
that helps
that helps a lot, thank you
great, that helps
thanks for the help
thank you, great answer
many thanks
thx
ty
thanks abacus
thank you so much
great, thanks
perfect, thank you
ok thanks
thanks for your help
that helps, thanks
cheers
i appreciate it
awesome, thank you
nice, thanks
thank you for the answer
that was helpful
thanks, that's great
much appreciated
thanks, great answer
thank you, that helps
thanks so much for the help
ok, thank you abacus
""")
FAREWELLS = lines("""
bye
goodbye
ok, bye
ok goodbye
thank you, goodbye
see you soon
bye, see you
talk to you tomorrow
good bye
see you
see you later
good night
bye bye
farewell
bye for now
see you tomorrow
have a nice day
that's all, bye
talk to you later
take care
ok bye
thanks, bye
good night, see you
bye, talk to you tomorrow
""")
IDENTITY = lines("""
who are you
so what are you
what kind of robot are you
tell me your name please
what's your name please
are you a human or a robot
who are you really
what ai are you
what are you
what is your name
what's your name
who am i talking to
are you a robot
are you an ai
are you a human
are you chatgpt
who made you
what model are you
which model is this
introduce yourself
tell me about yourself
who is abacus
what is abacus
are you deepseek
what kind of model are you
what can you tell me about yourself
who built you
do you have a name
hi, who are you
hello, what are you
are you a person
what llm is this
are you real
what is this model
your name?
say who you are
please introduce yourself
can you introduce yourself
tell me who you are
what kind of ai are you
so who are you
tell me your name
are you an ai or a human
""")
ABILITIES = lines("""
what can you do
what can you do for me
what can you help with
what do you know
what problems can you solve
what questions can you answer
what can i ask
tell me what you do
tell me what i can ask
what are you able to do
how can you help me
help
what are your skills
what can i ask you
what do you do
what are you good at
can you help me
what questions can you answer
what tasks can you do
how do i use you
tell me what you can do
i need help
what is your purpose
what are your abilities
what do you know
what kind of questions can i ask
which problems can you solve
show me what you can do
what can you help me with
tell me what you know
what problems can you do
what questions can i ask you
""")

OPENERS = {id(HOW_ARE_YOU): ("hi, ", "hello, ", "hey, ", "hello! ", "hi! ", "good morning, "),
           id(THANKS): ("ok, ", "great, ", "perfect, ", "nice, ", "wow, "),
           id(FAREWELLS): ("ok, ", "thanks, ", "great, ", "well, ", "thank you, "),
           id(IDENTITY): ("hi, ", "hello, ", "so, ", "hey, ", "please tell me, ", "hi! ", "ok, "),
           id(ABILITIES): ("hi, ", "hello, ", "so, ", "hey, ", "ok, ", "hello! ")}
ADDRESSEES = (" abacus", ", abacus", " my friend", " friend", " buddy", ", buddy", " there", " again")


def varied(rng, talk: list[str]) -> str:
    """A training line of a list, at times opened or addressed otherwise; never one that is held out."""
    while True:
        said = rng.choice(split(talk, False))
        if rng.random() < 0.25:
            said = rng.choice(OPENERS.get(id(talk), ("",))) + said
        if rng.random() < 0.15 and talk is not IDENTITY and talk is not ABILITIES:
            said += rng.choice(ADDRESSEES)
        if said not in split(talk, True):
            return said
