#include "control/route.h"

#include <fmt/format.h>

namespace sidecar {
namespace {

bool may_ask(const Request& request, uid_t own_uid) { return request.uid == 0 || request.uid == own_uid; }

Response refused(const Request& request, uid_t own_uid) {
  return Response::error(
      403, fmt::format("only root and user {} may ask this, not user {}; use sudo", own_uid, request.uid));
}

Response index(const std::vector<Route>& routes) {
  nlohmann::json list = nlohmann::json::array();
  for (const Route& route : routes)
    list.push_back({{"method", route.method}, {"path", route.path}, {"help", route.help}});
  return Response::ok({{"routes", std::move(list)}});
}

}  // namespace

Response answer(const std::vector<Route>& routes, const Request& request, uid_t own_uid, std::string& allow) {
  for (const Route& route : routes) {
    if (route.path != request.path) continue;
    if (route.method == request.method)
      return route.open || may_ask(request, own_uid) ? route.handler(request) : refused(request, own_uid);
    allow += (allow.empty() ? "" : ", ") + route.method;
  }
  // Others are not told which paths there are.
  if (!may_ask(request, own_uid)) {
    allow.clear();
    return refused(request, own_uid);
  }
  if (request.path == "/" && request.method == "GET") return index(routes);
  if (!allow.empty()) return Response::error(405, fmt::format("this path knows {} only", allow));
  return Response::error(404, "no such path; GET / lists them all");
}

}  // namespace sidecar
