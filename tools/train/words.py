"""Names, countable things (singular/plural ending), everyday words and topics."""

NAMES = """Anna Ben Carla David Emma Frank Grace Henry Ivy Jack Kate Liam Mia Noah Olivia Paul Quinn Rosa Sam Tom Uma Victor
Wendy Xavier Yara Zoe Alice Bob Clara Daniel Ella Felix George Hannah Isaac Julia Kevin Lily Mark Nina Oscar Peter Rachel Sarah
Tim Lucas Maria John Mary James Linda Maya Leo Omar Priya Chen Yuki Fatima Ahmed Sofia Diego Ravi Lena Max Susan Jane Alex""".split()

THINGS = """apple/s pear/s book/s pencil/s marble/s coin/s cookie/s stamp/s card/s egg/s orange/s ball/s flower/s sticker/s toy/s
candle/s shell/s stone/s cup/s plate/s car/s lemon/s banana/s button/s bead/s chair/s ticket/s cat/s dog/s chicken/s cow/s sheep/-
duck/s tree/s balloon/s cupcake/s muffin/s carrot/s potato/es tomato/es bottle/s lamp/s rose/s key/s hat/s shirt/s sock/s pen/s crayon/s
notebook/s magazine/s game/s doll/s kite/s block/s brick/s nail/s screw/s grape/s cherry/cherries candy/candies berry/berries fish/-
sandwich/es peach/es box/es brush/es watch/es letter/s photo/s picture/s song/s cake/s pie/s pizza/s donut/s seed/s leaf/leaves
mango/es plum/s melon/s onion/s bean/s nut/s chocolate/s lollipop/s token/s badge/s ribbon/s feather/s bag/s chip/s""".split()

WORDS = """strawberry banana mississippi apple letter pepper coffee cheese butter summer winter spring autumn yellow orange purple
green silver golden garden flower forest river mountain valley ocean island beach desert window kitchen bedroom bathroom table chair
mirror carpet curtain blanket pillow basket bottle glass plate spoon knife pencil paper notebook eraser computer keyboard monitor
printer internet website program language grammar sentence paragraph alphabet dictionary library history science physics chemistry
biology mathematics geometry algebra calculus arithmetic number addition subtraction balloon bubble rubber ladder hammer needle
cotton leather wool velvet jacket sweater trousers shoes slipper sandal bicycle motorcycle airplane helicopter submarine train
station platform ticket passenger conductor driver engineer teacher student professor doctor nurse hospital medicine surgery patient
farmer tractor harvest barley wheat potato tomato carrot cabbage lettuce spinach broccoli cucumber pumpkin raspberry blueberry
blackberry cherry peach apricot pineapple coconut watermelon grapefruit lemon tangerine chocolate vanilla caramel cinnamon ginger
garlic onion elephant giraffe kangaroo crocodile alligator hippopotamus rhinoceros tiger leopard cheetah monkey gorilla chimpanzee
rabbit squirrel hedgehog raccoon badger beaver otter dolphin whale octopus jellyfish lobster penguin parrot pelican pigeon
sparrow swallow eagle falcon vulture butterfly grasshopper mosquito beetle spider caterpillar weather thunder lightning rainbow
hurricane tornado blizzard avalanche volcano earthquake planet mercury jupiter saturn uranus neptune galaxy universe telescope
astronaut rocket satellite gravity energy electricity magnet battery circuit engine machine factory industry company business
manager secretary accountant committee success address accommodate necessary possess embarrass occurrence parallel millennium
assassin bookkeeper possession mattress wilderness happiness darkness kindness freedom justice courage wisdom knowledge curiosity
imagination creativity inspiration education university college kindergarten playground football basketball volleyball tennis
hockey cricket baseball swimming running jumping dancing singing painting drawing reading writing speaking listening thinking
dreaming sleeping breakfast lunch dinner dessert sandwich hamburger spaghetti macaroni lasagna pizza omelette pancake waffle
mushroom pickle mustard ketchup mayonnaise vinegar yogurt cereal oatmeal cracker biscuit muffin doughnut birthday holiday
christmas easter halloween wedding anniversary festival carnival parade concert orchestra violin trumpet saxophone clarinet
piano guitar harmonica accordion xylophone tambourine cat dog sun moon star sky tree bird fish frog bee ant egg ice hat box
abacus baleen whale committee attention transformer expert router tensor gradient network bottle hello world letters level radar
deed noon racecar civic rotor kayak madam banana papaya cocoa cacao bamboo voodoo igloo zigzag tattoo settee coffee toffee""".split()

TOPICS = """the capital of France|the moon|black holes|photosynthesis|the French Revolution|World War II|Shakespeare|quantum mechanics|
the stock market|climate change|machine learning|my cat|love|autumn|the ocean|dinosaurs|the Roman Empire|Python|JavaScript|
Einstein|the president of the United States|football|the weather in Paris|Tokyo|chocolate cake|a sorting algorithm|a linked list|
the meaning of life|a dragon|my mother|the internet|DNA|gravity|Napoleon|the Great Wall of China|Mount Everest|pasta|coffee|
a broken heart|a robot|space travel|the human brain|vaccines|bitcoin|global warming|chess|the piano|Mozart|a haiku|my boss|
the Amazon river|sharks|elephants|a binary tree|recursion|SQL|Linux|a web server|philosophy|Plato|democracy|inflation|taxes|
the speed of light|electricity|penguins|volcanoes|the solar system|Mars|Harry Potter|Star Wars|the Beatles|jazz|my vacation|
a job interview|a birthday party|weight loss|yoga|meditation|headaches|a fever|the common cold|Germany|Brazil|India|Canada|China|
the Eiffel Tower|the Olympics|basketball|tennis|the alphabet|Spanish|verbs|rain|snow|rainbows|the color blue|dogs|a car engine|
airplanes|submarines|trains|bridges|castles|knights|pirates|ghosts|vampires|aliens|time travel|friendship|sadness|happiness"""
TOPICS = [t.strip() for t in TOPICS.replace("\n", "").split("|")]
