#pragma once

// Method paths of generation v3. 8.4 and later name them with the package
// skywalking.v3, 8.0 to 8.3 without; 9.x and 10.x serve both
// (SkyWalking's own protocol files of those releases).

#include <array>
#include <cstddef>

namespace sidecar::v3 {

// In the order in which they are tried.
enum class Spelling : std::size_t { packaged, bare };
inline constexpr std::size_t kSpellings = 2;

enum class Method : std::size_t { properties, keep_alive, collect_in_sync };

inline constexpr std::array<std::array<const char*, kSpellings>, 3> kPaths = {{
    {"/skywalking.v3.ManagementService/reportInstanceProperties", "/ManagementService/reportInstanceProperties"},
    {"/skywalking.v3.ManagementService/keepAlive", "/ManagementService/keepAlive"},
    {"/skywalking.v3.TraceSegmentReportService/collectInSync", "/TraceSegmentReportService/collectInSync"},
}};

constexpr const char* path_of(Method method, Spelling spelling) {
  return kPaths[static_cast<std::size_t>(method)][static_cast<std::size_t>(spelling)];
}

constexpr Spelling next(Spelling spelling) {
  return spelling == Spelling::packaged ? Spelling::bare : Spelling::packaged;
}

}  // namespace sidecar::v3
