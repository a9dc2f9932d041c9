// The first trace: one service, one request.

#include <sidecar/shim.h>

int main() {
  sidecar::TracerOptions options;
  options.service = "orders";
  sidecar::Tracer tracer = sidecar::Tracer::open(options);

  sidecar::Span span = tracer.entry("GET:/orders");  // ends, and leaves, with its scope
  span.layer(sidecar::SpanLayer::http).tag("http.method", "GET").tag("http.status_code", 200);
}
