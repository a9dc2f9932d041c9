#include "ctl/client.h"

#include <curl/curl.h>
#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <memory>

#include "control/schema.h"
#include "log/log.h"

namespace sidecar {
namespace {

std::size_t keep(char* data, std::size_t size, std::size_t count, void* body) {
  std::string& out = *static_cast<std::string*>(body);
  if (out.size() + size * count > kMaxAnswer) return 0;  // curl ends with CURLE_WRITE_ERROR
  out.append(data, size * count);
  return size * count;
}

tl::unexpected<Error> cannot_reach(const std::string& socket, CURLcode code, long os_error) {
  const std::string where = printable(socket, 200);
  if (code == CURLE_COULDNT_CONNECT && os_error == EACCES)
    return fail(Errc::unavailable, fmt::format("cannot connect to {}: permission denied; use sudo", where));
  if (code == CURLE_COULDNT_CONNECT)
    return fail(Errc::unavailable,
                fmt::format("cannot connect to {}: {}; is sw-sidecar running? (systemctl status sw-sidecar)", where,
                            os_error == 0 ? "no such socket" : std::strerror(static_cast<int>(os_error))));
  if (code == CURLE_OPERATION_TIMEDOUT)
    return fail(Errc::unavailable,
                fmt::format("{}: no answer within {} s; the daemon hangs, or is stopped", where, kAnswerSeconds));
  return fail(Errc::unavailable, fmt::format("{}: {}", where, curl_easy_strerror(code)));
}

// `body_sent`: to be posted; null: to be got.
Result<nlohmann::json> request(const std::string& socket, const std::string& path, const std::string* body_sent) {
  const std::unique_ptr<CURL, void (*)(CURL*)> curl(curl_easy_init(), curl_easy_cleanup);
  if (!curl) return fail(Errc::internal, "libcurl does not start");
  std::string body;
  curl_easy_setopt(curl.get(), CURLOPT_URL, ("http://sw-sidecar" + path).c_str());
  curl_easy_setopt(curl.get(), CURLOPT_UNIX_SOCKET_PATH, socket.c_str());
  curl_easy_setopt(curl.get(), CURLOPT_PROTOCOLS_STR, "http");
  curl_easy_setopt(curl.get(), CURLOPT_NOPROXY, "*");  // http_proxy in the environment does not concern us
  curl_easy_setopt(curl.get(), CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl.get(), CURLOPT_TIMEOUT, kAnswerSeconds);
  curl_easy_setopt(curl.get(), CURLOPT_WRITEFUNCTION, keep);
  curl_easy_setopt(curl.get(), CURLOPT_WRITEDATA, &body);
  if (body_sent != nullptr) {
    curl_easy_setopt(curl.get(), CURLOPT_POSTFIELDSIZE, static_cast<long>(body_sent->size()));
    curl_easy_setopt(curl.get(), CURLOPT_COPYPOSTFIELDS, body_sent->c_str());
  }
  if (const CURLcode code = curl_easy_perform(curl.get()); code != CURLE_OK) {
    long os_error = 0;
    curl_easy_getinfo(curl.get(), CURLINFO_OS_ERRNO, &os_error);
    return cannot_reach(socket, code, os_error);
  }
  long status = 0;
  curl_easy_getinfo(curl.get(), CURLINFO_RESPONSE_CODE, &status);
  return understand(status, body);
}

// What is wrong one by one, a line each.
std::string lines_of(const nlohmann::json& answer) {
  std::string out;
  const auto errors = answer.find("errors");
  if (errors == answer.end() || !errors->is_array()) return out;
  for (const nlohmann::json& error : *errors)
    if (error.is_string()) out += "\n  " + printable(error.get_ref<const std::string&>(), 500);
  return out;
}

Errc code_of(long status) {
  switch (status) {
    case 403:
      return Errc::not_allowed;
    case 400:
    case 409:
    case 422:
      return Errc::invalid_argument;
    default:
      return Errc::not_found;
  }
}

}  // namespace

Result<nlohmann::json> ask(const std::string& socket, const std::string& path) {
  return request(socket, path, nullptr);
}

Result<nlohmann::json> tell(const std::string& socket, const std::string& path, const nlohmann::json& body) {
  const std::string text = body.dump(-1, ' ', true, nlohmann::json::error_handler_t::replace);
  return request(socket, path, &text);
}

Result<nlohmann::json> understand(long status, const std::string& body) {
  nlohmann::json answer = nlohmann::json::parse(body, nullptr, /*allow_exceptions=*/false);
  if (!answer.is_object())
    return fail(Errc::corrupt,
                fmt::format("the answer (HTTP {}) is not JSON; does another program serve this socket?", status));
  const auto schema = answer.find("schema");
  if (schema == answer.end() || *schema != kControlSchema)
    return fail(
        Errc::corrupt,
        fmt::format(
            "the daemon answers in schema {}, this sidecarctl knows {}; use the sidecarctl of the daemon's version",
            schema == answer.end()
                ? "unknown"
                : printable(schema->dump(-1, ' ', true, nlohmann::json::error_handler_t::replace), 20),
            kControlSchema));
  if (status == 200) return answer;
  const auto error = answer.find("error");
  const std::string sentence = error != answer.end() && error->is_string()
                                   ? printable(error->get_ref<const std::string&>(), 500)
                                   : "no reason given";
  return fail(code_of(status), fmt::format("the daemon refuses (HTTP {}): {}{}", status, sentence, lines_of(answer)));
}

}  // namespace sidecar
