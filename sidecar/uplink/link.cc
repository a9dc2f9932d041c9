#include "uplink/link.h"

#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/support/channel_arguments.h>

#include <utility>

#include "base/units.h"
#include "uplink/connect_failure.h"

namespace sidecar {
namespace {

// Beyond the time that gRPC gives itself, with its jitter: then it has hung.
constexpr Duration kSlack = std::chrono::seconds(3);
// How long we wait for it to say why; it knows.
constexpr Duration kWhyDeadline = std::chrono::seconds(2);

grpc::ChannelArguments arguments(const Endpoint& endpoint, const LinkOptions& options) {
  grpc::ChannelArguments arguments;
  // The first "back-off" is how long gRPC tries to connect; a second try there never is, since a link that
  // failed is thrown away: the pace is ours.
  const int timeout = static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(options.connect_timeout).count());
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, timeout);
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, timeout);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, timeout);
  arguments.SetInt(GRPC_ARG_ENABLE_RETRIES, 0);
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  arguments.SetMaxReceiveMessageSize(GrpcLink::kMaxAnswer);
  arguments.SetMaxSendMessageSize(-1);  // bounded by the encoder
  // No keepalive pings (the default): an OAP ends connections that ping more often than each 5 min.

  // The channel is made to an address; who is meant by it is what was configured.
  arguments.SetString(GRPC_ARG_DEFAULT_AUTHORITY, endpoint.configured);
  if (options.credentials)
    arguments.SetSslTargetNameOverride(options.server_name.empty() ? endpoint.host : options.server_name);
  return arguments;
}

std::shared_ptr<grpc::Channel> make_channel(const Endpoint& endpoint, const LinkOptions& options) {
  const auto credentials = options.credentials ? options.credentials : grpc::InsecureChannelCredentials();
  return grpc::CreateCustomChannel(endpoint.target, credentials, arguments(endpoint, options));
}

}  // namespace

// Watches the channel for one change after another; detached from a link that has ended.
class GrpcLink::Watch final : public CompletionThread::Event {
 public:
  explicit Watch(GrpcLink& link) : link_(&link) {}
  void completed(bool ok) override {
    if (link_ != nullptr && ok) link_->on_change();
  }
  void detach() { link_ = nullptr; }

 private:
  GrpcLink* link_;
};

GrpcLink::GrpcLink(Endpoint endpoint, const LinkOptions& options, EventLoop& loop, CompletionThread& completions,
                   Told told)
    : Link(std::move(endpoint)),
      completions_(completions),
      tls_(options.credentials != nullptr),
      told_(std::move(told)),
      channel_(make_channel(this->endpoint(), options)),
      stub_(channel_),
      watch_(std::make_shared<Watch>(*this)),
      timeout_(loop.make_timer([this, limit = options.connect_timeout] {
        tell(Event::failed, "no connection within " + format_duration(limit));
      })) {
  timeout_->start(options.connect_timeout + kSlack);
  watch(channel_->GetState(true));
}

GrpcLink::~GrpcLink() { watch_->detach(); }

void GrpcLink::silence() {
  told_ = nullptr;
  timeout_->stop();
  why_.reset();
}

void GrpcLink::watch(int last_seen) {
  channel_->NotifyOnStateChange(static_cast<grpc_connectivity_state>(last_seen),
                                std::chrono::system_clock::time_point::max(), &completions_.queue(),
                                completions_.tag(watch_));
}

void GrpcLink::on_change() {
  // What was ready has changed, even if it is ready again by now: gRPC reconnects
  // when a call comes, and the server behind may be another.
  if (ready_) return tell(Event::lost, {});
  const grpc_connectivity_state state = channel_->GetState(false);
  if (state == GRPC_CHANNEL_READY) {
    ready_ = true;
    timeout_->stop();
    watch(state);
    // stays until it is lost
    if (const Told told = told_) told(Event::ready, {});
    return;
  }
  if (state == GRPC_CHANNEL_IDLE || state == GRPC_CHANNEL_CONNECTING) return watch(state);
  ask_why();
}

void GrpcLink::ask_why() {
  // Not sent anywhere: the channel has failed, and the call does not wait for it.
  why_ = std::make_unique<Rpc>(completions_, stub_, "/", grpc::ByteBuffer(), CallTerms{kWhyDeadline, {}},
                               [this](const grpc::Status& status, const grpc::ByteBuffer&) {
                                 tell(Event::failed, explain_connect_failure(status.error_message(), tls_));
                               });
}

void GrpcLink::tell(Event event, std::string why) {
  timeout_->stop();
  const Told told = std::exchange(told_, nullptr);
  if (told) told(event, std::move(why));  // may destroy this
}

}  // namespace sidecar
