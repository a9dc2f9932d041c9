#include "loop/uv_loop.h"

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
