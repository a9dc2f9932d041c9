#include "uplink/grpc_log.h"

#include <doctest/doctest.h>
#include <grpc/support/log.h>
#include <sys/mman.h>
#include <unistd.h>

#include <string>

#include "base/scoped_fd.h"
#include "log/log.h"

using namespace sidecar;

namespace {

// What stands on stderr after gRPC has complained.
std::string stderr_after_complaint() {
  const ScopedFd file(memfd_create("stderr", MFD_CLOEXEC));
  const ScopedFd own(dup(STDERR_FILENO));
  REQUIRE(dup2(file.get(), STDERR_FILENO) >= 0);
  gpr_set_log_verbosity(GPR_LOG_SEVERITY_ERROR);  // what grpc_init() does
  gpr_log(GPR_ERROR, "connection broken\x1b[31m");
  REQUIRE(dup2(own.get(), STDERR_FILENO) >= 0);
  char text[4096];
  const ssize_t size = pread(file.get(), text, sizeof text, 0);
  REQUIRE(size >= 0);
  return std::string(text, static_cast<std::size_t>(size));
}

}  // namespace

TEST_SUITE("uplink/grpc_log") {
  TEST_CASE("gRPC's own lines go to our log, as debug and escaped, and nowhere else") {
    take_over_grpc_log();
    start_log({LogLevel::info});
    CHECK(stderr_after_complaint().empty());
    start_log({LogLevel::debug});
    const std::string line = stderr_after_complaint();
    CAPTURE(line);
    CHECK(line.find(" debug grpc: connection broken\\x1b[31m (") != std::string::npos);
    start_log({LogLevel::info});
  }
}
