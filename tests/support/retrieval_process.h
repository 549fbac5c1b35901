#pragma once

#include <signal.h>

#include <memory>
#include <string>
#include <vector>

#include "tests/support/subprocess.h"

// quire-retrieval and the inference service it needs as real processes. The paths of the programs
// come from the build: QUIRE_RETRIEVAL_BINARY, FAKE_INFERENCE_SERVER.

namespace quire::testing {

// A FakeInferenceService in a process of its own.
class FakeInferenceProcess {
 public:
  FakeInferenceProcess() : process_({FAKE_INFERENCE_SERVER}) {
    address_ = process_.ReadErrorUntil("\n");
    address_.resize(address_.find('\n') == std::string::npos ? 0 : address_.find('\n'));
  }
  const std::string& address() const { return address_; }

 private:
  Subprocess process_;
  std::string address_;
};

// quire-retrieval on a free port.
class RetrievalProcess {
 public:
  RetrievalProcess(const std::string& data_dir, const std::string& inference)
      : process_({QUIRE_RETRIEVAL_BINARY, "--data-dir", data_dir, "--inference", inference,
                  "--port", "0"}) {}

  // Waits until it serves. Returns its address, or "" if it ended before.
  std::string WaitUntilServing() {
    const std::string log = process_.ReadErrorUntil("serving ");
    const std::string mark = " port ";
    const std::size_t at = log.find(mark);
    if (log.find("serving ") == std::string::npos || at == std::string::npos) return "";
    const std::size_t start = at + mark.size();
    return "127.0.0.1:" + log.substr(start, log.find(',', start) - start);
  }

  // As a crash of the process, not of the machine.
  void Kill() {
    process_.Signal(SIGKILL);
    process_.Finish();
  }
  ProcessResult Terminate() {
    process_.Signal(SIGTERM);
    return process_.Finish();
  }
  // Waits for it to end by itself.
  ProcessResult Finish() { return process_.Finish(); }

 private:
  Subprocess process_;
};

}  // namespace quire::testing
