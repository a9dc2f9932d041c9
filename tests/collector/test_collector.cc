#include "test_collector.h"

#include <arpa/inet.h>
#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/grpcpp.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <atomic>

#include "base/check.h"
#include "base/scoped_fd.h"
#include "worker.h"

namespace sidecar {
namespace {

enum class Method { none, properties, keep_alive, collect_in_sync, collect };

std::string bytes_of(const grpc::ByteBuffer& buffer) {
  std::vector<grpc::Slice> slices;
  std::string bytes;
  if (!buffer.Dump(&slices).ok()) return bytes;
  for (const grpc::Slice& slice : slices) bytes.append(reinterpret_cast<const char*>(slice.begin()), slice.size());
  return bytes;
}

bool has_tag(const wire::v3::SegmentObject& segment, const std::string& key, const std::string& value) {
  for (const auto& span : segment.spans())
    for (const auto& tag : span.tags())
      if (tag.key() == key && (value.empty() || tag.value() == value)) return true;
  return false;
}

// Bound with SO_REUSEPORT and never listening: holds the port for the server,
// which comes and goes, and refuses connections meanwhile.
class ReservedPort {
 public:
  explicit ReservedPort(int wanted) : socket_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    const int on = 1;
    CHECK(setsockopt(socket_.get(), SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) == 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(wanted));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    CHECK(bind(socket_.get(), reinterpret_cast<sockaddr*>(&address), size) == 0);
    CHECK(getsockname(socket_.get(), reinterpret_cast<sockaddr*>(&address), &size) == 0);
    number_ = ntohs(address.sin_port);
  }
  int number() const { return number_; }

 private:
  ScopedFd socket_;
  int number_ = 0;
};

class CallReactor;

// gRPC lets a service belong to one server only, so each opening has its own.
class Service final : public grpc::CallbackGenericService {
 public:
  explicit Service(TestCollector::Impl& owner) : owner_(owner) {}
  grpc::ServerGenericBidiReactor* CreateReactor(grpc::GenericCallbackServerContext* context) override;

 private:
  TestCollector::Impl& owner_;
};

}  // namespace

struct TestCollector::Impl {
  explicit Impl(TestCollectorOptions given)
      : options(std::move(given)), store(options.max_segments), port(options.port) {}

  std::string address() const { return "127.0.0.1:" + std::to_string(port.number()); }
  // The method of a path that is served now.
  Method find(const std::string& path) const;
  std::string token() const;
  // Whoever takes a call out of `parked` must finish it; null: somebody else has.
  CallReactor* unpark(std::uint64_t id);
  void release_all();
  void open();
  void close();

  TestCollectorOptions options;  // packaged, bare, sync, token: guarded by mutex
  Store store;
  MisbehaviourList misbehaviours;
  ReservedPort port;

  mutable std::mutex mutex;  // guards `parked` and the changeable options
  std::map<std::uint64_t, CallReactor*> parked;
  std::atomic<std::uint64_t> last_id{0};

  std::mutex server_mutex;  // guards `service` and `server`; never taken by gRPC's threads
  std::unique_ptr<Service> service;
  std::unique_ptr<grpc::Server> server;
  std::unique_ptr<Worker> worker = std::make_unique<Worker>();
};

namespace {

// One call. Finishes exactly once: what is parked is finished by whoever takes it
// out of Impl::parked, everything else by the reaction that runs.
class CallReactor final : public grpc::ServerGenericBidiReactor {
 public:
  CallReactor(TestCollector::Impl& owner, grpc::GenericCallbackServerContext& context)
      : owner_(owner), context_(context), id_(++owner.last_id), path_(context.method()) {}

  void start() {
    method_ = owner_.find(path_);
    if (method_ == Method::none) return finish_unknown_method();
    if (!token_fits()) return finish({grpc::StatusCode::PERMISSION_DENIED, ""});
    StartRead(&message_);
  }

  void OnReadDone(bool ok) override {
    if (!ok) {
      // The end of a stream; a unary call without its message is broken.
      if (method_ == Method::collect && !context_.IsCancelled()) return finish_ok("");
      return finish({grpc::StatusCode::INTERNAL, "Half-closed without a request"});
    }
    const std::string bytes = bytes_of(message_);
    if (bytes.size() > owner_.options.max_message) return reset();
    if (!decode(bytes)) return finish({grpc::StatusCode::UNKNOWN, "Application error processing RPC"});
    Misbehaviour how;
    if (owner_.misbehaviours.take(path_, how,
                                  [this](const auto& key, const auto& value) { return poisoned(key, value); }))
      return misbehave(how);
    proceed();
  }

  void OnCancel() override {
    // Parked: nobody else will end it. Otherwise a reaction or a finish is under way.
    if (owner_.unpark(id_) != nullptr) finish({grpc::StatusCode::CANCELLED, ""});
  }

  void OnDone() override { delete this; }

  // Of a parked call, after unpark(): what it would have been without the delay.
  void proceed() {
    keep();
    if (method_ == Method::collect) return StartRead(&message_);
    finish_ok("");
  }

 private:
  bool token_fits() const {
    const std::string wanted = owner_.token();
    if (wanted.empty()) return true;
    return metadata("authentication") == wanted;
  }

  // Empty if it did not come.
  std::string metadata(const char* name) const {
    const auto found = context_.client_metadata().find(name);
    if (found == context_.client_metadata().end()) return "";
    return std::string(found->second.data(), found->second.size());
  }

  bool decode(const std::string& bytes) {
    segments_.Clear();
    switch (method_) {
      case Method::properties:
        return properties_.ParseFromString(bytes);
      case Method::keep_alive:
        return ping_.ParseFromString(bytes);
      case Method::collect_in_sync:
        return segments_.ParseFromString(bytes);
      case Method::collect:
        return segments_.add_segments()->ParseFromString(bytes);
      case Method::none:
        break;
    }
    return false;
  }

  bool poisoned(const std::string& key, const std::string& value) const {
    for (const auto& segment : segments_.segments())
      if (has_tag(segment, key, value)) return true;
    return false;
  }

  void keep() {
    if (method_ == Method::properties) owner_.store.add(properties_);
    if (method_ == Method::keep_alive) owner_.store.add(ping_);
    for (const auto& segment : segments_.segments()) owner_.store.add(segment);
  }

  void misbehave(const Misbehaviour& how) {
    if (how.keep) keep();
    switch (how.fault) {
      case Fault::hang:
        count("HANG");  // now, since it may never be answered
        return park();
      case Fault::slow: {
        park();
        TestCollector::Impl& owner = owner_;
        const std::uint64_t id = id_;
        return owner.worker->after(how.delay, [&owner, id] {
          if (CallReactor* call = owner.unpark(id)) call->proceed();
        });
      }
      case Fault::status:
      case Fault::poison:
        return finish({static_cast<grpc::StatusCode>(how.code), how.message});
      case Fault::reset_stream:
        return reset();
      case Fault::unimplemented:
        return finish_unknown_method();
      case Fault::close: {
        count("CLOSE");
        park();
        TestCollector::Impl& owner = owner_;
        return owner.worker->after(std::chrono::milliseconds(0), [&owner] {
          owner.close();
          owner.open();
        });
      }
      case Fault::garbage:
        return finish_ok(how.message.empty() ? "\xff\xff\xff garbage" : how.message);
    }
  }

  void park() {
    bool cancelled = false;
    {
      const std::lock_guard lock(owner_.mutex);
      // OnCancel may have come and gone; it marks the context before it runs.
      cancelled = context_.IsCancelled();
      if (!cancelled) owner_.parked.emplace(id_, this);
    }
    if (cancelled) finish({grpc::StatusCode::CANCELLED, ""});
  }

  void reset() {
    count("RST_STREAM");
    context_.TryCancel();
    finish({grpc::StatusCode::CANCELLED, ""});
  }

  void finish_ok(const std::string& bytes) {
    count("OK");
    const grpc::Slice slice(bytes);
    answer_ = grpc::ByteBuffer(&slice, 1);
    StartWriteAndFinish(&answer_, grpc::WriteOptions(), grpc::Status::OK);
  }

  void finish_unknown_method() {
    finish({grpc::StatusCode::UNIMPLEMENTED, "Method not found: " + path_.substr(path_.empty() ? 0 : 1)});
  }

  // Counted before the client can know, so that a test that has the answer sees the count.
  void finish(const grpc::Status& status) {
    count(code_name(status.error_code()));
    Finish(status);
  }

  // Once per call: the first name counts.
  void count(const std::string& status) {
    if (std::exchange(counted_, true)) return;
    owner_.store.count_call({path_, status, metadata("authentication"), metadata("agent-version"), context_.peer()});
  }

  TestCollector::Impl& owner_;
  grpc::GenericCallbackServerContext& context_;
  const std::uint64_t id_;
  const std::string path_;
  Method method_ = Method::none;
  bool counted_ = false;
  grpc::ByteBuffer message_;
  grpc::ByteBuffer answer_;
  wire::v3::InstanceProperties properties_;
  wire::v3::InstancePing ping_;
  wire::v3::SegmentCollection segments_;
};

grpc::ServerGenericBidiReactor* Service::CreateReactor(grpc::GenericCallbackServerContext* context) {
  auto* call = new CallReactor(owner_, *context);  // deletes itself when done
  call->start();
  return call;
}

}  // namespace

Method TestCollector::Impl::find(const std::string& path) const {
  const std::lock_guard lock(mutex);
  constexpr std::string_view kPackage = "/skywalking.v3.";
  const bool packaged = path.starts_with(kPackage);
  if (packaged ? !options.packaged : !options.bare) return Method::none;
  const std::string_view rest =
      std::string_view(path).substr(packaged ? kPackage.size() : std::min<std::size_t>(1, path.size()));
  if (rest == "ManagementService/reportInstanceProperties") return Method::properties;
  if (rest == "ManagementService/keepAlive") return Method::keep_alive;
  if (rest == "TraceSegmentReportService/collectInSync" && options.sync) return Method::collect_in_sync;
  if (rest == "TraceSegmentReportService/collect") return Method::collect;
  return Method::none;
}

std::string TestCollector::Impl::token() const {
  const std::lock_guard lock(mutex);
  return options.token;
}

CallReactor* TestCollector::Impl::unpark(std::uint64_t id) {
  const std::lock_guard lock(mutex);
  const auto found = parked.find(id);
  if (found == parked.end()) return nullptr;
  CallReactor* call = found->second;
  parked.erase(found);
  return call;
}

void TestCollector::Impl::release_all() {
  for (;;) {
    std::uint64_t id;
    {
      const std::lock_guard lock(mutex);
      if (parked.empty()) return;
      id = parked.begin()->first;
    }
    if (CallReactor* call = unpark(id)) call->proceed();
  }
}

namespace {

std::shared_ptr<grpc::ServerCredentials> credentials(const TestCollectorOptions& options) {
  if (options.tls_cert.empty()) return grpc::InsecureServerCredentials();
  grpc::SslServerCredentialsOptions tls(options.client_ca.empty()
                                            ? GRPC_SSL_DONT_REQUEST_CLIENT_CERTIFICATE
                                            : GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY);
  tls.pem_key_cert_pairs.push_back({options.tls_key, options.tls_cert});
  tls.pem_root_certs = options.client_ca;
  return grpc::SslServerCredentials(tls);
}

}  // namespace

void TestCollector::Impl::open() {
  const std::lock_guard lock(server_mutex);
  if (server) return;
  grpc::ServerBuilder builder;
  int bound = 0;
  builder.AddListeningPort(address(), credentials(options), &bound);
  service = std::make_unique<Service>(*this);
  builder.RegisterCallbackGenericService(service.get());
  builder.SetMaxReceiveMessageSize(-1);  // max_message is ours to answer
  server = builder.BuildAndStart();
  CHECK(server != nullptr && bound == port.number());
}

void TestCollector::Impl::close() {
  const std::lock_guard lock(server_mutex);
  if (!server) return;
  server->Shutdown(std::chrono::system_clock::now());
  server->Wait();
  server.reset();
  service.reset();
}

TestCollector::TestCollector(TestCollectorOptions options) : impl_(std::make_unique<Impl>(std::move(options))) {
  impl_->open();
}

TestCollector::~TestCollector() {
  impl_->close();
  impl_->worker.reset();
  impl_->close();  // a task of the worker may have opened it again
}

std::string TestCollector::address() const { return impl_->address(); }
Store& TestCollector::store() { return impl_->store; }
const Store& TestCollector::store() const { return impl_->store; }

void TestCollector::misbehave(Misbehaviour misbehaviour) { impl_->misbehaviours.add(std::move(misbehaviour)); }

void TestCollector::behave() {
  impl_->misbehaviours.clear();
  impl_->release_all();
  impl_->open();
}

std::size_t TestCollector::parked() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->parked.size();
}

void TestCollector::close() { impl_->close(); }
void TestCollector::open() { impl_->open(); }

void TestCollector::restart(bool wipe) {
  impl_->close();
  if (wipe) impl_->store.wipe();
  impl_->open();
}

void TestCollector::serve(bool packaged, bool bare, bool sync) {
  const std::lock_guard lock(impl_->mutex);
  impl_->options.packaged = packaged;
  impl_->options.bare = bare;
  impl_->options.sync = sync;
}

void TestCollector::set_token(std::string token) {
  const std::lock_guard lock(impl_->mutex);
  impl_->options.token = std::move(token);
}

}  // namespace sidecar
