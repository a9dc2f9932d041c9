#include "call_reactor.h"

#include <utility>
#include <vector>

namespace sidecar {
namespace {

std::string bytes_of(const grpc::ByteBuffer& buffer) {
  std::vector<grpc::Slice> slices;
  std::string bytes;
  if (!buffer.Dump(&slices).ok()) return bytes;
  for (const grpc::Slice& slice : slices) bytes.append(reinterpret_cast<const char*>(slice.begin()), slice.size());
  return bytes;
}

}  // namespace

bool ParkedCalls::park(std::uint64_t id, CallReactor* call, const std::function<bool()>& cancelled) {
  const std::lock_guard lock(mutex_);
  if (cancelled()) return false;
  calls_.emplace(id, call);
  return true;
}

CallReactor* ParkedCalls::unpark(std::uint64_t id) {
  const std::lock_guard lock(mutex_);
  const auto found = calls_.find(id);
  if (found == calls_.end()) return nullptr;
  CallReactor* call = found->second;
  calls_.erase(found);
  return call;
}

void ParkedCalls::release_all() {
  for (;;) {
    std::uint64_t id;
    {
      const std::lock_guard lock(mutex_);
      if (calls_.empty()) return;
      id = calls_.begin()->first;
    }
    if (CallReactor* call = unpark(id)) call->proceed();
  }
}

std::size_t ParkedCalls::size() const {
  const std::lock_guard lock(mutex_);
  return calls_.size();
}

CallReactor::CallReactor(CallContext& server, grpc::GenericCallbackServerContext& context)
    : server_(server), context_(context), id_(server.parked.next_id()), path_(context.method()) {}

void CallReactor::start() {
  if (!server_.protocol->find(path_, method_)) return finish_unknown_method();
  if (!token_fits()) return finish({grpc::StatusCode::PERMISSION_DENIED, ""});
  StartRead(&bytes_);
}

void CallReactor::OnReadDone(bool ok) {
  if (!ok) {
    // The end of a stream; a unary call without its message is broken.
    if (method_.stream && !context_.IsCancelled()) return finish_ok("");
    return finish({grpc::StatusCode::INTERNAL, "Half-closed without a request"});
  }
  const std::string bytes = bytes_of(bytes_);
  if (bytes.size() > server_.max_message) return reset();
  message_ = {};
  if (const grpc::Status read = server_.protocol->read(method_, bytes, message_); !read.ok()) return finish(read);
  Misbehaviour how;
  const auto poisoned = [this](const auto& key, const auto& value) {
    return message_.has_tag && message_.has_tag(key, value);
  };
  if (server_.misbehaviours.take(path_, how, poisoned)) return misbehave(how);
  proceed();
}

void CallReactor::OnCancel() {
  // Parked: nobody else will end it. Otherwise a reaction or a finish is under way.
  if (server_.parked.unpark(id_) != nullptr) finish({grpc::StatusCode::CANCELLED, ""});
}

void CallReactor::proceed() {
  take();
  if (!reply_.status.ok()) return finish(reply_.status);
  if (method_.stream) return StartRead(&bytes_);
  if (!distortion_) return finish_ok(std::move(reply_.bytes));
  finish_ok(distortion_->fault == Fault::empty
                ? ""
                : server_.protocol->distort(method_, std::move(reply_.bytes), *distortion_));
}

bool CallReactor::token_fits() const {
  const std::string wanted = server_.token();
  return wanted.empty() || !method_.guarded || metadata("authentication") == wanted;
}

std::string CallReactor::metadata(const char* name) const {
  const auto found = context_.client_metadata().find(name);
  if (found == context_.client_metadata().end()) return "";
  return std::string(found->second.data(), found->second.size());
}

void CallReactor::take() {
  if (const auto take = std::exchange(message_.take, nullptr)) reply_ = take();
}

void CallReactor::misbehave(const Misbehaviour& how) {
  if (how.keep) take();
  CallContext& server = server_;  // once parked, this call may end at any moment
  const std::uint64_t id = id_;
  switch (how.fault) {
    case Fault::hang:
      count("HANG");  // now, since it may never be answered
      return park();
    case Fault::slow:
      park();
      return server.worker.after(how.delay, [&server, id] {
        if (CallReactor* call = server.parked.unpark(id)) call->proceed();
      });
    case Fault::status:
    case Fault::poison:
      return finish({static_cast<grpc::StatusCode>(how.code), how.message});
    case Fault::reset_stream:
      return reset();
    case Fault::unimplemented:
      return finish_unknown_method();
    case Fault::close:
      count("CLOSE");
      park();
      return server.worker.after(std::chrono::milliseconds(0), server.reopen);
    case Fault::garbage:
      return finish_ok(how.message.empty() ? "\xff\xff\xff garbage" : how.message);
    case Fault::empty:
    case Fault::reversed:
    case Fault::twice:
    case Fault::other_name:
    case Fault::other_id:
      distortion_ = how;
      return proceed();
  }
}

void CallReactor::park() {
  // OnCancel may have come and gone; it marks the context before it runs.
  if (!server_.parked.park(id_, this, [this] { return context_.IsCancelled(); }))
    finish({grpc::StatusCode::CANCELLED, ""});
}

void CallReactor::reset() {
  count("RST_STREAM");
  context_.TryCancel();
  finish({grpc::StatusCode::CANCELLED, ""});
}

void CallReactor::finish_ok(std::string bytes) {
  count("OK");
  const grpc::Slice slice(bytes);
  answer_ = grpc::ByteBuffer(&slice, 1);
  StartWriteAndFinish(&answer_, grpc::WriteOptions(), grpc::Status::OK);
}

void CallReactor::finish_unknown_method() {
  finish({grpc::StatusCode::UNIMPLEMENTED, "Method not found: " + path_.substr(path_.empty() ? 0 : 1)});
}

// Counted before the client can know, so that a test that has the answer sees the count.
void CallReactor::finish(const grpc::Status& status) {
  count(code_name(status.error_code()));
  Finish(status);
}

// Once per call: the first name counts.
void CallReactor::count(const std::string& status) {
  if (std::exchange(counted_, true)) return;
  server_.store.count_call({path_, status, metadata("authentication"), metadata("agent-version"), context_.peer()});
}

}  // namespace sidecar
