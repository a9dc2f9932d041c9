#include "uplink/credentials.h"

#include <fmt/format.h>
#include <string.h>
#include <sys/stat.h>

#include <algorithm>
#include <string_view>
#include <utility>

#include "base/regular_file.h"
#include "log/log.h"

namespace sidecar {
namespace {

constexpr std::size_t kMaxPem = 1 << 20;
// How much later than its deadline a call may end.
constexpr Duration kSlack = std::chrono::seconds(5);
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
    : options_(options),
      loop_(loop),
      changed_(std::move(changed)),
      timer_(loop.make_timer([this] { look(); })),
      forget_timer_(loop.make_timer([this] { forget(); })) {
  read();
}

void Credentials::read() {
  token_stamp_ = stamp_of(options_.token_file);
  read_token();
  tls_stamps_.clear();
  if (options_.tls.enabled) {
    for (const std::string& file : tls_files(options_.tls)) tls_stamps_.push_back(stamp_of(file));
    read_tls();
  } else if (channel_ == nullptr) {
    channel_ = grpc::InsecureChannelCredentials();
  }
  if (options_.tls.enabled || !options_.token_file.empty())
    timer_->start_every(options_.reread);
  else
    timer_->stop();
}

Credentials::Changes Credentials::apply(const UplinkOptions& options) {
  const UplinkOptions before = std::exchange(options_, options);
  const std::string token = token_;
  const auto channel = channel_;
  if (before.token_file != options_.token_file) {
    retire_token(std::max(before.deadline, options_.deadline));
    token_problem_.clear();
  }
  if (before.tls.enabled != options_.tls.enabled || tls_files(before.tls) != tls_files(options_.tls)) {
    channel_.reset();
    tls_ = {};
    tls_problem_.clear();
  }
  read();
  return {token_ != token, channel_ != channel};
}

std::vector<std::string> Credentials::problems() const {
  std::vector<std::string> all;
  for (const std::string* problem : {&token_problem_, &tls_problem_})
    if (!problem->empty()) all.push_back(*problem);
  return all;
}

std::string Credentials::scrub(std::string text) const {
  std::vector<const std::string*> secrets = {&token_};
  for (const Former& former : former_) secrets.push_back(&former.token);
  // One may be the beginning of another.
  std::sort(secrets.begin(), secrets.end(), [](const auto* a, const auto* b) { return a->size() > b->size(); });
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
  const auto ns = [](const timespec& time) { return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec; };
  return {found.st_dev, found.st_ino, found.st_size, ns(found.st_mtim), ns(found.st_ctim)};
}

void Credentials::look() {
  if (const Stamp now = stamp_of(options_.token_file); now != token_stamp_ || !token_problem_.empty()) {
    token_stamp_ = now;
    if (read_token()) {
      log_info("the token has changed; using the new one");
      changed_(Changed::token);
    }
  }
  if (!options_.tls.enabled) return;
  std::vector<Stamp> now;
  for (const std::string& file : tls_files(options_.tls)) now.push_back(stamp_of(file));
  if (now == tls_stamps_ && tls_problem_.empty()) return;
  tls_stamps_ = std::move(now);
  if (!read_tls()) return;
  log_info("the TLS files have changed; connecting with the new ones");
  changed_(Changed::tls);
}

bool Credentials::read_token() {
  if (options_.token_file.empty()) return false;
  const auto refuse = [this](const std::string& why) {
    note(token_problem_, "collector.token_file: " + why, !token_.empty());
    return false;
  };
  auto text = read_regular_file(options_.token_file, 2 * kMaxToken);
  if (!text) return refuse(text.error().message);
  auto token = parse_token(std::move(*text));
  if (!token) return refuse(options_.token_file + " " + token.error().message);
  note(token_problem_, {}, false);
  if (*token == token_) return false;
  retire_token(options_.deadline);
  token_ = std::move(*token);
  return true;
}

void Credentials::retire_token(Duration calls_last) {
  if (!token_.empty()) former_.push_back({std::exchange(token_, {}), loop_.now() + calls_last + kSlack});
  forget();
}

void Credentials::forget() {
  while (!former_.empty() && (former_.size() > kMaxFormer || former_.front().until <= loop_.now())) {
    std::string& token = former_.front().token;
    explicit_bzero(token.data(), token.size());
    former_.pop_front();
  }
  if (!former_.empty()) forget_timer_->start(former_.front().until - loop_.now());
}

bool Credentials::read_tls() {
  const TlsOptions& tls = options_.tls;
  auto ca = read_pem(tls.ca, "collector.tls.ca", "CERTIFICATE");
  auto certificate = read_pem(tls.certificate, "collector.tls.certificate", "CERTIFICATE");
  auto key = read_pem(tls.key, "collector.tls.key", "PRIVATE KEY");
  for (const auto* file : {&ca, &certificate, &key}) {
    if (*file) continue;
    note(tls_problem_, file->error().message, channel_ != nullptr);
    return false;
  }
  note(tls_problem_, {}, channel_ != nullptr);
  const bool same = tls_.pem_root_certs == *ca && tls_.pem_private_key == *key && tls_.pem_cert_chain == *certificate;
  if (channel_ != nullptr && same) return false;
  tls_ = {*ca, *key, *certificate};
  channel_ = grpc::SslCredentials(tls_);
  return true;
}

void Credentials::note(std::string& problem, std::string now, bool in_force) {
  if (now == problem) return;
  if (!now.empty()) log_error("{}{}", now, in_force ? "; what was read before stays in force" : "");
  problem = std::move(now);
}

}  // namespace sidecar
