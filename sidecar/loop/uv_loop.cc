#include "loop/uv_loop.h"

#include <netdb.h>
#include <sys/socket.h>

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace sidecar {
namespace {

// What the three kinds of handle share: the libuv handle with its callback on
// the heap, closed and deleted by libuv after the owner has let go. `alive` is
// what makes "no callback after destruction" true.
template <class Handle, class Callback>
struct Node {
  Handle handle;
  Callback callback;
  bool alive = true;

  void release() {
    alive = false;
    uv_close(reinterpret_cast<uv_handle_t*>(&handle),
             [](uv_handle_t* closed) { delete static_cast<Node*>(closed->data); });
  }
};

std::uint64_t to_milliseconds(Duration delay) {
  if (delay <= Duration::zero()) return 0;
  return static_cast<std::uint64_t>((delay.count() + 999'999) / 1'000'000);
}

class UvTimer final : public Timer {
 public:
  UvTimer(uv_loop_t* loop, std::function<void()> callback) : node_(new TimerNode{}) {
    node_->callback = std::move(callback);
    node_->handle.data = node_;
    CHECK(uv_timer_init(loop, &node_->handle) == 0);
  }
  ~UvTimer() override { node_->release(); }
  void start(Duration delay) override { CHECK(uv_timer_start(&node_->handle, fire, to_milliseconds(delay), 0) == 0); }
  void start_every(Duration period) override {
    const std::uint64_t ms = std::max<std::uint64_t>(to_milliseconds(period), 1);
    CHECK(uv_timer_start(&node_->handle, fire, ms, ms) == 0);
  }
  void stop() override { uv_timer_stop(&node_->handle); }
  bool armed() const override { return uv_is_active(reinterpret_cast<const uv_handle_t*>(&node_->handle)) != 0; }

 private:
  using TimerNode = Node<uv_timer_t, std::function<void()>>;
  static void fire(uv_timer_t* handle) {
    auto* node = static_cast<TimerNode*>(handle->data);
    if (node->alive) node->callback();
  }
  TimerNode* node_;
};

class UvFdWatch final : public FdWatch {
 public:
  UvFdWatch(uv_loop_t* loop, int fd, std::function<void(bool, bool)> callback) : node_(new PollNode{}) {
    node_->callback = std::move(callback);
    node_->handle.data = node_;
    CHECK(uv_poll_init(loop, &node_->handle, fd) == 0);
  }
  ~UvFdWatch() override {
    uv_poll_stop(&node_->handle);
    node_->release();
  }
  void start(bool readable, bool writable) override {
    const int events = (readable ? UV_READABLE | UV_DISCONNECT : 0) | (writable ? UV_WRITABLE : 0);
    CHECK(uv_poll_start(&node_->handle, events, fire) == 0);
  }
  void stop() override { uv_poll_stop(&node_->handle); }

 private:
  using PollNode = Node<uv_poll_t, std::function<void(bool, bool)>>;
  static void fire(uv_poll_t* handle, int status, int events) {
    auto* node = static_cast<PollNode*>(handle->data);
    // An error is reported as readable: the read that follows tells which.
    if (node->alive)
      node->callback(status < 0 || (events & (UV_READABLE | UV_DISCONNECT)) != 0, (events & UV_WRITABLE) != 0);
  }
  PollNode* node_;
};

class UvSignalWatch final : public SignalWatch {
 public:
  UvSignalWatch(uv_loop_t* loop, int signal, std::function<void()> callback) : node_(new SignalNode{}) {
    node_->callback = std::move(callback);
    node_->handle.data = node_;
    CHECK(uv_signal_init(loop, &node_->handle) == 0);
    CHECK(uv_signal_start(&node_->handle, fire, signal) == 0);
  }
  ~UvSignalWatch() override { node_->release(); }

 private:
  using SignalNode = Node<uv_signal_t, std::function<void()>>;
  static void fire(uv_signal_t* handle, int) {
    auto* node = static_cast<SignalNode*>(handle->data);
    if (node->alive) node->callback();
  }
  SignalNode* node_;
};

// A request is no handle: it cannot be closed, only cancelled while it waits for a thread. Hence it
// belongs to libuv until it is answered, and `alive` says whether anybody wants to know.
class UvLookup final : public Lookup {
 public:
  UvLookup(uv_loop_t* loop, const std::string& host, std::function<void(Answer)> answered) : node_(new Request{}) {
    node_->callback = std::move(answered);
    node_->request.data = node_;
    addrinfo hints{};
    hints.ai_family = AF_UNSPEC;
    hints.ai_socktype = SOCK_STREAM;
    // fails for what is no host name at all
    if (const int error = uv_getaddrinfo(loop, &node_->request, finish, host.c_str(), nullptr, &hints); error != 0) {
      node_->error = error;
      node_->later = std::make_unique<UvTimer>(loop, [node = node_] { answer(node, node->error, nullptr); });
      node_->later->start(Duration::zero());
    }
  }
  ~UvLookup() override {
    if (node_->answering) {
      node_->owner_gone = true;
    } else if (node_->later || node_->done) {
      delete node_;
    } else {
      node_->alive = false;
      uv_cancel(reinterpret_cast<uv_req_t*>(&node_->request));
    }
  }

 private:
  struct Request {
    uv_getaddrinfo_t request;
    std::function<void(Answer)> callback;
    std::unique_ptr<UvTimer> later;  // tells an error that is known at once
    int error = 0;
    bool alive = true;
    bool done = false;
    bool answering = false;
    bool owner_gone = false;  // while answering
  };

  static void finish(uv_getaddrinfo_t* request, int status, addrinfo* found) {
    auto* node = static_cast<Request*>(request->data);
    if (node->alive)
      answer(node, status, found);
    else
      delete node;
    uv_freeaddrinfo(found);
  }

  static void answer(Request* node, int status, const addrinfo* found) {
    std::vector<std::string> addresses;
    for (const addrinfo* at = found; status == 0 && at != nullptr; at = at->ai_next) {
      char text[NI_MAXHOST];
      if (getnameinfo(at->ai_addr, at->ai_addrlen, text, sizeof text, nullptr, 0, NI_NUMERICHOST) != 0) continue;
      if (std::find(addresses.begin(), addresses.end(), text) == addresses.end()) addresses.emplace_back(text);
    }
    if (status == 0 && addresses.empty()) status = UV_EAI_NODATA;
    const auto callback = std::exchange(node->callback, nullptr);
    node->done = node->answering = true;
    if (status == 0)
      callback(std::move(addresses));
    else
      callback(fail(status == UV_EAI_NONAME || status == UV_EAI_NODATA ? Errc::not_found : Errc::unavailable,
                    uv_strerror(status)));
    node->answering = false;
    if (node->owner_gone) delete node;
  }

  Request* node_;
};

}  // namespace

UvLoop::UvLoop() {
  CHECK(uv_loop_init(&loop_) == 0);
  wake_.data = this;
  CHECK(uv_async_init(&loop_, &wake_, [](uv_async_t* handle) { static_cast<UvLoop*>(handle->data)->run_posted(); }) ==
        0);
}

UvLoop::~UvLoop() {
  uv_close(reinterpret_cast<uv_handle_t*>(&wake_), nullptr);
  uv_run(&loop_, UV_RUN_DEFAULT);  // runs the close callbacks only
  CHECK(uv_loop_close(&loop_) == 0);
}

void UvLoop::run() { uv_run(&loop_, UV_RUN_DEFAULT); }

void UvLoop::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  uv_async_send(&wake_);
}

// libuv's cached time: read once before the timers of a turn and once after waiting.
Tick UvLoop::now() const { return Tick(std::chrono::milliseconds(uv_now(&loop_))); }

WallTime UvLoop::wall_now() const {
  if (const std::uint64_t turn = uv_now(&loop_); turn != wall_turn_) {
    wall_turn_ = turn;
    wall_now_ = std::chrono::time_point_cast<WallTime::duration>(std::chrono::system_clock::now());
  }
  return wall_now_;
}

std::unique_ptr<Timer> UvLoop::make_timer(std::function<void()> callback) {
  return std::make_unique<UvTimer>(&loop_, std::move(callback));
}

std::unique_ptr<FdWatch> UvLoop::watch_fd(int fd, std::function<void(bool, bool)> callback) {
  return std::make_unique<UvFdWatch>(&loop_, fd, std::move(callback));
}

std::unique_ptr<SignalWatch> UvLoop::watch_signal(int signal, std::function<void()> callback) {
  return std::make_unique<UvSignalWatch>(&loop_, signal, std::move(callback));
}

std::unique_ptr<Lookup> UvLoop::look_up(const std::string& host, std::function<void(Lookup::Answer)> answered) {
  return std::make_unique<UvLookup>(&loop_, host, std::move(answered));
}

void UvLoop::post(std::function<void()> task) {
  {
    const std::lock_guard lock(mutex_);
    posted_.push_back(std::move(task));
  }
  uv_async_send(&wake_);
}

void UvLoop::run_posted() {
  std::vector<std::function<void()>> tasks;
  bool stopping = false;
  {
    const std::lock_guard lock(mutex_);
    tasks.swap(posted_);
    stopping = std::exchange(stopping_, false);
  }
  for (auto& task : tasks) task();
  if (stopping) uv_stop(&loop_);
}

}  // namespace sidecar
