package web

import (
	"bytes"
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strconv"

	"github.com/labstack/echo/v4"
)

// Problem is an error response of RFC 9457. A handler returns one as its error:
//
//	return web.NewProblem(http.StatusConflict, "An item of this name exists.")
//
// Everything in it is shown to the client. Writing one does not change it, so one value may serve many requests.
type Problem struct {
	Type     string       // a URI that identifies the kind of problem; empty is "about:blank"
	Title    string       // empty is the phrase of Status, as RFC 9457 section 4.2.1 wants it for "about:blank"
	Status   int          // 400 to 599; anything else is sent as 500
	Detail   string       // what went wrong this time, a sentence; empty is left out
	Instance string       // a URI that identifies this occurrence; empty is left out
	Errors   []FieldError // which fields of the request are wrong; none is left out

	// Extra are further members (RFC 9457 section 3.2), in the order of their names. The members above and
	// request_id cannot be replaced, and a value that JSON cannot express is left out.
	Extra map[string]any
}

// FieldError says what is wrong with one field of a request.
type FieldError struct {
	Field  string `json:"field"` // where it is in the body: "price", "lines[2].price"
	Detail string `json:"detail"`
}

// NewProblem is the problem with this status and detail.
func NewProblem(status int, detail string) *Problem { return &Problem{Status: status, Detail: detail} }

// Invalid is a 422 that names one field, as in Invalid("price", "must not be negative").
func Invalid(field, detail string) *Problem {
	return &Problem{
		Status: http.StatusUnprocessableEntity,
		Detail: field + " " + detail + ".",
		Errors: []FieldError{{Field: field, Detail: detail}},
	}
}

// Error is the status and the detail.
func (p *Problem) Error() string {
	if p.Detail == "" {
		return strconv.Itoa(p.status()) + " " + p.title()
	}
	return strconv.Itoa(p.status()) + " " + p.title() + ": " + p.Detail
}

func (p *Problem) status() int {
	if p.Status < 400 || p.Status > 599 {
		return http.StatusInternalServerError
	}
	return p.Status
}

func (p *Problem) title() string {
	if p.Title != "" {
		return p.Title
	}
	if text := http.StatusText(p.status()); text != "" {
		return text
	}
	return "Error"
}

// WriteProblem writes p as the whole response to r, with the id of the request where it has one. It is for code
// that knows net/http only; handlers return the problem. Headers set before stay, such as Retry-After.
// A HEAD request gets no body.
func WriteProblem(w http.ResponseWriter, r *http.Request, p *Problem) {
	h, b := w.Header(), p.encode(RequestID(r.Context()))
	h[echo.HeaderContentLength] = []string{strconv.Itoa(len(b))} // it is whole for the client before the handler ends
	h[echo.HeaderContentType] = []string{"application/problem+json"}
	h[echo.HeaderXContentTypeOptions] = []string{"nosniff"}
	w.WriteHeader(p.status())
	if r.Method != http.MethodHead {
		_, _ = w.Write(b) // the client that does not get it cannot be told
	}
}

// encode is the body for the request with this id.
func (p *Problem) encode(requestID string) []byte {
	standard := struct {
		Type      string       `json:"type"`
		Title     string       `json:"title"`
		Status    int          `json:"status"`
		Detail    string       `json:"detail,omitempty"`
		Instance  string       `json:"instance,omitempty"`
		RequestID string       `json:"request_id,omitempty"`
		Errors    []FieldError `json:"errors,omitempty"`
	}{p.Type, p.title(), p.status(), p.Detail, p.Instance, requestID, p.Errors}
	if standard.Type == "" {
		standard.Type = "about:blank"
	}
	b, _ := json.Marshal(standard) // strings and an int: it cannot fail
	if len(p.Extra) == 0 {
		return append(b, '\n')
	}
	b = bytes.TrimSuffix(b, []byte("}"))
	for _, name := range slices.Sorted(maps.Keys(p.Extra)) {
		switch name {
		case "type", "title", "status", "detail", "instance", "request_id", "errors":
			continue
		}
		value, err := json.Marshal(p.Extra[name])
		if err != nil {
			continue
		}
		quoted, _ := json.Marshal(name)
		b = append(append(append(append(b, ','), quoted...), ':'), value...)
	}
	return append(b, '}', '\n')
}
