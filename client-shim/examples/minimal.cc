// The smallest traced program: one request with one call to another service inside.
//
//   SW_SIDECAR_SERVICE=hello ./minimal

#include <sidecar/shim.h>

#include <cstdio>
#include <string>

int main() {
  sidecar::Tracer tracer = sidecar::Tracer::open(sidecar::TracerOptions());
  {
    sidecar::Span request = tracer.entry("GET:/hello");
    request.layer(sidecar::SpanLayer::http).tag("http.method", "GET");

    sidecar::Span call = tracer.exit("GET:/stock", "stock:8080");
    call.inject([](std::string_view name, std::string_view value) {
      std::printf("%s: %s\n", std::string(name).c_str(), std::string(value).c_str());  // of the request, as a rule
    });
  }
  // What the sidecar has not taken over by then is sent when the program ends.
  return tracer.flush(std::chrono::milliseconds(100)) ? 0 : 1;
}
