// exec_self SERVICE [DESCRIPTORS]: finishes 1..5, executes itself in the middle of a span, and finishes 6..10 as the
// new program. It prints which descriptors the first one left to the second.

#include <unistd.h>

#include "work.h"

int main(int argc, char** argv) {
  if (argc < 2) return 2;
  const std::set<int> before = sidecar_apps::open_descriptors();
  sidecar::Tracer tracer = sidecar_apps::open_tracer(argv[1]);
  if (argc == 2) {
    sidecar_apps::finish(tracer, 1, 5);
    sidecar::Span open = tracer.entry("GET:/never-ended");
    if (!tracer.flush(std::chrono::seconds(10))) return 3;
    std::string numbers = ",";
    for (const int number : before) numbers += std::to_string(number) + ",";
    execl("/proc/self/exe", argv[0], argv[1], numbers.c_str(), static_cast<char*>(nullptr));
    return 4;
  }
  unsigned leaked = 0;
  const std::string known = argv[2];
  for (const int number : before) leaked += known.find("," + std::to_string(number) + ",") == std::string::npos ? 1 : 0;
  sidecar_apps::finish(tracer, 6, 5);
  const bool flushed = tracer.flush(std::chrono::seconds(10));
  sidecar_apps::print_account(tracer, "\"leaked\":" + std::to_string(leaked) + ",\"pid\":" + std::to_string(getpid()) +
                                          ",\"flushed\":" + (flushed ? "true" : "false") + ",");
  // alive until it is told to go, so that the sidecar's view of it can be read
  while (std::getchar() != EOF) {
  }
  return 8;
}
