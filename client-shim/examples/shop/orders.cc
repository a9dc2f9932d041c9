// Orders: prices an order, reserves it in stock, and confirms it on another thread, after the answer.

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>

#include "service.h"
#include "traced_http.h"

namespace {

// Runs work on a thread of its own, in order, and what is left at the end.
class Background {
 public:
  Background() : thread_([this] { run(); }) {}
  ~Background() {
    {
      const std::lock_guard lock(mutex_);
      ending_ = true;
    }
    arrived_.notify_one();
    thread_.join();
  }

  void post(std::function<void()> work) {
    {
      const std::lock_guard lock(mutex_);
      queue_.push_back(std::move(work));
    }
    arrived_.notify_one();
  }

 private:
  void run() {
    std::unique_lock lock(mutex_);
    while (true) {
      arrived_.wait(lock, [this] { return ending_ || !queue_.empty(); });
      if (queue_.empty()) return;
      const std::function<void()> work = std::move(queue_.front());
      queue_.pop_front();
      lock.unlock();
      work();
      lock.lock();
    }
  }

  std::mutex mutex_;
  std::condition_variable arrived_;
  std::deque<std::function<void()>> queue_;
  bool ending_ = false;
  std::thread thread_;
};

// In cents. A local span: the time shows in the trace, with no other service involved.
long price(sidecar::Tracer tracer, const std::string& item, long count) {
  sidecar::Span span = tracer.local("price");
  const long each = 100 + 10 * static_cast<long>(item.size());
  span.tag("shop.price", each * count);
  return each * count;
}

void confirm(sidecar::Tracer tracer, const sidecar::Snapshot& snapshot, const std::string& item) {
  // a new segment of the same trace: this thread has no span to go on from, but it has the snapshot
  sidecar::Span span = tracer.local("confirm", snapshot);
  span.log({{"event", "confirmed"}, {"message", item}});
}

}  // namespace

int main(int argc, char** argv) {
  const shop::Options options = shop::parse_options(argc, argv, "shop-orders");
  if (options.upstream.empty()) shop::usage(argv[0], "--upstream HOST:PORT is needed: where stock is");
  const sigset_t signals = shop::block_end_signals();

  sidecar::TracerOptions tracing;
  tracing.service = options.service;
  sidecar::Tracer tracer = sidecar::Tracer::open(tracing);
  shop::HttpClient stock(tracer, options.upstream);
  Background background;

  httplib::Server server;
  server.Post("/place", shop::traced(tracer, "/place", [&](const auto& request, auto& response, auto&) {
                const std::string item = request.get_param_value("item");
                const long count = std::max(1L, std::strtol(request.get_param_value("count").c_str(), nullptr, 10));
                const long cents = price(tracer, item, count);

                const shop::Answer answer = stock.post("/reserve", request.params);
                if (answer.status != 200) {
                  response.status = answer.status == 0 ? 502 : answer.status;
                  response.set_content(answer.status == 0 ? "stock does not answer\n" : answer.body, "text/plain");
                  return;
                }
                background.post([tracer, snapshot = tracer.capture(), item] { confirm(tracer, snapshot, item); });
                response.set_content(std::to_string(count) + " " + item + " for " + std::to_string(cents) + " cents\n",
                                     "text/plain");
              }));
  return shop::serve(server, options, tracer, signals);
}
