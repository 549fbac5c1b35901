"""How answers are compared: normalized match, word F1, citations. Standard library only."""

import collections
import re
import string

MARKER = re.compile(r"\s*\[(\d+(?:\s*[,;]\s*\d+)*)\]")
ARTICLES = re.compile(r"\b(a|an|the)\b")


def without_markers(answer: str) -> str:
    """The answer without its citations."""
    return MARKER.sub("", answer).strip()


def cited(answer: str) -> list[int]:
    """The numbers that an answer cites, in order."""
    return [int(n) for m in MARKER.finditer(answer) for n in re.findall(r"\d+", m[1])]


def normalized(text: str) -> str:
    """Lower case, without punctuation, articles and doubled spaces (as SQuAD does)."""
    text = text.lower().replace(",", "")
    text = "".join(c if c not in string.punctuation else " " for c in text)
    return " ".join(ARTICLES.sub(" ", text).split())


def matches(answer: str, gold: str) -> bool:
    """True if the answer without its citations is `gold`, normalized."""
    return normalized(without_markers(answer)) == normalized(gold)


def contains(answer: str, gold: str) -> bool:
    """True if `gold` stands in the answer as whole words, normalized."""
    return f" {normalized(gold)} " in f" {normalized(without_markers(answer))} "


def f1(answer: str, gold: str) -> float:
    """Harmonic mean of precision and recall of words."""
    got, wanted = normalized(without_markers(answer)).split(), normalized(gold).split()
    common = sum((collections.Counter(got) & collections.Counter(wanted)).values())
    if not got or not wanted or not common:
        return float(got == wanted)
    precision, recall = common / len(got), common / len(wanted)
    return 2 * precision * recall / (precision + recall)


class Score:
    """Counts of one kind of question."""

    def __init__(self, no_answer: str):
        self.no_answer = normalized(no_answer)
        self.present = self.exact = self.contained = self.cited_right = 0
        self.absent = self.refused = self.refused_right = 0
        self.f1_sum = 0.0

    def add(self, answer: str, gold: "str | None", citation: int) -> None:
        """Counts an answer; `gold` is None where the passages do not tell."""
        refuses = normalized(answer).startswith(self.no_answer)
        self.refused += refuses
        if gold is None:
            self.absent += 1
            self.refused_right += refuses
            return
        self.present += 1
        self.f1_sum += f1(answer, gold)
        self.exact += matches(answer, gold)
        if contains(answer, gold):
            self.contained += 1
            self.cited_right += citation in cited(answer)

    def report(self) -> dict:
        """Shares in [0, 1]; what there were no questions for is None."""

        def share(part: float, whole: int) -> "float | None":
            return round(part / whole, 4) if whole else None

        return {
            "present": self.present,
            "exact_match": share(self.exact, self.present),
            "contained": share(self.contained, self.present),
            "f1": share(self.f1_sum, self.present),
            "citation_right": share(self.cited_right, self.contained),
            "absent": self.absent,
            "no_answer_recall": share(self.refused_right, self.absent),
            "no_answer_precision": share(self.refused_right, self.refused)
        }
