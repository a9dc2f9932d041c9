#include <sidecar/shim.h>

sidecar::Tracer tracer_of_the_other_unit();
void trace_in_the_other_unit(sidecar::Tracer tracer);

sidecar::Tracer tracer_of_the_other_unit() {
  sidecar::TracerOptions options;
  options.service = "svc";
  options.socket = "/nonexistent/sw-sidecar/ingest.v1.sock";
  return sidecar::Tracer::open(options);
}

void trace_in_the_other_unit(sidecar::Tracer tracer) { tracer.local("two").tag("a", "b"); }
