package ratelimit

import (
	"encoding/json"
	"net/http"
	"strconv"
	"time"

	"github.com/larder-go/larder/cache"
)

// policyOf is the RateLimit-Policy of limits: their quotas, and the windows in whole seconds, of which there is one at least.
func policyOf(limits []cache.Limit) string {
	var b []byte
	for i, l := range limits {
		if i > 0 {
			b = append(b, ", "...)
		}
		b = append(append(append(b, '"'), l.Name...), `";q=`...)
		b = strconv.AppendInt(b, l.Requests, 10)
		b = strconv.AppendInt(append(b, ";w="...), seconds(l.Period), 10)
	}
	return string(b)
}

// tell says what is left: of the limit that decides, how many requests and for how many seconds that is so. Where a request is refused that is until the next one is allowed, for
// Retry-After must not come before it, else until the limit is whole. What a limiter outside has said stays.
func (l *Limiter) tell(h http.Header, limits []cache.Limit, policy string, d *cache.Decision) {
	var memory [128]byte
	limit := &limits[d.Limit]
	b := append(append(append(memory[:0], '"'), limit.Name...), `";r=`...)
	b = strconv.AppendInt(b, d.Remaining, 10)
	b = append(b, ";t="...)
	if d.Allowed {
		b = strconv.AppendInt(b, wholeSeconds(d.ResetAfter), 10)
	} else {
		b = strconv.AppendInt(b, seconds(d.RetryAfter), 10)
	}
	lines := [2]string{policy, string(b)}
	add(h, "Ratelimit-Policy", lines[:1:1])
	add(h, "Ratelimit", lines[1:2:2])
	if l.options.LegacyFields {
		h.Set("X-Ratelimit-Limit", strconv.FormatInt(limit.Requests, 10))
		h.Set("X-Ratelimit-Remaining", strconv.FormatInt(d.Remaining, 10))
		h.Set("X-Ratelimit-Reset", strconv.FormatInt(time.Now().Add(d.ResetAfter+time.Second-1).Unix(), 10))
	}
}

func add(h http.Header, name string, line []string) {
	if there := h[name]; len(there) > 0 {
		line = append(there[:len(there):len(there)], line...)
	}
	h[name] = line
}

// wholeSeconds rounds up.
func wholeSeconds(d time.Duration) int64 { return int64((d + time.Second - 1) / time.Second) }

// seconds rounds up, to one at least.
func seconds(d time.Duration) int64 { return max(wholeSeconds(d), 1) }

// The problem of a refused request, of the type of draft-ietf-httpapi-ratelimit-headers-11: the name of a limit comes between, which needs no escaping. A client that is refused may be one
// that asks very often, so this is not encoded each time.
const (
	refusalHead = `{"type":"https://iana.org/assignments/http-problem-types#quota-exceeded","title":"Too Many Requests","status":429,` +
		`"detail":"This client has made more requests than are allowed; Retry-After says in how many seconds the next one is.","violated-policies":["`
	refusalTail = `"]}`
)

// refuse answers 429 (RFC 6585 section 4). Clients of a limit do not come back all at once, as those of a window do, so Retry-After needs no jitter.
func refuse(w http.ResponseWriter, r *http.Request, violated string, d *cache.Decision) {
	h := w.Header()
	h["Retry-After"] = []string{strconv.FormatInt(seconds(d.RetryAfter), 10)}
	body := make([]byte, 0, len(refusalHead)+len(violated)+len(refusalTail))
	write(w, r, http.StatusTooManyRequests, append(append(append(body, refusalHead...), violated...), refusalTail...))
}

// unavailable answers where requests cannot be counted.
func unavailable(w http.ResponseWriter, r *http.Request) {
	writeProblem(w, r, problem{
		Type:   "about:blank",
		Title:  http.StatusText(http.StatusServiceUnavailable),
		Status: http.StatusServiceUnavailable,
		Detail: "Requests cannot be counted at the moment, and none are let through uncounted.",
	})
}

// problem is RFC 9457's.
type problem struct {
	Type   string `json:"type"`
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail"`
}

func writeProblem(w http.ResponseWriter, r *http.Request, p problem) {
	body, _ := json.Marshal(p) // of texts and a number
	write(w, r, p.Status, body)
}

// write answers by a problem.
func write(w http.ResponseWriter, r *http.Request, status int, body []byte) {
	h, lines := w.Header(), [3]string{"application/problem+json", strconv.Itoa(len(body)), "no-store"}
	h["Content-Type"], h["Content-Length"], h["Cache-Control"] = lines[:1:1], lines[1:2:2], lines[2:3:3]
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		_, _ = w.Write(body) // the client has gone
	}
}
