"""Values of facts: amounts, dates, times, names, drawn by a type such as "days 7 30"."""

import random

from .names import BIRD, COLOR, DISH, JOB, REGION, TOOL, Names

MONTHS = [
    "January", "February", "March", "April", "May", "June", "July", "August", "September",
    "October", "November", "December"
]
WEEKDAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
NUMBERS = [
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven",
    "twelve", "thirteen", "fourteen", "fifteen", "sixteen"
]
COUNTRIES = [
    "Norway", "Chile", "Japan", "Kenya", "Canada", "Italy", "Poland", "India", "Brazil", "Spain",
    "Egypt", "Vietnam", "Austria", "Ireland", "Mexico", "Finland"
]
LANGUAGES = [
    "Danish", "Polish", "Swahili", "Turkish", "Korean", "Greek", "Hindi", "Welsh", "Czech",
    "Catalan", "Thai", "Arabic", "Finnish", "Dutch"
]
JOBS_OLD = [
    "blacksmith", "fisherman", "tailor", "cooper", "miner", "baker", "sailor", "weaver", "miller",
    "clerk", "farmer", "printer", "watchmaker", "teacher"
]


def grouped(number: int) -> str:
    """12,345."""
    return f"{number:,}"


def ordinal(number: int) -> str:
    """1st, 2nd, 13th."""
    tail = "th" if 10 <= number % 100 <= 20 else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{tail}"


class Values:
    """Draws values of one document, in the currency and date style of that document."""

    def __init__(self, rng: random.Random, split: str):
        self.rng = rng
        self.names = Names(rng, split)
        self.currency = rng.choice(
            ["€{}", "${}", "£{}", "EUR {}", "{} euros", "{} crowns", "CHF {}", "{} dollars"])
        self.date_style = rng.choice(["{d} {m} {y}", "{d} {m} {y}", "{m} {d}, {y}", "{d} {m}"])
        self.clock_style = rng.choice(
            ["{h:02}:{m:02}", "{h:02}:{m:02}", "{h}.{m:02} {ap}", "{h}:{m:02} {ap}"])
        self.year = rng.randint(1996, 2034)

    def money(self, low: float, high: float) -> str:
        amount = round(self.rng.uniform(low, high))
        step = 1 if amount < 50 else self.rng.choice([1, 5, 10]) if amount < 1000 else 10
        return self.currency.format(grouped(max(1, amount // step * step)))

    def cents(self, low: int, high: int) -> str:
        cents = self.rng.randint(low, high) * self.rng.choice([1, 5, 10])
        return self.currency.format(f"{cents // 100}.{cents % 100:02}")

    def number_with(self, unit: str, low: float, high: float, digits: int = 0) -> str:
        if digits:
            return f"{self.rng.uniform(low, high):.{digits}f} {unit}"
        return f"{grouped(self.rng.randint(int(low), int(high)))} {unit}"

    def period(self, unit: str, low: int, high: int) -> str:
        number = self.rng.randint(low, high)
        if number == 1:
            unit = unit[:-1]
        if number < len(NUMBERS) and self.rng.random() < 0.4:
            return f"{NUMBERS[number]} {unit}"
        return f"{number} {unit}"

    def date(self, low: int, high: int) -> str:
        style = self.date_style if low > 1900 or "{y}" in self.date_style else "{d} {m} {y}"
        return style.format(d=self.rng.randint(1, 28),
                            m=self.rng.choice(MONTHS),
                            y=self.rng.randint(low, high))

    def clock(self, hour: int) -> str:
        minute = self.rng.choice([0, 0, 15, 30, 45, self.rng.randint(1, 59)])
        if "{ap}" in self.clock_style:
            return self.clock_style.format(h=(hour - 1) % 12 + 1,
                                           m=minute,
                                           ap="pm" if hour >= 12 else "am")
        return self.clock_style.format(h=hour, m=minute)

    def draw(self, kind: str) -> str:
        """A value of type `kind`: a name of SIMPLE or RANGED below, or choices "[a|b]"."""
        if kind.startswith("["):
            return self.rng.choice(kind[1:-1].split("|"))
        name, *arguments = kind.split(" ")
        if name == "count":
            low, high, unit = int(arguments[0]), int(arguments[1]), " ".join(arguments[2:])
            return f"{self.rng.randint(low, high)} {unit}"
        if name == "bigcount":
            number = self.rng.choice([
                self.rng.randint(120, 999),
                self.rng.randint(1000, 9999),
                self.rng.randint(10000, 999999)
            ])
            return f"{grouped(number)} {' '.join(arguments)}"
        if name in PERIODS:
            return self.period(name, int(arguments[0]), int(arguments[1]))
        if name in RANGED:
            return RANGED[name](self, float(arguments[0]), float(arguments[1]))
        return SIMPLE[name](self)

    def slot(self, name: str) -> str:
        """A filler of a template's free slot, "{person}"."""
        return self.draw(name)


PERIODS = {"minutes", "hours", "days", "weeks", "months", "years"}


def _range_of(values: Values, first: str, second: str) -> str:
    return f"{first} {values.rng.choice(['to', 'to', 'until'])} {second}"


def _hm(values: Values) -> str:
    hours, minutes = values.rng.randint(1, 23), values.rng.randint(2, 59)
    return f"{hours} {'hour' if hours == 1 else 'hours'} and {minutes} minutes"


def _bigmoney(values: Values) -> str:
    rng = values.rng
    if rng.random() < 0.5:
        return values.currency.format(f"{rng.uniform(1, 90):.{rng.choice([0, 1, 1, 2])}f} million")
    return values.currency.format(grouped(rng.randint(11, 980) * 1000))


def _email(values: Values) -> str:
    user = values.rng.choice(
        ["info", "claims", "office", "help", "team",
         values.names.first().lower()])
    return f"{user}@{values.names.coined().lower()}.example"


def _code(values: Values) -> str:
    rng = values.rng
    letters = "".join(rng.choice("ABCDEFGHJKLMNPRSTUVWXYZ") for _ in range(rng.randint(1, 3)))
    return f"{letters}-{rng.randint(10, 9999)}"


def _daterange(values: Values) -> str:
    first = f"{values.rng.randint(1, 28)} {values.rng.choice(MONTHS[:6])}"
    return f"{first} to {values.rng.randint(1, 28)} {values.rng.choice(MONTHS[6:])}"


RANGED = {
    "money": lambda v, a, b: v.money(a, b),
    "number": lambda v, a, b: str(v.rng.randint(int(a), int(b))),
    "number-word": lambda v, a, b: NUMBERS[v.rng.randint(int(a), int(b))],
    "temp": lambda v, a, b: v.number_with(v.rng.choice(["°C", "degrees"]), a, b),
    "liters": lambda v, a, b: v.number_with("litres", a, b),
    "meters": lambda v, a, b: v.number_with(v.rng.choice(["m", "metres"]), a, b),
}
SIMPLE = {
    "person":
        lambda v: v.names.person(),
    "surname":
        lambda v: v.names.surname(),
    "first":
        lambda v: v.names.first(),
    "place":
        lambda v: v.names.place(),
    "coined":
        lambda v: v.names.coined(),
    "org":
        lambda v: v.names.org(),
    "club":
        lambda v: v.names.club(),
    "adj":
        lambda v: v.names.adjective(),
    "adj2":
        lambda v: v.names.adjective(),
    "noun":
        lambda v: v.names.noun(),
    "tool":
        lambda v: v.rng.choice(TOOL),
    "dish":
        lambda v: v.rng.choice(DISH),
    "bird":
        lambda v: v.rng.choice(BIRD).capitalize(),
    "job":
        lambda v: v.rng.choice(JOB).replace("_", " "),
    "job-old":
        lambda v: v.rng.choice(JOBS_OLD),
    "color":
        lambda v: v.rng.choice(COLOR),
    "region":
        lambda v: v.rng.choice(REGION),
    "country":
        lambda v: v.rng.choice(COUNTRIES),
    "language":
        lambda v: v.rng.choice(LANGUAGES),
    "river":
        lambda v: v.names.coined() + v.rng.choice([" river", ""]),
    "letter":
        lambda v: v.rng.choice("ABCDEFGHKLMNPRSTX"),
    "small":
        lambda v: str(v.rng.randint(1, 9)),
    "two":
        lambda v: str(v.rng.randint(10, 99)),
    "year":
        lambda v: str(v.rng.randint(1900, 2025)),
    "year-old":
        lambda v: str(v.rng.randint(1400, 1920)),
    "date":
        lambda v: v.date(v.year - 1, v.year + 1),
    "date-old":
        lambda v: v.date(1700, 1950),
    "month":
        lambda v: v.rng.choice(MONTHS),
    "weekday":
        lambda v: v.rng.choice(WEEKDAYS),
    "time":
        lambda v: v.clock(v.rng.randint(6, 22)),
    "timerange":
        lambda v: _range_of(v, v.clock(v.rng.randint(6, 11)), v.clock(v.rng.randint(14, 22))),
    "timerange-night":
        lambda v: _range_of(v, v.clock(v.rng.randint(21, 23)), v.clock(v.rng.randint(5, 8))),
    "daterange":
        _daterange,
    "floor":
        lambda v: v.rng.choice(["ground", "first", "second", "third", "fourth", "top"]) + " floor",
    "hall":
        lambda v: f"hall {v.rng.randint(1, 29)}",
    "room":
        lambda v: v.rng.choice(["room {}", "office {}", "building {}"]).format(v.rng.randint(
            2, 480)),
    "ordinal":
        lambda v: v.rng.choice([
            ordinal, ordinal, lambda n:
            ["first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth"][n % 8]
        ])(v.rng.randint(1, 28)),
    "percent":
        lambda v: v.rng.choice(["{} percent", "{}%", "{} per cent"]).format(v.rng.randint(2, 95)),
    "percent1":
        lambda v: v.rng.choice(["{:.1f} percent", "{:.1f}%"]).format(v.rng.uniform(0.1, 60)),
    "cents":
        lambda v: v.cents(10, 900),
    "cents-high":
        lambda v: v.cents(150, 2400),
    "bigmoney":
        _bigmoney,
    "bigmoney-small":
        lambda v: v.money(400, 9000),
    "hm":
        _hm,
    "email":
        _email,
    "code":
        _code,
    "phone":
        lambda v: v.rng.choice(["{} {}", "0{} {}", "+{} {}"]).format(v.rng.randint(11, 999),
                                                                     v.rng.randint(1000, 999999)),
    "kg":
        lambda v: v.number_with("kg", 0.3, 95, v.rng.choice([0, 1])),
    "kg-large":
        lambda v: v.number_with("kg", 200, 9000),
    "km":
        lambda v: v.number_with(v.rng.choice(["km", "miles"]), 3, 400),
    "km-large":
        lambda v: v.number_with("km", 300, 90000),
    "cm":
        lambda v: v.number_with("cm", 2, 90),
    "mm":
        lambda v: v.number_with("mm", 2, 80),
    "meters-high":
        lambda v: v.number_with(v.rng.choice(["m", "metres"]), 60, 3400),
    "sqm":
        lambda v: v.number_with("square metres", 12, 240),
    "tonnes":
        lambda v: v.number_with("tonnes", 1.5, 12, 1),
    "watts":
        lambda v: v.number_with(v.rng.choice(["W", "watts"]), 5, 3200),
    "decibel":
        lambda v: v.number_with(v.rng.choice(["dB", "decibels"]), 28, 95),
    "ampere":
        lambda v: v.number_with(v.rng.choice(["A", "amperes"]), 2, 63),
    "inches":
        lambda v: v.number_with("inches", 3, 16, 1),
    "gigabytes":
        lambda v: f"{v.rng.choice([2, 4, 8, 16, 24, 32, 48, 64, 96, 128, 256])} GB",
    "milliliters":
        lambda v: v.number_with("ml", 1, 250),
    "rpm":
        lambda v: v.number_with(v.rng.choice(["rpm", "turns a minute"]), 300, 14000),
    "kmh":
        lambda v: v.number_with("km/h", 8, 130),
    "score":
        lambda v: f"{v.rng.randint(0, 9)}:{v.rng.randint(0, 9)}",
    "grams":
        lambda v: f"{v.rng.randint(4, 60) * 10} g",
    "kcal":
        lambda v: v.number_with("kcal", 110, 980),
}
