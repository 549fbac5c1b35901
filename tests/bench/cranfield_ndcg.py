#!/usr/bin/env python3
"""Measures search on the Cranfield collection: 1,400 abstracts, 225 questions with judgements.

  cranfield_ndcg.py prepare OUT   writes OUT/documents.jsonl and OUT/queries.tsv
  cranfield_ndcg.py score RUN     prints nDCG@10 of a TREC run as JSON

In between: quire docs add --collection cran --jsonl OUT/documents.jsonl
            quire search --collection cran --queries OUT/queries.tsv --mode dense --trec quire > RUN

The collection is read from --data, by default ../shared/data/retrieval/cranfield. Its judgements
number queries by position, 1 to 225, not by their .I lines; their grades are 1 (of little interest)
to 4 (a complete answer), -1 is none. nDCG as trec_eval's ndcg_cut: the gain is the grade, the
discount log2(rank + 1), and the mean is over all queries with a relevant document, those the run
leaves out counting 0.
"""

import argparse
import collections
import json
import math
import pathlib
import re
import sys

DEPTH = 10


def read_records(path):
    """Yields (number, {field: text}) for each .I record of a SMART file."""
    for record in re.split(r"^\.I +", path.read_text(encoding="latin-1"), flags=re.M)[1:]:
        number, _, body = record.partition("\n")
        fields = re.split(r"^\.([A-Z])\n", body, flags=re.M)[1:]
        yield number.strip(), dict(zip(fields[::2], fields[1::2]))


def prepare(data, out):
    out.mkdir(parents=True, exist_ok=True)
    num_documents = 0
    with open(out / "documents.jsonl", "w", encoding="utf-8") as file:
        for number, fields in read_records(data / "cran.all.1400"):
            text = fields.get("W", "").strip()
            if not text:  # two of them
                continue
            title = " ".join(fields.get("T", "").split())
            file.write(json.dumps({"id": number, "title": title, "text": text}) + "\n")
            num_documents += 1
    queries = list(read_records(data / "cran.qry"))
    with open(out / "queries.tsv", "w", encoding="utf-8") as file:
        for position, (_, fields) in enumerate(queries, 1):
            file.write(f"{position}\t{' '.join(fields['W'].split())}\n")
    print(json.dumps({"documents": num_documents, "queries": len(queries)}))


def read_judgements(path):
    """Returns {query: {document: grade}}, relevant documents alone."""
    grades = collections.defaultdict(dict)
    for line in path.read_text().splitlines():
        query, document, grade = line.split()
        if int(grade) > 0:
            grades[query][document] = int(grade)
    return grades


def read_run(path):
    """Returns {query: [document, ...]}, best first, by falling score."""
    hits = collections.defaultdict(list)
    for number, line in enumerate(path.read_text().splitlines(), 1):
        fields = line.split()
        if len(fields) != 6:
            sys.exit(f"{path}:{number}: wanted 'qid Q0 docid rank score run', have '{line}'")
        hits[fields[0]].append((-float(fields[4]), int(fields[3]), fields[2]))
    for query, ranked in hits.items():
        documents = [document for _, _, document in sorted(ranked)]
        if len(set(documents)) != len(documents):
            sys.exit(f"{path}: query {query} has a document twice")
        hits[query] = documents
    return hits


def dcg(gains):
    return sum(gain / math.log2(rank + 1) for rank, gain in enumerate(gains, 1))


def ndcg(ranked, grades):
    gains = [grades.get(document, 0) for document in ranked[:DEPTH]]
    ideal = sorted(grades.values(), reverse=True)[:DEPTH]
    return dcg(gains) / dcg(ideal)


def score(data, run_path):
    judgements = read_judgements(data / "cranqrel")
    run = read_run(run_path)
    values = [ndcg(run.get(query, []), grades) for query, grades in judgements.items()]
    print(json.dumps({
        "ndcg_at_10": round(sum(values) / len(values), 4),
        "queries": len(values),
        "queries_without_hits": sum(1 for query in judgements if query not in run),
    }))


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", choices=["prepare", "score"])
    parser.add_argument("path", type=pathlib.Path)
    parser.add_argument("--data", type=pathlib.Path,
                        default=pathlib.Path("../shared/data/retrieval/cranfield"))
    arguments = parser.parse_args()
    (prepare if arguments.command == "prepare" else score)(arguments.data, arguments.path)


if __name__ == "__main__":
    main()
