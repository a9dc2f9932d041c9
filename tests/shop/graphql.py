"""Questions to an OAP over GraphQL; the same for 8.3 and later."""
import json
import urllib.error
import urllib.request

from say import Failed

_TRACE = """query($t:ID!){queryTrace(traceId:$t){spans{traceId segmentId spanId parentSpanId serviceCode serviceInstanceName startTime
endTime endpointName type peer component isError layer refs{traceId parentSegmentId parentSpanId type} tags{key value}
logs{time data{key value}}}}}"""


class GraphQL:
    def __init__(self, url):
        self.url = url if "://" in url else "http://" + url
        if not self.url.rstrip("/").endswith("/graphql"):
            self.url = self.url.rstrip("/") + "/graphql"

    def version(self):
        """The server's version, or None as long as it does not answer."""
        try:
            return self._ask("query{version}", {})["version"]
        except (Failed, OSError):
            return None

    def trace(self, trace_id):
        """The spans of a trace that are readable by now, by start."""
        return self._ask(_TRACE, {"t": trace_id})["queryTrace"]["spans"]

    def _ask(self, query, variables):
        body = json.dumps({"query": query, "variables": variables}).encode()
        request = urllib.request.Request(self.url, data=body, headers={"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                data = json.load(answer)
        except urllib.error.HTTPError as error:  # an invalid query, on 9.2 and later
            raise Failed(f"{self.url} answered {error.code}: {error.read(500).decode(errors='replace')}") from error
        except OSError as error:
            raise Failed(f"{self.url} does not answer: {error}") from error
        except ValueError as error:
            raise Failed(f"{self.url} does not speak GraphQL: {error}") from error
        if data.get("errors"):
            raise Failed(f"{self.url} answered: {json.dumps(data['errors'])[:500]}")
        return data["data"]
