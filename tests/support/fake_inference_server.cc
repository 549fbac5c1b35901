// A program that serves FakeInferenceService on a free port, writes the address to standard error
// and runs until it is killed or its standard input ends.

#include <cstdio>

#include "tests/support/fake_inference_service.h"

int main() {
  quire::testing::FakeInferenceService service;
  const quire::testing::LoopbackServer server(service);
  std::fprintf(stderr, "%s\n", server.address().c_str());
  while (std::getchar() != EOF) {
  }
  return 0;
}
