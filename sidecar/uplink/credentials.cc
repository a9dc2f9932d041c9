#include "uplink/credentials.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <string_view>
#include <utility>

#include "base/regular_file.h"
#include "log/log.h"

namespace sidecar {
namespace {

constexpr std::size_t kMaxPem = 1 << 20;
constexpr std::string_view kHidden = "***";

// The names of the TLS files, in one order.
std::vector<std::string> tls_files(const TlsOptions& tls) { return {tls.ca, tls.certificate, tls.key}; }

Result<std::string> read_pem(const std::string& path, const char* setting, const std::string& kind) {
  if (path.empty()) return std::string();
  auto text = read_regular_file(path, kMaxPem);
  if (!text) return tl::unexpected<Error>(std::move(text.error()).with_prefix(setting));
  if (!holds_pem(*text, kind))
    return fail(Errc::invalid_argument, fmt::format("{}: {}: holds no {} in PEM form", setting, path, kind));
  return text;
}

}  // namespace

Result<std::string> parse_token(std::string text) {
  if (text.ends_with('\n')) text.pop_back();
  if (text.ends_with('\r')) text.pop_back();
  if (text.empty()) return fail(Errc::invalid_argument, "is empty; write the token into it, one line");
  if (text.size() > kMaxToken)
    return fail(Errc::invalid_argument, fmt::format("holds more than {} bytes; a token is one line", kMaxToken));
  const bool good = std::all_of(text.begin(), text.end(), [](char c) { return c >= 0x20 && c < 0x7f; });
  if (!good || text.front() == ' ' || text.back() == ' ')
    return fail(Errc::invalid_argument,
                "holds what a header cannot carry; a token is one line of visible ASCII characters");
  return text;
}

bool holds_pem(const std::string& text, const std::string& kind) {
  const std::string end = kind + "-----";
  for (std::size_t at = text.find("-----BEGIN "); at != std::string::npos; at = text.find("-----BEGIN ", at + 1)) {
    const std::size_t line = text.find('\n', at);
    const std::size_t name = text.find(end, at);
    if (name != std::string::npos && name < line) return true;
  }
  return false;
}

Credentials::Credentials(const UplinkOptions& options, EventLoop& loop, std::function<void(Changed)> changed)
    : options_(options), changed_(std::move(changed)), timer_(loop.make_timer([this] { look(); })) {
  if (options_.tls.enabled)
    for (const std::string& file : tls_files(options_.tls)) tls_stamps_.push_back(stamp_of(file));
  token_stamp_ = stamp_of(options_.token_file);
  read_token();
  if (options_.tls.enabled)
    read_tls();
  else
    channel_ = grpc::InsecureChannelCredentials();
  if (options_.tls.enabled || !options_.token_file.empty()) timer_->start_every(options_.reread);
}

std::vector<std::string> Credentials::problems() const {
  std::vector<std::string> all;
  for (const std::string* problem : {&token_problem_, &tls_problem_})
    if (!problem->empty()) all.push_back(*problem);
  return all;
}

std::string Credentials::scrub(std::string text) const {
  std::vector<const std::string*> secrets = {&token_, &former_token_};
  // One may be the beginning of the other.
  if (former_token_.size() > token_.size()) std::swap(secrets[0], secrets[1]);
  for (const std::string* secret : secrets) {
    if (secret->empty()) continue;
    for (std::size_t at = text.find(*secret); at != std::string::npos; at = text.find(*secret, at + kHidden.size()))
      text.replace(at, secret->size(), kHidden);
  }
  return text;
}

Credentials::Stamp Credentials::stamp_of(const std::string& path) {
  struct stat found {};
  if (path.empty() || stat(path.c_str(), &found) != 0) return {};
  return {found.st_dev, found.st_ino, found.st_size,
          std::int64_t{found.st_mtim.tv_sec} * 1'000'000'000 + found.st_mtim.tv_nsec};
}

void Credentials::look() {
  if (const Stamp now = stamp_of(options_.token_file); now != token_stamp_) {
    token_stamp_ = now;
    const std::string before = token_;
    read_token();
    if (token_ != before) {
      log_info("the token has changed; using the new one");
      changed_(Changed::token);
    }
  }
  if (!options_.tls.enabled) return;
  std::vector<Stamp> now;
  for (const std::string& file : tls_files(options_.tls)) now.push_back(stamp_of(file));
  if (now == tls_stamps_) return;
  tls_stamps_ = std::move(now);
  if (!read_tls()) return;
  log_info("the TLS files have changed; connecting with the new ones");
  changed_(Changed::tls);
}

void Credentials::read_token() {
  if (options_.token_file.empty()) return;
  auto text = read_regular_file(options_.token_file, 2 * kMaxToken);
  if (!text) return note(token_problem_, "collector.token_file: " + text.error().message);
  auto token = parse_token(std::move(*text));
  if (!token)
    return note(token_problem_, fmt::format("collector.token_file: {} {}", options_.token_file, token.error().message));
  note(token_problem_, {});
  if (*token != token_) former_token_ = std::exchange(token_, std::move(*token));
}

bool Credentials::read_tls() {
  const TlsOptions& tls = options_.tls;
  auto ca = read_pem(tls.ca, "collector.tls.ca", "CERTIFICATE");
  auto certificate = read_pem(tls.certificate, "collector.tls.certificate", "CERTIFICATE");
  auto key = read_pem(tls.key, "collector.tls.key", "PRIVATE KEY");
  for (const auto* file : {&ca, &certificate, &key}) {
    if (*file) continue;
    note(tls_problem_, file->error().message);
    return false;
  }
  note(tls_problem_, {});
  channel_ = grpc::SslCredentials({*ca, *key, *certificate});
  return true;
}

void Credentials::note(std::string& problem, std::string now) {
  if (now == problem) return;
  if (!now.empty())
    log_error("{}{}", now, token_.empty() && channel_ == nullptr ? "" : "; what was read before stays in force");
  problem = std::move(now);
}

}  // namespace sidecar
