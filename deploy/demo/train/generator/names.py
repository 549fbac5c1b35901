"""Invented names: people, places, organizations, products.

Every part of a name (first name, surname, syllables of a place) belongs to one split by a hash of
its letters, so that no name of the evaluation occurs in training.
"""

import random
import zlib

FIRST = """Ada Adele Ahmed Aiko Alan Albert Alice Alina Alma Amara Amir Ana Anders Anika
Anton Arjun Arne Asha Astrid Aylin Basil Bea Bela Benno Berta Bilal Birgit Boris Bruno
Camila Carl Carmen Cato Celia Chen Clara Conrad Cora Dagmar Damian Daria David Delia Dev
Dina Dora Edda Edgar Edith Eero Elena Elif Elio Emil Emma Enzo Erik Esra Esther Eva Fabian
Farid Fatima Felix Finn Flora Frida Gala Georg Gita Greta Gustav Hanna Hans Hassan Hector
Helga Henrik Hilda Hugo Ida Igor Ilse Imani Ines Ingrid Iris Isaac Ivan Jana Jasper Joan
Johan Jonas Jorge Julia Jun Kamal Karin Karl Kemal Kofi Lars Laura Layla Lea Lena Leo
Lidia Lin Livia Lotte Lucia Luis Magda Malik Mara Marco Maria Marta Mateo Maya Mei Mila
Milan Mina Mira Mona Nadia Naomi Nils Nina Noor Nora Olaf Olga Omar Oskar Otto Paula Pedro
Petra Priya Rafael Ragna Ravi Rita Robert Rosa Ruth Saba Salma Samir Sara Selma Sergei
Silvia Simon Sofia Stella Sven Tara Tariq Tessa Theo Tilda Timo Tomas Uma Ursula Vera
Victor Vikram Wanda Wei Xenia Yara Yusuf Zara Zoe""".split()
START = """Al Am An Ar As Bal Bar Bel Ber Bor Bran Bren Cal Car Cas Col Cor Dal Dar Del
Den Dor Dun El Er Fal Fen Fin For Gal Gar Gil Gor Gran Hal Har Hav Hel Hol Is Jor Kal Kar
Kel Kir Kor Lan Lar Lin Lor Mal Mar Mel Mer Mor Nar Nel Nor Ol Or Os Pal Pel Per Pol Quin
Ral Ran Rel Ros Sal San Sel Sil Sol Sor Stan Tal Tam Tar Tel Thor Tor Ul Val Var Vel Ver
Vin Wal War Wel Wen Wil Win Yar Zel""".split()
MIDDLE = """a e i o u a e i o an en in on ar er or el il""".split()
SURNAME_END = """berg bach den der dal ding field ford gren hard haus ić kov lund man mark
mont nes ner ova qvist ran rez roy sen ski smith son stad stein ström ton va vell vik ward
well wick zak zin""".split()
PLACE_END = """bay berg borough bridge brook burg bury by dale den fell field ford gate
ham harbour haven hill holm hurst lake ley mere minster mouth ness port ridge shore stead
stone ton vale ville water wick wood worth""".split()
COINED_END = "ex ia is on or um ax a o ix ent ive era ino ium oro yx ara ello iq".split()
ADJECTIVE = """amber ancient blue bright broken calm clear cold copper crimson crystal
dark deep double dry early eastern empty endless fair fast flat folding free frozen gentle
giant golden grand great green grey happy heavy hidden high hollow humble inner iron ivory
large last late light little lonely long lost low lucky mild new noble northern old open
outer pale plain proud quick quiet rare red rough round royal rusty salty sharp short
silent silver simple single small smooth soft southern square steady steep still strong
sweet swift tall thin tiny twin upper warm western white wide wild wooden young""".split()
NOUN = """anchor apple arrow badger barrel basket beacon bear bell bird boat bottle bridge
candle castle chain clock cloud crane crow crown dancer door dragon drum eagle falcon
farmer feather ferry fisher flame flute forest fountain fox garden gate ghost glove goose
hammer harbour harp hat hawk heron horse house island key king kite ladder lake lamp
lantern leaf lion maple market mask meadow mill mirror moon mountain oak orchard otter owl
path pearl pigeon pilot plough prince queen raven ribbon ring river robin rose sailor
shadow shepherd ship spoon star storm summer swan sword table thief tiger tower traveller
tree umbrella violin wagon wave well whale wheel willow window winter wolf""".split()
TOOL = """axe bucket bench broom brush cart chisel drill fork grinder hammer hoe hose jack
knife ladder lamp mixer mower pump rake ratchet roller saw shovel spade sprayer stove tent
trimmer trowel vice wheelbarrow wrench""".split()
DISH = """stew soup pie pancakes dumplings salad bread roast omelette curry noodles
risotto casserole pudding cake tart porridge gratin goulash lasagne""".split()
BIRD = """crane finch gull heron kite lark owl plover rail sandpiper shrike snipe sparrow
swift tern thrush warbler woodpecker wren""".split()
JOB = """accountant baker boat_builder bookkeeper carpenter cleaner clerk cook driver
editor electrician gardener guard guide keeper librarian mechanic nurse painter planner
plumber porter programmer receptionist stage_manager tailor technician teacher translator
vet waiter welder""".split()
COLOR = """amber beige black blue brown crimson cyan gold green grey indigo orange pink
purple red silver turquoise violet white yellow""".split()
REGION = "northern southern eastern western central upper lower coastal inland".split()
CLUB_END = ["Rovers", "Town", "Wanderers", "Athletic", "City"]
ORG_END = [
    "University", "Foundation", "Works", "Laboratories", "Council", "Shipyard", "Press", "Trust",
    "Institute", "Brothers", "Ltd", "Partners"
]


def split_of(part: str) -> str:
    """The split that a part of a name belongs to: about one in eight is kept for evaluation."""
    return "eval" if zlib.crc32(part.encode()) % 8 == 0 else "train"


class Names:
    """Draws names of one split."""

    def __init__(self, rng: random.Random, split: str):
        self.rng = rng
        self.split = split

    def _make(self, draw) -> str:
        while True:
            name = draw()
            if split_of(name.lower()) == self.split:
                return name

    def _pick(self, words: list) -> str:
        return self._make(lambda: self.rng.choice(words))

    def _compose(self, endings: list) -> str:

        def draw() -> str:
            middle = self.rng.choice(MIDDLE) if self.rng.random() < 0.45 else ""
            return self.rng.choice(START) + middle + self.rng.choice(endings)

        return self._make(draw)

    def first(self) -> str:
        return self._pick(FIRST)

    def surname(self) -> str:
        return self._compose(SURNAME_END)

    def place(self) -> str:
        place = self._compose(PLACE_END)
        if self.rng.random() < 0.15:
            place = self.rng.choice(
                ["North ", "South ", "Port ", "New ", "Upper ", "St. ", "Lake "]) + place
        return place

    def coined(self) -> str:
        return self._compose(COINED_END)

    def person(self) -> str:
        name = f"{self.first()} {self.surname()}"
        draw = self.rng.random()
        if draw < 0.1:
            name = "Dr. " + name
        elif draw < 0.16:
            first, last = name.split(" ")
            name = f"{first} {self.rng.choice('ABCDEFGHJKLMNPRSTW')}. {last}"
        return name

    def org(self) -> str:
        base = self.rng.choice([self.place, self.surname, self.coined])()
        return f"{base} {self.rng.choice(ORG_END)}"

    def club(self) -> str:
        return f"{self.place()} {self.rng.choice(CLUB_END)}"

    def adjective(self) -> str:
        return self._pick(ADJECTIVE).capitalize()

    def noun(self) -> str:
        return self._pick(NOUN).capitalize()
