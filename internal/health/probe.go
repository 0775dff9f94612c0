package health

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// Live answers the liveness probe: 200 as long as the process can answer at all. It depends on no check and on no state.
func (h *Health) Live() http.Handler {
	return probe(func(w http.ResponseWriter, _ *http.Request) {
		status, _ := ask(h.probes.LiveEndpoint)
		write(w, status, answer{Status: "live"})
	})
}

// Ready answers the readiness probe: 200 if Options.State and every check are fine; 200 with the status "degraded" and a
// header that is named after the check, "Cache: degraded", if only checks with Degrade fail; else 503 through Options.Fail.
// Both probes answer GET and HEAD, are never to be stored, and ignore the query.
func (h *Health) Ready() http.Handler {
	return probe(func(w http.ResponseWriter, r *http.Request) {
		_, failures := ask(h.probes.ReadyEndpoint)
		var failing, degraded []string
		checks := make(map[string]string)
		for _, check := range h.Results() {
			checks[check.Name] = "ok"
			text, failed := failures[check.Name]
			switch {
			case !failed:
				continue
			case check.Degrade:
				degraded = append(degraded, check.Name)
				w.Header().Set(check.Name, "degraded")
			default:
				failing = append(failing, check.Name)
			}
			checks[check.Name] = text
		}
		if !h.options.Details {
			checks = nil
		}
		state, notReady := failures[stateCheck]
		switch {
		case notReady:
			h.options.Fail(w, r, "not ready: "+strings.TrimPrefix(state, failedPrefix), checks)
		case len(failing) > 0 && h.options.Details:
			h.options.Fail(w, r, "not ready: failing checks: "+strings.Join(failing, ", "), checks)
		case len(failing) > 0:
			h.options.Fail(w, r, "not ready: a check is failing", nil)
		case len(degraded) > 0:
			write(w, http.StatusOK, answer{Status: "degraded", Checks: checks})
		default:
			write(w, http.StatusOK, answer{Status: "ready", Checks: checks})
		}
	})
}

// ask calls one of healthcheck's endpoints with a request of our own, so that nothing of the client's reaches it, and
// returns what failed by name. Everything is read under one lock there: the answer that is built from it is of one moment.
func ask(endpoint http.HandlerFunc) (status int, failures map[string]string) {
	verdict := recorder{header: make(http.Header)}
	endpoint(&verdict, &http.Request{Method: http.MethodGet, URL: &url.URL{RawQuery: "full=1"}})
	// The encoding of a map[string]string always decodes.
	_ = json.Unmarshal(verdict.body.Bytes(), &failures)
	for name, text := range failures {
		if text == "OK" {
			delete(failures, name)
		}
	}
	return verdict.status, failures
}

// probe is what both probes have in common.
func probe(next http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		switch r.Method {
		case http.MethodGet:
			next(w, r)
		case http.MethodHead:
			next(bodiless{w}, r)
		default:
			w.Header().Set("Allow", "GET, HEAD")
			write(w, http.StatusMethodNotAllowed, answer{Status: "method not allowed"})
		}
	})
}

type answer struct {
	Status string            `json:"status"`
	Detail string            `json:"detail,omitempty"`
	Checks map[string]string `json:"checks,omitempty"`
}

func fail(w http.ResponseWriter, _ *http.Request, detail string, checks map[string]string) {
	write(w, http.StatusServiceUnavailable, answer{Status: "not ready", Detail: detail, Checks: checks})
}

func write(w http.ResponseWriter, status int, a answer) {
	var body bytes.Buffer
	encoder := json.NewEncoder(&body)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(a) // strings and maps of strings always encode
	w.Header().Set("Content-Type", "application/json")
	// Said here because HEAD has the fields of GET (RFC 9110, section 9.3.2), though not its body.
	w.Header().Set("Content-Length", strconv.Itoa(body.Len()))
	w.WriteHeader(status)
	_, _ = w.Write(body.Bytes()) // the client has gone: nobody is left to tell
}

// bodiless drops the body, for HEAD.
type bodiless struct{ http.ResponseWriter }

func (bodiless) Write(p []byte) (int, error) { return len(p), nil }

// recorder takes the answer of a healthcheck endpoint.
type recorder struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (r *recorder) Header() http.Header         { return r.header }
func (r *recorder) WriteHeader(status int)      { r.status = status }
func (r *recorder) Write(p []byte) (int, error) { return r.body.Write(p) }
