#pragma once

// Method paths of generation v3. 8.4 and later name them with the package
// skywalking.v3, 8.0 to 8.3 without; 9.x and 10.x serve both. collectInSync exists since
// 8.2, `collect` always (SkyWalking's own protocol files of those releases).

#include <array>
#include <cstddef>

namespace sidecar::v3 {

enum class Method : std::size_t { properties, keep_alive, segments };
inline constexpr std::size_t kMethods = 3;

// One way to call a method: how its path is spelled, and for segments whether they go as a
// stream (`collect`) instead of all in one message (collectInSync).
struct Route {
  bool bare = false;
  bool stream = false;
  friend bool operator==(const Route&, const Route&) = default;
};

constexpr std::size_t routes_of(Method method) { return method == Method::segments ? 4 : 2; }

// The route to try after `tried` others, beginning with `first`: both spellings of one
// kind, then both of the other. From Route{} on: packaged collectInSync, bare collectInSync,
// packaged collect, bare collect.
constexpr Route route_at(Route first, std::size_t tried) {
  return {first.bare != (tried % 2 == 1), first.stream != (tried / 2 == 1)};
}

inline constexpr std::array<const char*, 4> kPaths = {
    "/skywalking.v3.ManagementService/reportInstanceProperties",
    "/skywalking.v3.ManagementService/keepAlive",
    "/skywalking.v3.TraceSegmentReportService/collectInSync",
    "/skywalking.v3.TraceSegmentReportService/collect",
};
inline constexpr std::array<const char*, 4> kBarePaths = {
    "/ManagementService/reportInstanceProperties",
    "/ManagementService/keepAlive",
    "/TraceSegmentReportService/collectInSync",
    "/TraceSegmentReportService/collect",
};

constexpr const char* path_of(Method method, Route route) {
  const std::size_t row = static_cast<std::size_t>(method) + (route.stream ? 1 : 0);
  return route.bare ? kBarePaths[row] : kPaths[row];
}

// For people.
constexpr const char* to_text(Route route) {
  if (route.stream) return route.bare ? "bare collect" : "skywalking.v3 collect";
  return route.bare ? "bare collectInSync" : "skywalking.v3 collectInSync";
}

// What a connection has taught about the routes. A method that has not worked yet begins
// with the spelling of one that has.
class Routes {
 public:
  Route first(Method method) const { return at(method).route; }
  bool worked(Method method) const { return at(method).worked; }
  bool any_worked() const {
    for (const Entry& entry : entries_)
      if (entry.worked) return true;
    return false;
  }
  void learn(Method method, Route route) {
    for (Entry& entry : entries_)
      if (!entry.worked) entry.route.bare = route.bare;
    entries_[static_cast<std::size_t>(method)] = {route, true};
  }

 private:
  struct Entry {
    Route route;
    bool worked = false;
  };
  const Entry& at(Method method) const { return entries_[static_cast<std::size_t>(method)]; }
  std::array<Entry, kMethods> entries_{};
};

}  // namespace sidecar::v3
