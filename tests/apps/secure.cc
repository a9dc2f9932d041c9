// secure SERVICE [SOCKET]: finishes 1..3 and says whether the kernel regards it as a program with more rights than its
// user.

#include <sys/auxv.h>

#include "work.h"

int main(int argc, char** argv) {
  if (argc < 2) return 2;
  sidecar::Tracer tracer = sidecar_apps::open_tracer(argv[1], argc > 2 ? argv[2] : "");
  sidecar_apps::finish(tracer, 1, 3);
  tracer.flush(std::chrono::milliseconds(500));
  sidecar_apps::print_account(tracer, "\"secure\":" + std::to_string(getauxval(AT_SECURE)) + ",");
  return 0;
}
