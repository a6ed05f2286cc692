"""Small talk abacus answers."""
from phrasings import lines

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
""")
HOW_ARE_YOU = lines("""
how are you
how are you doing
how are you today
how's it going
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
""")
THANKS = lines("""
thanks
thank you
thank you very much
thanks a lot
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
""")
FAREWELLS = lines("""
bye
goodbye
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
""")
IDENTITY = lines("""
who are you
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
""")
ABILITIES = lines("""
what can you do
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
""")
