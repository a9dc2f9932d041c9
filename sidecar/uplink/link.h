#pragma once

// Link is one connection to one address of a collector, from the attempt to connect
// to its end; it never reconnects. Whoever makes calls over it holds it by
// shared_ptr: that is how a call keeps the connection it began on while later ones
// go elsewhere. GrpcLink is the real one; links.h decides when there shall be which.
//
// Thread: loop. Events come in a turn of their own, and none after silence() or destruction.

#include <grpcpp/channel.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/security/credentials.h>

#include <functional>
#include <memory>
#include <string>

#include "uplink/completion_thread.h"
#include "uplink/endpoint.h"
#include "uplink/rpc.h"

namespace sidecar {

class Link {
 public:
  enum class Event {
    ready,   // connected
    failed,  // could not connect; the words say why and what to do
    lost,    // was ready and is not any more
  };
  using Told = std::function<void(Event, std::string why)>;

  explicit Link(Endpoint endpoint) : endpoint_(std::move(endpoint)) {}
  virtual ~Link() = default;
  Link(const Link&) = delete;
  Link& operator=(const Link&) = delete;

  const Endpoint& endpoint() const { return endpoint_; }
  // Nobody wants to know any more what becomes of it; calls go on.
  virtual void silence() = 0;

 private:
  const Endpoint endpoint_;
};

using LinkPtr = std::shared_ptr<Link>;

// How a channel is made. The strings are as configured; empty: none.
struct LinkOptions {
  std::shared_ptr<grpc::ChannelCredentials> credentials;  // null: plaintext
  std::string server_name;                                // TLS; empty: the host that is configured
  Duration connect_timeout = std::chrono::seconds(10);
};

class GrpcLink : public Link {
 public:
  // Begins to connect. The references outlive it.
  GrpcLink(Endpoint endpoint, const LinkOptions& options, EventLoop& loop, CompletionThread& completions, Told told);
  ~GrpcLink() override;

  void silence() override;
  grpc::GenericStub& stub() { return stub_; }

  // The largest answer that is read; longer ones end the call. Commands have some hundred bytes.
  static constexpr int kMaxAnswer = 64 << 10;

 private:
  class Watch;

  void watch(int last_seen);
  void on_change();
  // gRPC tells a call why there is no connection, and nobody else.
  void ask_why();
  void tell(Event event, std::string why);

  CompletionThread& completions_;
  const bool tls_;
  Told told_;
  bool ready_ = false;
  std::shared_ptr<grpc::Channel> channel_;
  grpc::GenericStub stub_;
  std::shared_ptr<Watch> watch_;
  std::unique_ptr<Timer> timeout_;
  std::unique_ptr<Rpc> why_;
};

}  // namespace sidecar
