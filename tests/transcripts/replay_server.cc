#include "replay_server.h"

#include <arpa/inet.h>
#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/grpcpp.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <mutex>
#include <utility>

#include "base/check.h"
#include "base/scoped_fd.h"
#include "uplink/outcome.h"

namespace sidecar {
namespace {

std::string bytes_of(const grpc::ByteBuffer& buffer) {
  std::vector<grpc::Slice> slices;
  std::string bytes;
  CHECK(buffer.Dump(&slices).ok());
  for (const grpc::Slice& slice : slices) bytes.append(reinterpret_cast<const char*>(slice.begin()), slice.size());
  return bytes;
}

grpc::StatusCode code_of(const std::string& name) {
  for (int code = 0; code <= grpc::StatusCode::UNAUTHENTICATED; ++code)
    if (status_name(code) == name) return static_cast<grpc::StatusCode>(code);
  CHECK(false);  // no name of gRPC
  return grpc::StatusCode::UNKNOWN;
}

class Service final : public grpc::CallbackGenericService {
 public:
  explicit Service(ReplayServer::Impl& owner) : owner_(owner) {}
  grpc::ServerGenericBidiReactor* CreateReactor(grpc::GenericCallbackServerContext* context) override;

 private:
  ReplayServer::Impl& owner_;
};

}  // namespace

struct ReplayServer::Impl {
  explicit Impl(std::function<Answer(const std::string&)> asked)
      : answer(std::move(asked)), holder(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    // Bound and never listening: nobody else gets the port while the server is away.
    const int on = 1;
    CHECK(setsockopt(holder.get(), SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) == 0);
    sockaddr_in any{};
    any.sin_family = AF_INET;
    any.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof any;
    CHECK(bind(holder.get(), reinterpret_cast<sockaddr*>(&any), size) == 0);
    CHECK(getsockname(holder.get(), reinterpret_cast<sockaddr*>(&any), &size) == 0);
    address = "127.0.0.1:" + std::to_string(ntohs(any.sin_port));
  }

  // What is answered to `arrival`, which is kept before the client can know.
  Answer settle(Arrival arrival) {
    const std::lock_guard lock(mutex);
    Answer given = answer(arrival.path);
    arrival.status = given.status;
    arrivals.push_back(std::move(arrival));
    return given;
  }

  const std::function<Answer(const std::string&)> answer;
  const ScopedFd holder;
  std::string address;
  std::unique_ptr<Service> service;
  std::unique_ptr<grpc::Server> server;

  std::mutex mutex;  // guards the arrivals, and makes answers come one at a time
  std::vector<Arrival> arrivals;
};

namespace {

// One call: reads to the end, then answers.
class CallReactor final : public grpc::ServerGenericBidiReactor {
 public:
  CallReactor(ReplayServer::Impl& owner, const std::string& path) : owner_(owner) {
    arrival_.path = path;
    StartRead(&message_);
  }

  void OnReadDone(bool ok) override {
    if (ok) {
      arrival_.messages.push_back(bytes_of(message_));
      return StartRead(&message_);
    }
    const ReplayServer::Answer answer = owner_.settle(std::move(arrival_));
    const grpc::Status status(code_of(answer.status), answer.details);
    if (!status.ok()) return Finish(status);
    const grpc::Slice slice(answer.bytes);
    answer_ = grpc::ByteBuffer(&slice, 1);
    StartWriteAndFinish(&answer_, grpc::WriteOptions(), status);
  }

  void OnDone() override { delete this; }

 private:
  ReplayServer::Impl& owner_;
  ReplayServer::Arrival arrival_;
  grpc::ByteBuffer message_, answer_;
};

grpc::ServerGenericBidiReactor* Service::CreateReactor(grpc::GenericCallbackServerContext* context) {
  return new CallReactor(owner_, context->method());  // deletes itself when done
}

}  // namespace

ReplayServer::ReplayServer(std::function<Answer(const std::string& path)> answer)
    : impl_(std::make_unique<Impl>(std::move(answer))) {
  open();
}

ReplayServer::~ReplayServer() { close(); }

std::string ReplayServer::address() const { return impl_->address; }

void ReplayServer::close() {
  if (!impl_->server) return;
  impl_->server->Shutdown(std::chrono::system_clock::now());
  impl_->server->Wait();
  impl_->server.reset();
  impl_->service.reset();
}

void ReplayServer::open() {
  if (impl_->server) return;
  int bound = 0;
  grpc::ServerBuilder builder;
  builder.AddListeningPort(impl_->address, grpc::InsecureServerCredentials(), &bound);
  impl_->service = std::make_unique<Service>(*impl_);
  builder.RegisterCallbackGenericService(impl_->service.get());
  impl_->server = builder.BuildAndStart();
  CHECK(impl_->server != nullptr);
  CHECK(bound != 0);
}

bool ReplayServer::is_open() const { return impl_->server != nullptr; }

std::vector<ReplayServer::Arrival> ReplayServer::take() {
  const std::lock_guard lock(impl_->mutex);
  return std::exchange(impl_->arrivals, {});
}

}  // namespace sidecar
