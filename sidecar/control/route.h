#pragma once

// What an operator can ask the daemon: a Route is one method on one path with the function
// that answers. Value types; the loop thread.

#include <sys/types.h>

#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

namespace sidecar {

struct Request {
  std::string method;
  std::string path;  // without the query
  std::string body;  // at most kMaxControlBody
  uid_t uid = 0;     // of the process that asks, from the kernel
};

inline constexpr std::size_t kMaxControlBody = 64 * 1024;

struct Response {
  unsigned status = 200;
  // An object; "schema" is added. Text that is not UTF-8 is sent with replacement characters.
  nlohmann::json body = nlohmann::json::object();

  static Response ok(nlohmann::json body) { return {200, std::move(body)}; }
  // `sentence` says what is wrong and what to do; it becomes "error".
  static Response error(unsigned status, std::string sentence) {
    return {status, nlohmann::json{{"error", std::move(sentence)}}};
  }
};

struct Route {
  std::string method;  // "GET", "POST"
  std::string path;    // "/status", compared whole
  std::string help;    // one line, listed by GET /
  // Runs on the loop, so it must not wait. It must not destroy the server: post that.
  std::function<Response(const Request&)> handler;
  // Answers every user who can connect, not only root and our own.
  bool open = false;
};

// Finds the route, checks the user and asks the handler: 403, 404 and 405 are decided here.
// `own_uid` is the daemon's. `allow` becomes the methods that the path knows, for 405.
Response answer(const std::vector<Route>& routes, const Request& request, uid_t own_uid, std::string& allow);

}  // namespace sidecar
