#pragma once

// Credentials holds what we prove to the collector and how we know it: the token, and the TLS files. They are read
// at the start and again when they change (looked at by size, time and inode). What cannot be used is a problem, told
// in status and once in the log with its remedy; what was good before stays in force.
//
// The token is in no log, status or error text: whoever shows words of a collector passes them through scrub() first.
//
// Owner: a dialect. Thread: loop; the files are small and read there.

#include <grpcpp/security/credentials.h>
#include <sys/types.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "loop/event_loop.h"
#include "uplink/options.h"

namespace sidecar {

// What `text` says as a token: without one newline at its end. invalid_argument: empty, longer than kMaxToken, or with
// what HTTP/2 headers cannot carry. Pure.
Result<std::string> parse_token(std::string text);
inline constexpr std::size_t kMaxToken = 8 * 1024;

// Whether `text` holds a PEM block of this kind ("CERTIFICATE", "PRIVATE KEY", also "RSA PRIVATE KEY"). Pure.
bool holds_pem(const std::string& text, const std::string& kind);

class Credentials {
 public:
  enum class Changed { token, tls };

  // Reads the files. `changed` is told in a turn of its own what was replaced by something else that can be used.
  Credentials(const UplinkOptions& options, EventLoop& loop, std::function<void(Changed)> changed);

  // Empty: none is sent.
  const std::string& token() const { return token_; }
  bool tls() const { return options_.tls.enabled; }
  // For a channel; null if TLS is asked for and its files have never been good: problems() says why.
  std::shared_ptr<grpc::ChannelCredentials> for_channel() const { return channel_; }
  // What is wrong with the files now, a sentence each.
  std::vector<std::string> problems() const;

  // `text` without the token, nor the one before it: an answer may be to a call that still carried that.
  std::string scrub(std::string text) const;

 private:
  // What tells one content of a file from another without reading it.
  struct Stamp {
    dev_t device = 0;
    ino_t inode = 0;
    off_t size = 0;
    std::int64_t changed_ns = 0;
    bool operator==(const Stamp&) const = default;
  };
  static Stamp stamp_of(const std::string& path);

  void look();
  void read_token();
  // True: they are good.
  bool read_tls();
  void note(std::string& problem, std::string now);

  const UplinkOptions options_;
  const std::function<void(Changed)> changed_;
  std::string token_, former_token_;
  std::string token_problem_, tls_problem_;
  std::shared_ptr<grpc::ChannelCredentials> channel_;
  Stamp token_stamp_;
  std::vector<Stamp> tls_stamps_;
  std::unique_ptr<Timer> timer_;
};

}  // namespace sidecar
