#pragma once

// Generation v2 (SkyWalking 6.0 to 7.0): names become ids by asking for them again, a ping may be answered with a
// reset, and segments are taken with OK whatever is in them (v2_segments.h). 6.0 and 6.6 also serve what agents of 5.x
// call, with the same ids.

#include <grpcpp/support/status.h>

#include <mutex>
#include <string>
#include <utility>

#include "generation.h"
#include "protocol.h"
#include "store.h"
#include "v2/application.pb.h"
#include "v2/ping.pb.h"
#include "v2/register.pb.h"
#include "v2_registry.h"
#include "v2_segments.h"

namespace sidecar {

class V2Protocol final : public Protocol {
 public:
  // `store` must outlive it. `empty_answers`: how often a name is asked for in vain.
  V2Protocol(Store& store, Generation generation, unsigned empty_answers);

  bool find(const std::string& path, Method& method) const override;
  grpc::Status read(const Method& method, const std::string& bytes, Message& message) override;
  std::string distort(const Method& method, std::string answer, const Misbehaviour& how) const override;
  void add(ProfileTask task) override { tasks_.add(std::move(task)); }
  void wipe() override;

  // As another client that was quicker: the ids of its service and instance.
  std::pair<int, int> add_stranger(const std::string& service, const std::string& uuid);
  V2Ids ids() const;

 private:
  struct Row;
  static const Row kRows[];

  // Reads a Request; when it is taken, `handle` answers it.
  template <class Request, Protocol::Reply (V2Protocol::*handle)(const Request&)>
  grpc::Status read_as(const std::string& bytes, Message& message);
  grpc::Status read_segment(const std::string& bytes, Message& message);
  grpc::Status read_anything(const std::string& bytes, Message& message);
  grpc::Status read_health(const std::string& bytes, Message& message);

  Reply register_services(const wire::v2::Services& request);
  Reply register_instances(const wire::v2::ServiceInstances& request);
  Reply register_endpoints(const wire::v2::Endpoints& request);
  Reply register_addresses(const wire::v2::NetAddresses& request);
  Reply map_addresses(const wire::v2::ServiceAndNetworkAddressMappings& request);
  Reply ping(const wire::v2::ServiceInstancePingPkg& request);
  Reply profile_tasks(const wire::v2::ProfileTaskCommandQuery& request);
  // Of 5.x (v2_older_calls.cc).
  Reply register_application(const wire::v2::Application& request);
  Reply register_old_instance(const wire::v2::ApplicationInstance& request);
  Reply heartbeat(const wire::v2::ApplicationInstanceHeartbeat& request);
  Reply discover(const wire::v2::ServiceNameCollection& request);

  // Nothing: its service is unknown. Otherwise its id, 0: not yet.
  std::optional<int> ask_instance(const wire::v2::ServiceInstance& instance);
  void beat(int instance);

  const V2Rules rules_;
  Store& store_;
  ProfileTasks tasks_;
  mutable std::mutex mutex_;  // guards the below
  V2Registry registry_;
  V2Segments segments_;
};

// A name and its id, the answer to three kinds of registration.
void add_pair(google::protobuf::RepeatedPtrField<wire::v2::KeyIntValuePair>& list, const std::string& key, int id);

}  // namespace sidecar
