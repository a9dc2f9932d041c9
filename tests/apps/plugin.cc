// A shared object that traces, as a module of a server does; built twice, with two versions of the shim.

#include "work.h"

#define EXPORTED extern "C" __attribute__((visibility("default")))

// Opens a tracer of its own with the first call, and finishes n = first .. first + count - 1.
EXPORTED void plugin_work(const char* service, unsigned long first, unsigned long count) {
  static sidecar::Tracer tracer = sidecar_apps::open_tracer(service);
  sidecar_apps::finish(tracer, first, count);
}
