package session

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
)

// writeProblem answers with a problem of RFC 9457.
func writeProblem(w http.ResponseWriter, r *http.Request, status int, detail string) {
	body, _ := json.Marshal(struct { // texts and a number: it cannot fail
		Type   string `json:"type"`
		Title  string `json:"title"`
		Status int    `json:"status"`
		Detail string `json:"detail"`
	}{"about:blank", http.StatusText(status), status, detail})
	body = append(body, '\n')
	h := w.Header()
	h.Set("Content-Type", "application/problem+json")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		_, _ = w.Write(body) // the client has gone
	}
}

// withoutRepresentation removes what a handler said of the response that is not sent.
func withoutRepresentation(h http.Header) {
	for name := range h {
		switch name {
		case "Accept-Ranges", "Age", "Digest", "Etag", "Expires", "Last-Modified", "Link", "Location", "Refresh", "Repr-Digest", "Retry-After", "Trailer", "Transfer-Encoding", "Www-Authenticate":
			delete(h, name)
		default:
			if strings.HasPrefix(name, "Content-") && !strings.HasPrefix(name, "Content-Security-Policy") || strings.HasPrefix(name, http.TrailerPrefix) {
				delete(h, name)
			}
		}
	}
}
