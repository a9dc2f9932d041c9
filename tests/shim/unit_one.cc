// Two translation units of one program use the shim; this one also uses the
// application's own flatbuffers, whichever version that is.

#include <flatbuffers/flatbuffers.h>
#include <sidecar/shim.h>

#include <vector>

sidecar::Tracer tracer_of_the_other_unit();
void trace_in_the_other_unit(sidecar::Tracer tracer);

namespace {
// Types of an application keep handles and values as members.
struct Request {
  sidecar::Tracer tracer;
  sidecar::Span span;
  sidecar::AsyncSpan async;
  sidecar::Snapshot snapshot{};
  sidecar::Incoming incoming;
};
}  // namespace

struct VisibleRequest {
  sidecar::Tracer tracer;
  sidecar::Span span;
  sidecar::AsyncSpan async;
};

int main() {
  flatbuffers::FlatBufferBuilder builder;
  builder.Finish(builder.CreateString("the application's"));

  sidecar::Tracer tracer = tracer_of_the_other_unit();
  {
    sidecar::Span span = tracer.entry("one");
    trace_in_the_other_unit(tracer);  // inside `span`: the stack of the thread is the same in both units
    std::vector<sidecar::Span> spans;
    spans.push_back(tracer.local("kept in a container"));
    Request request;
    VisibleRequest visible;
    request.span = tracer.local("member");
  }
  const sidecar::Stats stats = tracer.stats();
  return builder.GetSize() > 0 && stats.created == 1 && stats.waiting == 1 ? 0 : 1;
}
