// An application that is careless with its secrets: one segment with the text of its
// argument SECRET in every place that the daemon looks at.
//
//   secrets_app SERVICE SECRET

#include <sidecar/shim.h>

#include <string>

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  const std::string secret = argv[2];
  sidecar::TracerOptions options;
  options.service = argv[1];
  sidecar::Tracer tracer = sidecar::Tracer::open(options);
  {
    sidecar::Span entry = tracer.entry("GET:/login?user=joe&access_token=" + secret);
    entry.tag("url", "https://joe:" + secret + "@shop.example/login?user=joe&password=" + secret + "#top");
    entry.tag("http.params", "user=[joe]\npassword=[" + secret + "]");
    entry.tag("Authorization", "Bearer " + secret);
    entry.tag("set-cookie", "SID=" + secret);
    entry.tag("card", secret);
    entry.tag("user", "joe");
    entry.log({{"event", "retry"},
               {"message", "GET https://api.example/?api_key=" + secret + " answered 503"},
               {"client_secret", secret},
               {"card", secret}});
    sidecar::Span exit = tracer.exit("redis/get", "redis://:" + secret + "@cache.example:6379");
    exit.tag("db.statement", "get cart where id = 5");
    exit.tag("n", "1");
  }
  {
    sidecar::Span entry = tracer.entry("GET:/" + std::string(200, 'x'));
    entry.tag("n", "2");
  }
  return tracer.flush(std::chrono::seconds(10)) ? 0 : 1;
}
