// Code that does not stay on a thread: a call whose answer comes in a callback, and work that a pool does.

#include <sidecar/shim.h>

#include <future>
#include <iostream>
#include <memory>
#include <string>
#include <thread>
#include <vector>

struct Answer {
  int status;
};

// As an asynchronous client is: get() returns at once, the callback runs on a thread of its own.
struct Http {
  template <class Callback>
  void get(const std::string& path, Callback callback) {
    threads.emplace_back([path, callback] { callback(Answer{path == "/stock" ? 200 : 404}); });
  }
  template <class Work>
  void post(Work work) {
    threads.emplace_back(std::move(work));
  }
  std::vector<std::thread> threads;
};

int main() {
  sidecar::TracerOptions options;
  options.service = "orders";
  sidecar::Tracer tracer = sidecar::Tracer::open(options);
  Http http;
  Http pool;
  const auto getter = [](std::string_view) { return std::string(); };  // a request without a caller's headers
  const auto setter = [](std::string_view, std::string_view) {};       // into the headers of the call

  auto request =
      std::make_shared<sidecar::AsyncSpan>(tracer.start_entry("GET:/orders", sidecar::Incoming::read(getter)));
  std::cout << request->trace_id() << "\n";
  const sidecar::Snapshot here = request->capture();
  pool.post([tracer, here]() mutable {
    sidecar::Span span = tracer.local("bill", here);  // a segment of its own, on the pool's thread
    span.tag("items", 3);
  });

  auto call = std::make_shared<sidecar::AsyncSpan>(request->child_exit("GET:/stock", "stock:8080"));
  call->inject(setter);
  http.get("/stock", [request, call](const Answer& answer) {
    call->tag("http.status_code", answer.status);
    call->end();
    request->end();
  });

  for (std::thread& thread : http.threads) thread.join();
  for (std::thread& thread : pool.threads) thread.join();
}
