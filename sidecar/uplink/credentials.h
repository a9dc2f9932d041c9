#pragma once

// Credentials holds what we prove to the collector and how we know it: the token, and the TLS files. They are read
// at the start, again when they change (looked at by size, times and inode), and at each look while something is wrong
// with them. What cannot be used is a problem, told in status and once in the log with its remedy; what was good
// before, if anything was, stays in force.
//
// The token is in no log, status or error text: whoever shows words of a collector passes them through scrub() first.
//
// Owner: a dialect. Thread: loop; the files are small and read there.

#include <grpcpp/security/credentials.h>
#include <sys/types.h>

#include <deque>
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

  // Which of the two is another than before, or is there no more.
  struct Changes {
    bool token = false;
    bool tls = false;
  };
  // Other files from now on; they are read at once, and so are those that stay. What came from files that are no longer
  // named is not used any more: it may have been for other collectors. `changed` is not told.
  Changes apply(const UplinkOptions& options);

  // Empty: none is sent.
  const std::string& token() const { return token_; }
  bool tls() const { return options_.tls.enabled; }
  // For a channel; null if TLS is asked for and its files have never been good: problems() says why.
  std::shared_ptr<grpc::ChannelCredentials> for_channel() const { return channel_; }
  // What is wrong with the files now, a sentence each.
  std::vector<std::string> problems() const;

  // `text` without the token, nor those before it: an answer may be to a call that still carried one of these. They are
  // kept for a call's deadline, the last kMaxFormer of them, and overwritten then.
  std::string scrub(std::string text) const;
  static constexpr std::size_t kMaxFormer = 8;

 private:
  // What tells one content of a file from another without reading it.
  struct Stamp {
    dev_t device = 0;
    ino_t inode = 0;
    off_t size = 0;
    std::int64_t written_ns = 0;
    std::int64_t changed_ns = 0;  // also by a change of owner or mode
    bool operator==(const Stamp&) const = default;
  };
  static Stamp stamp_of(const std::string& path);

  void look();
  // Whatever the files' stamps say.
  void read();
  // True: what was read is good, and not what was in force.
  bool read_token();
  bool read_tls();
  // It is not sent any more; calls that carry it may last so long.
  void retire_token(Duration calls_last);
  // Former tokens whose time has passed.
  void forget();
  // `in_force`: something was read before.
  void note(std::string& problem, std::string now, bool in_force);

  UplinkOptions options_;
  EventLoop& loop_;
  const std::function<void(Changed)> changed_;
  struct Former {
    std::string token;
    Tick until;
  };
  std::string token_;
  std::deque<Former> former_;  // the oldest first
  std::string token_problem_, tls_problem_;
  grpc::SslCredentialsOptions tls_;  // that `channel_` was made of
  std::shared_ptr<grpc::ChannelCredentials> channel_;
  Stamp token_stamp_;
  std::vector<Stamp> tls_stamps_;
  std::unique_ptr<Timer> timer_, forget_timer_;
};

}  // namespace sidecar
