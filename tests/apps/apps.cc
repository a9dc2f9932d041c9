#include "apps.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <unistd.h>

#include <stdexcept>

namespace sidecar::test {

Attended::Attended(std::vector<std::string> argv, std::vector<std::string> environment) {
  int in[2];
  int out[2];
  if (pipe2(in, O_CLOEXEC) != 0 || pipe2(out, O_CLOEXEC) != 0) throw std::runtime_error("pipe2");
  input_.reset(fdopen(in[1], "w"));
  output_.reset(fdopen(out[0], "r"));
  process_ = std::make_unique<Process>(std::move(argv), Streams{in[0], out[1]}, std::move(environment));
  close(in[0]);
  close(out[1]);
}

std::string Attended::line() {
  char text[1024];
  if (std::fgets(text, sizeof text, output_.get()) == nullptr) return {};
  std::string line = text;
  if (!line.empty() && line.back() == '\n') line.pop_back();
  return line;
}

void Attended::say(const std::string& text) {
  std::fputs((text + "\n").c_str(), input_.get());
  std::fflush(input_.get());
}

int Attended::end() {
  input_.reset();
  return process_->wait();
}

void skipped(const std::string& reason) {
  std::printf("SKIPPED: %s\n", reason.c_str());
  std::fflush(stdout);
}

nlohmann::json last_account(const std::string& output) {
  std::string text = output;
  while (!text.empty() && text.back() == '\n') text.pop_back();
  return nlohmann::json::parse(text.substr(text.rfind('\n') + 1), nullptr, /*allow_exceptions=*/false);
}

void check_all_delivered(const Daemon& daemon, unsigned long received) {
  nlohmann::json totals;
  wait_until([&] {
    totals = daemon.totals();
    return totals.is_object() && totals["received"] == received && totals["held"] == 0;
  });
  CAPTURE(totals.dump());
  REQUIRE(totals.is_object());
  CHECK(totals["balanced"] == true);
  CHECK(totals["received"] == received);
  CHECK(totals["delivered"] == received);
  CHECK(totals["dropped_total"] == 0);
}

}  // namespace sidecar::test
