#!/usr/bin/python3
"""The public API from Python, as a client that has nothing but proto/ would use it.

Run: python_client_test.py BIN_DIR.
"""

import hashlib
import pathlib
import tempfile
import time
import unittest

import grpc

import quire_server

BIN_DIR = quire_server.bin_dir()
STUBS = tempfile.TemporaryDirectory(prefix="quire-stubs-")
quire_server.generate_stubs(STUBS.name)

from google.rpc import error_details_pb2, status_pb2  # noqa: E402
from quire.inference.v1 import inference_pb2, inference_pb2_grpc  # noqa: E402
from quire.orchestrator.v1 import orchestrator_pb2, orchestrator_pb2_grpc  # noqa: E402
from quire.retrieval.v1 import retrieval_pb2, retrieval_pb2_grpc  # noqa: E402

SERVICES = ["quire.inference.v1.InferenceService", "quire.orchestrator.v1.AnswerService",
            "quire.retrieval.v1.CollectionService", "quire.retrieval.v1.DocumentService",
            "quire.retrieval.v1.SearchService"]
CORPUS = quire_server.ROOT / "deploy/demo/corpus"
# Fits no prompt of the test model: several parts, several calls.
LONG_TEXT = (CORPUS / "travel-policy.md").read_text("utf-8")
SHORT_TEXT = "The lamp flashes green when the buoy is well. Élan vital: 27.5 °C."

server = None


def setUpModule():
    global server
    quire_server.require_model()
    server = quire_server.Server(BIN_DIR)


def tearDownModule():
    if server.stop() != 0:
        raise RuntimeError("quire serve did not end cleanly on SIGTERM")


def crc32c(data):
    """CRC-32C (RFC 3720, appendix B.4), bit by bit."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def details_of(error):
    """Returns the google.rpc details of an RpcError by message name."""
    for key, value in error.trailing_metadata():
        if key == "grpc-status-details-bin":
            status = status_pb2.Status.FromString(value)
            return {any.TypeName(): any for any in status.details}
    return {}


class ClientTest(unittest.TestCase):
    def setUp(self):
        self.channel = grpc.insecure_channel(server.address)
        self.addCleanup(self.channel.close)
        self.inference = inference_pb2_grpc.InferenceServiceStub(self.channel)
        self.answers = orchestrator_pb2_grpc.AnswerServiceStub(self.channel)
        self.collections = retrieval_pb2_grpc.CollectionServiceStub(self.channel)
        self.documents = retrieval_pb2_grpc.DocumentServiceStub(self.channel)
        self.search = retrieval_pb2_grpc.SearchServiceStub(self.channel)

    def assert_fails(self, code, call, detail=None):
        """Expects `call` to fail with `code`; returns its detail of message class `detail`."""
        with self.assertRaises(grpc.RpcError) as raised:
            call()
        self.assertEqual(raised.exception.code(), code, raised.exception.details())
        if detail is None:
            return None
        details = details_of(raised.exception)
        self.assertIn(detail.DESCRIPTOR.full_name, details)
        message = detail()
        details[detail.DESCRIPTOR.full_name].Unpack(message)
        return message


class ServerTest(ClientTest):
    def test_health_of_every_service(self):
        check = self.channel.unary_unary("/grpc.health.v1.Health/Check")
        for name in ["", *SERVICES]:
            with self.subTest(name):
                request = bytes([0x0A, len(name)]) + name.encode()
                self.assertEqual(check(request, timeout=5), b"\x08\x01")

    def test_health_of_an_unknown_service_is_not_found(self):
        check = self.channel.unary_unary("/grpc.health.v1.Health/Check")
        self.assert_fails(grpc.StatusCode.NOT_FOUND, lambda: check(b"\x0a\x04nope", timeout=5))

    def test_reflection_lists_every_service(self):
        call = self.channel.stream_stream(
            "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo")
        reply = next(call(iter([b"\x3a\x00"]), timeout=5))  # list_services = ""
        for name in SERVICES:
            self.assertIn(name.encode(), reply)


class InferenceTest(ClientTest):
    def generate_request(self, max_tokens, **sampling):
        return inference_pb2.GenerateRequest(
            text="Once upon a time", sampling=inference_pb2.SamplingParams(**sampling),
            stopping=inference_pb2.StoppingCriteria(max_tokens=max_tokens))

    def test_streamed_text_is_the_unary_text(self):
        request = self.generate_request(40, temperature=0)
        whole = self.inference.Generate(request, timeout=30)
        events = list(self.inference.StreamGenerate(request, timeout=30))
        kinds = [event.WhichOneof("event") for event in events]
        self.assertEqual(kinds[0], "started")
        self.assertEqual(kinds[-2:], ["finished", "usage"])
        self.assertEqual(set(kinds[1:-2]), {"delta"})
        self.assertEqual("".join(event.delta.text for event in events), whole.text)
        self.assertEqual(whole.usage.completion_tokens, 40)
        self.assertEqual(whole.finish_reason, inference_pb2.FINISH_REASON_LENGTH)

    def test_a_bad_temperature_names_the_field(self):
        bad = self.assert_fails(
            grpc.StatusCode.INVALID_ARGUMENT,
            lambda: self.inference.Generate(self.generate_request(5, temperature=float("nan"))),
            error_details_pb2.BadRequest)
        self.assertEqual([v.field for v in bad.field_violations], ["sampling.temperature"])

    def test_more_tokens_than_the_context_says_how_many_fit(self):
        info = self.assert_fails(
            grpc.StatusCode.INVALID_ARGUMENT,
            lambda: self.inference.Generate(self.generate_request(100000)),
            error_details_pb2.ErrorInfo)
        self.assertEqual((info.domain, info.reason), ("quire", "CONTEXT_LENGTH_EXCEEDED"))
        self.assertEqual(info.metadata["limit"], "512")

    def test_an_unknown_model_is_named(self):
        request = self.generate_request(5)
        request.model = "models/none"
        info = self.assert_fails(grpc.StatusCode.NOT_FOUND,
                                 lambda: self.inference.Generate(request),
                                 error_details_pb2.ResourceInfo)
        self.assertIn("none", info.resource_name)

    def test_cancelling_frees_the_blocks(self):
        request = self.generate_request(400, temperature=0)
        request.stopping.ignore_eos = True
        stream = self.inference.StreamGenerate(request)
        for event in stream:
            if event.WhichOneof("event") == "delta":
                break
        stream.cancel()
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            info = self.inference.GetServerInfo(inference_pb2.GetServerInfoRequest())
            if info.num_running_requests == 0 and info.num_free_kv_blocks == info.num_kv_blocks:
                return
            time.sleep(0.05)
        self.fail(f"still running or holding blocks: {info}")


class AnswerTest(ClientTest):
    def ask_request(self, strategy, **texts):
        documents = [orchestrator_pb2.InlineDocument(id=name, text=text)
                     for name, text in texts.items()]
        return orchestrator_pb2.AskRequest(
            question="What does it cost?", strategy=strategy,
            sources=orchestrator_pb2.Sources(inline_documents=documents),
            options=orchestrator_pb2.StrategyOptions(max_answer_tokens=16))

    def assert_quotes_are_exact(self, answer, **texts):
        for citation in answer.citations:
            source = citation.source
            document = texts[source.document].encode()
            self.assertEqual(document[source.start:source.end].decode(), source.quote)

    def test_every_strategy_answers_with_exact_quotes(self):
        for strategy in (orchestrator_pb2.STRATEGY_MAP_REDUCE, orchestrator_pb2.STRATEGY_REFINE):
            with self.subTest(orchestrator_pb2.Strategy.Name(strategy)):
                request = self.ask_request(strategy, policy=LONG_TEXT)
                answer = self.answers.Ask(request, timeout=120).answer
                self.assertEqual(answer.strategy, strategy)
                self.assertGreater(answer.usage.model_calls, 1)
                self.assertEqual(answer.coverage[0].text_bytes, len(LONG_TEXT.encode()))
                self.assertEqual(answer.coverage[0].bytes_read, len(LONG_TEXT.encode()))
                self.assert_quotes_are_exact(answer, policy=LONG_TEXT)

    def test_stream_has_the_promised_order(self):
        request = self.ask_request(orchestrator_pb2.STRATEGY_MAP_REDUCE, policy=LONG_TEXT)
        events = [m.event for m in self.answers.StreamAsk(request, timeout=120)]
        kinds = [event.WhichOneof("event") for event in events]
        self.assertEqual(kinds[0], "started")
        self.assertEqual(kinds[-2:], ["answer", "usage"])
        self.assertIn("progress", kinds)
        self.assertIn("step", kinds)
        for earlier, later in (("step", "delta"), ("delta", "citation"), ("citation", "answer")):
            if earlier in kinds and later in kinds:
                last = len(kinds) - 1 - kinds[::-1].index(earlier)
                self.assertLess(last, len(kinds) - 1 - kinds[::-1].index(later))
        self.assertGreaterEqual(events[0].started.planned_calls, kinds.count("step"))

    def test_one_prompt_that_cannot_fit_is_refused_with_tokens_and_limit(self):
        request = self.ask_request(orchestrator_pb2.STRATEGY_STUFF, policy=LONG_TEXT)
        info = self.assert_fails(grpc.StatusCode.INVALID_ARGUMENT,
                                 lambda: self.answers.Ask(request, timeout=30),
                                 error_details_pb2.ErrorInfo)
        self.assertEqual(info.reason, "CONTEXT_LENGTH_EXCEEDED")
        self.assertGreater(int(info.metadata["tokens"]), int(info.metadata["limit"]))

    def test_a_blank_question_names_the_field(self):
        request = self.ask_request(orchestrator_pb2.STRATEGY_STUFF, note=SHORT_TEXT)
        request.question = " \n"
        bad = self.assert_fails(grpc.StatusCode.INVALID_ARGUMENT,
                                lambda: self.answers.Ask(request, timeout=30),
                                error_details_pb2.BadRequest)
        self.assertEqual([v.field for v in bad.field_violations], ["question"])

    def test_an_expired_deadline_is_deadline_exceeded(self):
        request = self.ask_request(orchestrator_pb2.STRATEGY_REFINE, policy=LONG_TEXT * 20)
        self.assert_fails(grpc.StatusCode.DEADLINE_EXCEEDED,
                          lambda: self.answers.Ask(request, timeout=0.2))


@unittest.skipUnless(quire_server.embedding_model(),
                     "QUIRE_TEST_MINILM names no model: uploads and searches did not run")
class RetrievalTest(ClientTest):
    def setUp(self):
        super().setUp()
        self.collection = f"collections/{self.id().rsplit('.', 1)[-1]}"
        self.collections.CreateCollection(retrieval_pb2.CreateCollectionRequest(
            collection_id=self.collection.split("/")[1]))

    def upload(self, name, data, sha256=None, offset=0, checksum=None):
        half = len(data) // 2
        pieces = [(0, data[:half]), (half + offset, data[half:])]
        messages = [retrieval_pb2.UploadDocumentRequest(header=retrieval_pb2.UploadHeader(
            parent=self.collection, document_id=name))]
        for start, piece in pieces:
            crc = crc32c(piece) if checksum is None else checksum
            messages.append(retrieval_pb2.UploadDocumentRequest(
                chunk=retrieval_pb2.UploadChunk(offset=start, data=piece, crc32c=crc)))
        messages.append(retrieval_pb2.UploadDocumentRequest(finish=retrieval_pb2.UploadFinish(
            sha256=sha256 or hashlib.sha256(data).hexdigest())))
        return self.documents.UploadDocument(iter(messages), timeout=60)

    def hits(self, query):
        return self.search.Search(retrieval_pb2.SearchRequest(
            parent=self.collection, query=query, mode=retrieval_pb2.SEARCH_MODE_DENSE)).hits

    def test_upload_search_read_delete(self):
        for path in ("price-list-2025.md", "security-guideline.txt", "travel-policy.md"):
            self.upload(path, (CORPUS / path).read_bytes())
        best = self.hits("How long must a password be?")[0]
        self.assertEqual(best.document, f"{self.collection}/documents/security-guideline.txt")

        text = self.documents.ReadDocumentText(
            retrieval_pb2.ReadDocumentTextRequest(name=best.document)).text.encode()
        self.assertEqual(text[best.chunk.start:best.chunk.end].decode(), best.chunk.text)

        self.documents.DeleteDocument(retrieval_pb2.DeleteDocumentRequest(name=best.document))
        self.assertNotIn(best.document, [hit.document for hit in
                                         self.hits("How long must a password be?")])

    def test_ask_a_collection(self):
        self.upload("travel-policy.md", LONG_TEXT.encode())
        answer = self.answers.Ask(orchestrator_pb2.AskRequest(
            question="How much may a hotel cost?", strategy=orchestrator_pb2.STRATEGY_RAG,
            sources=orchestrator_pb2.Sources(collection=self.collection),
            options=orchestrator_pb2.StrategyOptions(max_answer_tokens=16)), timeout=60).answer
        self.assertEqual(answer.strategy, orchestrator_pb2.STRATEGY_RAG)
        self.assertGreater(answer.coverage[0].bytes_read, 0)

    def test_a_wrong_sum_stores_nothing(self):
        self.assert_fails(grpc.StatusCode.INVALID_ARGUMENT,
                          lambda: self.upload("a.txt", b"Some text.", sha256="0" * 64))
        info = self.assert_fails(grpc.StatusCode.ABORTED,
                                 lambda: self.upload("a.txt", b"Some text.", checksum=1),
                                 error_details_pb2.ErrorInfo)
        self.assertEqual(info.reason, "CHUNK_CHECKSUM")
        info = self.assert_fails(grpc.StatusCode.OUT_OF_RANGE,
                                 lambda: self.upload("a.txt", b"Some text.", offset=3),
                                 error_details_pb2.ErrorInfo)
        self.assertEqual(info.reason, "CHUNK_OFFSET")
        self.assertEqual(info.metadata["committed_size"], "5")
        listed = self.documents.ListDocuments(
            retrieval_pb2.ListDocumentsRequest(parent=self.collection))
        self.assertEqual(len(listed.documents), 0)

    def test_an_unknown_collection_is_named(self):
        info = self.assert_fails(
            grpc.StatusCode.NOT_FOUND,
            lambda: self.collections.GetCollection(
                retrieval_pb2.GetCollectionRequest(name="collections/none")),
            error_details_pb2.ResourceInfo)
        self.assertEqual(info.resource_name, "collections/none")


if __name__ == "__main__":
    unittest.main()
