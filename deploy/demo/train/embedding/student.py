"""The student: some of the teacher's layers over a part of its vocabulary.

It starts as the teacher's own weights and learns, text by text, to give what the teacher gives:
 - each token's output of the last layer (of the teacher's token that begins where it does, or before),
 - the text's vector.
"""

import dataclasses
import json
import time

import tokenizers
import torch

import bert

CHECKPOINT_STEPS = 20


@dataclasses.dataclass
class Settings:
    layers: tuple = (0, 1, 3, 4, 5)  # of the teacher's
    minutes: float = 40.0
    batch_tokens: int = 1024  # padded
    learning_rate: float = 1e-4
    warmup: float = 0.05  # of the time
    vector_weight: float = 4.0
    seed: int = 0


class Student:
    def __init__(self, teacher, definition, layers, max_tokens):
        self.shape = dataclasses.replace(teacher.shape, num_layers=len(layers))
        self.definition = definition
        self.tokenizer = tokenizers.Tokenizer.from_str(json.dumps(definition))
        self.tokenizer.enable_truncation(max_tokens)
        self.tokenizer.no_padding()
        self.weights = self._start(teacher, layers, max_tokens)

    def _start(self, teacher, layers, max_tokens):
        old = teacher.tokenizer.get_vocab()
        rows = torch.tensor([old[token] for token in self.definition["model"]["vocab"]])
        words, positions = "embeddings.word_embeddings.weight", "embeddings.position_embeddings.weight"
        weights = {name: value for name, value in teacher.weights.items()
                   if name.startswith("embeddings.")}
        weights[words] = weights[words][rows]
        weights[positions] = weights[positions][:max_tokens]
        for i, layer in enumerate(layers):
            prefix = f"encoder.layer.{layer}."
            weights |= {f"encoder.layer.{i}." + name.removeprefix(prefix): value
                        for name, value in teacher.weights.items() if name.startswith(prefix)}
        return {name: value.float().clone() for name, value in weights.items()}

    def tokenize(self, texts):
        """Rows of token ids."""
        return [encoding.ids for encoding in self.tokenizer.encode_batch_fast(texts)]


def origins(ours, theirs):
    """For each token of the student's encoding the place of the teacher's token it learns from: the
    last that begins no later. Special tokens, whose range is empty, are first and last in both."""
    places = [0]
    place = 1
    for begin, _ in ours.offsets[1:-1]:
        while place + 2 < len(theirs.ids) and theirs.offsets[place + 1][0] <= begin:
            place += 1
        places.append(place)
    return places + [len(theirs.ids) - 1]


def loss_of(hidden, present, wanted, wanted_present, places, settings):
    """`places` [rows, length]: the teacher's token for each of the student's."""
    targets = wanted.gather(1, places[:, :, None].expand(-1, -1, wanted.shape[2]))
    tokens = (hidden - targets)[present].square().mean() / targets[present].square().mean()
    cosines = (bert.pooled(hidden, present) * bert.pooled(wanted, wanted_present)).sum(1)
    return tokens + settings.vector_weight * (1 - cosines).mean(), cosines.mean()


class Training:
    """Steps over the texts in random order for a time, kept in `path` now and then."""

    def __init__(self, student, teacher, texts, settings, path):
        self.student, self.teacher, self.texts = student, teacher, texts
        self.settings, self.path = settings, path
        self.step, self.seconds = 0, 0.0
        self.parameters = {name: torch.nn.Parameter(value) for name, value in student.weights.items()}
        self.optimizer = torch.optim.AdamW(self.parameters.values(), weight_decay=0.0,
                                           betas=(0.9, 0.98))
        self.batches = self._batches()
        if path.exists():
            self._resume(torch.load(path))

    def _resume(self, kept):
        self.step, self.seconds = kept["step"], kept["seconds"]
        self.optimizer.load_state_dict(kept["optimizer"])
        with torch.no_grad():
            for name, value in kept["weights"].items():
                self.parameters[name].copy_(value)

    def _batches(self):
        """Lists of texts, all texts once, alike in length within a batch."""
        generator = torch.Generator().manual_seed(self.settings.seed)
        order = torch.randperm(len(self.texts), generator=generator).tolist()
        batches = []
        for begin in range(0, len(order), 4096):
            part = order[begin:begin + 4096]
            lengths = [len(self.texts[i]) // 4 + 2 for i in part]  # in tokens, nearly
            made = list(bert.token_batches(lengths, self.settings.batch_tokens))
            batches += [[part[i] for i in made[k]]
                        for k in torch.randperm(len(made), generator=generator).tolist()]
        return batches

    def _learning_rate(self):
        done = self.seconds / (60 * self.settings.minutes)
        return self.settings.learning_rate * min(1.0, done / self.settings.warmup + 0.05, 1.05 - done)

    def _step(self, texts):
        ours = self.student.tokenizer.encode_batch(texts)
        theirs = self.teacher.tokenizer.encode_batch(texts)
        ids, present = bert.padded([encoding.ids for encoding in ours])
        places, _ = bert.padded([origins(*pair) for pair in zip(ours, theirs)])
        wanted, wanted_present = self.teacher.hidden([encoding.ids for encoding in theirs])
        hidden = bert.Forward(self.parameters, self.student.shape)(ids, present)
        loss, cosine = loss_of(hidden, present, wanted, wanted_present, places, self.settings)
        for group in self.optimizer.param_groups:
            group["lr"] = self._learning_rate()
        self.optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.parameters.values(), 1.0)
        self.optimizer.step()
        return loss.item(), cosine.item()

    def run(self, log=print):
        sums = None
        while self.seconds < 60 * self.settings.minutes:
            began = time.monotonic()
            batch = self.batches[self.step % len(self.batches)]
            found = self._step([self.texts[i] for i in batch])
            sums = [0.9 * old + 0.1 * new for old, new in zip(sums or found, found)]
            self.step += 1
            self.seconds += time.monotonic() - began
            if self.step % 5 == 0:
                log(f"step {self.step}, {self.seconds:.0f} s: loss {sums[0]:.4f}, cosine {sums[1]:.4f}",
                    flush=True)
            if self.step % CHECKPOINT_STEPS == 0:
                self._keep()
        self._keep()
        self.student.weights = {name: value.detach() for name, value in self.parameters.items()}

    def _keep(self):
        scratch = self.path.with_suffix(".part")
        torch.save({"step": self.step, "seconds": self.seconds,
                    "optimizer": self.optimizer.state_dict(),
                    "weights": {name: value.detach() for name, value in self.parameters.items()}},
                   scratch)
        scratch.rename(self.path)
