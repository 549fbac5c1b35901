#pragma once

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>
#include <utility>
#include <vector>

// Runs real programs.

namespace quire::testing {

struct ProcessResult {
  int exit_code = -1;  // -1 if a signal ended it
  std::string out;
  std::string err;
};

// A running program with pipes to its standard streams. Killed at the end of the scope.
class Subprocess {
 public:
  // `arguments[0]` is the program. `environment`: NAME=VALUE, added to ours.
  explicit Subprocess(std::vector<std::string> arguments,
                      const std::vector<std::string>& environment = {}) {
    int in[2], out[2], err[2];
    if (pipe2(in, O_CLOEXEC) != 0 || pipe2(out, O_CLOEXEC) != 0 || pipe2(err, O_CLOEXEC) != 0) {
      return;
    }
    std::vector<char*> argv;
    for (std::string& argument : arguments) argv.push_back(argument.data());
    argv.push_back(nullptr);
    pid_ = fork();
    if (pid_ == 0) {
      dup2(in[0], STDIN_FILENO);
      dup2(out[1], STDOUT_FILENO);
      dup2(err[1], STDERR_FILENO);
      for (const std::string& entry : environment) putenv(const_cast<char*>(entry.c_str()));
      execv(argv[0], argv.data());
      _exit(127);
    }
    close(in[0]);
    close(out[1]);
    close(err[1]);
    stdin_ = in[1];
    stdout_ = out[0];
    stderr_ = err[0];
  }

  ~Subprocess() {
    if (pid_ > 0) {
      kill(pid_, SIGKILL);
      waitpid(pid_, nullptr, 0);
    }
    for (const int descriptor : {stdin_, stdout_, stderr_}) {
      if (descriptor >= 0) close(descriptor);
    }
  }
  Subprocess(const Subprocess&) = delete;
  Subprocess& operator=(const Subprocess&) = delete;

  void Signal(int signal) const { kill(pid_, signal); }

  // Reads stderr until `text` has come. Returns what was read; without `text` the stream ended, or
  // nothing came for a minute.
  std::string ReadErrorUntil(const std::string& text) {
    while (err_.find(text) == std::string::npos && IsReadable(stderr_) && ReadSome(stderr_, err_)) {
    }
    return err_;
  }
  // Reads stdout until `num_bytes` have come or it ends.
  std::string ReadOutput(std::size_t num_bytes) {
    while (out_.size() < num_bytes && ReadSome(stdout_, out_)) {
    }
    return out_;
  }

  // Writes a little to stdin and leaves it open.
  void Write(const std::string& input) const {
    if (write(stdin_, input.data(), input.size()) < 0) perror("write to program");
  }

  // Writes `input` to stdin, closes it, and waits for the end.
  ProcessResult Finish(const std::string& input = "") {
    std::thread writer([&] {
      sigset_t pipe_signal;
      sigemptyset(&pipe_signal);
      sigaddset(&pipe_signal, SIGPIPE);
      pthread_sigmask(SIG_BLOCK, &pipe_signal, nullptr);
      for (std::size_t at = 0; at < input.size();) {
        const ssize_t written = write(stdin_, input.data() + at, input.size() - at);
        if (written <= 0) break;
        at += static_cast<std::size_t>(written);
      }
      close(std::exchange(stdin_, -1));
    });
    ProcessResult result = Wait();
    writer.join();
    return result;
  }

  // Waits for the end; stdin stays as it is.
  ProcessResult Wait() {
    std::thread errors([&] {
      while (ReadSome(stderr_, err_)) {
      }
    });
    while (ReadSome(stdout_, out_)) {
    }
    errors.join();
    int status = 0;
    waitpid(std::exchange(pid_, -1), &status, 0);
    return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, out_, err_};
  }

 private:
  static bool IsReadable(int descriptor) {
    constexpr int kTimeoutMs = 60'000;
    pollfd ready{.fd = descriptor, .events = POLLIN, .revents = 0};
    return poll(&ready, 1, kTimeoutMs) > 0;
  }

  static bool ReadSome(int descriptor, std::string& text) {
    char block[4096];
    const ssize_t count = read(descriptor, block, sizeof(block));
    if (count > 0) text.append(block, static_cast<std::size_t>(count));
    return count > 0;
  }

  pid_t pid_ = -1;
  int stdin_ = -1;
  int stdout_ = -1;
  int stderr_ = -1;
  std::string out_;
  std::string err_;
};

}  // namespace quire::testing
