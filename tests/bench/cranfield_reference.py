#!/usr/bin/env python3
"""Ranks the chunks of a served Cranfield collection with sentence-transformers.

  cranfield_reference.py chunks ADDRESS OUT   writes the chunks of collection cran to OUT/chunks.jsonl
  cranfield_reference.py rank MODEL OUT       ranks them for OUT/queries.tsv; prints a TREC run

OUT is what cranfield_ndcg.py prepare wrote; that script scores the run. `chunks` needs grpcio and the
Python stubs of proto/ on PYTHONPATH, `rank` needs sentence-transformers. Document scores are those of
their best chunk, as in `quire search --trec`.
"""

import json
import pathlib
import sys

DEPTH = 30


def pages(method, request, field):
    """Yields the items of every page of a list method."""
    while True:
        response = method(request)
        yield from getattr(response, field)
        if not response.next_page_token:
            return
        request.page_token = response.next_page_token


def write_chunks(address, out):
    import grpc
    from quire.retrieval.v1 import retrieval_pb2, retrieval_pb2_grpc

    documents = retrieval_pb2_grpc.DocumentServiceStub(grpc.insecure_channel(address))
    every = retrieval_pb2.ListDocumentsRequest(parent="collections/cran", page_size=1000)
    with open(out / "chunks.jsonl", "w", encoding="utf-8") as file:
        for document in pages(documents.ListDocuments, every, "documents"):
            request = retrieval_pb2.ListChunksRequest(parent=document.name)
            for chunk in pages(documents.ListChunks, request, "chunks"):
                line = {"document": document.name.rpartition("/")[2], "text": chunk.text}
                file.write(json.dumps(line) + "\n")


def rank(model_path, out):
    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(model_path, device="cpu")
    chunks = [json.loads(line) for line in open(out / "chunks.jsonl", encoding="utf-8")]
    queries = [line.rstrip("\n").split("\t") for line in open(out / "queries.tsv", encoding="utf-8")]
    vectors = model.encode([chunk["text"] for chunk in chunks], normalize_embeddings=True)
    questions = model.encode([text for _, text in queries], normalize_embeddings=True)
    for (query, _), scores in zip(queries, questions @ vectors.T):
        best = {}
        for i in (-scores).argsort(kind="stable"):
            best.setdefault(chunks[i]["document"], scores[i])
            if len(best) == DEPTH:
                break
        for place, (document, score) in enumerate(best.items(), 1):
            print(f"{query} Q0 {document} {place} {score} sentence-transformers")


def main():
    if len(sys.argv) != 4 or sys.argv[1] not in ("chunks", "rank"):
        sys.exit(__doc__)
    (write_chunks if sys.argv[1] == "chunks" else rank)(sys.argv[2], pathlib.Path(sys.argv[3]))


if __name__ == "__main__":
    main()
