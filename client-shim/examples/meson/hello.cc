// The smallest traced program.

#include <sidecar/shim.h>

#include <cstdio>
#include <string>

int main() {
  sidecar::Tracer tracer = sidecar::Tracer::open(sidecar::TracerOptions());  // SW_SIDECAR_SERVICE names it
  sidecar::Span request = tracer.entry("GET:/hello");
  sidecar::Span call = tracer.exit("GET:/stock", "stock:8080");
  call.inject([](std::string_view name, std::string_view value) {
    std::printf("%s: %s\n", std::string(name).c_str(), std::string(value).c_str());
  });
}
