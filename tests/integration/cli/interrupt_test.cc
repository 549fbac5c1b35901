#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <signal.h>
#include <sys/socket.h>

#include "tests/integration/cli/quire_command.h"

namespace quire::testing {
namespace {

using ::testing::HasSubstr;

// Takes connections and never says a word.
class SilentServer {
 public:
  SilentServer() : socket_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof(address);
    bound_ = bind(socket_, reinterpret_cast<sockaddr*>(&address), length) == 0 &&
             listen(socket_, 8) == 0 &&
             getsockname(socket_, reinterpret_cast<sockaddr*>(&address), &length) == 0;
    port_ = ntohs(address.sin_port);
  }
  ~SilentServer() {
    if (connection_ >= 0) close(connection_);
    close(socket_);
  }
  SilentServer(const SilentServer&) = delete;
  SilentServer& operator=(const SilentServer&) = delete;

  bool bound() const { return bound_; }
  std::string address() const { return "127.0.0.1:" + std::to_string(port_); }
  // Waits until somebody connects.
  void Accept() { connection_ = accept4(socket_, nullptr, nullptr, SOCK_CLOEXEC); }

 private:
  const int socket_;
  bool bound_ = false;
  int port_ = 0;
  int connection_ = -1;
};

class InterruptTest : public QuireTest {};

TEST_F(InterruptTest, CancelsTheCallThatRuns) {
  SilentServer server;
  ASSERT_TRUE(server.bound());
  Subprocess client(Command({"generate", "--server", server.address()}), Environment());
  server.Accept();
  client.Signal(SIGINT);
  const ProcessResult result = client.Finish();
  EXPECT_EQ(result.exit_code, 130) << result.err;
  EXPECT_EQ(result.out, "");
}

TEST_F(InterruptTest, TheTimeoutEndsACall) {
  SilentServer server;
  ASSERT_TRUE(server.bound());
  const ProcessResult result =
      Run({"generate", "--server", server.address(), "--timeout", "200ms"});
  EXPECT_EQ(result.exit_code, 4) << result.err;
}

TEST_F(InterruptTest, EndsACommandThatWaitsForInput) {
  QUIRE_SKIP_WITHOUT(TinyModel());
  Subprocess client(Command({"tokenize", "--no-special", "--model", TinyModel().string()}),
                    Environment());
  // Each line is answered before the next one is there.
  client.Write("\"Once\"\n");
  EXPECT_EQ(client.ReadOutput(6), "[403]\n");
  client.Signal(SIGINT);
  const ProcessResult result = client.Wait();
  EXPECT_EQ(result.exit_code, 130);
  EXPECT_THAT(result.err, HasSubstr("interrupted"));
}

}  // namespace
}  // namespace quire::testing
