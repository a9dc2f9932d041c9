#pragma once

// ReplayServer is a gRPC server that knows no method: it keeps every call whole, with all
// messages, and answers what the test says. On 127.0.0.1, on a port of the kernel's choice
// that stays reserved for its whole life.
//
// All functions may be called from any thread but gRPC's own.

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace sidecar {

class ReplayServer {
 public:
  struct Answer {
    std::string status;  // name of a gRPC status
    std::string details;
    std::string bytes;  // if OK
  };
  struct Arrival {
    std::string path;
    std::vector<std::string> messages;
    std::string status;  // as answered
  };

  // Open. `answer` is called by gRPC's threads, one at a time, when the client has said all.
  explicit ReplayServer(std::function<Answer(const std::string& path)> answer);
  ~ReplayServer();
  ReplayServer(const ReplayServer&) = delete;
  ReplayServer& operator=(const ReplayServer&) = delete;

  std::string address() const;
  // Goes away and is back on the same port.
  void close();
  void open();
  bool is_open() const;
  // What has arrived since the last time, in order.
  std::vector<Arrival> take();

  struct Impl;

 private:
  std::unique_ptr<Impl> impl_;
};

}  // namespace sidecar
