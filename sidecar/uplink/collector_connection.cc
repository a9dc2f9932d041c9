#include "uplink/collector_connection.h"

#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/support/channel_arguments.h>

#include "base/check.h"

namespace sidecar {
namespace {

grpc::ChannelArguments channel_arguments() {
  grpc::ChannelArguments arguments;
  // The pace of connecting is ours: within one attempt gRPC does not begin another.
  constexpr int kNever = 3'600'000;
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, kNever);
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, kNever);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, kNever);
  arguments.SetInt(GRPC_ARG_ENABLE_RETRIES, 0);
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  arguments.SetMaxReceiveMessageSize(CollectorConnection::kMaxAnswer);
  arguments.SetMaxSendMessageSize(-1);  // bounded by the encoder
  // No keepalive pings (the default): an OAP ends connections that ping more often than each 5 min.
  return arguments;
}

}  // namespace

// Watches one channel for one change after another; detached from a connection
// that has thrown the channel away.
class CollectorConnection::Watch final : public CompletionThread::Event {
 public:
  explicit Watch(CollectorConnection& connection) : connection_(&connection) {}
  void completed(bool ok) override {
    if (connection_ != nullptr && ok) connection_->on_change();
  }
  void detach() { connection_ = nullptr; }

 private:
  CollectorConnection* connection_;
};

CollectorConnection::CollectorConnection(const UplinkOptions& options, EventLoop& loop, CompletionThread& completions,
                                         Random& random, std::function<void(Event)> on_event)
    : options_(options),
      loop_(loop),
      completions_(completions),
      random_(random),
      on_event_(std::move(on_event)),
      timer_(loop.make_timer([this] {
        if (channel_ == nullptr) return connect();
        on_event_(Event::failed);  // the attempt took too long
        retry();
      })) {
  CHECK(!options.addresses.empty());
}

CollectorConnection::~CollectorConnection() {
  if (watch_) watch_->detach();
}

void CollectorConnection::start() {
  if (channel_ == nullptr && !timer_->armed()) connect();
}

void CollectorConnection::connect() {
  channel_ = grpc::CreateCustomChannel(address(), grpc::InsecureChannelCredentials(), channel_arguments());
  stub_ = std::make_unique<grpc::GenericStub>(channel_);
  watch_ = std::make_shared<Watch>(*this);
  timer_->start(kConnectTimeout);
  const grpc_connectivity_state state = channel_->GetState(true);
  watch(state);
}

void CollectorConnection::watch(int last_seen) {
  channel_->NotifyOnStateChange(static_cast<grpc_connectivity_state>(last_seen),
                                std::chrono::system_clock::time_point::max(), &completions_.queue(),
                                completions_.tag(watch_));
}

void CollectorConnection::on_change() {
  // What was ready has changed, even if it is ready again by now: gRPC reconnects
  // when a call comes, and the server behind may be another.
  if (!ready_) {
    const grpc_connectivity_state state = channel_->GetState(false);
    if (state == GRPC_CHANNEL_IDLE || state == GRPC_CHANNEL_CONNECTING) return watch(state);
    if (state == GRPC_CHANNEL_READY) {
      timer_->stop();
      ready_ = true;
      ready_since_ = loop_.now();
      watch(state);
      return on_event_(Event::ready);
    }
  }
  on_event_(ready_ ? Event::lost : Event::failed);
  retry();
}

void CollectorConnection::retry() {
  watch_->detach();
  watch_.reset();
  stub_.reset();
  channel_.reset();
  // A server that was good is tried again first, and at the first pace.
  if (ready_ && loop_.now() - ready_since_ >= options_.backoff.max)
    attempts_ = 0;
  else
    address_ = (address_ + 1) % options_.addresses.size();
  ready_ = false;
  timer_->start(options_.backoff.delay(++attempts_, random_));
}

}  // namespace sidecar
